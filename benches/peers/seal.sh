#!/usr/bin/env bash
# Sealing unsorted tokens, durable when it ends, against the bare disk: the same bytes written in sequence
# and made durable. A ratio of 1 is as fast as the disk.
#
#   benches/peers/seal.sh [ROWS]       (default 100,000,000)
. "$(dirname "$0")/peers.sh"
rows=${1:-100000000}
trap 'rm -rf "$dir/fresh"' EXIT

tamis() { rm -rf "$dir/fresh" && driver seal crm "$rows" 0 "$dir/fresh" durable; }
disk() { rm -rf "$dir/fresh" && driver disk "$rows" "$dir/fresh"; }
read -r ours peer rss < <(in_turns tamis disk)
line seal "$rows" "$ours" "$peer" "$rss"
