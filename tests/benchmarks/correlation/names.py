"""Names of a few countries, commonest first, and parts of which rarer surnames are put together.

Names fall off like 1 / (rank + 3): a handful is everywhere, most are seldom. Of the surnames, only the listed ones are
common; the others are made of ``starts`` and ``ends``, which gives a tail of some thousand.
"""

import random
from dataclasses import dataclass
from itertools import accumulate

_FLATTENING = 3.0


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@dataclass(frozen=True)
class Country:
    """``listed``: the share of people with a listed surname. ``orders``: how often the family name is written first."""

    given: tuple[str, ...]
    family: tuple[str, ...]
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    listed: float = 0.35
    middle: tuple[str, ...] = ()

    def draw_given(self, rng: random.Random) -> str:
        return _zipf(self.given, rng)

    def draw_family(self, rng: random.Random) -> str:
        if rng.random() < self.listed:
            return _zipf(self.family, rng)
        return _zipf(self.starts, rng) + rng.choice(self.ends)


def _zipf(words: tuple[str, ...], rng: random.Random) -> str:
    weights = list(accumulate(1 / (rank + _FLATTENING) for rank in range(len(words))))
    return rng.choices(words, cum_weights=weights)[0]


COUNTRIES: dict[str, Country] = {
    "de": Country(
        _words(
            "Peter Maria Michael Thomas Andreas Ursula Wolfgang Monika Petra Klaus Jürgen Günter Stefan "
            "Christian Anna Sabine Karin Elisabeth Martin Frank Andrea Uwe Claudia Susanne Julia Matthias Jörg "
            "Birgit Anja Katharina Sebastian Tobias Alexander Jan Lukas Laura Lena Sarah Christina Johannes "
            "Franziska Björn Sören Dörte Käthe Hannelore Maximilian Benjamin Florian Heike Tim Markus Ralf "
            "Silke Antje Jana Lea Moritz Götz Mareike"
        ),
        _words(
            "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer "
            "Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt "
            "Werner Krause Meier Lehmann Schmid Schulze Maier Köhler Herrmann König Walter Mayer Huber Kaiser "
            "Fuchs Peters Lang Scholz Möller"
        ),
        _words(
            "Stein Berg Wald Haus Acker Kirch Linden Eichen Bach Feld Holz Burg Wiesen Brunn Grün Röder Mühl "
            "Stroh Dorn Kessel Wind Löwen Blum Rosen Hirsch Thal Sand Büch Ober Nieder Rott Heid Schön Käst "
            "Falken Weid Dürr Gold"
        ),
        _words("mann er meyer bach berger hofer inger stein müller egger ke ner reiter berg feld dorf huber haus lein"),
    ),
    "en": Country(
        _words(
            "James John Robert Mary Michael William David Jennifer Richard Elizabeth Susan Joseph Thomas Sarah "
            "Charles Christopher Daniel Matthew Anthony Margaret Lisa Andrew Joshua Katherine Edward Kenneth "
            "Steven Timothy Emily Rebecca Nicholas Jonathan Samuel Benjamin Victoria Alexander Patricia Deborah "
            "Stephanie Gregory Patrick Jessica Amanda Christine Abigail Frederick Philip Theodore Zachary "
            "Nathaniel Harriet Gareth Imogen Alistair"
        ),
        _words(
            "Smith Jones Williams Taylor Brown Davies Evans Wilson Thomas Johnson Roberts Robinson Thompson "
            "Wright Walker White Edwards Hughes Green Hall Lewis Harris Clarke Patel Jackson Wood Turner Martin "
            "Cooper Hill Ward Morris"
        ),
        _words(
            "Ash Black Brad Har Wins Thorn Win Whit Mar Hol Chester Dun Lang Nor Oak Pres Rad Stan Sut West "
            "Wood Al Bur Cal Cran Ded Ed Fair Graf Hamp Kings Lin Mid Red Sher Tod Wake Yar"
        ),
        _words("ton ley field worth wood ham man well ford by combe croft bury den land more stead ridge"),
    ),
    "nordic": Country(
        _words(
            "Lars Anders Karin Anna Johan Per Erik Ingrid Björn Søren Åse Jens Kirsten Mikael Håkan Lena Gunnar "
            "Hanne Øyvind Bjørn Kåre Astrid Mette Henrik Nils Ole Niels Torbjörn Märta Jørgen Solveig Knut Maja "
            "Elsa Göran Åke Pål"
        ),
        _words(
            "Andersson Johansson Hansen Nielsen Jensen Larsen Karlsson Nilsson Eriksson Pedersen Olsen Andersen "
            "Larsson Olsson Persson Kristensen Sørensen Svensson Gustafsson Rasmussen Jørgensen Pettersson "
            "Bergström Lindström Åberg Østby"
        ),
        _words(
            "Berg Lind Sand Ek Lund Ny Å Sjö Hög Dal Grön Kvist Ström Skog Asp Hed Norr Öst Furu Strand Bjerk Kirke Mø"
        ),
        _words("ström gren qvist berg lund man stad dahl blad vik holm gaard by nes strand bakken"),
        0.55,
    ),
    "slavic": Country(
        _words(
            "Jan Petr Anna Jana Tomáš Jiří Eva Piotr Katarzyna Krzysztof Agnieszka Łukasz Małgorzata Marek "
            "Zdeněk Božena Ivan Marija Josip Željko Nataša Dušan Radosław Wojciech Paweł Václav Jaroslav Lenka "
            "Miroslav Aleksandar Snežana Andrzej Stanisław Joanna Vojtěch Ondřej Kateřina Jelena Nikola Zuzana "
            "Grzegorz Barbora"
        ),
        _words(
            "Novák Kowalski Horvat Nowak Svoboda Novotný Dvořák Wiśniewski Kovačević Wójcik Černý Procházka "
            "Kowalczyk Babić Marić Kučera Veselý Kamiński Lewandowski Jurić Jovanović Petrović Nikolić "
            "Zieliński Szymański Němec Pokorný Woźniak"
        ),
        _words(
            "Koval Novo Bor Kral Vlad Mil Rado Stan Zelen Hor Bran Grab Dom Kos Mar Pav Rus Such Tom Vran Wyso "
            "Za Žiž Šev"
        ),
        _words("ski cki ić ović ek ák ka čík czyk enko owicz iak áček ec anić ewski inský"),
        0.4,
    ),
    "tr": Country(
        _words(
            "Mehmet Mustafa Ayşe Fatma Ahmet Ali Emine Hüseyin Hasan Hatice Zeynep İbrahim Elif Murat Ömer "
            "Özlem Yusuf Gökhan Çağla Şükrü Burak Emre Işıl Oğuz Tuğba Serkan Ümit Deniz Selin Kübra Cem Büşra "
            "İsmail"
        ),
        _words(
            "Yılmaz Kaya Demir Şahin Çelik Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin "
            "Kara Koç Kurt Özkan Şimşek Polat Korkmaz Çakır Erdoğan Güneş Aktaş Tekin"
        ),
        _words("Ak Kara Öz Er Yıl Gül Bal Taş Demir Altın Kork Sarı Uz Bay Çak Doğ Gün Kız Top Yal"),
        _words("oğlu can taş kan soy ay er maz gün er gil dağ tekin bulut çı"),
        0.55,
    ),
    "vi": Country(
        _words(
            "Anh Hương Minh Linh Hùng Dũng Tuấn Lan Hoa Đức Thảo Trang Hải Nam Phương Long Mai Quang Huy Ngọc "
            "Hà Thủy Bình Sơn Khánh Vinh Yến Đạt Thịnh Giang Nga Tâm Loan Phúc Cường"
        ),
        _words("Nguyễn Trần Lê Phạm Hoàng Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Trịnh Mai Đào Lâm Hà Cao Tạ"),
        _words("Tô Ông La Quách Kiều Thái Từ Vương Tăng Lương Châu Chu Doãn Khổng Nghiêm"),
        ("",),
        0.93,
        _words("Thị Văn Thanh Hữu Minh Ngọc Đức Kim Quốc Xuân"),
    ),
    "fr": Country(
        _words(
            "Marie Jean Pierre Michel Nathalie Philippe Isabelle Catherine François Sylvie Nicolas Stéphane "
            "Céline Julien Anaïs Jérôme Frédéric Sébastien Hélène Zoé Benoît Aurélie Gaëlle Mathieu Guillaume "
            "Élodie Thérèse Antoine Clément Valérie Christophe Noël Raphaël Léa Chloé Jeanne Thierry Mireille"
        ),
        _words(
            "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefèvre Michel "
            "Garcia David Bertrand Roux Vincent Fournier Morel Girard André Mercier Dupont Lambert Bonnet "
            "François Martinez Faure"
        ),
        _words(
            "Beau Mont Font Châte Vill Grand Saint Bois Rou Che Cor Des Gau Ger Lam Mar Nor Pel Ros Tri Val Ver Cler"
        ),
        _words("eau ault in ier ard oux ieux et elle aud ain champ mont court lain ois ville andre ac"),
        0.3,
    ),
    "es": Country(
        _words(
            "Antonio María José Manuel Francisco Carmen Juan Ana Javier Isabel Carlos Laura Miguel Pilar Rafael "
            "Dolores Jesús Cristina Ángel Marta Pedro Lucía Alejandro Raquel Fernando Sergio Pablo Rosa Íñigo "
            "Begoña Núria Ramón Óscar Mónica Andrés Inés Ignacio Concepción Guillermo"
        ),
        _words(
            "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz "
            "Hernández Díaz Moreno Muñoz Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos "
            "Gil Ramírez Serrano Blanco"
        ),
        _words("Cas Mon Agui Bel Car Esc Vill Zub Ola Iba Echev Men Pal Quin Sal Tor Urr Val Zam Arr Bar"),
        _words(
            "tillo tero lar monte vajal obar alobos iaga ndo rri eta doza acios tana azar ejón utia enzuela ora ieta"
        ),
        0.5,
    ),
    "it": Country(
        _words(
            "Giuseppe Maria Anna Antonio Giovanni Francesco Angela Mario Luigi Rosa Andrea Stefano Marco Giulia "
            "Alessandro Paola Roberto Chiara Francesca Niccolò Davide Simona Lorenzo Matteo Federica Elena "
            "Riccardo Vincenzo Salvatore Silvia"
        ),
        _words(
            "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti Costa "
            "Giordano Mancini Rizzo Lombardi Moretti Barbieri Fontana Santoro Mariani Rinaldi Caruso Ferrara "
            "Galli Martini Leone D'Angelo"
        ),
        _words("Bel Mont Cas Pal Fer Bon Cap San Gar Bar Mar Tor Vit Zan Pel Mag Lan Fab Gri Bern Cor Del"),
        _words("lini ucci etti ini one elli ari azzi otti anelli ardi izzi asso ella oni iani asi ente aro"),
        0.25,
    ),
    "nl": Country(
        _words(
            "Johannes Maria Jan Cornelis Anna Willem Hendrik Pieter Johanna Dirk Wilhelmina Jeroen Marieke "
            "Sander Anouk Bram Femke Daan Sanne Joris Maarten Esther Ruud Ingeborg Geert Lotte Niels Annemarie "
            "Joost Thijs Fleur Gijs"
        ),
        _words(
            "De-Jong Jansen De-Vries Bakker Visser Smit Meijer Mulder Bos Vos Peters Hendriks Dekker Dijkstra "
            "Brouwer Koning Willems Schouten Hoekstra Postma Kok Verhoeven Prins Huisman Kuipers Peeters "
            "Veenstra Groen"
        ),
        _words("Hoek Veen Dijk Broek Wester Ooster Zand Kamp Berg Molen Haar Vlie Heu Schoon Lem Nieuw Ter Bloem Kool"),
        _words("stra ma huis veld kamp mans hof bergen sma burg dijk man hoven wijk oven horst inga laar"),
        0.35,
    ),
}

#: What people are called for short, and how often that is what their account says is a parameter.
NICKNAMES: dict[str, tuple[str, ...]] = {
    name: tuple(short.split())
    for name, short in {
        "Michael": "Mike Micha Michi", "Thomas": "Tom Tommy", "Andreas": "Andi Andy", "Ursula": "Uschi Ulla",
        "Elisabeth": "Lisa Sissi Elli", "Christian": "Chris", "Katharina": "Kathi Kati", "Sebastian": "Basti Bastian",
        "Tobias": "Tobi", "Alexander": "Alex Sascha", "Johannes": "Hannes Jo", "Franziska": "Franzi Ziska",
        "Maximilian": "Max Maxi", "Benjamin": "Ben Benni", "Matthias": "Matze", "Wolfgang": "Wolf Wolfi",
        "Hannelore": "Hanne", "Stefan": "Steff", "Susanne": "Susi Sanne", "Christina": "Tina Chris", "Florian": "Flo",
        "James": "Jim Jimmy", "John": "Jack Johnny", "Robert": "Bob Rob", "William": "Bill Will", "David": "Dave",
        "Jennifer": "Jenny Jen", "Richard": "Dick Rick", "Elizabeth": "Liz Beth Betty", "Susan": "Sue",
        "Joseph": "Joe", "Charles": "Charlie Chuck", "Christopher": "Chris Kit", "Daniel": "Dan Danny",
        "Matthew": "Matt", "Anthony": "Tony", "Margaret": "Peggy Maggie", "Andrew": "Andy Drew", "Joshua": "Josh",
        "Katherine": "Kate Kathy", "Edward": "Ted Ed", "Kenneth": "Ken", "Steven": "Steve", "Timothy": "Tim",
        "Rebecca": "Becky", "Nicholas": "Nick", "Jonathan": "Jon", "Samuel": "Sam", "Victoria": "Vicky Tori",
        "Patricia": "Pat Trish", "Deborah": "Debbie", "Stephanie": "Steph", "Gregory": "Greg", "Patrick": "Paddy Pat",
        "Jessica": "Jess", "Amanda": "Mandy", "Christine": "Chris", "Abigail": "Abby", "Frederick": "Fred",
        "Philip": "Phil", "Theodore": "Ted Theo", "Zachary": "Zach", "Nathaniel": "Nate", "Mikael": "Micke",
        "Katarzyna": "Kasia", "Krzysztof": "Krzysiek", "Agnieszka": "Aga", "Małgorzata": "Gosia", "Jiří": "Jirka",
        "Stanisław": "Staszek", "Wojciech": "Wojtek", "Aleksandar": "Aca Saša", "Joanna": "Asia", "Zuzana": "Zuzka",
        "Mehmet": "Memo", "Mustafa": "Musti", "İbrahim": "İbo", "Antonio": "Toni Toño", "José": "Pepe",
        "Francisco": "Paco Fran", "Manuel": "Manolo", "Dolores": "Lola", "Ignacio": "Nacho", "Rafael": "Rafa",
        "Alejandro": "Alex", "Giuseppe": "Beppe Pino", "Francesco": "Franco", "Giovanni": "Gianni",
        "Alessandro": "Sandro Ale", "Salvatore": "Totò", "Catherine": "Cathy", "Frédéric": "Fred",
        "Nicolas": "Nico", "Guillaume": "Guigui", "Sébastien": "Seb", "Cornelis": "Cees Kees", "Hendrik": "Henk",
        "Willem": "Wim", "Pieter": "Piet", "Wilhelmina": "Mina", "Johanna": "Jo Hanna",
    }.items()
}  # fmt: skip
