#!/usr/bin/env python3
"""Consent records and the proof of one of them, checked from protocols/consent/SPEC.md.

    python3 tests/independent/batch.py PROOF LOG_DIRECTORY [--key FILE]

Checks a record proof on both levels: the record leads to the head of its batch, and that head is in
the leaf of its upload in a log whose every file is checked. Prints the record. Exits 1 if it does not hold.
"""

import argparse
import hashlib
import hmac
import json
import pathlib
import re
import sys

from compare import Different, same
from log import follow, read, verify_log

STATES = ["given", "refreshed", "narrowed", "withdrawn", "opposed", "expired"]
NAMES = [
    "given_at", "notice_version", "source", "opposed", "interests", "record_id", "recipients",
    "notice_hash", "language", "journey", "jurisdiction", "valid_until", "history",
]  # fmt: skip
# Longest text, and the form that it must have.
TEXTS = {
    "notice_version": (256, ""),
    "source": (256, ""),
    "record_id": (64, "[!-~]{1,64}"),
    "language": (35, "[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*"),
    "journey": (256, ""),
    "jurisdiction": (6, "[A-Z]{2}(-[A-Z0-9]{1,3})?"),
}
EARLIEST, LATEST = -377705116800, 253402300799


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, count):
        if len(self.data) < count:
            raise Different("a record ends early")
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def int(self, count, signed=False):
        return int.from_bytes(self.take(count), "big", signed=signed)

    def text(self, longest, form):
        raw = self.take(self.int(2))
        text = raw.decode()
        if len(raw) > longest or form and not re.fullmatch(form, text):
            raise Different("a text")
        return text

    def time(self):
        at = self.int(8, signed=True)
        if not EARLIEST <= at <= LATEST:
            raise Different("a time")
        return at

    def purposes(self):
        set_ = self.int(4)
        if set_ >> 24:
            raise Different("a purpose")
        return set_


def read_record(data):
    """The fields of a record that are there; raises if it is none."""
    reader, record = Reader(data), {}
    basis, purposes, fields = reader.int(1), reader.purposes(), reader.int(2)
    if basis > 6 or fields >> 13:
        raise Different("basis or fields")
    record |= {"basis": basis} if basis else {}
    record |= {"purposes": purposes} if purposes else {}
    for bit, name in enumerate(NAMES):
        if fields >> bit & 1:
            record[name] = read_field(reader, name)
    same("end of a record", reader.data, "")
    return record


def read_field(reader, name):
    if name in ("given_at", "valid_until"):
        return reader.time()
    if name == "opposed":
        return True
    if name == "interests":
        interests = reader.purposes()
        if not interests:
            raise Different("no interests, said")
        return interests
    if name == "notice_hash":
        return reader.take(32).hex()
    if name == "recipients":
        names = [reader.text(64, "[a-z0-9:.-]{1,64}") for _ in range(reader.int(1))]
        if len(names) > 32 or names != sorted(set(names)):
            raise Different("recipients")
        return names
    if name == "history":
        codes = [(reader.int(1), reader.time()) for _ in range(reader.int(1))]
        times = [at for _, at in codes]
        if not 1 <= len(codes) <= 32 or times != sorted(times) or any(not 1 <= c <= 6 for c, _ in codes):
            raise Different("history")
        return [[STATES[code - 1], at] for code, at in codes]
    return reader.text(*TEXTS[name])


def commitment(salt, record):
    return hmac.digest(salt, b"tamis/v2/consent-record" + record, "sha256")


def head(rows, root):
    return hashlib.sha256(b"\x02" + rows.to_bytes(8, "big") + root).digest()


def hexadecimal(text, length=None):
    if not isinstance(text, str) or not re.fullmatch("([0-9a-f]{2})*", text):
        raise ValueError("not hexadecimal")
    if length is not None and len(text) != 2 * length:
        raise ValueError("length")
    return bytes.fromhex(text)


def outcome(proof, consent_root):
    """What a proof shows: `record`, `erased`, or how it fails."""
    record = None
    try:
        hexadecimal(proof["upload"], 16)
        path = [hexadecimal(one, 32) for one in proof["path"]]
        if "leaf" in proof:
            if proof.keys() != {"upload", "row", "rows", "leaf", "path"}:
                return "malformed"
            leaf = hexadecimal(proof["leaf"], 32)
        else:
            if proof.keys() != {"upload", "row", "rows", "record", "salt", "path"}:
                return "malformed"
            record, salt = hexadecimal(proof["record"]), hexadecimal(proof["salt"], 32)
            leaf = hashlib.sha256(b"\x00" + commitment(salt, record)).digest()
        if len(path) > 40:
            return "malformed"
    except (KeyError, ValueError):
        return "malformed"
    if record is not None:
        try:
            read_record(record)
        except (Different, UnicodeDecodeError):
            return "record bytes"
    try:
        root = follow(proof["row"], proof["rows"], leaf, path)
    except Different:
        return "root"
    if head(proof["rows"], root) != consent_root:
        return "root"
    return "erased" if record is None else "record"


def check_records(vectors):
    for vector in vectors["records"]:
        data = bytes.fromhex(vector["bytes"])
        same("record", read_record(data), vector["record"])
        same("commitment", commitment(bytes.fromhex(vector["salt"]), data), vector["commitment"])
    for vector in vectors["refused"]:
        try:
            read_record(bytes.fromhex(vector["bytes"]))
        except (Different, UnicodeDecodeError):
            continue
        raise Different(f"{vector['because']} was accepted")
    return f"{len(vectors['records'])} records, {len(vectors['refused'])} that are none"


def check_proofs(vectors):
    for vector in vectors["proofs"]:
        shown = outcome(vector["proof"], bytes.fromhex(vector["consent_root"]))
        same(f"record proof, {vector['why']}", shown, vector["outcome"])
    return f"{len(vectors['proofs'])} record proofs, good and bad"


def consent_root(leaves, upload):
    """What the log holds of an upload."""
    events = [json.loads(leaf)["event"] for leaf in leaves]
    heads = [e["consent_root"] for e in events if e["type"] == "upload" and e["upload"] == upload]
    if len(heads) != 1:
        raise Different("the upload in the log")
    return bytes.fromhex(heads[0])


def main():
    parser = argparse.ArgumentParser(description="Checks a record proof against a fetched log.")
    parser.add_argument("proof", type=pathlib.Path)
    parser.add_argument("log", type=pathlib.Path)
    parser.add_argument("--key", type=pathlib.Path, help="the log's verifier key; LOG/key")
    options = parser.parse_args()
    try:
        vkey = (options.key or options.log / "key").read_text().strip()
        leaves, _ = verify_log(read(options.log), vkey)
        proof = json.loads(options.proof.read_text())
        shown = outcome(proof, consent_root(leaves, proof["upload"]))
        if shown not in ("record", "erased"):
            raise Different(shown)
        record = read_record(bytes.fromhex(proof["record"])) if shown == "record" else "erased"
        print(json.dumps({"row": proof["row"], "record": record}, ensure_ascii=False))
        return 0
    except OSError as error:
        print(f"record proof: {error}")
        return 2
    except Different as error:
        print(f"record proof: DIFFERENT: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
