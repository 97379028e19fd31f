#!/usr/bin/env bash
# Withdrawals, oppositions and erasures of a service that is killed with SIGKILL before each of their
# durable steps and each of their sends, with two HTTPS destinations; the claims are in withdrawal.py.
#
#   STEPS=all tests/run.sh withdrawal     every step of every kind; two of each call if not given
. tests/support/world.sh

command -v strace >/dev/null && strace -qq -e trace=none true 2>/dev/null || exit 77
world_up
as partner upload examples/graph.csv --region AU >/dev/null
as advertiser upload examples/crm.csv --region AU >/dev/null
as advertiser audience create customers --where all --to dsp-a --to dmp-b >/dev/null
as advertiser audience create loyal --where 'loyalty in (silver, gold, platinum)' --to dsp-a --to dmp-b >/dev/null
as advertiser delivery show --wait >/dev/null
kill -KILL "$SERVICE_PID" && wait "$SERVICE_PID" 2>/dev/null || true
"$PYTHON" tests/faults/withdrawal.py "$WORLD" examples/crm.csv examples/graph.csv

echo "and the log holds together"
serve
as auditor log fetch --out "$WORLD/log" >/dev/null
"$TAMIS" log verify "$WORLD/log"

echo "and the checker finds every stored byte whole"
check_stored
