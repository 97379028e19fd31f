#!/usr/bin/env python3
"""The proof of one consent record, checked from protocols/consent/SPEC.md, "Proof".

    python3 tests/independent/batch.py PROOF LOG_DIRECTORY [--key FILE]

Checks a record proof on both levels: the record leads to the head of its batch, and that head is in
the leaf of its upload in a log whose every file is checked. Prints the record. Exits 1 if it does not hold.
"""

import argparse
import hashlib
import json
import pathlib
import re
import sys

from compare import Different, mac, same
from consent import read as read_record
from log import follow, read, verify_log


def commitment(salt, record):
    return mac(salt, b"tamis/v2/consent-record" + record)


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
        except Different:
            return "record bytes"
    try:
        root = follow(proof["row"], proof["rows"], leaf, path)
    except Different:
        return "root"
    if head(proof["rows"], root) != consent_root:
        return "root"
    return "erased" if record is None else "record"


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
