#!/usr/bin/env python3
"""A transparency log, checked from protocols/transparency/SPEC.md alone: note, tree, tiles, proofs.

    python3 tests/independent/log.py DIRECTORY [--key FILE] [--older CHECKPOINT]

Checks a log as `tamis log fetch` wrote it: the signature, the spelling of every leaf, every file
recomputed from the leaves, that nothing else is there, and that it continues an older checkpoint.
What the leaves say of each other (rules) is not replayed. Exits 1 on any difference.
"""

import argparse
import base64
import hashlib
import json
import pathlib
import sys

from compare import Different, refused, same, unhex
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

# --- RFC 6962 ------------------------------------------------------------------------------------


def leaf_hash(leaf):
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(count):
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def root_of(hashes):
    """RFC 6962 §2.1, as it is written there."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return node_hash(root_of(hashes[:k]), root_of(hashes[k:]))


def inclusion(index, hashes):
    """RFC 6962 §2.1.1."""
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if index < k:
        return inclusion(index, hashes[:k]) + [root_of(hashes[k:])]
    return inclusion(index - k, hashes[k:]) + [root_of(hashes[:k])]


def consistency(old, hashes, whole=True):
    """RFC 6962 §2.1.2."""
    if old == len(hashes):
        return [] if whole else [root_of(hashes)]
    k = split(len(hashes))
    if old <= k:
        return consistency(old, hashes[:k], whole) + [root_of(hashes[k:])]
    return consistency(old - k, hashes[k:], False) + [root_of(hashes[:k])]


def tile_name(number):
    parts = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        parts.insert(0, f"x{number % 1000:03}")
    return "/".join(parts)


def rows(prefix, cells):
    files = {}
    for start in range(0, len(cells), 256):
        part = cells[start : start + 256]
        partial = f".p/{len(part)}" if len(part) < 256 else ""
        files[f"{prefix}/{tile_name(start // 256)}{partial}"] = b"".join(part)
    return files


def files_of(leaves):
    """C2SP tlog-tiles: entry bundles, then tiles level by level."""
    files = rows("tile/entries", [len(leaf).to_bytes(2, "big") + leaf for leaf in leaves])
    hashes, level = [leaf_hash(leaf) for leaf in leaves], 0
    while hashes:
        files.update(rows(f"tile/{level}", hashes))
        full = len(hashes) // 256 * 256
        hashes = [root_of(hashes[i : i + 256]) for i in range(0, full, 256)]
        level += 1
    return files


def follow(index, size, leaf, path):
    """RFC 9162 §2.1.3.2: the root that an inclusion path leads to."""
    if index >= size:
        raise Different("index of an inclusion")
    at, last, root = index, size - 1, leaf
    for beside in path:
        if last == 0:
            raise Different("length of an inclusion")
        if at % 2 or at == last:
            root = node_hash(beside, root)
            while at and not at % 2:
                at, last = at // 2, last // 2
        else:
            root = node_hash(root, beside)
        at, last = at // 2, last // 2
    if last:
        raise Different("length of an inclusion")
    return root


def grown(old, old_root, size, root, proof):
    """RFC 9162 §2.1.4.2: whether the tree of `size` leaves continues that of `old`."""
    if old in (0, size):
        return not proof and (old == 0 or old_root == root)
    proof = list(proof)
    if not old & (old - 1):
        proof.insert(0, old_root)
    if not proof or old > size:
        return False
    at, last = old - 1, size - 1
    while at % 2:
        at, last = at // 2, last // 2
    before = after = proof.pop(0)
    for beside in proof:
        if last == 0:
            return False
        if at % 2 or at == last:
            before, after = node_hash(beside, before), node_hash(beside, after)
            while at and not at % 2:
                at, last = at // 2, last // 2
        else:
            after = node_hash(after, beside)
        at, last = at // 2, last // 2
    return last == 0 and (before, after) == (old_root, root)


# --- C2SP signed-note, tlog-checkpoint -----------------------------------------------------------


def open_checkpoint(note, vkey):
    """Size and root of a checkpoint that the log's own key signed; others may have signed, too."""
    try:
        text, signatures = note.decode().split("\n\n", 1)
        origin, key_id, key = vkey.split("+", 2)
        key = base64.b64decode(key, validate=True)
        same("key id", hashlib.sha256(origin.encode() + b"\n" + key).digest()[:4].hex(), key_id)
        if key[0] != 1 or not signatures.endswith("\n"):
            raise Different("checkpoint")
        text += "\n"
        name, size, root, *rest = text.split("\n")
        same("origin", name, origin)
        same("end of the checkpoint", rest, [""])
        own = [line for line in signatures[:-1].split("\n") if line.split(" ")[1:2] == [origin]]
        (line,) = own
        dash, _, signature = line.split(" ")
        raw = base64.b64decode(signature, validate=True)
        if dash != "\u2014" or raw[:4].hex() != key_id or base64.b64encode(raw).decode() != signature:
            raise Different("signature line")
        Ed25519PublicKey.from_public_bytes(key[1:]).verify(raw[4:], text.encode())
        spelt = base64.b64encode(base64.b64decode(root, validate=True)).decode()
        same("spelling of the root", spelt, root)
        same("spelling of the size", str(int(size)), size)
        return int(size), base64.b64decode(root)
    except (InvalidSignature, ValueError, IndexError, UnicodeDecodeError) as error:
        raise Different("checkpoint") from error


# --- C2SP tlog-tiles -----------------------------------------------------------------------------


def leaves_of(files, size):
    """The leaves in the entry bundles that a size implies."""
    leaves = []
    for number in range(0, size, 256):
        width = min(256, size - number)
        partial = f".p/{width}" if width < 256 else ""
        bundle = files.get(f"tile/entries/{tile_name(number // 256)}{partial}")
        if bundle is None:
            raise Different("an entry bundle is missing")
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            leaves.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
    return leaves


def verify_log(files, vkey):
    """Every file of a log, by its path; gives the leaves and their hashes."""
    size, root = open_checkpoint(files.get("checkpoint", b""), vkey)
    leaves = leaves_of(files, size)
    hashes = [leaf_hash(leaf) for leaf in leaves]
    same("size", len(leaves), size)
    same("root", root_of(hashes), root.hex())
    for leaf in leaves:
        try:
            spelt = json.dumps(json.loads(leaf), separators=(",", ":"), ensure_ascii=False)
        except ValueError as error:
            raise Different("a leaf") from error
        same("spelling of a leaf", spelt.encode(), leaf.hex())
    implied = files_of(leaves)
    for path, content in implied.items():
        if files.get(path) != content:
            raise Different(path)
    for path in files.keys() - implied.keys() - {"checkpoint"}:
        older(path, files[path], implied)
    return leaves, hashes


def older(path, content, implied):
    """A partial file of an earlier state: a prefix of what is there now, as wide as it says."""
    whole, _, width = path.partition(".p/")
    now = [c for p, c in implied.items() if p == whole or p.startswith(whole + ".p/")]
    if len(now) != 1 or not width.isdigit() or not 0 < int(width) < 256 or not now[0].startswith(content):
        raise Different(path)
    count, left = 0, content
    while left and "entries" in path:
        left, count = left[2 + int.from_bytes(left[:2], "big") :], count + 1
    same(f"width of {path}", count if "entries" in path else len(content) / 32, int(width))


# --- the committed log ---------------------------------------------------------------------------


def check_log(vectors):
    leaves = [leaf.encode() for leaf in vectors["leaves"]]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    root = root_of(hashes)
    same("size", len(leaves), vectors["size"])
    same("root", root, vectors["root"])
    for leaf in vectors["leaves"]:
        spelt = json.dumps(json.loads(leaf), separators=(",", ":"), ensure_ascii=False)
        same("spelling of a leaf", spelt, leaf)

    key = Ed25519PrivateKey.from_private_bytes(unhex(vectors["seed"]))
    verifying = b"\x01" + key.public_key().public_bytes_raw()
    origin = vectors["origin"]
    key_id = hashlib.sha256(origin.encode() + b"\n" + verifying).digest()[:4]
    vkey = f"{origin}+{key_id.hex()}+{base64.b64encode(verifying).decode()}"
    same("vkey", vkey, vectors["vkey"])
    text = f"{origin}\n{len(leaves)}\n{base64.b64encode(root).decode()}\n"
    signature = base64.b64encode(key_id + key.sign(text.encode())).decode()
    checkpoint = f"{text}\n\u2014 {origin} {signature}\n"
    same("checkpoint", checkpoint, vectors["checkpoint"])
    Ed25519PublicKey.from_public_bytes(verifying[1:]).verify(key.sign(text.encode()), text.encode())

    files = files_of(leaves)
    files["checkpoint"] = checkpoint.encode()
    committed = vectors["files"]
    old = vectors["consistency"]["old_size"]
    for path, content in files_of(leaves[:old]).items():
        files.setdefault(path, content)
    same("paths", sorted(files), sorted(committed))
    for path, content in files.items():
        same(path, content, committed[path])

    index = vectors["inclusion"]["index"]
    proof = inclusion(index, hashes)
    same("inclusion proof", [h.hex() for h in proof], vectors["inclusion"]["proof"])
    same("inclusion", follow(index, len(leaves), hashes[index], proof), root.hex())
    same("old root", root_of(hashes[:old]), vectors["consistency"]["old_root"])
    proof = consistency(old, hashes)
    same("consistency proof", [h.hex() for h in proof], vectors["consistency"]["proof"])
    old_root = root_of(hashes[:old])
    same("consistency", grown(old, old_root, len(leaves), root, proof), True)
    same("a forged consistency", grown(old, root, len(leaves), old_root, proof), False)

    damaged = 0
    for path, content in files.items():
        for at in range(len(content)):
            changed = bytearray(content)
            changed[at] ^= 1 << at % 8
            refused(f"{path} changed", lambda: verify_log({**files, path: bytes(changed)}, vkey))
            damaged += 1
    verify_log(files, vkey)
    refused("a further file", lambda: verify_log({**files, "tile/1/000": b""}, vkey))

    for tree in vectors["counted"]:
        counted = [str(n).encode() for n in range(tree["size"])]
        same("root", root_of([leaf_hash(leaf) for leaf in counted]), tree["root"])
        made = {p: hashlib.sha256(c).hexdigest() for p, c in files_of(counted).items()}
        same(f"files of {tree['size']} leaves", made, tree["files_sha256"])
    trees = len(vectors["counted"])
    return f"{len(leaves)} leaves, {len(files)} files, {damaged} bits changed, {trees} further trees"


# --- a log on the disk ---------------------------------------------------------------------------


def read(directory):
    paths = [p for p in (directory / "tile").rglob("*") if p.is_file()] + [directory / "checkpoint"]
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in paths}


def main():
    parser = argparse.ArgumentParser(description="Checks a fetched log independently.")
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--key", type=pathlib.Path, help="the log's verifier key; DIRECTORY/key")
    parser.add_argument("--older", type=pathlib.Path, help="a checkpoint of the log from before")
    options = parser.parse_args()
    try:
        vkey = (options.key or options.directory / "key").read_text().strip()
        leaves, hashes = verify_log(read(options.directory), vkey)
        if options.older:
            size, root = open_checkpoint(options.older.read_bytes(), vkey)
            same("size of the older checkpoint", size <= len(hashes), True)
            same("root of the older checkpoint", root_of(hashes[:size]), root.hex())
        print(f"log: {len(leaves)} leaves, every file recomputed: the same")
        return 0
    except OSError as error:
        print(f"log: {error}")
        return 2
    except Different as error:
        print(f"log: DIFFERENT: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
