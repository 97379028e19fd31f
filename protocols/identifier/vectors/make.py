"""Computes the vectors of protocols/identifier with other libraries than the product's.

Needs the packages phonenumbers and idna. Published hashes of the platforms are not computed here: they
are copied into PUBLISHED, and this script fails if it does not arrive at them.

    python3 make.py > identifiers.json
"""

import base64
import hashlib
import json
import re
import unicodedata

import idna
import phonenumbers


def email(profile, cell):
    if profile in ("onboarding-1", "google-1"):
        cell = re.sub(r"\s", "", cell)
    cell = cell.strip().lower()
    local, domain = cell.split("@")
    if profile == "onboarding-1":
        domain = idna.encode(domain, uts46=True, std3_rules=True).decode()
        domain = {"googlemail.com": "gmail.com"}.get(domain, domain)
    loose = {
        "onboarding-1": ["gmail.com"],
        "google-1": ["gmail.com", "googlemail.com"],
        "meta-1": [],
        "uid2-1": ["gmail.com"],
    }[profile]
    if domain in loose:
        local = local.split("+")[0].replace(".", "")
    return f"{local}@{domain}"


def phone(profile, cell, region):
    number = phonenumbers.parse(cell, region)
    assert phonenumbers.is_valid_number(number), cell
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return text[1:] if profile == "meta-1" else text


def part(cell):
    for _ in range(2):
        cell = unicodedata.normalize("NFKD", cell)
        cell = "".join(c for c in cell if not unicodedata.category(c).startswith("M"))
        cell = cell.lower()
    return "".join(c for c in cell if c.isalnum())


def postal(cells):
    surname, given_name, street_number, postcode = map(part, cells)
    return "|".join([surname, given_name[0], street_number, postcode])


def words(cell):
    cell = unicodedata.normalize("NFC", cell.lower())
    return " ".join("".join(c for c in cell if c.isalnum() or c.isspace()).split())


def digest(text):
    raw = hashlib.sha256(text.encode()).digest()
    return {"sha256": raw.hex(), "base64": base64.b64encode(raw).decode()}


EMAILS = [
    ("onboarding-1", "Simone.Meaney91@gmail.com"),
    ("onboarding-1", "simonemeaney91+news@GoogleMail.com"),
    ("onboarding-1", "  Madalyn.Noble13@free.fr\u00a0"),
    ("onboarding-1", "anna + shop @ free.fr"),
    ("onboarding-1", "Zoë.Müller@BÜCHER.example"),
    ("onboarding-1", "a@ドメイン名例.jp"),
    ("onboarding-1", "a@faß.de"),
    ("onboarding-1", "a@b。example"),
    ("onboarding-1", "ΟΔΥΣΣΕΥΣ@example.gr"),
    ("onboarding-1", "o'shannessy.pakita+x@yahoo.com"),
    ("google-1", "cloudy.sanfrancisco+shopping@gmail.com"),
    ("google-1", "user.name+NYC@Example.com"),
    ("google-1", "Cloudy.San Francisco@GoogleMail.com"),
    ("meta-1", "John_Smith@gmail.com"),
    ("meta-1", " John.Smith+x@gmail.com "),
    ("uid2-1", "USER@example.com"),
    ("uid2-1", "JANE.SAOIRSE@gmail.com"),
    ("uid2-1", "JaneSaoirse+Work@gmail.com"),
    ("uid2-1", "JaneSaoirse+Work@example.com"),
    ("uid2-1", "Jane.Saoirse+Work@googlemail.com"),
]
PHONES = [
    ("onboarding-1", "0612345678", "FR"),
    ("onboarding-1", "+33 6 12 34 56 78", None),
    ("onboarding-1", "+33 (0)6 12 34 56 78", "FR"),
    ("onboarding-1", "0033612345678", "FR"),
    ("onboarding-1", "0692 12 34 56", "RE"),
    ("onboarding-1", "0690 00 12 34", "GP"),
    ("onboarding-1", "0405 013 424", "AU"),
    ("onboarding-1", "(0416) 701-860", "AU"),
    ("onboarding-1", "+61 464 193532", "AU"),
    ("onboarding-1", "0011 33 6 12 34 56 78", "AU"),
    ("onboarding-1", "020 7031 3000", "GB"),
    ("onboarding-1", "06 678 1234", "IT"),
    ("onboarding-1", "030/123456", "DE"),
    ("onboarding-1", "1-800-FLOWERS", "US"),
    ("onboarding-1", "(650) 555-1212 ext. 7", "US"),
    ("onboarding-1", "٠٤٠٥٠١٣٤٢٤", "AU"),
    ("google-1", "(800)555-0100", "US"),
    ("meta-1", "(650)555-1212", "US"),
    ("meta-1", "+33 6 12 34 56 78", None),
    ("uid2-1", "1 (234) 567-8901", "US"),
]
POSTALS = [
    ("meaney", "simone", "105", "2765"),
    ("O'Shannessy", "Pakita", "12 A", "SW1A 1AA"),
    ("Åström-Lefèvre", "Élodie", "12/3", "75018"),
    ("ﬁscher", "Ǆan", "٣", "1０23"),
    ("정", "민수", "7", "04524"),
]
FIELDS = [
    ("meta-1", "given_name", "Mary", "hashed", words),
    ("meta-1", "given_name", "Vale\u0301ry", "hashed", words),
    ("meta-1", "surname", "정", "hashed", words),
    ("meta-1", "surname", " O'Neil-Smith ", "hashed", words),
    ("meta-1", "date_of_birth", "2/16/1997", "hashed", lambda _: "19970216"),
    ("meta-1", "date_of_birth", "1997-02-16", "hashed", lambda _: "19970216"),
    ("meta-1", "city", "New York", "hashed", lambda _: "newyork"),
    ("meta-1", "state", "CA", "hashed", lambda _: "ca"),
    ("meta-1", "postcode", "M1 1AE", "hashed", lambda _: "m11ae"),
    ("meta-1", "country", "US", "hashed", lambda _: "us"),
    ("google-1", "surname", "Mrs. Smith, Jr.", "hashed", lambda _: "smith"),
    ("google-1", "country", "us", "plain", lambda _: "US"),
    ("google-1", "postcode", "75018-1234", "plain", lambda _: "75018"),
]
# (profile, type, input) -> hash as published; see SPEC.md for where.
PUBLISHED = {
    ("meta-1", "email", "John_Smith@gmail.com"): "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
    ("meta-1", "phone", "(650)555-1212"): "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176",
    ("meta-1", "given_name", "Mary"): "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec",
    ("meta-1", "given_name", "Vale\u0301ry"): "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c",
    ("meta-1", "surname", "정"): "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14",
    ("meta-1", "date_of_birth", "2/16/1997"): "01acdbf6ec7b4f478a225f1a246e5d6767eeab1a7ffa17f025265b5b94f40f0c",
    ("meta-1", "country", "US"): "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621",
    ("uid2-1", "email", "USER@example.com"): "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514",
    ("uid2-1", "email", "JANE.SAOIRSE@gmail.com"): "92ee26057ed9dea2535d6c8b141d48373932476599196e00352254896db5888f",
    ("uid2-1", "email", "JaneSaoirse+Work@gmail.com"): "92ee26057ed9dea2535d6c8b141d48373932476599196e00352254896db5888f",
    ("uid2-1", "email", "JaneSaoirse+Work@example.com"): "28aaee4815230cd3b4ebd88c515226550666e91ac019929e3adac3f66c288180",
    ("uid2-1", "phone", "1 (234) 567-8901"): "10e6f0b47054a83359477dcb35231db6de5c69fb1816e1a6b98e192de9e5b9ee",
    ("onboarding-1", "phone", "0612345678"): "42d573cfc315801d4cd8eddd5416b416a0bf298b9b9e12d6b07442c91db42bd8",
}


def vector(profile, kind, cell, canonical, **more):
    found = {"profile": profile, "type": kind, "input": cell, **more, "canonical": canonical, **digest(canonical)}
    published = PUBLISHED.get((profile, kind, str(cell)))
    if published is not None:
        assert published == found["sha256"], found
        found["published"] = True
    return found


vectors = [vector(p, "email", cell, email(p, cell)) for p, cell in EMAILS]
vectors += [vector(p, "phone", cell, phone(p, cell, r), region=r) for p, cell, r in PHONES]
vectors += [vector("onboarding-1", "postal", list(cells), postal(cells)) for cells in POSTALS]
vectors += [vector(p, kind, cell, rule(cell), form=form) for p, kind, cell, form, rule in FIELDS]
assert sum("published" in v for v in vectors) == len(PUBLISHED)
print(json.dumps(vectors, ensure_ascii=False, indent=1))
