"""Given names and what people are called for short. A short form may belong to several names."""

from functools import lru_cache

from worker.correlation.normalize import name_tokens

_CLASSES = """
abigail abby gail; agnieszka aga agnes; albert al bert bertie; alexander alex sascha sasha xander sandro alec lex
aleksandar alejandro alessandro alexandre aleksander oleksandr olek ola; alexandra alex sandra sascha sasha lexi
alessandra aleksandra ola; alfred fred alf alfie; amanda mandy; anastasia nastya ana stacy; andrea andi andy;
andreas andi andy andre andrew drew anders andrzej andrej ondrej andrei; anna anne ann annie anni anja hanna ania
anka; annemarie anne; anthony tony anton antonio toni antoine tonio; antje anna; archibald archie; arthur art artur;
barbara barb babs barbel basia bara; barbora bara barca; bartholomew bart; bartosz bartek; beatrice bea trixie
beatrix; benjamin ben benny benni benji; bernhard bernd bernie bernard berni; birgit biggi gitte brigitte; bozena
bozka; cameron cam; carolina caro lina caroline carol karoline; catherine cathy cat kate kathy cath katherine
kathryn katie kitty kay katharina kathi kati katja katrin kathrin karin katarina katerina katka katarzyna kasia kaja
kathleen catalina caterina catalin trina rina; cecilia cecile cilla silke; charles charlie chuck chas carl karl
carlos carlo charly; charlotte lotte charlie lottie char; christian chris christiaan krystian kristian; christina
christine chris tina chrissy christiane kirsten kristina krystyna cristina kirstin stina; christopher chris kit
topher christoph christophe krzysztof krzys krzysiek stoffel; clara klara; claudia claudi; concepcion concha;
cornelia conny nele nelly; cornelis cees kees cor corneel; daniel dan danny dani daniele danilo; daniela dani
danielle dana; david dave davey davide dawid; deborah debbie debby deb; dietrich dieter; dmitri dima dmitry dimitri
dmytro; dolores lola; dominik nik dominic dom dominique; donald don donnie; dorothea doro thea dorothy dot dorte
dorothee; douglas doug; dusan dule; edmund ed eddie ned; eduard edi ede; edward ed eddie ted ned teddy eduardo edek;
eleanor ellie nell nora lena eleonore; elisabeth elizabeth lisa lise liz lizzy beth betty betsy eliza elsa else
elsie elli elly lisbeth sissi sissy bettina libby isabel isabelle isabella bella izzy lilibeth elise elzbieta ela
alzbeta erzsebet; emanuel manu manny emmanuel; emilia emily emmy milly emma; emil emile; erich eric erik eryk; ernst
ernest ernie; esther essie; eugene gene eugen; eva eve evi evelyn ewa evka; ferdinand ferdi nand fernando; filip
phil philip philipp phillip felipe philippe pip flip; florian flo; frances fran fanny francesca franziska franzi
ziska sissi francoise cisca; francis frank fran francisco paco pancho curro francesco franco ciccio franz francois
frans frantisek fanda ferenc cesco; franklin frank; fredericka rica friederike rike fritzi; frederick fred freddy
freddie rick fritz friedrich frederic frederik fredrik federico rico fede; gabriel gabe gabi; gabriele gabi gaby
gabriela gabriella; gareth gary gaz; geoffrey geoff jeff jeffrey; georg george jorg schorsch jurgen jiri jirka jorge
giorgio jerzy jurek juraj goran georges yuri joris; gerald gerry jerry gerd; gerard gerry; gerhard gerd gert hardy;
gertrud gerti trude traudl; gillian gill jill; giovanni gianni nino vanni; giuseppe beppe peppe pino beppino; goran;
gregory greg gregor grzegorz grzesiek gregorio; gunter gunther; gustav gus gusti gustaf; guillaume guigui guy
william; guillermo memo willy; hannelore hanne lore hanni; harald harry; harold harry hal; harriet hattie; hatice
hatca; heinrich heinz heiner harry henry hank henri henrik hendrik henk enrico enrique rik rico hinnerk henryk heiko
hein; helena lena elena helene lene leni ilona jelena olena ellen helen hela; herbert herb bert; hubert hugo; hugh
hugo; ibrahim ibo; ignacio nacho ignaz ignatius inaki; ilse ilsa; immanuel manuel; ingeborg inge; ingrid inga inge;
irene irina renia; isaac ike; ismail isi; ivan vanja vanya iwan; jacob jake jakob jack jakub kuba jaap james jacques
jaime diego giacomo jim jimmy jamie iacopo; jacqueline jackie; janusz jan; jaroslav jarda slava jarek; jaroslaw
jarek; jennifer jenny jen jenni jenna; jeremy jerry jem jeremias; jerome jerry; jessica jess jessie jessy; jesus
chus chuy; joachim jochen achim joaquin quino jo; joanna joan jo asia joasia johanna hanna hanne joana jana giovanna
jeanne jeannette juana jo ivana jane jean janet; jonathan jon johnny jonny nathan; johannes hannes hans jan jo
johann johan john jack johnny jens han hansi jean juan giovanni ivan ian sean jon janek jasiek honza ivo; joseph joe
joey jo josef sepp pepe jose giuseppe beppe jozef josip joza jupp josefine pepa pepi jef; josephine josie jo josefa
sefi fina; joshua josh; judith judy jutta; julia julie jule jules juliane giulia yulia julka; julian jules julien;
justin just; kenneth ken kenny; klaus claus niklas nikolaus claas; kornel kornelius; konrad conny kurt conrad radek;
krystyna krysia; kubra kubi; laura laurie lori; laurence larry lorenz lars laurenz lorenzo renzo enzo laurent
lawrence laurens wawrzyniec lasse; leonard leo len lenny leonhard lennart; leopold poldi leo; leslie les; louis lou
lewis ludwig luis luigi gigi lutz lodewijk louie; louise lou luise luisa lulu; lukas luke luca lucas lukasz luka;
maciej maciek; magdalena magda lena leni madeleine magdalene malena; malgorzata gosia margaret gosha margarete;
manfred manni fred manny; manuel manolo manu manny emanuel lolo; marcus mark marc marco marek markus marcos marcin
marko; margaret maggie meg peggy margie greta madge marge rita daisy gretchen grete margarethe margarita margit
marguerite marketa megan; maria marie mary mia mitzi mimi ria marija maja mariella marika molly miriam polly maryse
marysia maja mariana; marjorie marge margie; martha marta patty; martin marty martijn tijn marcin; martina tina;
mateusz mati mateo; mathilde tilda tilly matilda; matthew matt matty mathew matthias matze mats matti mateo matteo
mateusz matej mathias thijs mathieu mattias mads matthijs; maurice moritz mo maurizio mauricio; max maximilian maxi
maxime massimo massimiliano maksymilian maks; maxine max; mehmet memo mehmed; melanie mel melly melli; melissa mel
lissa missy; michael mike mick micky michi micha mikey mitch misha michal michel miguel mikael mikkel micke mihail
mikhail michele michiel mihai mischa micheal; michaela michi michelle micha ela misa; milan milos; miroslav mirek
mirko; miroslaw mirek; monika mona moni monica monique; moritz mo; murat muri; mustafa musti; nadezhda nadja nadia;
nancy nan ann; natalia natasha natalie nat talia nathalie nata natasa; nathan nate nat nathaniel; nathaniel nate nat
nathan; nicholas nick nicky nico nicolas klaus nikolaus nils niklas nikola nikolai nicolo niccolo colin niels
mikolaj miklos claus; nicole nicky nicola nikki; norbert bert; oliver ollie olli olivier noll; olivia liv livia
olive; oscar ossi; osman; othmar otto; pamela pam; patricia pat patty trish tricia patsy patrizia; patrick pat paddy
patrik patrice rick; paul pablo paolo pavel pawel paulo pavle paco pal poul; paula pauline paulina paola; penelope
penny; percival percy; peter pete petr pierre piotr pedro pietro piet pieter per petter petar pit petro petri peer
pekka; petra petronella petri; pilar pili; prudence prue; radoslaw radek; rafael rafa rafe raphael raff raffaele;
ramona mona; raymond ray ramon moncho; rebecca becky becca reba bekka; reinhard reini hardy; regina gina gine;
reinhold holdi; renate reni nate; richard rick rich dick ricky richie riccardo ricardo ritchie rik ryszard dickie;
robert rob bob bobby robbie bert roberto robi robin rupert ruprecht bertus; roberta bobbie robin; roderick rod;
rodrigo rodri; roger rodger rutger rudiger; roland rolf rollo orlando; ronald ron ronnie; rosa rosie rosi rose
rosemarie; rosalind ros roz; rosemary rosie rose; rosario charo; rudolf rudi rolf rudy rodolfo ruud dolf; russell
russ; ruth ruthie; sabine bine sabina; salvatore toto salvo turi salvador; samantha sam sammy; samuel sam sammy;
sara sarah sally sadie zara; sebastian basti bastian seb sebastiaan sebastien bas wastl; selina celine; sergio serge
sergej sergey serhiy; sergei serjoscha; siegfried sigi siggi fred; sigrid siri sigi; simon simeon szymon sim; simone
mona simona; snezana sneza; sofia sophie sophia zofia zosia fie sonja sonia zsofia; solveig; stanislaus stan stani;
stanislav standa slava stan; stanislaw staszek stan stas; stefan steff steffen stephan steven steve stephen stevie
esteban etienne stefano istvan szczepan stephane steph fanni; stefanie steffi stephanie steph steffie fanny
stefania; susan sue suzy susie suzie susanne susi suse suzanne sanne susanna zuzana zuzka zuzanna zuza suzana;
svetlana sveta lana; sylvia silvia sylvie silvi; szczepan; tatiana tanja tanya tania; terence terry; theodor theo
ted teddy theodore fedor teodoro doro; theresa terry tess tessa tracy resi therese teresa; thomas tom tommy tomas
thom tommaso tomasz tomek toms; timothy tim timmy timo timotheus; tobias tobi toby; tomislav tomo; torsten thorsten
toto; torbjorn bjorn; tugba tugi; udo ulrich; ulrich uli ulli ulrik; ulrike uli ulli rike; ursula uschi ulla ursel
uli urszula ula ursi; ute uta; vaclav vasek wenzel waclaw; valentin valli tino; valerie val valeria; veronica ronnie
vera vroni veronika nika; victor vic viktor vik; victoria vicky tori vic viktoria vikki; vincent vince vinny vinzenz
vincenzo enzo cenzo vicente; virginia ginny ginger gina; vladimir vlad volodya vova volodymyr vlado wladimir;
vojtech vojta; waldemar waldi; walter walt wally wat gualtiero wout wouter; wendelin wendel; werner verner; wilhelm
willi willy wim will helmut helm helmi; wilhelmina mina wilma mien helma mini minnie; william bill will billy willy
liam bil wilhelm willem guillermo guglielmo wim; wojciech wojtek adalbert; wolfgang wolf wolfi gangerl; yusuf yussi;
zachary zach zack zac; zbigniew zbyszek; zdenek zdenda; zeljko zeljo; zeynep zeyno; zuzana zuzka susi; antonio toni
tonio nino tonino antonello; begona bego; consuelo chelo; cristobal tobal; enrique quique kike; eduardo edu lalo;
gonzalo gonzo chalo; guadalupe lupe; javier javi xavi xavier; jose maria chema; luis lucho; mercedes merche;
montserrat montse; roberto beto berto; alberto beto berto; teodora dora; vasily vasya; yevgeny zhenya; konstantin
kostya; leonid lenya; pavel pasha; roman roma;
""".replace("\n", " ")


def _by_name() -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, names in enumerate(_CLASSES.split(";")):
        for name in names.split():
            found.setdefault(" ".join(name_tokens(name)), set()).add(number)
    return {name: frozenset(classes) for name, classes in found.items()}


@lru_cache(maxsize=1)
def _known() -> dict[str, frozenset[int]]:
    return _by_name()


def classes_of(token: str) -> frozenset[int]:
    """The names that a normalised token is, or is short for; empty for a name that is not known here."""
    return _known().get(token, frozenset())


def may_be_called(one: str, other: str) -> bool:
    """Whether two normalised tokens may be the given name of one person: ``bob`` and ``robert``."""
    return not classes_of(one).isdisjoint(classes_of(other))
