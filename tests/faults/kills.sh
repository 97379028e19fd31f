#!/usr/bin/env bash
# The service is killed with SIGKILL during upload, sealing, matching and delivery and started again:
# everything acknowledged is there, work resumes by itself, nothing is delivered twice or lost.
. tests/support/world.sh

kill_service() { kill -KILL "$SERVICE_PID"; wait "$SERVICE_PID" 2>/dev/null || true; }
state_of() { as "$1" "${@:3}" --json | "$PYTHON" -c "import json,sys; print(json.load(sys.stdin)$2)"; }

# A population large enough for a kill to find the service at work.
input=$SCRATCH/demo-synthetic/input
[ -e "$input/graph.csv" ] || tests/demo/synthetic.sh
world_up

echo "killed during the upload: the party's command carries on once the service is back"
as partner upload "$input/graph.csv" --region AU >"$WORLD/upload.log" 2>&1 &
upload=$!
await 60 grep -q "^uploading" "$WORLD/upload.log"
kill_service
sleep 0.5
serve
wait $upload || as partner upload "$input/graph.csv" --region AU >>"$WORLD/upload.log" 2>&1

echo "killed during sealing, twice"
as advertiser upload "$input/crm.csv" --region AU >"$WORLD/upload-crm.log" 2>&1 &
upload=$!
await 60 grep -q "^sealing" "$WORLD/upload-crm.log"
kill_service
serve
sleep 0.05
kill_service
serve
wait $upload || as advertiser upload "$input/crm.csv" --region AU >>"$WORLD/upload-crm.log" 2>&1

echo "killed during matching"
as advertiser match --json >"$WORLD/match.json" 2>"$WORLD/match.log" &
match=$!
sleep 0.15
kill_service
serve
wait $match || as advertiser match --json >"$WORLD/match.json" 2>"$WORLD/match.log"

echo "killed at several moments of the delivery"
as advertiser audience create loyal --where 'loyalty in (silver, gold, platinum)' --to dsp-a --to dmp-b >"$WORLD/loyal.log" 2>&1 &
audience=$!
for pause in 0.05 0.1 0.2 0.4; do
    sleep $pause
    kill_service
    serve
done
wait $audience || true
as advertiser audience create customers --where all --exclude --to dsp-a --to dmp-b >/dev/null
as advertiser audience create bronze --where 'loyalty = bronze' --to dsp-a --to dmp-b >/dev/null
as advertiser delivery show --wait >/dev/null

echo "every destination holds what it should, but for those whom the gate keeps back"
sleep 2
mkdir -p "$WORLD/result/destinations"
for d in dsp-a dmp-b; do mkdir "$WORLD/result/destinations/$d" && cp "$WORLD/sink-$d/members.csv" "$WORLD/result/destinations/$d/"; done
"$PYTHON" tests/independent/expected_members.py --crm "$input/crm.csv" --graph "$input/graph.csv" \
    --keys email,phone --region AU --as-of 2026-11-22 --least 0.96 "$WORLD/result"

echo "and the log holds together"
as auditor log fetch --out "$WORLD/log" >/dev/null
"$TAMIS" log verify "$WORLD/log"

echo "and the checker finds every stored byte whole"
check_stored
