"""Computes protocols/consent/vectors/proof.json with Python's standard library.

    python3 make.py > proof.json
"""

import hashlib
import hmac
import json
import struct


def canonical(record):
    out = b"tamis/v1/consent-record"
    out += struct.pack(">BI", record["basis"], record["purposes"])
    at = record["given_at"]
    out += b"\0" if at is None else b"\1" + struct.pack(">q", at)
    for field in ("notice_version", "source"):
        text = record[field]
        out += b"\0" if text is None else b"\1" + struct.pack(">Q", len(text.encode())) + text.encode()
    return out + bytes([record["opposed"]])


def root(leaves):
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\1" + root(leaves[:half]) + root(leaves[half:])).digest()


RECORDS = [
    dict(basis=1, purposes=0b1101, given_at=1777957200, notice_version="v4.0", source="app", opposed=False),
    dict(basis=0, purposes=0, given_at=None, notice_version=None, source=None, opposed=False),
    dict(basis=2, purposes=0b1100, given_at=-1, notice_version="", source="magasin é", opposed=True),
]
commitments = []
for number, record in enumerate(RECORDS):
    salt = bytes([number]) * 32
    value = hmac.new(salt, canonical(record), hashlib.sha256).hexdigest()
    commitments.append({"salt": salt.hex(), "record": record, "commitment": value})
roots = []
for size in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 32, 33, 1000]:
    leaves = [hashlib.sha256(struct.pack(">Q", n)).digest() for n in range(size)]
    roots.append({"leaves": size, "root": root(leaves).hex()})
print(json.dumps({"commitments": commitments, "leaf_n": "SHA-256 of n as 8 bytes, big-endian", "roots": roots}, ensure_ascii=False, indent=1))
