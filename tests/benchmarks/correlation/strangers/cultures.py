"""How people of several parts of the world are called, and what is made of it elsewhere.

Common names are listed; the long tail of surnames is spelt together from syllables, so that it has no end.
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Called:
    """One person's names. ``given`` and ``family`` may have several words."""

    given: str
    family: str
    culture: str


@dataclass(frozen=True)
class Culture:
    """``skew``: how much commoner the first names of the lists are. ``tail``: the share of surnames from syllables."""

    given: tuple[str, ...]
    family: tuple[str, ...]
    syllables: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    skew: float = 2.0
    tail: float = 0.5
    middle: tuple[str, ...] = ()
    has_two_families: bool = False
    is_female: str = ""


def drawn(culture: str, rng: random.Random) -> Called:
    """Somebody."""
    known = CULTURES[culture]
    given = _skewed(known.given, known.skew, rng)
    if known.middle and rng.random() < 0.8:
        given = (
            f"{rng.choice(known.middle)} {given}" if culture == "vietnamese" else f"{given} {_other(known, given, rng)}"
        )
    elif rng.random() < 0.07:
        given = f"{given} {_other(known, given, rng)}"
    family = family_of(culture, rng)
    if known.has_two_families and rng.random() < 0.85:
        family = f"{family} {family_of(culture, rng)}"
    return Called(given, family, culture)


def family_of(culture: str, rng: random.Random) -> str:
    """A surname, for one who marries too."""
    known = CULTURES[culture]
    if known.syllables and rng.random() < known.tail:
        count = 1 if rng.random() < 0.6 else 2
        return "".join(rng.choice(known.syllables) for _ in range(count)).title() + rng.choice(known.endings)
    return _skewed(known.family, known.skew, rng)


def _other(known: Culture, given: str, rng: random.Random) -> str:
    return rng.choice([name for name in known.given if name != given])


def _skewed(words: tuple[str, ...], skew: float, rng: random.Random) -> str:
    return words[int(len(words) * rng.random() ** skew)]


def _w(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CULTURES: dict[str, Culture] = {
    "vietnamese": Culture(
        _w(
            "Anh Minh Hương Linh Hùng Dũng Lan Thảo Tuấn Hoa Phương Trang Nam Long Thu Hà Mai Quân Sơn Đức "
            "Hiếu Yến Ngọc Bình Cường Giang Hằng Khánh Lâm My Nga Oanh Phúc Quỳnh Tâm Uyên Vân Xuân Đạt Huy "
            "Kiên Loan"
        ),
        _w(
            "Nguyễn Trần Lê Phạm Hoàng Phan Vũ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Trịnh Mai Cao Đoàn Tô Tạ Hà"
        ),
        middle=_w("Thị Văn Đức Minh Ngọc Thanh Quang Hữu Thu Xuân Bảo Gia Kim"),
        skew=1.6,
    ),
    "chinese": Culture(
        _w(
            "Wei Jing Li Min Yan Ting Hao Jun Xin Yu Lei Xiaoming Meiling Jianguo Zhiwei Xiuying Guifen Yifan "
            "Zihan Haoran Ruoxi Yuxuan Mengyao Siyu Tianyu Xiaoli Junjie Bowen Chenxi Yutong Lihua Guoqiang "
            "Zhihao Wenjing Fei Na Ping"
        ),
        _w(
            "Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin Gao Luo Zheng Liang "
            "Xie Tang Ouyang"
        ),
        skew=1.4,
    ),
    "arabic": Culture(
        _w(
            "Mohammed Ahmed Ali Fatima Omar Hassan Khaled Yousef Aisha Mariam Ibrahim Mustafa Abdullah Nour "
            "Layla Hussein Tariq Samir Rania Hala Salma Karim Amina Zainab Faisal Nasser Huda Yasmin Bilal "
            "Ziad Dina Rami Walid Lina"
        ),
        _w(
            "El-Sayed Haddad Khoury Mansour Al-Masri Hassan Abdel-Rahman Al-Rashid Najjar Saleh Nasser "
            "Ibrahim Khalil Aziz Ben-Ali Bouzid El-Amin Farouk Hamdan Jaber Kassem Mahfouz Qasim Rahman Sabri "
            "Taleb Youssef Zaki Al-Hashimi"
        ),
        _w("had mas kar sal rab naj fak bash zay mud tah qar"),
        ("i", "an", "awi", "ouri", "eh", "ani"),
        tail=0.4,
    ),
    "slavic": Culture(
        _w(
            "Jan Anna Piotr Katarzyna Tomáš Petra Jiří Lenka Ivan Olga Dmitri Natalia Miloš Jelena Zoran "
            "Ivana Marek Agnieszka Krzysztof Małgorzata Václav Zdeněk Věra Ondřej Łukasz Željko Dušan Sergei "
            "Svetlana Bogdan Halina Vesna Goran"
        ),
        _w(
            "Novák Kowalski Svoboda Nowak Horvat Ivanov Petrov Dvořák Wiśniewski Jovanović Kovačević Novotný "
            "Wójcik Marić Černý Petrović Zieliński Szymański Procházka Kučera Lewandowski Đorđević Babić "
            "Popov Sokolov Volkov"
        ),
        _w("stan mal bar vra hru kal ost pod ros sev tor zab brz dol gor jel krat"),
        ("ský", "ič", "ák", "ov", "ek", "owski", "ić", "enko", "ný"),
    ),
    "spanish": Culture(
        _w(
            "María José Antonio Carmen Manuel Ana Francisco Lucía Javier Laura David Marta Carlos Elena "
            "Miguel Sofía Pablo Raquel Álvaro Beatriz Íñigo Rocío Jesús Pilar Ángel Inés Andrés Nuria Sergio "
            "Begoña Joaquín Concepción"
        ),
        _w(
            "García González Rodríguez Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz "
            "Hernández Díaz Moreno Muñoz Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez "
            "Ramos Gil Ramírez Serrano Ibáñez Núñez"
        ),
        _w("agui bena cas echa mont ura vil zab quin ord"),
        ("rre", "llo", "nes", "dor", "ga", "ña", "mendi"),
        tail=0.3,
        has_two_families=True,
    ),
    "indian": Culture(
        _w(
            "Rahul Priya Amit Anjali Sanjay Deepa Vikram Sunita Rajesh Kavita Arjun Lakshmi Suresh Pooja Ravi "
            "Neha Karthik Divya Anil Meera Vijay Shreya Manish Asha Ganesh Swati Nikhil Rekha Harish "
            "Venkatesh Subramanian Aishwarya"
        ),
        _w(
            "Kumar Sharma Singh Patel Reddy Gupta Iyer Nair Rao Das Mehta Joshi Verma Menon Pillai Chatterjee "
            "Banerjee Mukherjee Desai Kulkarni Bhat Krishnan Srinivasan Agarwal Malhotra Kapoor Khan Shah "
            "Naidu Hegde"
        ),
        _w("rama siva venka guru chandra bala hari mada nara"),
        ("swamy", "krishnan", "nathan", "murthy", "appa", "raju"),
        tail=0.25,
    ),
    "english": Culture(
        _w(
            "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard "
            "Susan Joseph Jessica Thomas Sarah Charles Karen Daniel Nancy Matthew Margaret Anthony Sandra "
            "Steven Ashley Andrew Emily Joshua Donna Kenneth Michelle Edward Amanda Timothy Melissa Gregory "
            "Deborah Benjamin Kathleen Nicholas Samantha Alexander"
        ),
        _w(
            "Smith Johnson Williams Brown Jones Davis Miller Wilson Moore Taylor Anderson Thomas Jackson "
            "White Harris Martin Thompson Robinson Clark Lewis Lee Walker Hall Allen Young King Wright Hill "
            "Scott Green Adams Baker O'Brien McCarthy"
        ),
        _w("ash brad clif dun eld fair hart kirk lang mar nor pem rad stan thorn wood wick"),
        ("ton", "ford", "ley", "well", "field", "er", "s", "man", "by"),
    ),
    "german": Culture(
        _w(
            "Thomas Sabine Andreas Petra Stefan Monika Jürgen Ursula Michael Claudia Wolfgang Katrin Jörg "
            "Heike Günther Bärbel Matthias Susanne Björn Anja Holger Silke Rüdiger Elke Markus Nicole Tobias "
            "Stefanie Jonas Hannah Leon Lea Sören"
        ),
        _w(
            "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Bauer Koch "
            "Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Krüger Hartmann Köhler Böhm Weiß Jäger "
            "Kühn Vogt"
        ),
        _w("al brink dör eich fröh grün hüt lö mühl oster pfeif rüt schön trau wies"),
        ("mann", "berg", "ner", "ke", "hoff", "eler", "brand", "städt"),
    ),
    "brazilian": Culture(
        _w(
            "Ana João Maria Pedro Beatriz Lucas Larissa Gabriel Juliana Rafael Camila Bruno Fernanda Thiago "
            "Letícia Felipe Mariana Gustavo Patrícia Vinícius Débora Márcio Conceição Antônio Luís Flávia "
            "Otávio Simone Caio Renata"
        ),
        _w(
            "Silva Santos Oliveira Souza Lima Pereira Ferreira Costa Rodrigues Almeida Nascimento Alves "
            "Carvalho Araújo Ribeiro Gonçalves Barbosa Rocha Dias Moreira Mendes Cardoso Teixeira Correia "
            "Magalhães Assunção"
        ),
        has_two_families=True,
        skew=1.7,
    ),
    "french": Culture(
        _w(
            "Jean Marie Pierre Nathalie Michel Isabelle Philippe Sylvie Alain Catherine Nicolas Françoise "
            "Laurent Valérie Christophe Hélène Frédéric Céline Stéphane Aurélie Jérôme Élodie Jean-Luc "
            "Anne-Marie Benoît Chloé Gaëlle Rémi"
        ),
        _w(
            "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefèvre "
            "Michel Garcia David Bertrand Roux Vincent Fournier Morel Girard Lefebvre Mercier Dupont Lambert "
            "Bonnet François Faure Béranger"
        ),
        _w("beau char dela gran lac mont pel ros val vill"),
        ("mont", "rault", "tier", "court", "eau", "ard", "ière"),
    ),
}  # fmt: skip

#: What people call themselves, or are called, in place of their given name.
SHORT: dict[str, tuple[str, ...]] = {
    "Robert": ("Bob", "Rob"), "William": ("Bill", "Will"), "Richard": ("Dick", "Rick"), "James": ("Jim", "Jimmy"),
    "Elizabeth": ("Liz", "Beth"), "Jennifer": ("Jen", "Jenny"), "Michael": ("Mike", "Mick"),
    "Patricia": ("Pat", "Trish"),
    "Thomas": ("Tom",), "Matthew": ("Matt",), "Anthony": ("Tony",), "Steven": ("Steve",),
    "Andrew": ("Andy", "Drew"),
    "Joshua": ("Josh",), "Kenneth": ("Ken",), "Timothy": ("Tim",), "Gregory": ("Greg",), "Benjamin": ("Ben",),
    "Nicholas": ("Nick",), "Samantha": ("Sam",), "Alexander": ("Alex",), "Joseph": ("Joe",), "Daniel": ("Dan",),
    "Susan": ("Sue",), "Margaret": ("Maggie", "Peggy"), "Deborah": ("Debbie",), "Edward": ("Ed", "Ted"),
    "Charles": ("Chuck",),
    "Francisco": ("Paco",), "José": ("Pepe",), "Concepción": ("Concha",), "Manuel": ("Manolo",),
    "Javier": ("Javi",),
    "Katarzyna": ("Kasia",), "Małgorzata": ("Gosia",), "Agnieszka": ("Aga",), "Krzysztof": ("Krzysiek",),
    "Dmitri": ("Dima",),
    "Jiří": ("Jirka",), "Wolfgang": ("Wolf",), "Susanne": ("Susi",), "Stefanie": ("Steffi",),
    "Matthias": ("Matze",),
    "Christophe": ("Chris",), "Frédéric": ("Fred",), "Stéphane": ("Steph",), "Isabelle": ("Isa",),
    "Nathalie": ("Nath",),
    "Gabriel": ("Gabi",), "Fernanda": ("Nanda",), "Antônio": ("Toninho",), "Mohammed": ("Mo",),
    "Abdullah": ("Abdul",),
    "Venkatesh": ("Venky",), "Subramanian": ("Subbu",), "Ursula": ("Uschi",), "Sergei": ("Serge",),
}  # fmt: skip

#: One name in other letters, as other clerks have it.
VARIANTS: dict[str, tuple[str, ...]] = {
    "Mohammed": ("Muhammad", "Mohamed", "Mohamad"), "Ahmed": ("Ahmad",), "Yousef": ("Youssef", "Yusuf"),
    "Hussein": ("Hussain", "Husayn"), "Khaled": ("Khalid",), "Omar": ("Umar",), "Fatima": ("Fatma",),
    "Aisha": ("Aysha",),
    "Layla": ("Leila",), "Mariam": ("Maryam",), "Karim": ("Kareem",), "Tariq": ("Tarek",), "Nour": ("Noor",),
    "Dmitri": ("Dmitry", "Dimitri"), "Sergei": ("Sergey",), "Natalia": ("Natalya",), "Najjar": ("Naggar",),
    "Khoury": ("Khouri",), "Qasim": ("Kassem",), "Al-Rashid": ("Alrashid", "Al Rashid"),
    "El-Sayed": ("Elsayed", "El Sayed"),
    "Abdel-Rahman": ("Abdelrahman", "Abd El Rahman"), "Al-Masri": ("Almasri", "El Masry"), "Lakshmi": ("Laxmi",),
    "Chatterjee": ("Chatterji",), "Mukherjee": ("Mukherji",), "Ivanov": ("Iwanow",), "Petrov": ("Petrow",),
}  # fmt: skip
