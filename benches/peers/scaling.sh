#!/usr/bin/env bash
# Rows matched a second at a million, ten million and a hundred million rows on each side. The ratio is the
# fastest over the slowest: 1.3 is "within 30 % of each other".
#
#   benches/peers/scaling.sh [ROWS…]   (default 1000000 10000000 100000000)
. "$(dirname "$0")/peers.sh"
[ $# -gt 0 ] || set -- 1000000 10000000 100000000
for rows in "$@"; do sets "$rows"; done
speeds=()
for rows in "$@"; do
    seconds=() rss=0
    for ((i = 0; i <= runs; i++)); do
        out=$(driver match "$dir/crm-$rows" "$dir/graph-$rows")
        [ "$i" -eq 0 ] || seconds+=("$(field seconds <<<"$out")")
        rss=$(field rss_mib <<<"$out")
    done
    speeds+=("$rows:$(median "${seconds[@]}"):$rss")
done
python3 - "${speeds[@]}" <<'P'
import json, sys
runs = [(int(rows), float(seconds), float(rss)) for rows, seconds, rss in (run.split(":") for run in sys.argv[1:])]
speed = {rows: 2 * rows / seconds for rows, seconds, _ in runs}
slow, fast = min(speed, key=speed.get), max(speed, key=speed.get)
seconds = {rows: time for rows, time, _ in runs}
print(json.dumps({"claim": "scaling", "rows": max(speed), "ours_s": seconds[max(speed)], "peer_s": None,
                  "ratio": round(speed[fast] / speed[slow], 2), "rss_mib": int(max(rss for *_, rss in runs)),
                  "million_rows_per_s": {rows: round(value / 1e6) for rows, value in speed.items()}}))
P
