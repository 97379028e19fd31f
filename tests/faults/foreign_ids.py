"""Asks for every resource of the advertiser's collaboration as a stranger: each answer must be the very
answer that an id gets which does not exist, and never a success."""

import json
import os
import pathlib
import re
import ssl
import sys
import urllib.error
import urllib.request

world = pathlib.Path(sys.argv[1])
URL = json.loads((world / "stranger/service.json").read_text())["url"]
NOWHERE = "0123456789abcdef0123456789abcdef"


def caller(name):
    context = ssl.create_default_context(cadata=json.loads((world / name / "service.json").read_text())["ca_pem"])
    context.load_cert_chain(world / name / "client-certificate.pem", world / name / "client-key.pem")
    return context


def ask(context, method, path, body=None, headers=None):
    request = urllib.request.Request(URL + path, method=method, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request, context=context, timeout=20) as answer:
            return answer.status, answer.read().decode("utf-8", "replace"), dict(answer.headers)
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode("utf-8", "replace"), dict(answer.headers)


def without_ids(text):
    return re.sub(r"[0-9a-f]{32}", "ID", text)


advertiser, stranger = caller("advertiser"), caller("stranger")
collaboration = json.loads(ask(advertiser, "GET", "/v1/collaborations")[1])["items"][0]["id"]
upload = json.loads(ask(advertiser, "GET", "/v1/uploads")[1])["items"][0]["id"]
delivery = json.loads(ask(advertiser, "GET", f"/v1/collaborations/{collaboration}/deliveries")[1])["items"][0]["id"]
match = json.loads(ask(advertiser, "POST", f"/v1/collaborations/{collaboration}/matches", b"")[1])["id"]
jobs = json.loads(ask(advertiser, "GET", "/v1/jobs")[1])["items"]
body = {"tokens": ["00" * 16]}
status, answer, _ = ask(advertiser, "POST", f"/v1/collaborations/{collaboration}/withdrawals",
                        json.dumps(body).encode(), {"Content-Type": "application/json"})
withdrawal = json.loads(answer)["id"]
status, answer, _ = ask(caller("auditor"), "POST", "/v1/audit/samples", b'{"n":5}', {"Content-Type": "application/json"})
sample = json.loads(answer)["id"]
real = {"audit": sample, "collaborations": collaboration, "uploads": upload, "deliveries": delivery, "matches": match,
        "withdrawals": withdrawal, "jobs": jobs[0]["id"] if jobs else "f" * 32}

document = json.loads(ask(stranger, "GET", "/openapi.json")[1])
BODIES = {
    ("POST", "/v1/audit/samples/{id}"): {"document": "{}", "signature": "AAAA"},
    ("PUT", "/v1/collaborations/{id}/audiences/{name}"): {"expression": "all", "destinations": ["dsp-a"], "use": "target"},
    ("POST", "/v1/collaborations/{id}/withdrawals"): body,
    ("POST", "/v1/collaborations/{id}/subject"): body,
    ("POST", "/v1/collaborations/{id}/acceptance"): {"signature": "A" * 86 + "==", "sealed_share": "AAAA"},
}
TUS = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
asked, wrong = 0, []
for template, operations in document["paths"].items():
    if "{id}" not in template:
        continue
    kind = template.split("/")[2]
    for method in (m.upper() for m in operations if m in ("get", "head", "post", "put", "patch", "delete")):
        payload, headers = None, {}
        if (method, template) in BODIES:
            payload, headers = json.dumps(BODIES[method, template]).encode(), {"Content-Type": "application/json"}
        elif method == "POST":
            payload = b""
        if kind == "uploads" and method in ("HEAD", "PATCH", "DELETE"):
            headers, payload = TUS, (b"x" if method == "PATCH" else None)
        fill = lambda value: template.replace("{id}", value).replace("{name}", "loyal")
        foreign = ask(stranger, method, fill(real[kind]), payload, headers)
        nothing = ask(stranger, method, fill(NOWHERE), payload, headers)
        asked += 1
        same = foreign[0] == nothing[0] and without_ids(foreign[1]) == without_ids(nothing[1])
        if foreign[0] < 400 or not same:
            wrong.append(f"{method} {template}: {foreign[:2]} but {nothing[:2]}")
# The collaboration's own partner is not the owner of the advertiser's upload either.
if ask(caller("partner"), "GET", f"/v1/uploads/{upload}")[0] != 404:
    wrong.append("the partner sees the advertiser's upload")
print(f"{asked} operations asked as a stranger")
print("\n".join(wrong))
sys.exit(1 if wrong or asked < 10 else 0)
