#!/usr/bin/env bash
# The disk fills while an upload is received and while it is sealed: a clear word, nothing lost, nothing
# half-visible; with room again the work goes on.
. tests/support/world.sh

world_up
kill "$SERVICE_PID" && wait "$SERVICE_PID" 2>/dev/null || true
disk=$WORLD/operator/data
cp -a "$disk" "$WORLD/kept"
mount -t tmpfs -o size=1m tmpfs "$disk" 2>/dev/null || { echo "cannot mount a small disk here"; exit 77; }
trap 'world_down; umount "$disk"' EXIT
cp -a "$WORLD/kept/." "$disk/"
serve

echo "no room to receive: refused at once, and the command says why"
if as partner upload examples/graph.csv --region AU >"$WORLD/full.log" 2>&1; then
    echo "an upload succeeded on a full disk" >&2
    exit 1
fi
tail -2 "$WORLD/full.log"
grep -q -i -E "room|space|disk|store" "$WORLD/full.log" || { cat "$WORLD/full.log" >&2; exit 1; }
kill -0 "$SERVICE_PID" || { echo "the service died" >&2; exit 1; }

echo "room to receive, none to seal: the bytes are kept, the command says what it waits for"
mount -o remount,size=1800k "$disk"
as partner upload examples/graph.csv --region AU >"$WORLD/waiting.log" 2>&1 &
upload=$!
await 60 grep -q "tries *again" "$WORLD/waiting.log"
grep "tries *again" "$WORLD/waiting.log"
[ -z "$(ls "$disk/sets")" ] || { echo "something half-made is visible:" >&2; ls "$disk/sets" >&2; exit 1; }

echo "room again: sealing ends by itself"
mount -o remount,size=64m "$disk"
wait $upload
tail -3 "$WORLD/waiting.log"
as advertiser upload examples/crm.csv --region AU >/dev/null
as advertiser match

echo "and the checker finds every stored byte whole"
check_stored
