#!/usr/bin/env bash
# Deletion requests between two companies over real TLS: discovered, signed, kept before they are acknowledged,
# taken up after a SIGKILL of the desk, erased in the service, and gone from both destinations.
. tests/support/world.sh

DESK_PID=
desk_down() { [ -z "$DESK_PID" ] || { kill -KILL "$DESK_PID" 2>/dev/null; wait "$DESK_PID" 2>/dev/null; } || true; }
trap 'desk_down; world_down' EXIT
field() { "$PYTHON" -c "import json,sys; print(json.load(sys.stdin)$1)"; }

world_up
as partner upload examples/graph.csv --region AU >/dev/null
as advertiser upload examples/crm.csv --region AU >/dev/null
as advertiser audience create customers --where all --to dsp-a --to dmp-b >/dev/null
as advertiser delivery show --wait >/dev/null

echo "the advertiser is asked by a publisher, which is the partner's home here; each publishes its key"
MAISON=$(free_port) PUBLISHER=$(free_port)
certify() { # domain: its certificate, which both must know before either starts
    "$PYTHON" - "$1" "$WORLD" <<'PY'
import datetime, ipaddress, pathlib, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
name, world = sys.argv[1], pathlib.Path(sys.argv[2])
key = ec.generate_private_key(ec.SECP256R1())
subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
now = datetime.datetime.now(datetime.timezone.utc)
names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(names, False).sign(key, hashes.SHA256()))
(world / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
(world / f"{name}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
PY
}
certify maison.example
certify publisher.example
cat "$WORLD/maison.example.pem" "$WORLD/publisher.example.pem" >"$WORLD/authorities.pem"
desk() { # home domain port peer-domain peer-port
    rm -f "$WORLD/$2.ready"
    "$TAMIS" dsr serve --home "$WORLD/$1" --listen "127.0.0.1:$3" --domain "$2" --peer "$4=https://127.0.0.1:$5" \
        --certificate "$WORLD/$2.pem" --key "$WORLD/$2.key" --authorities "$WORLD/authorities.pem" --region AU \
        --ready-file "$WORLD/$2.ready" >>"$WORLD/$2.log" 2>&1 &
    DESK_PID=$!
    await 30 test -s "$WORLD/$2.ready"
}
desk partner publisher.example "$PUBLISHER" maison.example "$MAISON"
PUBLISHER_PID=$DESK_PID
trap 'desk_down; kill -KILL $PUBLISHER_PID 2>/dev/null || true; world_down' EXIT
desk advertiser maison.example "$MAISON" publisher.example "$PUBLISHER"

echo "asked for access, the advertiser tells what it has, each record proven down to the signed log"
head -3 examples/crm.csv | cut -d, -f2,3 >"$WORLD/people.csv"
address=$(sed -n 2p "$WORLD/people.csv" | cut -d, -f1)
as advertiser subject export --email "$address" --region AU --json >"$WORLD/before.json"
[ "$(field '["collaborations"][0]["kept"]["rows"].__len__()' <"$WORLD/before.json")" = 1 ]
[ "$(field '["collaborations"][0]["records"][0]["events"][0]["event_state"]' <"$WORLD/before.json")" = given ]
[ "$(field '["collaborations"][0]["evidence"]["records"].__len__()' <"$WORLD/before.json")" = 1 ]

echo "the service is down: requests are acknowledged all the same, and wait"
kill -KILL "$SERVICE_PID" && wait "$SERVICE_PID" 2>/dev/null || true
as partner dsr send "$WORLD/people.csv" --to "maison.example=https://127.0.0.1:$MAISON" --domain publisher.example \
    --authorities "$WORLD/authorities.pem" --region AU --json >"$WORLD/sent.json"
[ "$(field '["items"].__len__()' <"$WORLD/sent.json")" -ge 2 ]
[ "$(field '["items"][0]["code"]' <"$WORLD/sent.json")" = 0 ]

echo "the desk is killed, both start again: everything acknowledged becomes an erasure"
kill -KILL "$DESK_PID" && wait "$DESK_PID" 2>/dev/null || true
serve
desk advertiser maison.example "$MAISON" publisher.example "$PUBLISHER"
asked=$(field '["items"].__len__()' <"$WORLD/sent.json")
all_there() { [ "$(as advertiser consent requests --json | field '["items"].__len__()')" -ge "$asked" ]; }
await 60 all_there
for id in $(as advertiser consent requests --json | "$PYTHON" -c 'import json,sys; print(*[one["id"] for one in json.load(sys.stdin)["items"]])'); do
    shown=$(as advertiser consent show "$id" --wait --json)
    [ "$(field '["kind"]' <<<"$shown")" = erasure ] && [ "$(field '["state"]' <<<"$shown")" = complete ]
done

echo "who asked and who was asked can both prove it; the identifier is in no inbox any more"
answers=("$WORLD"/partner/dsr-sent/*.json)
[ ${#answers[@]} -eq "$asked" ]
settled() { ! grep -q '"subject"' "$WORLD"/advertiser/dsr-inbox/*.json; }
await 30 settled

echo "the advertiser's own side has nothing of them but the requests"
as advertiser subject export --email "$address" --region AU --json >"$WORLD/subject.json"
[ "$(field '["collaborations"][0]["kept"]["rows"].__len__()' <"$WORLD/subject.json")" = 0 ]
[ "$(field '["collaborations"][0]["records"].__len__()' <"$WORLD/subject.json")" = 0 ]
[ "$(field '["collaborations"][0]["kept"]["requests"].__len__()' <"$WORLD/subject.json")" -ge 1 ]

echo "and the log holds together"
as auditor log fetch --out "$WORLD/log" >/dev/null
"$TAMIS" log verify "$WORLD/log"

echo "and the checker finds every stored byte whole"
check_stored
