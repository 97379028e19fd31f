"""Recomputes the vectors of protocols/audit from its SPEC.md: the documents of a pack against its leaves, and
what is drawn. Signatures with `cryptography`; everything else with the standard library."""

import base64
import hashlib
import hmac
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from compare import Different, same
from gate import policy_digest

LISTED = ["SUMMARY.md", "checkpoint", "checkpoints.jsonl", "documents.jsonl", "key", "samples.jsonl"]
MINIMA = ["k_min", "cell_min", "noise_scale", "round_to", "window_days", "look_back_days", "upload_min",
          "tenure_days", "window_minutes"]


def lines(content):
    texts = content.decode().split("\n")
    same("a file of lines", texts.pop(), "")
    for text in texts:
        same("a line in its one spelling", json.dumps(json.loads(text), separators=(",", ":"),
                                                      ensure_ascii=False), text)
    return [json.loads(text) for text in texts]


def leaves(files):
    bundle = max((path for path in files if path.startswith("tile/entries/")),
                 key=lambda path: int(path.rpartition("/")[2]))
    content, out = files[bundle], []
    while content:
        length = int.from_bytes(content[:2], "big")
        out.append(json.loads(content[2:2 + length]))
        content = content[2 + length:]
    return out


def signed(key, domain, text, signature):
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(
            base64.b64decode(signature), domain.encode() + b"\0" + text.encode())
    except InvalidSignature as error:
        raise Different(f"a signature of {domain}") from error


def tighter(one, other):
    caps = {name: min(one[name], other[name]) for name in ("pair_cap", "partner_cap")}
    return {**{name: max(one[name], other[name]) for name in MINIMA}, **caps}


def replay(files):
    documents = iter(lines(files["documents.jsonl"]))
    keys, agreed, policies, spent = {}, {}, {}, []

    def behind(kind):
        found = next(documents)
        same("the kind of a document", found["kind"], kind)
        return found

    for leaf in leaves(files):
        event, actor = leaf["event"], leaf["actor"]
        kind, where = event["type"], event.get("collaboration")
        if kind == "enrolment":
            document = behind("keys")
            keys[event["party"]] = base64.b64decode(document["signing_key"])
            for name in ("signing_key", "sealing_key"):
                value = document.get(name)
                digest = value and hashlib.sha256(base64.b64decode(value)).hexdigest()
                same(name, digest, event.get(name))
        elif kind == "proposal":
            document = behind("terms")
            text = document["terms"]
            same("the id of terms", hashlib.sha256(text.encode()).hexdigest()[:32], where)
            signed(keys[actor], "tamis/v1/terms", text, document["signature"])
            agreed[where] = {"text": text, "terms": json.loads(text), "floor": json.loads(text)["release"]}
        elif kind == "acceptance":
            same("the partner", actor, agreed[where]["terms"]["partner"])
            signed(keys[actor], "tamis/v1/terms", agreed[where]["text"], behind("acceptance")["signature"])
        elif kind == "tightening":
            document = behind("tightening")
            text = document["document"]
            same("the digest of a tightening", hashlib.sha256(text.encode()).hexdigest(), event["document"])
            signed(keys[actor], "tamis/v1/tightening", text, document["signature"])
            policy = json.loads(text)["policy"]
            policies[leaf["policy"]] = policy
            agreed[where]["floor"] = tighter(agreed[where]["floor"], policy)
        elif kind == "upload":
            document = behind("upload")
            head = b"\x02" + document["rows"].to_bytes(8, "big") + bytes.fromhex(document["root"])
            same("the head of an upload", hashlib.sha256(head).hexdigest(), event["consent_root"])
        elif "policy" in leaf:
            if leaf["policy"] not in policies:
                policies[leaf["policy"]] = behind("policy")["policy"]
            policy = policies[leaf["policy"]]
            same("the digest of a policy", policy_digest(policy), leaf["policy"])
            same("a policy as tight as what was signed", tighter(policy, agreed[where]["floor"]), policy)
            spent.append(event.get("charge", 0))
            if sum(spent) > policy["pair_cap"]:
                raise Different("the budget is overspent")
    if next(documents, None) is not None:
        raise Different("a document of no leaf")


def draw(root, size, nonce, total, count):
    key, drawn, i = bytes.fromhex(root) + size.to_bytes(8, "big"), [], 0
    while len(drawn) < min(count, total):
        made = hmac.new(key, b"tamis/v1/audit-sample" + nonce.encode() + i.to_bytes(8, "big"), "sha256").digest()
        value = int.from_bytes(made[:16], "big")
        if value < (2**128 - 1) // total * total and value % total not in drawn:
            drawn.append(value % total)
        i += 1
    return drawn


def check_audit(vectors):
    files = {path: bytes.fromhex(content) for path, content in vectors["files"].items()}
    manifest = json.loads(files["manifest.json"])
    same("the files of a manifest", [one["path"] for one in manifest["files"]], LISTED)
    for one in manifest["files"]:
        content = files[one["path"]]
        same("bytes", one["bytes"], len(content))
        same("sha256", one["sha256"], hashlib.sha256(content).hexdigest())
    checkpoint = files["checkpoint"].decode().split("\n")
    same("the log of a manifest", [manifest["origin"], str(manifest["size"])], checkpoint[:2])
    same("the root of a manifest", base64.b64decode(checkpoint[2]), manifest["root"])
    same("the key", files["key"].decode(), vectors["vkey"] + "\n")
    replay(files)
    for one in vectors["draws"]:
        same("what is drawn", draw(one["root"], one["size"], one["nonce"], one["total"], one["n"]), one["drawn"])
    return f"a pack of {manifest['size']} leaves, {len(vectors['draws'])} draws"
