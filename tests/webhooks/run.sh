#!/usr/bin/env bash
# PyPI's standardwebhooks verifies a delivery as it arrived, and the documentation's Python receiver works.
. tests/support/world.sh

world_up
as advertiser upload examples/crm.csv --region AU >/dev/null
as partner upload examples/graph.csv --region AU >/dev/null
as advertiser audience create loyal --where 'loyalty in (silver, gold, platinum)' --to dsp-a --to dmp-b >/dev/null
as advertiser delivery show --wait >/dev/null
for d in dsp-a dmp-b; do
    "$PYTHON" tests/webhooks/verify.py "$WORLD/capture-$d" "$WORLD/$d/webhook-secret"
done
"$PYTHON" tests/webhooks/receiver.py
