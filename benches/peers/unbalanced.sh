#!/usr/bin/env bash
# A small set against a large one, compared with the large one against its like: both warm, both ours.
#
#   benches/peers/unbalanced.sh [LARGE [SMALL]]      (default 100,000,000 and 100,000)
. "$(dirname "$0")/peers.sh"
rows=${1:-100000000} small=${2:-100000}
sets "$rows"
few=$dir/crm-$small-of-$rows
# As many in common, in proportion.
[ -d "$few" ] || driver seal crm "$small" "$(($(shift_of "$rows") - small * 6 / 10))" "$few" >&2

unbalanced() { driver match "$few" "$dir/graph-$rows" | uncounted; }
balanced() { driver match "$dir/crm-$rows" "$dir/graph-$rows" | uncounted; }
uncounted() { sed 's/"count": *[0-9]*/"count": 0/'; }
read -r ours peer rss < <(in_turns unbalanced balanced)
line unbalanced "$rows" "$ours" "$peer" "$rss" "{\"small\": $small}"
