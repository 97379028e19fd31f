#!/usr/bin/env bash
# The bundled demo holds, and an independent script finds nobody at a destination who should not be there.
# Few persons are behind these files: how many the gate keeps back is looked at on a larger population.
set -euo pipefail
out=$SCRATCH/demo-bundled
rm -rf "$out"
"$TAMIS" demo --keys email,phone --out "$out" --json >"$SCRATCH/demo.json"
"$PYTHON" tests/independent/expected_members.py "$out" --crm examples/crm.csv --graph examples/graph.csv \
    --keys email,phone --region AU --as-of 2026-11-22 --withdrawn "$out/withdrawn.csv"
"$TAMIS" log verify "$out/log"
"$PYTHON" tests/independent/log.py "$out/log"
