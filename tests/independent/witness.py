"""A witness's request, proof and cosignature, verified as C2SP tlog-witness and tlog-cosignature say.

The consistency proof is verified by the algorithm of RFC 9162 §2.1.4.2, not recomputed.
"""

import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from compare import refused, same, unhex


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves):
    """From the bottom up: a last node without a sibling goes up as it is."""
    row = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(row) > 1:
        pairs = [row[i : i + 2] for i in range(0, len(row), 2)]
        row = [node_hash(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return row[0]


def is_consistent(first, second, first_root, second_root, proof):
    """RFC 9162 §2.1.4.2, for 0 < first < second."""
    proof = list(proof)
    if first & (first - 1) == 0:
        proof.insert(0, first_root)
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return fr == first_root and sr == second_root and sn == 0


def leaf(n, minute, subject):
    event = {"type": "admin", "action": "party-invited", "subject": subject}
    time = f"2026-11-22T09:{minute:02}:00Z"
    whole = {"version": 1, "time": time, "actor": "operator", "event": event}
    return json.dumps(whole, separators=(",", ":")).encode()


def opened(line, name, key_id):
    """Name, key id and what follows of a signature line."""
    dash, named, body = line.split(" ")
    body = base64.b64decode(body, validate=True)
    same("dash", dash, "\u2014")
    same("name", named, name)
    same("key id", body[:4], key_id.hex())
    return body[4:]


def check_witness(vectors):
    size, old = vectors["size"], vectors["old_size"]
    leaves = [leaf(n, n % 60, f"party-{n}" if n < 5 else f"party-{n}-0") for n in range(size)]
    same("first leaf", leaves[0].decode(), vectors["leaf"])
    same("last leaf", leaves[-1].decode(), vectors["leaf_last"])

    head, checkpoint = vectors["request"].split("\n\n", 1)
    first, *proof = head.split("\n")
    same("old size", first, f"old {old}")
    proof = [base64.b64decode(line, validate=True) for line in proof]
    text, lines = checkpoint.split("\n\n")
    text += "\n"
    origin, count, root = text.strip("\n").split("\n")
    same("size", count, str(size))
    root = base64.b64decode(root, validate=True)
    same("root", root, root_of(leaves).hex())
    before = root_of(leaves[:old])
    same("consistency", is_consistent(old, size, before, root, proof), True)
    other = root_of(leaves[: old - 1] + [b"forged"])
    same("consistency of another log", is_consistent(old, size, other, root, proof), False)

    name, log_id, key = vectors["log_vkey"].split("+", 2)
    same("origin", origin, name)
    key = base64.b64decode(key)[1:]
    signature = opened(lines.strip("\n"), origin, unhex(log_id))
    Ed25519PublicKey.from_public_bytes(key).verify(signature, text.encode())

    private = Ed25519PrivateKey.from_private_bytes(unhex(vectors["seed"]))
    public = private.public_key().public_bytes_raw()
    name = vectors["name"]
    key_id = hashlib.sha256(name.encode() + b"\n\x04" + public).digest()[:4]
    encoded = base64.b64encode(b"\x04" + public).decode()
    vkey = f"{name}+{key_id.hex()}+{encoded}"
    same("vkey", vkey, vectors["vkey"])
    said = opened(vectors["answer"].strip("\n"), name, key_id)
    time, signature = int.from_bytes(said[:8], "big"), said[8:]
    same("time", time, vectors["time"])
    message = f"cosignature/v1\ntime {time}\n{text}".encode()
    same("cosignature", private.sign(message).hex(), signature.hex())
    verifying = Ed25519PublicKey.from_public_bytes(public)
    verifying.verify(signature, message)
    later = f"cosignature/v1\ntime {time + 1}\n{text}".encode()
    refused("a cosignature of another time", lambda: verifying.verify(signature, later))
    same("cosigned", checkpoint + vectors["answer"], vectors["checkpoint"])
    return f"a request over {size} leaves, its proof from {old} and a cosignature"
