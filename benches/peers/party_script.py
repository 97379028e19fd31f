#!/usr/bin/env python3
"""What a careful analyst writes with `phonenumbers` and `hashlib`: a CSV of contacts to tokens.

    party_script.py FILE OUT

Columns: email, phone, then any. Under the profile onboarding-1 with the default region AU: normalise, SHA-256,
HMAC-SHA256 under the pair key, first 16 bytes. One process. Left out, to its advantage: judging consent,
counting repetitions, shuffling, a binary format and the flush to disk. Prints one line of JSON.
"""
import csv
import hashlib
import hmac
import json
import sys
import time

import idna
import phonenumbers

REGION = "AU"
PAIR_KEY = bytes([1]) * 32
GMAIL = ("gmail.com", "googlemail.com")
E164 = phonenumbers.PhoneNumberFormat.E164


def email(cell):
    """The canonical address, or None."""
    address = "".join(cell.split()).lower()
    local, _, domain = address.partition("@")
    if not local or "." not in domain or "@" in domain:
        return None
    if not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode()
    if domain in GMAIL:
        local, domain = local.partition("+")[0].replace(".", ""), "gmail.com"
    return f"{local}@{domain}" if local else None


def phone(cell):
    """The number in E.164, or None."""
    try:
        number = phonenumbers.parse(cell, REGION)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, E164) if phonenumbers.is_valid_number(number) else None


def token(kind, canonical):
    """In hexadecimal; empty without an identifier."""
    if canonical is None:
        return ""
    message = bytes((1, kind, 0, 32)) + hashlib.sha256(canonical.encode()).digest()
    return hmac.digest(PAIR_KEY, message, "sha256")[:16].hex()


def main(source, target):
    wall, cpu = time.perf_counter(), time.process_time()
    rows = 0
    with open(source, newline="", encoding="utf-8") as lines, open(target, "w") as out:
        cells = csv.reader(lines)
        next(cells)
        for row in cells:
            out.write(f"{token(1, email(row[0]))},{token(2, phone(row[1]))}\n")
            rows += 1
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"rows": rows, "seconds": round(wall, 3), "cpu_s": round(cpu, 2)}))


if __name__ == "__main__":
    main(*sys.argv[1:3])
