"""Computes protocols/consent/vectors/records.json with Python's standard library.

    python3 make_records.py > records.json
"""

import hashlib
import hmac
import json
import struct

STATES = ["given", "refreshed", "narrowed", "withdrawn", "opposed", "expired"]


def text(value):
    return struct.pack(">H", len(value.encode())) + value.encode()


def time(value):
    return struct.pack(">q", value)


def names(value):
    return bytes([len(value)]) + b"".join(text(name) for name in value)


def history(value):
    events = [bytes([STATES.index(state) + 1]) + time(at) for state, at in value]
    return bytes([len(events)]) + b"".join(events)


FIELDS = [
    ("given_at", time),
    ("notice_version", text),
    ("source", text),
    ("opposed", lambda value: b""),
    ("interests", lambda value: struct.pack(">I", value)),
    ("record_id", text),
    ("recipients", names),
    ("notice_hash", bytes.fromhex),
    ("language", text),
    ("journey", text),
    ("jurisdiction", text),
    ("valid_until", time),
    ("history", history),
]


def canonical(record):
    fields, rest = 0, b""
    for bit, (name, write) in enumerate(FIELDS):
        if name in record:
            fields |= 1 << bit
            rest += write(record[name])
    return struct.pack(">BIH", record.get("basis", 0), record.get("purposes", 0), fields) + rest


RECORDS = [
    dict(basis=1, purposes=0b1101, given_at=1777957200, notice_version="v4.0", source="app"),
    dict(),
    dict(basis=2, purposes=0b1100, given_at=-1, notice_version="", source="magasin é", opposed=True),
    dict(recipients=[]),
    dict(
        basis=1,
        purposes=0b1101,
        given_at=1777957200,
        notice_version="v4.0",
        source="app",
        opposed=True,
        interests=0b10,
        record_id="r-1",
        recipients=["dsp-a", "gvl:28"],
        notice_hash=hashlib.sha256(b"notice").hexdigest(),
        language="fr-FR",
        journey="paiement/étape 2",
        jurisdiction="FR-IDF",
        valid_until=1800000000,
        history=[["given", 1777957200], ["refreshed", 1777957201], ["narrowed", 1777957202],
                 ["withdrawn", 1777957203], ["opposed", 1777957203], ["expired", 1777957204]],
    ),
    dict(basis=6, purposes=0xFFFFFF, history=[["given", -377705023201]]),
]
out = []
for number, record in enumerate(RECORDS):
    salt = bytes([number]) * 32
    data = canonical(record)
    value = hmac.new(salt, b"tamis/v2/consent-record" + data, hashlib.sha256).hexdigest()
    out.append({"salt": salt.hex(), "record": record, "bytes": data.hex(), "commitment": value})
# Bytes that are no record, each in one way.
plain = canonical(RECORDS[0])
refused = {
    "a field that does not exist": struct.pack(">BIH", 0, 0, 1 << 13),
    "a basis that does not exist": struct.pack(">BIH", 7, 0, 0),
    "a purpose above 24": struct.pack(">BIH", 0, 1 << 24, 0),
    "no interests, said": canonical(dict(interests=0)),
    "an empty history, said": canonical(dict(history=[])),
    "a byte too many": plain + b"\0",
    "a byte too few": plain[:-1],
    "recipients out of order": canonical(dict(recipients=["b", "a"])),
    "a recipient twice": canonical(dict(recipients=["a", "a"])),
    "33 recipients": canonical(dict(recipients=[f"gvl:{n}" for n in range(10, 43)])),
    "a history that goes back": canonical(dict(history=[["given", 2], ["refreshed", 1]])),
    "a time after the year 9999": canonical(dict(given_at=253402300800)),
    "257 bytes of text": canonical(dict(source="x" * 257)),
    "text that is not UTF-8": struct.pack(">BIHH", 0, 0, 1 << 2, 1) + b"\xff",
    "a country in small letters": canonical(dict(jurisdiction="fr")),
}
refused = [{"because": because, "bytes": data.hex()} for because, data in refused.items()]
print(json.dumps({"records": out, "refused": refused}, ensure_ascii=False, indent=1))
