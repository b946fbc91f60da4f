"""Who are the leads that stand on the stage? Made up; each domain is reserved by nobody we know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

LONG_COMPANY = "Nordöstra Skärgårdens Båtbyggeri- och Fritidsmiljöutvecklingsaktiebolag i Norrtälje med omnejd"
LONG_DOMAIN = "nordostra-skargardens-batbyggeri-och-fritidsmiljoutveckling.se"
HOSTILE_COMPANY = '<img src=x onerror="document.title=1"><b>Bold & Sons</b>'


@dataclass(frozen=True, slots=True)
class Person:
    """A contact, as a form is filled in by them."""

    first: str
    last: str
    company: str
    domain: str
    country: str

    @property
    def email(self) -> str:
        """Of the company's domain."""
        name = f"{self.first}.{self.last}".strip(".").lower().translate(_PLAIN)
        return re.sub(r"[^a-z.@-]", "", f"{name}@") + self.domain

    def fields(self) -> dict[str, str]:
        """The form."""
        return {
            "firstname": self.first, "lastname": self.last, "email": self.email, "company": self.company,
            "website": f"https://www.{self.domain}", "country": self.country,
        }  # fmt: skip


_PLAIN = str.maketrans("åäöæøéèüðþó", "aaoaoeeudto")
_FIRST = (
    "Anna", "Erik", "Maja", "Jonas", "Ingrid", "Søren", "Aino", "Håkon", "Freja", "Mikael", "Élise", "Tom", "Siri",
    "Oskar", "Linnea", "Katarzyna", "Björn", "Petra", "Anders", "Yasmin",
)  # fmt: skip
_LAST = (
    "Lindqvist", "Holm", "Bergström", "Dahl", "Nyström", "Kjær", "Virtanen", "Solberg", "Ek", "Sandberg", "Moreau",
    "Whitfield", "Åkesson", "Wikström", "Nilsson", "Kowalska", "Falk", "Öberg", "Hansen", "Rahimi", "Strand",
)  # fmt: skip
# Company, domain, country.
_COMPANIES = (
    ("Almby Mekaniska", "almby-mekaniska.se", "Sweden"), ("Aurora Fastigheter", "aurorafastigheter.se", "Sweden"),
    ("Bryggan Logistik", "bryggan-logistik.se", "Sweden"), ("Baltic Timber OÜ", "baltictimber.ee", "Estonia"),
    ("Blåvand Energi", "blavand-energi.dk", "Denmark"), ("Brunswick Instruments", "brunswick-instruments.co.uk",
    "United Kingdom"), ("Cederkvist & Söner", "cederkvist.se", "Sweden"), ("Clara Vård", "claravard.se", "Sweden"),
    ("Dalälven Papper", "dalalven-papper.se", "Sweden"), ("Drammen Marine", "drammen-marine.no", "Norway"),
    ("Ekbacken Livs", "ekbacken.se", "Sweden"), ("Eider Software", "eidersoftware.fi", "Finland"),
    ("Fjällkraft", "fjallkraft.se", "Sweden"), ("Falun Precision", "falunprecision.se", "Sweden"),
    ("Fredriksborg Møbler", "fredriksborg-mobler.dk", "Denmark"), ("Granit & Glas", "granit-glas.se", "Sweden"),
    ("Gotska Ull", "gotska-ull.se", "Sweden"), ("Hamnkontoret", "hamnkontoret.se", "Sweden"),
    ("Hjelmeland Fjordfisk", "hjelmeland-fjordfisk.no", "Norway"), ("Hansa Kaffee", "hansa-kaffee.de", "Germany"),
    ("Isberg Kyl", "isbergkyl.se", "Sweden"), ("Järnbruket Studios", "jarnbruket.se", "Sweden"),
    ("Kalix Elektronik", "kalix-elektronik.se", "Sweden"), ("Kuopio Terveys", "kuopioterveys.fi", "Finland"),
    ("Kronstad Bygg", "kronstad-bygg.no", "Norway"), ("Ljusdal Textil", "ljusdal-textil.se", "Sweden"),
    ("Lighthouse Learning", "lighthouselearning.ie", "Ireland"), ("Lofoten Data", "lofotendata.no", "Norway"),
    ("Mälaren Bank Systems", "malarenbanksystems.se", "Sweden"), ("Maison Verrier", "maison-verrier.fr", "France"),
    ("Mosaic Pharma", "mosaicpharma.be", "Belgium"), ("Norrsken Analys", "norrsken-analys.se", "Sweden"),
    ("Nyköping Vent", "nykopingvent.se", "Sweden"), ("Orkla Precision", "orklaprecision.no", "Norway"),
    ("Oulu Robotics", "oulurobotics.fi", "Finland"), ("Polaris Hotell", "polarishotell.se", "Sweden"),
    ("Pärnu Sadam", "parnusadam.ee", "Estonia"), ("Quarnström Arkitekter", "quarnstrom.se", "Sweden"),
    ("Rosendal Bageri", "rosendal-bageri.se", "Sweden"), ("Reykjavík Seafood", "reykjavikseafood.is", "Iceland"),
    ("Saltsjö Skola", "saltsjoskola.se", "Sweden"), ("Skagen Optik", "skagenoptik.dk", "Denmark"),
    ("Stavanger Subsea", "stavangersubsea.no", "Norway"), ("Sundsvall Skog", "sundsvallskog.se", "Sweden"),
    ("Tampere Tools", "tamperetools.fi", "Finland"), ("Trosa Tryck", "trosatryck.se", "Sweden"),
    ("Umeå Bioteknik", "umeabioteknik.se", "Sweden"), ("Utrecht Velo", "utrechtvelo.nl", "Netherlands"),
    ("Vadstena Glass", "vadstenaglass.se", "Sweden"), ("Viborg Maskin", "viborgmaskin.dk", "Denmark"),
    ("Wermland Mekano", "wermlandmekano.se", "Sweden"), ("Westfalen Guss", "westfalen-guss.de", "Germany"),
    ("Ystad Marina", "ystadmarina.se", "Sweden"), ("Zinkgruvan Teknik", "zinkgruvan-teknik.se", "Sweden"),
    ("Åre Alpint", "are-alpint.se", "Sweden"), ("Ängelholm Flyg", "angelholm-flyg.se", "Sweden"),
    ("Öland Sten", "olandsten.se", "Sweden"), ("Østerbro Design", "osterbrodesign.dk", "Denmark"),
)  # fmt: skip


def everybody() -> list[Person]:
    """One person at each company."""
    return [
        Person(_FIRST[n * 7 % len(_FIRST)], _LAST[n * 5 % len(_LAST)], company, domain, country)
        for n, (company, domain, country) in enumerate(_COMPANIES)
    ]


def some(count: int, *, called: str) -> list[Person]:
    """People of companies that a test has for itself."""
    return [
        Person(_FIRST[n % len(_FIRST)], _LAST[n % len(_LAST)], f"{called.title()} {n}", f"{called}-{n}.se", "Sweden")
        for n in islice(range(1, count + 1), count)
    ]
