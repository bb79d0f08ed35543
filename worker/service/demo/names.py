"""Names of people, by culture, with about the share that each has among the demo organisation's employees."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Culture:
    """Given and family names that go together; the commoner ones come first."""

    name: str
    share: int
    given: tuple[str, ...]
    family: tuple[str, ...]


def _culture(name: str, share: int, given: str, family: str) -> Culture:
    return Culture(name, share, tuple(given.split(", ")), tuple(family.split(", ")))


CULTURES = (
    _culture(
        "german",
        38,
        "Anna, Michael, Sabine, Thomas, Julia, Andreas, Katharina, Stefan, Claudia, Markus, Petra, Jürgen, Jörg, "
        "Björn, Günther, Käthe, Sören, Matthias, Susanne, Christian, Nicole, Tobias, Melanie, Florian, Lena, Jan, "
        "Lukas, Marie, Johannes, Franziska, Sebastian, Heike, Ulrike, Götz, Rüdiger, Anneliese, Hans-Peter, "
        "Karl-Heinz, Anne-Kathrin, Eva-Maria, Dieter, Renate, Uwe, Birgit, Holger, Antje, Wiebke, Torsten, Silke, "
        "Bernd, Ingrid, Moritz, Greta, Felix",
        "Müller, Schmidt, Schneider, Fischer, Weber, Meyer, Wagner, Becker, Schulz, Hoffmann, Schäfer, Koch, Bauer,"
        " Richter, Klein, Wolf, Schröder, Neumann, Schwarz, Zimmermann, Braun, Krüger, Hofmann, Hartmann, Lange, "
        "Schmitt, Werner, Schmitz, Krause, Meier, Lehmann, Huber, Kaiser, Fuchs, Peters, Lang, Scholz, Möller, "
        "Weiß, Jung, Hahn, Schubert, Vogel, Friedrich, Keller, Günther, Frank, Berger, Winkler, Roth, Beck, Lorenz,"
        " Baumann, Böhm, Groß, Jäger, Köhler, Köster, Lüders, Nürnberger, Großmann, Weißbach, Strauß, Trübenbach, "
        "von der Heide, von Bülow, Freiherr von Üxküll, Müller-Lüdenscheidt, Schulze-Boysen, Meyer zu Hörste",
    ),
    _culture(
        "english",
        12,
        "Oliver, Emily, Jack, Charlotte, Harry, Grace, George, Amelia, James, Isla, Siân, Zoë, Chloë, Seán, Niamh, "
        "Siobhán, Benjamin, Eleanor, Samuel, Victoria, Joshua, Hannah, Daniel, Abigail, Ethan, Phoebe, Alexander, "
        "Imogen",
        "Smith, Jones, Taylor, Brown, Williams, Wilson, Johnson, Davies, Robinson, Wright, Thompson, Evans, Walker,"
        " White, Green, Hall, Wood, Harris, Lewis, Clarke, O'Neill, O'Connor, McDonald, MacLeod, Fitzgerald, St. "
        "John, Ashworth, Featherstonehaugh, Ó Briain, Hughes-Lloyd",
    ),
    _culture(
        "nordic",
        9,
        "Lars, Åse, Björk, Søren, Øyvind, Håkon, Mette, Kjersti, Jørgen, Pål, Åsa, Mårten, Göran, Märta, Eino, "
        "Päivi, Jyrki, Väinö, Guðrún, Þórunn, Sigríður, Anders, Ingeborg, Frida, Linnéa, Rasmus, Karoline, Henrik",
        "Hansen, Johansson, Andersen, Larsen, Nilsson, Sørensen, Jørgensen, Østergaard, Ødegård, Bråten, Sjöberg, "
        "Åkesson, Lindström, Björklund, Håkansson, Mäkinen, Hämäläinen, Korhonen, Nieminen, Järvinen, Jónsdóttir, "
        "Þórarinsson, Ólafsson, Kristjánsdóttir, Dahl, Lund, Holm, Bjerregaard",
    ),
    _culture(
        "polish",
        8,
        "Łukasz, Agnieszka, Paweł, Małgorzata, Michał, Żaneta, Grzegorz, Elżbieta, Krzysztof, Joanna, Tomasz, "
        "Zofia, Wojciech, Świętosława, Rafał, Bożena, Jakub, Ewa, Mateusz, Stanisława, Bogusław, Kinga",
        "Nowak, Kowalski, Wiśniewski, Wójcik, Kowalczyk, Kamiński, Lewandowski, Zieliński, Szymański, Woźniak, "
        "Dąbrowski, Kozłowski, Jabłoński, Wróbel, Piątek, Gołębiewski, Łuczak, Śliwiński, Żuławski, Ćwikła, "
        "Brzęczyszczykiewicz",
    ),
    _culture(
        "czech",
        5,
        "Jiří, Kateřina, Tomáš, Lucie, Ondřej, Zdeněk, Božena, Přemysl, Jaroslava, Matěj, Růžena, Václav, Štěpán, "
        "Žofie, Ľubica, Miloš, Dušan, Alžbeta",
        "Novák, Dvořák, Svoboda, Černý, Procházka, Kučera, Veselý, Horák, Němec, Pokorný, Růžička, Šťastný, "
        "Křížová, Hájek, Beneš, Žák, Řezníček, Ďurica, Šimko, Ľupták",
    ),
    _culture(
        "south slavic",
        5,
        "Đorđe, Željko, Jelena, Nikola, Čedomir, Snežana, Miloš, Žarko, Tijana, Branislav, Ljiljana, Luka, Mateja, "
        "Nejc, Špela, Dragana, Ivana, Goran",
        "Jovanović, Petrović, Nikolić, Đorđević, Marković, Ilić, Živković, Kovačević, Babić, Šarić, Vuković, "
        "Horvat, Knežević, Perišić, Božić, Čolak, Zupančič, Kržišnik",
    ),
    _culture(
        "turkish",
        7,
        "Ayşe, Mehmet, Fatma, Mustafa, Çağla, İbrahim, Gülşen, Ömer, Şeyma, Oğuzhan, Yağmur, Işıl, Emre, Büşra, "
        "Tuğba, Kağan, Özlem, Hüseyin, Elif, Ümit",
        "Yılmaz, Kaya, Demir, Çelik, Şahin, Yıldız, Öztürk, Aydın, Özdemir, Arslan, Doğan, Kılıç, Aslan, Çetin, "
        "Koç, Kurt, Özkan, Şimşek, Güneş, Işık, Erdoğmuş, Yüksel",
    ),
    _culture(
        "vietnamese",
        4,
        "Anh, Hương, Minh, Thảo, Đức, Linh, Tuấn, Phương, Hải, Ngọc, Quân, Thị Mai, Văn Nam, Thúy, Bảo",
        "Nguyễn, Trần, Lê, Phạm, Hoàng, Phan, Vũ, Đặng, Bùi, Đỗ, Hồ, Ngô, Dương, Lý",
    ),
    _culture(
        "romance",
        7,
        "José, María, François, Chloé, Jérôme, Hélène, Giulia, Matteo, Nuño, Begoña, João, Conceição, Inês, Luís, "
        "Andrés, Núria, Zoé, Benoît, Gaël, Ilaria, Niccolò, Ștefan, Ioana",
        "García, Fernández, Muñoz, Ibáñez, da Silva, Gonçalves, Araújo, Lefèvre, Dubois, Béranger, Château, "
        "d'Angelo, Rossi, De Luca, Núñez y Peña, L'Hôpital, Façonnet, Țurcanu, Ionescu, Magalhães",
    ),
    _culture(
        "hungarian",
        2,
        "Győző, Zsófia, Ágnes, László, Örs, Csilla, Gergő, Márta, Béla, Eszter",
        "Nagy, Kovács, Szabó, Tóth, Horváth, Kiss, Szőke, Erdős, Fülöp, Gyűrűs",
    ),
    _culture(
        "indian",
        3,
        "Aarav, Priya, Rahul, Ananya, Vikram, Lakshmi, Sanjay, Deepika, Arjun, Meera, Karthik, Sunita",
        "Sharma, Patel, Singh, Kumar, Gupta, Reddy, Iyer, Venkataraman, Chaudhary, Banerjee, Rao, Krishnamurthy",
    ),
)
