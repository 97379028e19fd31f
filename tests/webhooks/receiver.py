#!/usr/bin/env python3
"""The receiver of docs/destinations.md, taken from the page as it stands, receives a delivery.

    pip install standardwebhooks cryptography
    python3 tests/webhooks/receiver.py

It opens the labels of protocols/label/vectors, applies a message once, and refuses forgeries.
Exit status: 0 when all holds, 1 when something does not.
"""

import base64
import contextlib
import datetime
import http.client
import ipaddress
import json
import pathlib
import re
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks.webhooks import Webhook

ROOT = pathlib.Path(__file__).parents[2]
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def main() -> int:
    vector = json.loads((ROOT / "protocols/label/vectors/label.json").read_text())
    page = (ROOT / "docs/destinations.md").read_text()
    code = re.search(r"```python\n(.*?)```", page, re.S).group(1)
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        home = pathlib.Path(directory)
        make_home(home, bytes.fromhex(vector["destination_private"]))
        (home / "receiver.py").write_text(code)
        port, database = free_port(), home / "members.db"
        command = [sys.executable, home / "receiver.py", home, vector["destination"], str(port), database]
        server = subprocess.Popen(command)
        stack.callback(server.wait)
        stack.callback(server.terminate)
        wait_for(port)
        return check(vector, home, port, database)


def check(vector, home, port, database) -> int:
    labels = [base64.b64encode(bytes.fromhex(label["label"])).decode() for label in vector["labels"]]
    cookies = sorted(bytes.fromhex(label["cookie"]).decode() for label in vector["labels"])
    enc = base64.b64encode(bytes.fromhex(vector["enc"])).decode()

    def message(delivery, sequence=0, add=(), remove=()):
        data = {
            "audience": {"id": "a0" * 16, "name": "loyal", "use": "target"},
            "collaboration": vector["collaboration"], "destination": vector["destination"],
            "delivery": f"{delivery:032x}", "sequence": sequence, "last": True,
            "contexts": [{"enc": enc}], "remove": list(remove), "add": list(add),
        }
        document = {"type": "audience.members.changed", "timestamp": "2026-11-22T10:00:00Z", "data": data}
        return f"{delivery:032x}-{sequence}", json.dumps(document, separators=(",", ":"))

    def send(id, body, secret=SECRET, at=None):
        now = at or datetime.datetime.now(tz=datetime.timezone.utc)
        signature = Webhook(secret).sign(id, now, body)
        headers = {
            "content-type": "application/json", "webhook-id": id,
            "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature,
        }
        tls = ssl.create_default_context(cafile=home / "receiver.pem")
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=tls, timeout=10)
        with contextlib.closing(connection):
            connection.request("POST", "/", body, headers)
            return connection.getresponse().status

    def members():
        with contextlib.closing(sqlite3.connect(database)) as db:
            return sorted(cookie for (cookie,) in db.execute("select cookie from members"))

    joins = message(1, add=[[0, label] for label in labels] + ["open-cookie"])
    leaves = message(2, remove=[[0, labels[0]], "open-cookie"])
    hour = datetime.timedelta(hours=1)
    old = datetime.datetime.now(tz=datetime.timezone.utc) - hour
    other = "whsec_" + base64.b64encode(bytes(32)).decode()
    everyone = sorted(cookies + ["open-cookie"])
    first = bytes.fromhex(vector["labels"][0]["cookie"]).decode()
    rest = sorted(cookie for cookie in cookies if cookie != first)
    checks = [
        ("another secret is refused", send(*joins, secret=other) == 401),
        ("an old message is refused", send(*joins, at=old) == 401),
        ("a batch without its predecessor waits", send(*message(3, sequence=1)) == 409),
        ("nothing of that was applied", members() == []),
        ("a delivery is taken", send(*joins) == 200),
        ("its labels open", members() == everyone),
        ("members leave", send(*leaves) == 200 and members() == rest),
        ("a replay is acknowledged", send(*joins) == 200),
        ("and changes nothing", members() == rest),
    ]
    for claim, holds in checks:
        print(f"{'ok  ' if holds else 'FAIL'} {claim}")
    return 0 if all(holds for _, holds in checks) else 1


def make_home(home: pathlib.Path, sealing: bytes) -> None:
    (home / "sealing.key").write_text(f"tamis-key:1:sealing:{base64.b64encode(sealing).decode()}\n")
    (home / "webhook-secret").write_text(SECRET)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
    now = datetime.datetime.now(tz=datetime.timezone.utc)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    certificate = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    (home / "receiver.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (home / "receiver.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise TimeoutError("the receiver does not start")


if __name__ == "__main__":
    sys.exit(main())
