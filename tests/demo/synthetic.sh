#!/usr/bin/env bash
# On a population made in place, postal keys included: nobody extra at a destination, and of everybody whom
# an independent script expects there, at least 97 % are.
set -euo pipefail
out=$SCRATCH/demo-synthetic
rm -rf "$out"
"$TAMIS" demo --rows 40000 --seed 7 --keys email,phone,postal --out "$out" --json >"$SCRATCH/demo-synthetic.json"
"$PYTHON" tests/independent/expected_members.py "$out" --crm "$out/input/crm.csv" --graph "$out/input/graph.csv" \
    --keys email,phone,postal --region AU --as-of 2026-11-22 --withdrawn "$out/withdrawn.csv" --least 0.97
"$TAMIS" log verify "$out/log"
