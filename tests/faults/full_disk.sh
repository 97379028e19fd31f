#!/usr/bin/env bash
# The disk fills while an upload is received and sealed: a clear error, nothing half-visible; with room
# again the same command succeeds.
. tests/support/world.sh

world_up
disk=$WORLD/operator/data
mountpoint -q "$disk" || {
    kill "$SERVICE_PID"; wait "$SERVICE_PID" 2>/dev/null || true
    cp -a "$disk" "$WORLD/kept"
    mount -t tmpfs -o size=2m tmpfs "$disk" 2>/dev/null || { echo "cannot mount a small disk here"; exit 77; }
    trap 'world_down; umount "$disk"' EXIT
    cp -a "$WORLD/kept/." "$disk/"
}
serve

echo "no room"
if as partner upload examples/graph.csv --region AU >"$WORLD/full.log" 2>&1; then
    echo "an upload succeeded on a full disk" >&2; cat "$WORLD/full.log" >&2; exit 1
fi
grep -i -E "space|disk|full|storage" "$WORLD/full.log" || { echo "the error does not say what is wrong:" >&2; cat "$WORLD/full.log" >&2; exit 1; }
kill -0 "$SERVICE_PID" || { echo "the service died" >&2; exit 1; }

echo "room again"
mount -o remount,size=64m "$disk"
as partner upload examples/graph.csv --region AU
as advertiser upload examples/crm.csv --region AU >/dev/null
as advertiser match
