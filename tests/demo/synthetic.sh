#!/usr/bin/env bash
# Files that the user names and populations made in place give the same agreement, postal keys included.
set -euo pipefail
out=$SCRATCH/demo-synthetic
rm -rf "$out"
"$TAMIS" demo --rows 20000 --seed 7 --keys email,phone,postal --out "$out" --json >"$SCRATCH/demo-synthetic.json"
"$PYTHON" tests/independent/expected_members.py "$out" --crm "$out/input/crm.csv" --graph "$out/input/graph.csv" \
    --keys email,phone,postal --region AU --as-of 2026-11-22 --withdrawn "$out/withdrawn.csv"
"$TAMIS" log verify "$out/log"
