"""Computes protocols/consent/vectors/proof.json with Python's standard library.

    python3 make.py > proof.json
"""

import hashlib
import json
import struct


def root(leaves):
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\1" + root(leaves[:half]) + root(leaves[half:])).digest()


roots = []
for size in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 32, 33, 1000]:
    leaves = [hashlib.sha256(struct.pack(">Q", n)).digest() for n in range(size)]
    roots.append({"leaves": size, "root": root(leaves).hex()})
print(json.dumps({"leaf_n": "SHA-256 of n as 8 bytes, big-endian", "roots": roots}, ensure_ascii=False, indent=1))
