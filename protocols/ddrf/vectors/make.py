#!/usr/bin/env python3
"""Writes requests.json: deletion requests, whole and spoilt, made with `cryptography` from SPEC.md alone.

    python3 protocols/ddrf/vectors/make.py
"""

import base64
import hashlib
import json
import pathlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

NOW = 1_795_600_000
RECIPIENT = "graphs.example"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact_json(value):
    return json.dumps(value, separators=(",", ":"))


def number(value, length=None):
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


class Ed25519:
    alg = "EdDSA"

    def __init__(self, seed):
        self.key = Ed25519PrivateKey.from_private_bytes(seed)
        x = b64(self.key.public_key().public_bytes_raw())
        thumbprint = compact_json({"crv": "Ed25519", "kty": "OKP", "x": x})
        self.kid = b64(hashlib.sha256(thumbprint.encode()).digest())
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid, "alg": "EdDSA"}

    def sign(self, message):
        return self.key.sign(message)


class P256:
    alg, kid = "ES256", "p-1"

    def __init__(self, secret):
        self.key = ec.derive_private_key(secret, ec.SECP256R1())
        public = self.key.public_key().public_numbers()
        self.jwk = {"kty": "EC", "crv": "P-256", "x": number(public.x, 32), "y": number(public.y, 32), "kid": self.kid}

    def sign(self, message):
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class Rsa:
    alg, kid = "RS256", "r-1"

    def __init__(self):
        self.key = rsa.generate_private_key(65537, 2048)
        public = self.key.public_key().public_numbers()
        self.jwk = {"kty": "RSA", "n": number(public.n), "e": number(public.e), "kid": self.kid, "alg": "RS256"}

    def sign(self, message):
        return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def token(key, claims, **header):
    head = {"typ": "JWT", "alg": key.alg, "kid": key.kid} | header
    signed = b64(compact_json(head).encode()) + "." + b64(compact_json(claims).encode())
    return signed + "." + b64(key.sign(signed.encode()))


def subject(value=hashlib.sha256(b"ana@example.org").hexdigest(), kind="email", form="sha256"):
    return {"identifierValue": value, "identifierType": kind, "identifierFormat": form}


def identity(key, domain, sub, iat=NOW - 60, jti="id-1"):
    return token(key, {"version": "1.0", "jti": jti, "iss": domain, "sub": sub, "iat": iat})


def request(key, domain, id_jwt, sub, iat=NOW, jti="rq-1", recipient=RECIPIENT, **more):
    claims = {"version": "1.0", "idJWT": id_jwt, "jti": jti, "iss": domain, "sub": sub, "iat": iat}
    if recipient:
        claims["optionalParameters"] = {"recipient": recipient}
    return token(key, claims | more)


def acknowledgement(key, domain, rq, code, why=None, iat=NOW, jti="ac-1"):
    claims = {"version": "1.0", "rqJWT": rq, "jti": jti, "iss": domain, "iat": iat, "raResultCode": code}
    return token(key, claims | ({"raResultString": why} if why else {}))


SHOP, BROKER, US = Ed25519(bytes([1]) * 32), Ed25519(bytes([2]) * 32), Ed25519(bytes([3]) * 32)
CURVE, OLD = P256(0x1234567890ABCDEF), Rsa()
CASES = []


def case(says, code, rq, requester=BROKER, origin=SHOP, value=None, names=("broker.example", "shop.example")):
    one = {"says": says, "raResultCode": code, "rqJWT": rq,
           "requester_keys": [requester.jwk], "origin_keys": [origin.jwk],
           "acJWT": acknowledgement(US, RECIPIENT, rq, code)}
    if code == 0:
        one |= {"requester": names[0], "origin": names[1], "identifier": value or subject()["identifierValue"]}
    CASES.append(one)


said = identity(SHOP, "shop.example", subject())
good = request(BROKER, "broker.example", said, subject())
case("passed on by a broker", 0, good)
case("of the origin itself", 0, request(SHOP, "shop.example", said, subject()), requester=SHOP, names=("shop.example",) * 2)
case("without naming its recipient", 0, request(BROKER, "broker.example", said, subject(), recipient=None))
plain = subject("ana@example.org", "email", "plain")
case("under another identifier", 0, request(BROKER, "broker.example", said, plain), value="ana@example.org")
case("ES256", 0, request(CURVE, "broker.example", said, subject()), requester=CURVE)
case("RS256", 0, request(OLD, "broker.example", said, subject()), requester=OLD)
case("an origin that signs ES256", 0, request(BROKER, "broker.example", identity(CURVE, "shop.example", subject()), subject()), origin=CURVE)
case("a time with a fraction", 0, request(BROKER, "broker.example", said, subject(), iat=NOW + 0.5))
case("to somebody else", 1, request(BROKER, "broker.example", said, subject(), recipient="other.example"))
case("without an identifier", 1, request(BROKER, "broker.example", said, None))
case("another version", 1, request(BROKER, "broker.example", said, subject(), version="0.9"))
case("another key", 2, request(US, "broker.example", said, subject()))
case("a key of another kind", 2, good, requester=CURVE)
case("an origin that did not sign", 2, request(BROKER, "broker.example", identity(US, "shop.example", subject()), subject()))
case("alg none", 2, token(BROKER, json.loads(base64.urlsafe_b64decode(good.split(".")[1] + "==")), alg="none"))
case("one part short", 3, ".".join(good.split(".")[:2]))
case("padding", 3, good + "=")
case("what it carries is no token", 3, request(BROKER, "broker.example", "x.y", subject()))
case("an advertising id", 4, request(BROKER, "broker.example", said, subject("38400000-8cf0", "idfa", "plain")))
case("MD5", 5, request(BROKER, "broker.example", said, subject("d41d8cd9", "email", "md5")))
case("no digest", 5, request(BROKER, "broker.example", said, subject("ana@example.org", "email", "sha256")))
case("two days old", 6, request(BROKER, "broker.example", said, subject(), iat=NOW - 2 * 86400))
case("of tomorrow", 6, request(BROKER, "broker.example", said, subject(), iat=NOW + 86400))
case("expired by its own word", 6, request(BROKER, "broker.example", said, subject(), exp=NOW - 3600))
stale = identity(SHOP, "shop.example", subject(), iat=NOW - 91 * 86400)
case("said 91 days ago", 6, request(BROKER, "broker.example", stale, subject()))

made = []
for seed, sub in [(7, subject()), (8, subject("+33 6 12 34 56 78", "phone", "plain"))]:
    key = Ed25519(bytes([seed]) * 32)
    id_jwt = identity(key, "maison.example", sub, iat=NOW)
    rq = request(key, "maison.example", id_jwt, sub)
    ac = acknowledgement(key, "maison.example", rq, 6, "late")
    made.append({"seed": (bytes([seed]) * 32).hex(), "domain": "maison.example", "recipient": RECIPIENT, "sub": sub,
                 "iat": NOW, "jwk": key.jwk, "idJWT": id_jwt, "rqJWT": rq, "acJWT": ac})

out = {"now": NOW, "recipient": RECIPIENT, "recipient_keys": [US.jwk], "cases": CASES, "made": made}
path = pathlib.Path(__file__).with_name("requests.json")
path.write_text(json.dumps(out, indent=2) + "\n")
print(f"{len(CASES)} requests, {len(made)} made")
