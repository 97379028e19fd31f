#!/usr/bin/env bash
# Bad files and hostile callers get a clear error and change nothing.
. tests/support/world.sh

world_up
bad=$WORLD/bad
mkdir "$bad"

refused() { # code pattern command…
    local want=$1 pattern=$2 code=0
    shift 2
    "$@" >"$bad/out" 2>&1 || code=$?
    if [ $code -ne "$want" ] || ! grep -q -i -E "$pattern" "$bad/out"; then
        echo "wanted exit $want and /$pattern/, got exit $code from: $*" >&2
        cat "$bad/out" >&2
        exit 1
    fi
    echo "ok: $pattern"
}

: >"$bad/empty.csv"
refused 2 "empty" as advertiser upload "$bad/empty.csv"
head -1 examples/crm.csv >"$bad/header.csv"
refused 2 "no rows" as advertiser upload "$bad/header.csv"
printf 'colour,shape\nred,round\n' >"$bad/columns.csv"
refused 2 "colour" as advertiser upload "$bad/columns.csv"
head -9 examples/crm.csv | LC_ALL=C sed '4s/@/\xff@/' >"$bad/utf8.csv"
refused 2 "utf-8.*line 4|line 4.*utf-8" as advertiser upload "$bad/utf8.csv"
{ head -2 examples/crm.csv; head -c 10000000 /dev/zero | tr '\0' 'x'; echo; } >"$bad/long.csv"
refused 2 "line 3" as advertiser upload "$bad/long.csv"
refused 2 "no such file|not found|does not exist" as advertiser upload "$bad/absent.csv"

echo "a file with 30 % garbage is counted, and the good rows are kept"
"$PYTHON" - "$bad/garbage.csv" <<'P'
import csv, random, sys
random.seed(3)
rows = list(csv.DictReader(open("examples/crm.csv")))
with open(sys.argv[1], "w", newline="") as out:
    writer = csv.DictWriter(out, rows[0].keys())
    writer.writeheader()
    for row in rows:
        if random.random() < 0.3:
            for key in row:
                row[key] = "".join(chr(random.choice(range(32, 0x2FF))) for _ in range(12))
        writer.writerow(row)
P
as advertiser upload "$bad/garbage.csv" --region AU --dry-run --json >"$bad/garbage.json"
"$PYTHON" - "$bad/garbage.json" <<'P'
import json, sys
assert "malformed" in open(sys.argv[1]).read()
P

echo "an expired certificate is refused in the handshake; no certificate gets 401"
"$PYTHON" tests/faults/expired_certificate.py "$WORLD"
echo "another party's id looks exactly like one that does not exist, in every address"
as advertiser upload examples/crm.csv --region AU >/dev/null
as partner upload examples/graph.csv --region AU >/dev/null
as advertiser match >/dev/null
as advertiser audience create loyal --where 'loyalty in (silver, gold, platinum)' --to dsp-a >/dev/null
enrol stranger advertiser
"$PYTHON" tests/faults/foreign_ids.py "$WORLD"
kill -0 "$SERVICE_PID"

echo "without its key-encryption key the service does not start; a command of the environment may supply it"
kill "$SERVICE_PID" && wait "$SERVICE_PID" 2>/dev/null || true
mv "$WORLD/operator/kek.key" "$WORLD/elsewhere.key"
refused 3 "kek|key-encryption" "$TAMIS" serve --home "$WORLD/operator"
TAMIS_KEK_COMMAND="cat '$WORLD/elsewhere.key'" serve
as advertiser match >/dev/null
