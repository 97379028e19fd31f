#!/usr/bin/env bash
# CSV to tokens, against a Python script on `phonenumbers` and `hashlib`, in one run:
#
#   benches/peers/party.sh [ROWS]        default 10,000,000
#
# The file: email, phone, consent_basis, consent_purposes, consent_at; every row has an address and an
# Australian number in one of the usual spellings, and consent that lets it in.
#
# Ours: all that `tamis upload` does before it sends, on 2 threads: read, normalise, hash, HMAC, judge
# consent, quality report with repetitions, shuffle, Arrow, spool written and flushed to disk. The release
# build; the median of three runs. Theirs: normalise, hash, HMAC, in one process, on the first rows of the
# same file; its time is scaled to all rows. On these first rows both must give the same tokens.
set -euo pipefail
cd "$(dirname "$0")/../.."

rows=${1:-10000000}
peer_rows=$((rows < 200000 ? rows : 200000))
runs=3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The metadata of both sides is of the same release, or nearly.
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check 'phonenumbers>=9.0.42' idna

ours=$(cargo bench --locked --profile release --bench party_peer --no-run --message-format=json |
    python3 -c '
import json, sys
for line in sys.stdin:
    said = json.loads(line)
    if said.get("target", {}).get("name") == "party_peer" and said.get("executable"):
        print(said["executable"])')
two=(taskset --cpu-list "$(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0))[:2], sep=",")')")

echo "writing $rows rows" >&2
"$ours" make "$scratch/contacts.csv" "$rows"
head -n $((peer_rows + 1)) "$scratch/contacts.csv" >"$scratch/first.csv"

echo "ours: $runs runs" >&2
for _ in $(seq "$runs"); do
    rm -f "$scratch/spool"
    "${two[@]}" "$ours" prepare "$scratch/contacts.csv" "$scratch/spool" | tee >(cat >&2)
done >"$scratch/ours.json"

echo "theirs: $peer_rows rows" >&2
"$scratch/venv/bin/python" benches/peers/party_script.py "$scratch/first.csv" "$scratch/theirs" |
    tee >(cat >&2) >"$scratch/theirs.json"

# Ours are shuffled: compared as sorted lists.
"$ours" prepare "$scratch/first.csv" "$scratch/spool" >/dev/null
"$ours" tokens "$scratch/spool" "$scratch/tokens"
cmp <(LC_ALL=C sort "$scratch/tokens") <(LC_ALL=C sort "$scratch/theirs") ||
    { echo "the tokens differ" >&2; exit 1; }

python3 - "$scratch" <<'END'
import json, statistics, sys

runs = [json.loads(line) for line in open(f"{sys.argv[1]}/ours.json")]
peer = json.load(open(f"{sys.argv[1]}/theirs.json"))
rows = runs[0]["rows"]
ours = statistics.median(run["seconds"] for run in runs)
scale = rows / peer["rows"]
print(json.dumps({
    "claim": "csv_to_tokens",
    "rows": rows,
    "ours_s": round(ours, 3),
    "peer_s": round(peer["seconds"] * scale, 1),
    "ratio": round(peer["seconds"] * scale / ours, 1),
    "rss_mib": max(run["rss_mib"] for run in runs),
    "rows_per_s": round(rows / ours),
    "threads": 2,
    "ours_cpu_s": statistics.median(run["cpu_s"] for run in runs),
    "peer_rows": peer["rows"],
    "peer_processes": 1,
    "peer_cpu_s": round(peer["cpu_s"] * scale, 1),
}))
END
