#!/usr/bin/env python3
"""Computes from the two files of a demo what each destination must hold, and compares.

Written from the rules of the product, not from its code, and with other libraries (`phonenumbers`,
`idna`). It compares canonical identifiers in the clear: no hash, no token, no key.

    expected_members.py --crm crm.csv --graph graph.csv --keys email,phone --region AU \
        --as-of 2026-11-22 [--withdrawn withdrawn.csv] [--out DIR] [--least 0.97] [DEMO_OUT]

Expected is everybody who may be there, of audiences of at least 100 persons. The release gate keeps some
of them back, so that nobody is singled out, and may refuse an audience that is not far above the minimum;
it must add nobody. With DEMO_OUT, compares with DEMO_OUT/destinations/{dsp-a,dmp-b}/members.csv and exits
1 if anything extra is there, or less than the share `--least` of what is expected. Without it, prints the
counts only. `--out` writes the expected files.
`--withdrawn` is a CSV with columns email and/or phone (and the four postal ones if postal is a key):
the people who withdrew.
"""

import argparse
import calendar
import csv
import datetime
import pathlib
import re
import sys
import unicodedata

import idna
import phonenumbers

DESTINATIONS = {"dsp-a": "cookie_dsp_a", "dmp-b": "cookie_dmp_b"}
AUDIENCES = {
    "loyal": lambda row: row["loyalty"] in ("silver", "gold", "platinum"),
    "bronze": lambda row: row["loyalty"] == "bronze",
    "customers": lambda row: True,
    "platinum-inactive": lambda row: row["loyalty"] == "platinum" and row["status"] == "inactive",
}
K_MIN = 100


# --- identifiers, profile onboarding-1 -------------------------------------------------------------

def email(cell):
    cell = "".join(c for c in cell if not c.isspace()).lower()
    if cell.count("@") != 1:
        return None
    local, domain = cell.split("@")
    try:
        domain = idna.encode(domain, uts46=True, std3_rules=True, strict=True).decode()
    except idna.IDNAError:
        return None
    if "." not in domain:
        return None
    if domain in ("gmail.com", "googlemail.com"):
        domain = "gmail.com"
        local = local.split("+", 1)[0].replace(".", "")
    address = f"{local}@{domain}"
    return address if local and len(address.encode()) <= 254 else None


def phone(cell, region):
    try:
        number = phonenumbers.parse(cell.strip(), region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def plain(cell):
    for _ in range(2):
        cell = unicodedata.normalize("NFKD", cell)
        cell = "".join(c for c in cell if not unicodedata.category(c).startswith("M")).lower()
    return "".join(c for c in cell if c.isalnum())


def postal(row):
    parts = [plain(row.get(name) or "") for name in ("surname", "given_name", "street_number", "postcode")]
    if not all(parts):
        return None
    parts[1] = parts[1][0]
    return "|".join(parts)


def identifiers(row, keys, region):
    found = {
        "email": lambda: email(row.get("email") or ""),
        "phone": lambda: phone(row.get("phone") or "", region),
        "postal": lambda: postal(row),
    }
    pairs = ((key, found[key]()) for key in keys)
    return {(key, value) for key, value in pairs if value is not None}


# --- consent ---------------------------------------------------------------------------------------

def months_later(day, months):
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return datetime.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def consented(row, as_of, bases, purposes, months):
    if (row.get("opposed") or "").strip().lower() in ("1", "true", "yes"):
        return False
    # A graph without the column holds TCF purposes, which are consent purposes.
    if row.get("consent_basis", "consent").strip() not in bases:
        return False
    if not purposes <= {int(word) for word in row["consent_purposes"].split()}:
        return False
    if not row["consent_at"].strip():
        return False
    at = datetime.datetime.fromisoformat(row["consent_at"].strip().replace("Z", "+00:00"))
    day = at.astimezone(datetime.timezone.utc).date()
    return day <= as_of <= months_later(day, months)


# --- matching --------------------------------------------------------------------------------------

class Persons:
    """Rows that share an identifier are one person: union-find over row numbers."""

    def __init__(self, rows_identifiers):
        self.parent = list(range(len(rows_identifiers)))
        self.owner = {}
        for number, found in enumerate(rows_identifiers):
            for identifier in found:
                other = self.owner.setdefault(identifier, number)
                self.parent[self.find(number)] = self.find(other)

    def find(self, number):
        while self.parent[number] != number:
            self.parent[number] = self.parent[self.parent[number]]
            number = self.parent[number]
        return number

    def of(self, identifier):
        number = self.owner.get(identifier)
        return None if number is None else self.find(number)


def read(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def expected(options):
    keys = options.keys.split(",")
    crm = [(row, identifiers(row, keys, options.region)) for row in read(options.crm)]
    graph = [(row, identifiers(row, keys, options.region)) for row in read(options.graph)]
    gone = set()
    if options.withdrawn:
        for row in read(options.withdrawn):
            gone |= identifiers(row, keys, options.region)
    crm = [
        (row, found)
        for row, found in crm
        if found and consented(row, options.as_of, {"consent", "legitimate_interest"}, {3, 4}, 25)
    ]
    graph = [
        (row, found)
        for row, found in graph
        if found and consented(row, options.as_of, {"consent"}, {1, 3, 4}, 13)
    ]
    persons = Persons([found for _, found in graph])
    out = {persons.of(identifier) for identifier in gone}
    cookies = {}
    for number, (row, _) in enumerate(graph):
        for destination, column in DESTINATIONS.items():
            cookie = (row.get(column) or "").strip()
            if cookie:
                cookies.setdefault((persons.find(number), destination), set()).add(cookie)
    members = {destination: set() for destination in DESTINATIONS}
    sizes = {}
    for audience, belongs in AUDIENCES.items():
        chosen = set()
        for row, found in crm:
            row = {name: (row.get(name) or "").strip().lower() for name in ("loyalty", "status")}
            if belongs(row) and not found & gone:
                chosen |= {persons.of(identifier) for identifier in found}
        chosen -= out | {None}
        for destination in DESTINATIONS:
            live = [person for person in chosen if (person, destination) in cookies]
            held = {(audience, cookie) for person in live for cookie in cookies[person, destination]}
            sizes[audience, destination] = (len(live), len(held))
            if len(live) >= K_MIN:
                members[destination] |= held
    return members, sizes


def compare(members, directory, least):
    """Nothing extra anywhere; of what is expected, at least the share `least` in all."""
    wrong = False
    expected = kept = 0
    for destination, want in members.items():
        path = pathlib.Path(directory) / "destinations" / destination / "members.csv"
        if not path.is_file():
            print(f"{path}: missing")
            wrong = True
            continue
        rows = [(row["audience"], row["cookie"]) for row in read(path)]
        have = set(rows)
        if len(rows) != len(have):
            print(f"{destination}: {len(rows) - len(have)} rows are there more than once")
            wrong = True
        for audience in sorted({name for name, _ in want | have}):
            w = {cookie for name, cookie in want if name == audience}
            h = {cookie for name, cookie in have if name == audience}
            expected += len(w)
            kept += len(w & h)
            print(f"{destination} {audience}: {len(w & h)} of {len(w)} cookies, {len(h - w)} too many")
            for cookie in sorted(h - w)[:10]:
                wrong = True
                print(f"  too many: {cookie}")
    share = kept / expected if expected else 0
    print(f"in all {share:.2%} of what is expected, and at least {least:.0%} is asked for")
    return wrong or kept == 0 or share < least


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("demo", nargs="?", help="output directory of tamis demo")
    parser.add_argument("--crm", required=True)
    parser.add_argument("--graph", required=True)
    parser.add_argument("--keys", default="email,phone")
    parser.add_argument("--region", default="AU")
    parser.add_argument("--as-of", type=datetime.date.fromisoformat, default=datetime.date(2026, 11, 22))
    parser.add_argument("--withdrawn")
    parser.add_argument("--least", type=float, default=0.0, help="share of what is expected that must be there")
    parser.add_argument("--out", help="write the expected members.csv files here")
    options = parser.parse_args()
    if not re.fullmatch(r"(email|phone|postal)(,(email|phone|postal))*", options.keys):
        parser.error("--keys is a list of email, phone, postal")
    members, sizes = expected(options)
    for (audience, destination), (live, held) in sizes.items():
        verdict = "may be released" if live >= K_MIN else "below the minimum"
        print(f"{audience} at {destination}: {live} persons, {held} cookies, {verdict}")
    if options.out:
        for destination, rows in members.items():
            path = pathlib.Path(options.out) / "destinations" / destination / "members.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["audience", "cookie"])
                writer.writerows(sorted(rows))
    if options.demo is not None and compare(members, options.demo, options.least):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
