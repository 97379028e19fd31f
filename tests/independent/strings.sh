#!/usr/bin/env bash
# A graph whose consent stands in TC and GPP strings, through upload, ledger and log: every record is what a second
# implementation makes of its string, and is proven down to the log's key. Then people are erased: nobody finds them,
# all others are proven as before, and the log on the disk is what it was, and more.
. tests/support/world.sh

"$TAMIS" init --home "$WORLD/operator" --listen "127.0.0.1:$(free_port)" --allow-private-endpoints >/dev/null
serve
enrol advertiser advertiser
enrol partner partner
enrol dsp-a destination --endpoint "https://127.0.0.1:$(free_port)/" --open-cookies
enrol auditor auditor
as advertiser collaboration propose --with partner --to dsp-a --vendor dsp-a=28 --keys email >/dev/null
as partner collaboration accept >/dev/null

"$PYTHON" tests/independent/strings.py make examples/graph.csv "$WORLD"
as partner upload "$WORLD/graph.csv" --as-of 2026-11-22 >/dev/null 2>&1
as partner consent prove "$WORLD/people.csv" --out "$WORLD/proofs.json" >/dev/null
"$PYTHON" tests/independent/strings.py check "$WORLD" "$WORLD/proofs.json"
as auditor log fetch --out "$WORLD/log" >/dev/null 2>&1
cp "$WORLD/log/checkpoint" "$WORLD/kept"

as partner consent erase "$WORLD/erased.csv" >/dev/null
as partner consent show "$(as partner consent requests --json |
    "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["items"][0]["id"])')" --wait >/dev/null
as partner consent prove "$WORLD/people.csv" --out "$WORLD/later.json" >/dev/null
"$PYTHON" tests/independent/strings.py erased "$WORLD" "$WORLD/later.json" "$WORLD/proofs.json"
as auditor log fetch --out "$WORLD/log" >/dev/null 2>&1
"$PYTHON" tests/independent/log.py "$WORLD/log" --older "$WORLD/kept"
