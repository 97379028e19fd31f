#!/usr/bin/env bash
# Measures what benches/README.md says, and prints it as one table.
#
#   TAMIS_BENCH_ROWS=1000000   rows on each side of the demo; the other benches take a tenth
set -euo pipefail
cd "$(dirname "$0")/.."

rows=${TAMIS_BENCH_ROWS:-1000000}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cargo build --release --locked

echo "demo: $rows rows on each side" >&2
target/release/tamis demo --rows "$rows" --out "$scratch/demo" --json >"$scratch/demo.json" 2>"$scratch/demo.log" ||
    { cat "$scratch/demo.log" >&2; exit 1; }

export TAMIS_BENCH_ROWS=$((rows / 10))
brief=(--noplot --warm-up-time 0.5 --measurement-time 2)
for bench in matching party sink; do
    echo "$bench: $TAMIS_BENCH_ROWS rows" >&2
    cargo bench --locked --bench "$bench" -- "${brief[@]}"
done >"$scratch/criterion.txt"
for bench in keyed gate; do
    cargo bench --locked -p tamis-protocols --bench "$bench" -- "${brief[@]}"
done >>"$scratch/criterion.txt"

line() { printf '%-46s %14s %16s\n' "$@"; }

echo
echo "$(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
echo
line "the whole job, $rows rows on each side" time rate
# timings.json has one field a line: a phase is its name, seconds and, where rows moved, their rate.
awk -F'": "?|"?,?$' '
    function show(name, time, rate) { printf "%-46s %14s %16s\n", "  " name, time, rate }
    function flush() { if (phase) show(phase, seconds " s", rate ? rate " rows/s" : ""); phase = rate = "" }
    { key = $1; sub(/^ *"/, "", key) }
    key == "phase" { flush(); phase = $2 }
    key == "seconds" { seconds = $2 }
    key == "rows_per_second" { rate = $2 }
    key == "total_seconds" { total = $2 }
    key == "service_peak_mib" { service = $2 }
    key == "demo_peak_mib" { all = $2 }
    END {
        flush(); show("everything", total " s")
        show("service, peak resident", service " MiB"); show("all processes, peak resident", all " MiB")
    }
' "$scratch/demo/timings.json"
echo
line "each part, median" time rate
# name, then "time: [low median high]" and "thrpt: [low median high]", on one line or several.
# Lines with a percentage compare with an earlier run.
awk '
    /%/ { next }
    /^[a-z]+\/.+/ { name = $0; sub(/ +time:.*/, "", name) }
    / time: /  { split(substr($0, index($0, "[") + 1), t, " "); time = t[3] " " t[4] }
    / thrpt: / { split(substr($0, index($0, "[") + 1), t, " "); printf "%-46s %14s %16s\n", "  " name, time, t[3] " " t[4] }
' "$scratch/criterion.txt"
