"""What the columns of a file hold, by what stands above them: in whatever language, with whatever is said around it."""

import re
import unicodedata
from collections.abc import Iterable

from worker.correlation.roles import ALIASES, plain, role_of

#: What files call things beyond the names that attributes of targets have; accents, case and separators do not count.
_FURTHER: dict[str, str] = {
    "employee_number": """
        employee no|employee nr|employee num|employee code|empl id|emplid|empl no|pernr|pers no|
        pers nr|personnel no|personnel id|personnel code|personalnr|personal nr|pers nummer|
        mitarbeiternr|mitarbeiter id|mitarbeiter nr|numero de empleado|num empleado|no empleado|
        codigo empleado|legajo|matricola|matricula|numero dipendente|numero employe|no employe|
        numero de matricule|personeelsnummer|personeelsnr|medewerkernummer|anstallningsnummer|
        anstallningsnr|medarbejdernummer|ansattnummer|numer pracownika|nr pracownika|nr ewidencyjny|
        osobni cislo|sicil no|sicil numarasi|ma nhan vien|badge|badge id|badge number|hr id|hris id|
        staff code|personnel|worker number|worker no|associate id|member id|student no|student nr|
        faculty id|payroll id|payroll no|clock number""",
    "national_id": """
        sozialversicherungsnummer|svnr|steuernummer|curp|nif|nie|cpf|rodne cislo|personnummer|
        fiscal code""",
    "user_name": """
        kennung|benutzerkennung|login name|loginname|anmeldung|anmeldekennung|unix login|unix name|
        network id|net id|netid|ad account|ad user|ad login|windows account|windows login|nt account|
        nt login|usuario|nombre de usuario|nombre usuario|cuenta|utilisateur|nom utilisateur|compte|
        utente|nome utente|usuario de red|gebruiker|gebruikersnaam|anvandarnamn|anvandare|brukernavn|
        brugernavn|uzivatel|uzivatelske jmeno|uzytkownik|nazwa uzytkownika|kullanici adi|kullanici|
        ten dang nhap|tai khoan|handle|screen name|alias|userid|usr|subject|principal|principal name|
        user principal|logonid|logon id|sam|sam account""",
    "email": """
        e mail adresse|email adresse|mailadresse|mail adresse|emailaddr|email addr|mail addr|e mail addr|
        correo|correo electronico|direccion de correo|adresse mail|adresse email|adresse electronique|
        adresse de courriel|mel|indirizzo email|posta elettronica|endereco de email|e post|epost|
        e postadress|epostadresse|poczta|adres email|eposta|e posta|e posta adresi|thu dien tu|smtp|
        internet address|mailbox|courrier""",
    "given_name": """
        givenname|given|first|firstname|name first|given names|first names|rufname|prenoms|nombre|
        nombres|primer nombre|nome|primeiro nome|voornaam|roepnaam|fornamn|fornavn|tilltalsnamn|imie|
        jmeno|krestni jmeno|keresztnev|ad|adi|isim|etunimi|ten|imya|ime""",
    "family_name": """
        familyname|family|last|lastname|name last|family names|last names|zuname|nom de famille|
        apellido|apellidos|primer apellido|cognome|sobrenome|apelido|ultimo nome|achternaam|efternamn|
        efternavn|etternavn|nazwisko|prijmeni|vezeteknev|soyad|soyadi|soyisim|sukunimi|ho|familiya|
        prezime""",
    "display_name": """
        anzeigename|vollstaendiger name|vollstandiger name|voller name|nom complet|nombre completo|
        nombre y apellidos|nome completo|nominativo|volledige naam|weergavenaam|naam|visningsnamn|
        fullstandigt namn|namn|navn|cele jmeno|imie i nazwisko|ad soyad|adi soyadi|ho ten|ho va ten|
        ho va ten dem|real name|realname|fullname|display|person name|owner name|owner|contact name|
        user full name|mitarbeitername|mitarbeiter|employee|person|staff name|first and last name|
        printed name|friendly name""",
    "birth_date": """
        birth|geburtstag|geb datum|gebdat|gebdatum|fecha de nacimiento|fecha nacimiento|
        date de naissance|naissance|data di nascita|data de nascimento|geboortedatum|fodelsedatum|
        fodselsdato|data urodzenia|datum narozeni|dogum tarihi|ngay sinh|birth day|date birth|bday""",
    "department": """
        departement|departamento|dipartimento|afdeling|avdelning|avdeling|oddeleni|dzial|bolum|
        departman|phong ban|service|servicio|bereich|fachbereich|kostenstellenname|orgeinheit|
        organisationseinheit|org unit path|org unit name|orgunit|section|group name|faculty|dept name|
        deptname|dep|function area""",
    "phone": """
        telephone no|telephone nr|phone no|phone nr|phoneno|telefonnummer|telefon nr|rufnummer|
        durchwahl|mobil|mobiltelefon|mobilnummer|telefono|movil|celular|numero de telefono|
        telephone portable|tel no|tel nr|telefone|cellulare|telefoonnummer|mobiel|telefonnr|
        numer telefonu|telefonu|cep telefonu|so dien thoai|dien thoai|extension|ext|gsm""",
    "city": """
        ciudad|citta|cidade|stad|miasto|mesto|sehir|thanh pho|arbeitsort|dienstort|sitio|sede|lieu|
        lieu de travail|localidad|work location|work site|campus|branch|niederlassung|werk|office city|
        base location|building""",
    "postcode": "codigo postal|code postal|cep|cap|postleitzahl|postnummer|kod pocztowy|psc",
    "street": "direccion|adresse|indirizzo|endereco|straat|ulica|strasse und hausnummer|calle|via",
    "state": "provincia|estado|kanton|departement code|region name|land",
    "title": """
        puesto|cargo|fonction|poste|qualifica|mansione|functie|functietitel|befattning|stilling|
        stanowisko|pozice|unvan|gorev|chuc danh|berufsbezeichnung|stelle|stellenbezeichnung|taetigkeit|
        tatigkeit|job role|job function|designation|position title|business title|jobtitle""",
    "manager": """
        manager name|manager email|boss|jefe|responsable|superieur|capo|leidinggevende|chef|przelozony|
        nadrizeny|yonetici|fuehrungskraft|fuhrungskraft|supervisor name|lead""",
    "company": "firma|empresa|societe|societa|azienda|bedrijf|foretag|sirket|gesellschaft|mandant|tenant|org",
    "cost_center": "costcenter|centro de coste|centro de custo|centre de cout|kostnadsstalle|kst",
    "ended": """
        austrittsdatum|fecha de baja|date de depart|termination|leaving date|date left|end of contract|
        vertragsende""",
    "created": """
        createtimestamp|erstellt|erstellt am|date created|created on|created date|creation time|
        account creation""",
}  # fmt: skip

#: Said around what a column holds, without changing what that is.
_AROUND = frozenset(
    """
    work business office primary personal home user employee person account acct hr ad ldap identity emp staff corporate
    company contact legal preferred target source main private default current official internal external worker member
    login required optional value text txt str formatted display of the 1 01 own full new latest
    dienstlich geschaeftlich geschaftlich privat trabajo laboral professionnel pro aziendale
    """.split()  # noqa: SIM905 - thirty lines otherwise
)
_SCIM = re.compile(r"^urn:.*:", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]|\{[^}]*\}")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_APART = re.compile(r"[\W_]+")
#: A column of names that stands beside one of the other part is the part that lacks.
_ANY_NAME = frozenset({"name", "nombre", "nome", "nom", "namn", "navn", "naam", "jmeno", "ad", "ten", "ime"})


def _known() -> dict[str, str]:
    found = {plain(alias): role for role, aliases in _FURTHER.items() for alias in aliases.split("|")}
    return found | {plain(alias): role for role, aliases in ALIASES.items() for alias in aliases}


_ROLES = _known()


def likely_role_of(column: str) -> str | None:
    """What a column holds, whatever stands around that: ``Email Address [Required]``, ``E-Mail (dienstlich)``."""
    if role := role_of(column) or role_of(column.rpartition(".")[2]):
        return role
    text = _IN_BRACKETS.sub(" ", _SCIM.sub("", column)).strip()
    words = [word for word in _APART.split(_unaccented(_HUMP.sub(" ", text)).lower()) if word]
    return next((role for some in _shorter(words) if (role := _ROLES.get("".join(some)))), None)


def by_role(columns: Iterable[str]) -> dict[str, list[str]]:
    """Columns by what their names say that they hold, each in the order given."""
    found: dict[str, list[str]] = {}
    for column in dict.fromkeys(columns):
        if role := likely_role_of(column):
            found.setdefault(role, []).append(column)
    _complete_names(found)
    return found


def _complete_names(found: dict[str, list[str]]) -> None:
    """``Name, Vorname`` and ``Name, Surname``: a name beside one of its parts is the other part."""
    for lacking, other in (("family_name", "given_name"), ("given_name", "family_name")):
        if lacking in found or other not in found:
            continue
        for role in ("display_name", other):
            names = [column for column in found.get(role, []) if plain(_unaccented(column)) in _ANY_NAME]
            if names and (role != other or len(found[other]) > 1):
                found[lacking] = names[:1]
                found[role].remove(names[0])
                if not found[role]:
                    del found[role]
                break


def _shorter(words: list[str]) -> Iterable[list[str]]:
    """The words, then without those around: at the front, at the end, at both."""
    first, last = 0, len(words)
    while first < last - 1 and words[first] in _AROUND:
        first += 1
    while last > first + 1 and words[last - 1] in _AROUND:
        last -= 1
    yield words
    for at in range(1, first + 1):
        yield words[at:]
    for at in range(len(words) - 1, last - 1, -1):
        yield words[:at]
    yield words[first:last]


def _unaccented(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("ß", "ss").replace("ı", "i"))
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))
