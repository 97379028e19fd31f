"""Computes protocols/consent/vectors/proof.json with Python's standard library.

    python3 make.py > proof.json
"""

import hashlib
import hmac
import json
import pathlib
import struct

HERE = pathlib.Path(__file__).parent
UPLOAD = "0123456789abcdef0123456789abcdef"


def sha(data):
    return hashlib.sha256(data).digest()


def split(size):
    half = 1
    while half * 2 < size:
        half *= 2
    return half


def root(leaves):
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return sha(b"\0" + leaves[0])
    half = split(len(leaves))
    return sha(b"\1" + root(leaves[:half]) + root(leaves[half:]))


def head(leaves):
    return sha(b"\2" + struct.pack(">Q", len(leaves)) + root(leaves))


def path(row, leaves):
    if len(leaves) <= 1:
        return []
    half = split(len(leaves))
    if row < half:
        return path(row, leaves[:half]) + [root(leaves[half:]).hex()]
    return path(row - half, leaves[half:]) + [root(leaves[:half]).hex()]


roots = []
for size in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 32, 33, 1000]:
    leaves = [sha(struct.pack(">Q", n)) for n in range(size)]
    roots.append({"leaves": size, "root": root(leaves).hex(), "head": head(leaves).hex()})

RECORDS = [one["bytes"] for one in json.loads((HERE / "records.json").read_text())["records"]]


def batch(size):
    """Salts, records and commitments of a batch, and its head."""
    salts = [sha(b"salt %d" % n) for n in range(size)]
    records = [bytes.fromhex(RECORDS[n % len(RECORDS)]) for n in range(size)]
    leaves = [hmac.digest(salt, b"tamis/v2/consent-record" + record, "sha256") for salt, record in zip(salts, records)]
    return salts, records, leaves


def proof(row, size):
    salts, records, leaves = batch(size)
    fields = {"upload": UPLOAD, "row": row, "rows": size, "record": records[row].hex(), "salt": salts[row].hex()}
    return {**fields, "path": path(row, leaves)}, head(leaves).hex()


def erased(row, size):
    shown, top = proof(row, size)
    _, _, leaves = batch(size)
    del shown["record"], shown["salt"]
    return {**shown, "leaf": sha(b"\0" + leaves[row]).hex()}, top


proofs = []


def add(outcome, why, shown, top):
    proofs.append({"outcome": outcome, "why": why, "consent_root": top, "proof": shown})


for size in [1, 2, 3, 5, 8, 13]:
    for row in sorted({0, size // 2, size - 1}):
        add("record", "as it is", *proof(row, size))
        add("erased", "as it is", *erased(row, size))
good, top = proof(3, 8)
other = proof(4, 8)[0]
zero = "00" * 32
for why, change in [
    ("another row", {"row": 2}),
    ("a row that there is not", {"row": 8}),
    ("more rows", {"rows": 9}),
    ("fewer rows", {"rows": 7}),
    ("no rows", {"rows": 0}),
    ("another salt", {"salt": other["salt"]}),
    ("another record", {"record": other["record"]}),
    ("a path cut short", {"path": good["path"][:-1]}),
    ("a path too long", {"path": good["path"] + [zero]}),
    ("no path", {"path": []}),
    ("the path of another row", {"path": other["path"]}),
    ("a path in another order", {"path": good["path"][::-1]}),
]:
    add("root", why, {**good, **change}, top)
add("root", "the head of another batch", good, proof(3, 9)[1])
add("root", "another leaf", {**erased(3, 8)[0], "leaf": zero}, top)
add("record bytes", "no record", {**good, "record": good["record"] + "00"}, top)
for why, change in [
    ("upper case in the path", {"path": [good["path"][0].upper()] + good["path"][1:]}),
    ("a hash of 31 bytes", {"path": [zero[2:]] + good["path"][1:]}),
    ("41 hashes", {"path": [zero] * 41}),
    ("a short salt", {"salt": "00"}),
    ("a record that is not hexadecimal", {"record": "0x"}),
    ("record and leaf", {"leaf": zero}),
]:
    add("malformed", why, {**good, **change}, top)
without = {key: value for key, value in good.items() if key != "salt"}
add("malformed", "no salt", without, top)
print(json.dumps({"leaf_n": "SHA-256 of n as 8 bytes, big-endian", "roots": roots, "proofs": proofs}, ensure_ascii=False, indent=1))
