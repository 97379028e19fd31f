#!/usr/bin/env python3
"""Recomputes the committed vectors of token, pairing, label, transparency, audit, release, consent and iab
from their SPEC.md.

An implementation of its own: Python's standard library and `cryptography` (X25519, Ed25519,
AES-GCM); HKDF and HPKE are written out from RFC 5869 and RFC 9180. Prints one line a part; exits 1
on any difference, 2 if it cannot run.

    python3 tests/independent/vectors.py [directory of protocols]
"""

import hashlib
import json
import pathlib
import sys

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import (
        X25519PrivateKey,
        X25519PublicKey,
    )
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError:
    print("the Python package `cryptography` is missing: pip install cryptography")
    sys.exit(2)

from audit import check_audit  # noqa: E402
from batch import check_proofs  # noqa: E402
from compare import Different, mac, refused, same, unhex  # noqa: E402
from consent import check_records  # noqa: E402
from gate import check_audiences, check_decisions, policy_digest  # noqa: E402
from iab import check_gpp, check_tcf  # noqa: E402
from log import check_log  # noqa: E402
from witness import check_witness  # noqa: E402


# --- RFC 2104, RFC 5869 -------------------------------------------------------------------------


def extract(salt, ikm):
    return mac(salt or b"\0" * 32, ikm)


def expand(prk, info, length):
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = mac(prk, block + info + bytes([counter]))
        out += block
        counter += 1
    return out[:length]


def hkdf(ikm, info, salt=b""):
    return expand(extract(salt, ikm), info, 32)


def prefixed(*texts):
    """Each text behind its length, 4 bytes big-endian."""
    out = b""
    for text in texts:
        out += len(text.encode()).to_bytes(4, "big") + text.encode()
    return out


# --- RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM -------------------

KEM_ID, KDF_ID, AEAD_ID = 0x0020, 0x0001, 0x0002
KEM_SUITE = b"KEM" + KEM_ID.to_bytes(2, "big")
SUITE = b"HPKE" + b"".join(i.to_bytes(2, "big") for i in (KEM_ID, KDF_ID, AEAD_ID))


def labeled_extract(suite, salt, label, ikm):
    return extract(salt, b"HPKE-v1" + suite + label + ikm)


def labeled_expand(suite, prk, label, info, length):
    labeled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return expand(prk, labeled, length)


def derive_key_pair(ikm):
    prk = labeled_extract(KEM_SUITE, b"", b"dkp_prk", ikm)
    return X25519PrivateKey.from_private_bytes(labeled_expand(KEM_SUITE, prk, b"sk", b"", 32))


def public(private):
    return private.public_key().public_bytes_raw()


def shared_secret(dh, enc, recipient):
    prk = labeled_extract(KEM_SUITE, b"", b"eae_prk", dh)
    return labeled_expand(KEM_SUITE, prk, b"shared_secret", enc + recipient, 32)


class Context:
    """KeySchedule, §5.1, and one message or any number of exported secrets."""

    def __init__(self, secret, info):
        psk_id_hash = labeled_extract(SUITE, b"", b"psk_id_hash", b"")
        info_hash = labeled_extract(SUITE, b"", b"info_hash", info)
        schedule = b"\x00" + psk_id_hash + info_hash
        prk = labeled_extract(SUITE, secret, b"secret", b"")
        self.key = labeled_expand(SUITE, prk, b"key", schedule, 32)
        self.nonce = labeled_expand(SUITE, prk, b"base_nonce", schedule, 12)
        self.exporter = labeled_expand(SUITE, prk, b"exp", schedule, 32)

    def seal(self, plaintext):
        return AESGCM(self.key).encrypt(self.nonce, plaintext, b"")

    def open(self, ciphertext):
        return AESGCM(self.key).decrypt(self.nonce, ciphertext, b"")

    def export(self, context):
        return labeled_expand(SUITE, self.exporter, b"sec", context, 32)


def sender(ikm, recipient, info):
    ephemeral = derive_key_pair(ikm)
    enc = public(ephemeral)
    dh = ephemeral.exchange(X25519PublicKey.from_public_bytes(recipient))
    return enc, Context(shared_secret(dh, enc, recipient), info)


def receiver(private, enc, info):
    dh = private.exchange(X25519PublicKey.from_public_bytes(enc))
    return Context(shared_secret(dh, enc, public(private)), info)


# --- protocols/token ----------------------------------------------------------------------------


def check_token(vectors):
    count = 0
    for key in vectors["keys"]:
        info = b"tamis/v1/pair-key" + key["collaboration"].encode()
        pair_key = hkdf(unhex(key["pair_secret"]), info + key["epoch"].to_bytes(4, "big"))
        same("pair_key", pair_key, key["pair_key"])
        for token in key["tokens"]:
            digest = hashlib.sha256(token["canonical"].encode()).digest()
            same("digest", digest, token["digest"])
            message = bytes([1, token["type"], 0x00, 0x20]) + digest
            same("token", mac(pair_key, message)[:16], token["token"])
            count += 1
    return f"{count} tokens under {len(vectors['keys'])} keys"


# --- protocols/pairing --------------------------------------------------------------------------

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def check_pairing(vectors):
    terms = vectors["terms"].encode()
    collaboration = hashlib.sha256(terms).hexdigest()[:32]
    same("collaboration", collaboration, vectors["collaboration"])
    signed = b"tamis/v1/terms\0" + terms
    for side in ("advertiser", "partner"):
        key = Ed25519PrivateKey.from_private_bytes(unhex(vectors[side]["seed"]))
        same("public", public(key), vectors[side]["public"])
        same("signature", key.sign(signed), vectors[side]["signature"])

    tightening = vectors["tightening"]
    document = tightening["document"].encode()
    key = Ed25519PrivateKey.from_private_bytes(unhex(vectors["partner"]["seed"]))
    signed = b"tamis/v1/tightening\0" + document
    same("tightening", key.sign(signed), tightening["signature"])
    named = json.loads(document)
    same("tightened collaboration", named["collaboration"], vectors["collaboration"])
    same("policy digest", policy_digest(named["policy"]), tightening["policy_digest"])

    shares = vectors["shares"]
    for share in shares:
        recipient = X25519PrivateKey.from_private_bytes(unhex(share["recipient_private"]))
        same("recipient", public(recipient), share["recipient_public"])
        info = b"tamis/v1/pair-share" + prefixed(collaboration, share["from"], share["to"])
        enc, context = sender(unhex(share["ephemeral_ikm"]), public(recipient), info)
        same("sealed share", enc + context.seal(unhex(share["share"])), share["sealed"])
        sealed = unhex(share["sealed"])
        opened = receiver(recipient, sealed[:32], info).open(sealed[32:])
        same("opened share", opened, share["share"])
        other = b"tamis/v1/pair-share" + prefixed(collaboration, share["to"], share["from"])
        refused(
            "a share for another recipient",
            lambda: receiver(recipient, sealed[:32], other).open(sealed[32:]),
        )

    keys = [vectors["advertiser"]["public"], vectors["partner"]["public"]]
    keys += [shares[1]["recipient_public"], shares[0]["recipient_public"]]
    transcript = b"tamis/v1/pairing" + prefixed(collaboration) + unhex("".join(keys))
    transcript = hashlib.sha256(transcript).digest()
    same("transcript", transcript, vectors["transcript_digest"])
    both = unhex(shares[0]["share"] + shares[1]["share"])
    secret = hkdf(both, b"tamis/v1/pair-secret", salt=transcript)
    same("pair_secret", secret, vectors["pair_secret"])
    bits = int.from_bytes(mac(secret, b"tamis/v1/fingerprint" + transcript)[:10], "big")
    letters = "".join(CROCKFORD[bits >> (75 - 5 * i) & 31] for i in range(16))
    groups = "-".join(letters[i : i + 4] for i in range(0, 16, 4))
    same("fingerprint", groups, vectors["fingerprint"])
    return "3 signatures, a policy digest, 2 shares, pair secret and fingerprint"


# --- protocols/label ----------------------------------------------------------------------------


def check_label(vectors):
    names = prefixed(vectors["collaboration"], vectors["destination"])
    info = b"tamis/v1/label" + names
    destination = X25519PrivateKey.from_private_bytes(unhex(vectors["destination_private"]))
    same("destination", public(destination), vectors["destination_public"])
    enc, sealing = sender(unhex(vectors["ephemeral_ikm"]), public(destination), info)
    same("enc", enc, vectors["enc"])
    opening = receiver(destination, enc, info)
    for label in vectors["labels"]:
        cookie = unhex(label["cookie"])
        padded = (bytes([len(cookie)]) + cookie).ljust(64, b"\0")
        row = int(label["row"]).to_bytes(8, "big")
        ident = mac(unhex(vectors["id_key"]), row + padded)[:8]
        key = AESGCM(sealing.export(b"label-key" + ident))
        made = ident + key.encrypt(b"\0" * 12, padded, ident)
        same("label", made, label["label"])
        key = AESGCM(opening.export(b"label-key" + made[:8]))
        opened = key.decrypt(b"\0" * 12, made[8:], made[:8])
        same("cookie", opened[1 : 1 + opened[0]], label["cookie"])
        tag = mac(unhex(vectors["cookie_tag_key"]), b"tamis/v1/cookie-tag" + names + cookie)
        same("cookie tag", tag[:16], label["tag"])
    return f"{len(vectors['labels'])} labels and cookie tags"


PARTS = [
    ("token", "token.json", check_token),
    ("pairing", "pairing.json", check_pairing),
    ("label", "label.json", check_label),
    ("transparency", "log.json", check_log),
    ("transparency", "witness.json", check_witness),
    ("audit", "pack.json", check_audit),
    ("release", "decisions.json", check_decisions),
    ("release", "audiences.json", check_audiences),
    ("consent", "records.json", check_records),
    ("consent", "proof.json", check_proofs),
    ("iab", "tcf.json", check_tcf),
    ("iab", "gpp.json", check_gpp),
]


def main():
    here = pathlib.Path(__file__).resolve().parent
    protocols = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "../../protocols"
    status = 0
    for part, name, check in PARTS:
        path = protocols / part / "vectors" / name
        try:
            vectors = json.loads(path.read_text(encoding="utf-8"))
            print(f"{part}: {check(vectors)}: the same")
        except OSError as error:
            print(f"{part}: {error}")
            status = 2
        except (Different, KeyError) as error:
            print(f"{part}: DIFFERENT: {error}")
            status = status or 1
    return status


if __name__ == "__main__":
    sys.exit(main())
