#!/usr/bin/env bash
# Matching two sealed sets against DuckDB's join-and-count of the same tokens from Parquet.
#
#   benches/peers/match.sh [ROWS]      rows on each side (default 10,000,000), 40 % in common
#
# Both have 2 threads and a warm page cache. Ours reads 16 segments and encrypted, authenticated files and
# answers 17 questions (everybody, and each segment); DuckDB reads the tokens alone and answers one.
. "$(dirname "$0")/peers.sh"
rows=${1:-10000000}
sets "$rows"
parquet "$rows"

tamis() { driver match "$dir/crm-$rows" "$dir/graph-$rows"; }
duckdb() { python benches/peers/duckdb_join.py "$dir/crm-$rows.parquet" "$dir/graph-$rows.parquet"; }
read -r ours peer rss < <(in_turns tamis duckdb)
line match "$rows" "$ours" "$peer" "$rss"
