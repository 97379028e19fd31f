#!/usr/bin/env python3
"""Consent strings from a file to the log, against a second implementation of every step.

    strings.py make GRAPH OUT              people of GRAPH with made-up consent strings, and what each record must say
    strings.py check OUT PROOFS            what `tamis consent prove` wrote, down to the log's key
    strings.py erased OUT PROOFS EARLIER   the same after those of OUT/erased.csv were erased

The strings are written by an encoder of this file and read by iab.py; the record that each must become is worked
out from protocols/iab/SPEC.md; the proofs are followed by batch.py and log.py. Vendor 28 is whom the terms name.
"""

import csv
import json
import pathlib
import random
import sys

import iab
from batch import outcome
from compare import Different, same
from consent import read as read_record
from log import follow, leaf_hash, open_checkpoint

ROWS, ERASED, VENDOR, AS_OF = 1200, 60, 28, "2026-11-22"
DAY = 864000
# Days since 1970: from 2025-11-01, which every age allows, to a week after AS_OF.
FIRST, LAST = 20393, 20786


class Writer:
    def __init__(self):
        self.bits = ""

    def int(self, number, count):
        self.bits += format(number, f"0{count}b")
        return self

    def set(self, numbers, count):
        self.bits += "".join("1" if n in numbers else "0" for n in range(1, count + 1))
        return self

    def vendors(self, ids, ranges):
        self.int(max(ids, default=0), 16).int(ranges, 1)
        return self.ranges(ids) if ranges else self.set(ids, max(ids, default=0))

    def ranges(self, ids):
        self.int(len(ids), 12)
        for one in sorted(ids):
            self.int(0, 1).int(one, 16)
        return self

    def text(self):
        bits = self.bits + "0" * (-len(self.bits) % 24)
        letters = (bits[at : at + 6] for at in range(0, len(bits), 6))
        return "".join(iab.ALPHABET[int(six, 2)] for six in letters)


def some(dice, numbers, share):
    return {n for n in numbers if dice.random() < share}


def tc_string(dice):
    """A string that counts, mostly; now and then one of its rules is broken."""
    odd = lambda share=0.02: dice.random() < share  # noqa: E731
    created = dice.randrange(FIRST, LAST) * DAY
    updated = created + (DAY if odd() else 1 if odd() else 0)
    ranges = dice.randrange(2)
    core = Writer().int(2, 6).int(created, 36).int(updated, 36)
    core.int(dice.randrange(900), 12).int(1, 12).int(0, 6)
    core.int(dice.choice([4, 5, 8]), 6).int(dice.randrange(26), 6)
    core.int(dice.randrange(400), 12).int(2 if odd() else dice.choice([4, 5]), 6).int(not odd(), 1).int(0, 1)
    interest = some(dice, [1, 2, 7, 8, 9, 10, 11] + ([3] if odd() else []), 0.6)
    core.set(set(), 12).set(some(dice, range(1, 12), 0.9), 24).set(interest, 24).int(0, 1)
    core.int(0 if odd(0.5) else 5, 6).int(0 if core.bits[-6:] == "000000" else 17, 6)
    others = [7, 11, 29, 300]
    of = lambda share: some(dice, others, 0.5) | some(dice, [VENDOR], share)  # noqa: E731
    core.vendors(of(0.9), ranges).vendors(of(0.7), ranges)
    restrictions = dice.randrange(1, 3) if odd(0.2) else 0
    core.int(restrictions, 12)
    for _ in range(restrictions):
        core.int(dice.randrange(1, 12), 6).int(dice.randrange(3), 2).ranges(of(0.7))
    segments = [core.text()]
    if not odd(0.05):
        segments.append(Writer().int(1, 3).vendors(of(0.95), ranges).text())
    text = ".".join(segments)
    return text[: dice.randrange(20, 50)] if odd() else text


def record_of(text):
    """The record of a TC string for the one vendor; none where the string is no consent."""
    try:
        string = iab.tc(text)
    except (ValueError, IndexError):
        return None
    if iab.invalid(string, AS_OF):
        return None
    may = iab.permits(string, VENDOR)
    bits = lambda numbers: sum(1 << n - 1 for n in numbers)  # noqa: E731
    consent, interest = bits(may["consent"]), bits(may["legitimate_interest"])
    record = {
        "basis": 1 if consent else 2 if interest else 0,
        "purposes": consent or interest,
        "given_at": iab.seconds(string["last_updated"]),
        "notice_version": f"gvl {string['vendor_list_version']}, policy {string['policy_version']}",
        "source": f"cmp {string['cmp_id']}",
        "recipients": [f"gvl:{VENDOR}"] if consent or interest else [],
        "language": string["language"].lower(),
    }
    if consent and interest:
        record["interests"] = interest
    if string["publisher_country"] != "AA":
        record["jurisdiction"] = string["publisher_country"]
    return record


def is_let_in(record):
    """A partner's rule: consent to purposes 1, 3 and 4. None of the strings that count is too old."""
    return record["basis"] == 1 and record["purposes"] & 0b1101 == 0b1101 and "opposed" not in record


def make(graph, out):
    dice = random.Random(7)
    with open(graph, newline="", encoding="utf-8") as source:
        emails = dict.fromkeys(row["email"].strip().lower() for row in csv.DictReader(source))
    emails = [email for email in emails if email.endswith(("gmail.com", "free.fr"))][:ROWS]
    rows, expected = [], []
    for number, email in enumerate(emails):
        text = tc_string(dice)
        record, gpp = record_of(text), ""
        if dice.random() < 0.3:
            out_of_sale = dice.random() < 0.1
            gpp, text = f"DBACNYA~{text}~1Y{'Y' if out_of_sale else 'N'}N", ""
            if record:
                record.setdefault("jurisdiction", "US")
            if out_of_sale:
                record = (record or {"basis": 0, "purposes": 0, "jurisdiction": "US"}) | {"opposed": True}
        rows.append([email, f"cookie-{number}", text, gpp, str(number)])
        expected.append((record or {"basis": 0, "purposes": 0}) | {"record_id": str(number)})
    with open(out / "graph.csv", "w", newline="", encoding="utf-8") as target:
        csv.writer(target).writerows([["email", "cookie_dsp_a", "tc_string", "gpp_string", "consent_id"], *rows])
    (out / "people.csv").write_text("email\n" + "".join(f"{row[0]}\n" for row in rows))
    (out / "erased.csv").write_text("email\n" + "".join(f"{row[0]}\n" for row in rows[:ERASED]))
    (out / "expected.json").write_text(json.dumps(expected))
    print(f"{len(rows)} rows, {sum(map(is_let_in, expected))} of them let in by the terms")


def proven(out, evidence):
    """The numbers of the records that a document proves, each as it must be."""
    expected = json.loads((out / "expected.json").read_text())
    heads = {}
    for upload, logged in evidence["uploads"].items():
        size, root = open_checkpoint(logged["checkpoint"].encode(), evidence["log_key"])
        leaf, path = logged["leaf"].encode(), [bytes.fromhex(one) for one in logged["path"]]
        same("leaf in the log", follow(logged["index"], size, leaf_hash(leaf), path), root.hex())
        event = json.loads(leaf)["event"]
        same("upload of the leaf", event["upload"], upload)
        heads[upload] = bytes.fromhex(event["consent_root"])
    numbers = set()
    for one in evidence["records"]:
        proof = one["proof"]
        same("proof", outcome(proof, heads[proof["upload"]]), "record")
        record = read_record(bytes.fromhex(proof["record"]))
        number = int(record["record_id"])
        same(f"record {number}", record, expected[number])
        numbers.add(number)
    # Of a row that no day lets in the record is kept without a token, so nobody finds it by one.
    return numbers, {number for number, record in enumerate(expected) if is_let_in(record)}


def check(out, proofs):
    numbers, let_in = proven(out, json.loads(proofs.read_text()))
    same("rows with a proven record", numbers, let_in)
    print(f"{len(numbers)} records as a second implementation has them, each proven down to the log's key")


def erased(out, proofs, earlier):
    """Who was erased is not found any more; all others are proven under the head that was logged before."""
    after, before = json.loads(proofs.read_text()), json.loads(earlier.read_text())
    numbers, let_in = proven(out, after)
    same("rows with a proven record", numbers, {number for number in let_in if number >= ERASED})
    for upload, logged in after["uploads"].items():
        same("leaf of the upload", logged["leaf"], before["uploads"][upload]["leaf"])
    print(f"{len(let_in) - len(numbers)} erased, the other {len(numbers)} proven under the same head")


def main():
    action, *paths = sys.argv[1:]
    try:
        {"make": make, "check": check, "erased": erased}[action](*map(pathlib.Path, paths))
        return 0
    except Different as error:
        print(f"strings: DIFFERENT: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
