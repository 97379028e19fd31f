"""Calls the service with a certificate that has expired, with one of another authority, and with none."""

import datetime
import json
import pathlib
import ssl
import sys
import urllib.error
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

world = pathlib.Path(sys.argv[1])
service = json.loads((world / "advertiser/service.json").read_text())
authority = x509.load_pem_x509_certificate(service["ca_pem"].encode())
authority_key = next(
    serialization.load_pem_private_key(file.read_bytes(), None)
    for file in sorted((world / "operator/ca").iterdir())
    if b"PRIVATE KEY" in file.read_bytes()
    and serialization.load_pem_private_key(file.read_bytes(), None).public_key() == authority.public_key()
)
now = datetime.datetime.now(datetime.timezone.utc)
days = datetime.timedelta(days=1)


def certificate(name, issuer, issuer_key, start, end):
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "advertiser")]))
        .issuer_name(issuer).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(start).not_valid_after(end)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
        .sign(issuer_key, hashes.SHA256())
    )
    path = world / f"{name}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return path


def ask(path=None, key=None):
    context = ssl.create_default_context(cadata=service["ca_pem"])
    if path:
        context.load_cert_chain(path, key)
    try:
        with urllib.request.urlopen(service["url"] + "/v1/me", context=context, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as answer:
        return answer.code
    except (ssl.SSLError, urllib.error.URLError, ConnectionError, OSError):
        return "refused"


stranger = ec.generate_private_key(ec.SECP256R1())
elsewhere = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "elsewhere")])
results = {
    "enrolled": (ask(world / "advertiser/client-certificate.pem", world / "advertiser/client-key.pem"), 200),
    "none": (ask(), 401),
    "expired": (ask(certificate("expired", authority.subject, authority_key, now - 9 * days, now - days)), "refused"),
    "not yet": (ask(certificate("future", authority.subject, authority_key, now + days, now + 9 * days)), "refused"),
    "another authority's": (ask(certificate("other", elsewhere, stranger, now - days, now + days)), "refused"),
    "of this authority, but never enrolled": (
        ask(certificate("unknown", authority.subject, authority_key, now - days, now + days)), 401),
}
for name, (got, wanted) in results.items():
    print(f"certificate {name}: {got}")
sys.exit(any(got != wanted for got, wanted in results.values()))
