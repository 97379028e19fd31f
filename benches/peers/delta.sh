#!/usr/bin/env bash
# A daily refresh: 1 % of a graph said anew on top of it (who was there leaves, who comes is new), durable,
# compared with sealing the whole graph anew; then matched, compared with the compacted set.
#
#   benches/peers/delta.sh [ROWS]      (default 100,000,000)
. "$(dirname "$0")/peers.sh"
rows=${1:-100000000}
sets "$rows"
trap 'rm -rf "$dir/fresh" "$dir/delta"' EXIT

refresh() { rm -rf "$dir/delta" && driver refresh "$dir/graph-$rows" "$rows" "$(shift_of "$rows")" "$dir/delta" | uncounted; }
rebuild() { rm -rf "$dir/fresh" && driver seal graph "$rows" "$(shift_of "$rows")" "$dir/fresh" durable | uncounted; }
uncounted() { sed 's/"count": *[0-9]*/"count": 0/'; }
read -r ours peer rss < <(in_turns refresh rebuild)
rm -rf "$dir/fresh"
driver compact "$dir/graph-$rows" "$dir/delta" >&2
stacked() { driver match "$dir/crm-$rows" "$dir/graph-$rows" "$dir/delta"; }
compacted() { driver match "$dir/crm-$rows" "$dir/delta/compacted"; }
read -r stack compact _ < <(in_turns stacked compacted)
line delta "$rows" "$ours" "$peer" "$rss" "$(python3 -c '
import json, sys
ours, peer, stack, compact = map(float, sys.argv[1:])
print(json.dumps({"share_of_rebuild": round(ours / peer, 4), "match_s": stack, "compacted_match_s": compact,
                  "match_ratio": round(stack / compact, 3)}))' "$ours" "$peer" "$stack" "$compact")"
