"""Which names do made-up people and companies have? Invented; nothing is ever sent to their domains."""

from __future__ import annotations

FIRST = (
    "Alva", "Amir", "Anna", "Arvid", "Astrid", "Ben", "Bianca", "Carl", "Chiara", "Dag", "Daria", "Edith",
    "Elias",
    "Elif", "Emil", "Erik", "Eva", "Fatima", "Finn", "Freja", "Greta", "Hanna", "Hugo", "Ida", "Ingrid",
    "Ivan",
    "Jonas", "Julia", "Karin", "Kofi", "Lars", "Leila", "Lena", "Lina", "Luca", "Maja", "Marek", "Marta",
    "Mikael",
    "Mina", "Nadia", "Nils", "Noor", "Olga", "Oskar", "Paula", "Per", "Priya", "Rasmus", "Rosa", "Sanna",
    "Sara",
    "Selma", "Sofia", "Stella", "Sven", "Tariq", "Tove", "Ulla", "Vera", "Viktor", "Wilma", "Ylva", "Zoe",
)  # fmt: skip
LAST = (
    "Almqvist", "Andersson", "Bauer", "Berg", "Blom", "Brandt", "Castelli", "Dahl", "Dubois", "Ek",
    "Fischer", "Fors",
    "Garcia", "Gran", "Haas", "Haddad", "Hansen", "Hedlund", "Holm", "Iversen", "Jansson", "Keller",
    "Kovacs", "Krantz",
    "Lind", "Lundgren", "Marino", "Moreau", "Nakamura", "Novak", "Nyberg", "Okafor", "Olsen", "Palm",
    "Peeters",
    "Quist", "Rask", "Ricci", "Rosen", "Sandberg", "Santos", "Schmidt", "Singh", "Sjöberg", "Strand", "Sund",
    "Tanaka",
    "Thorn", "Torres", "Ulrich", "Vik", "Virtanen", "Wallin", "Weber", "Wik", "Yilmaz", "Zetterberg",
    "Åkesson",
)  # fmt: skip
BEFORE = (
    "Ahorn", "Birk", "Brant", "Dal", "Edel", "Fager", "Fjord", "Glim", "Grön", "Havs", "Holm", "Isar",
    "Kalk", "Klar",
    "Kopp", "Lind", "Ljus", "Malm", "Mork", "Nord", "Norr", "Odal", "Rank", "Sil", "Sjö", "Sol", "Stål",
    "Syd", "Tall", "Tang", "Ulv", "Varg", "Vest", "Vind", "Ygg", "Älv", "Öst",
)  # fmt: skip
AFTER = (
    "bruk", "data", "energi", "fabrik", "flow", "form", "frakt", "gruppen", "hub", "kraft", "labb", "logik",
    "mark",
    "mekanik", "metall", "motor", "optik", "packning", "plast", "pump", "robot", "råd", "ström", "system",
    "teknik", "textil", "transport", "trä", "verk", "vård",
)  # fmt: skip
COUNTRIES = (
    ("Sweden", "se"), ("Norway", "no"), ("Denmark", "dk"), ("Finland", "fi"), ("Germany", "de"),
    ("Netherlands", "nl"),
    ("United Kingdom", "co.uk"), ("Poland", "pl"), ("Spain", "com"), ("Brazil", "com.br"),
)  # fmt: skip
INDUSTRIES = (
    "MACHINERY",
    "LOGISTICS_AND_SUPPLY_CHAIN",
    "COMPUTER_SOFTWARE",
    "CONSTRUCTION",
    "RETAIL",
    "RENEWABLES",
)
JOBS = (
    "Buyer",
    "CEO",
    "Head of Marketing",
    "IT Manager",
    "Operations Lead",
    "Product Owner",
    "Sales Manager",
    "CFO",
)
FREE_MAIL = ("gmail.com", "outlook.com", "yahoo.com", "hotmail.com")
ASCII = str.maketrans({"å": "a", "ä": "a", "ö": "o", "Å": "a", "Ä": "a", "Ö": "o", "ü": "u", "é": "e"})
