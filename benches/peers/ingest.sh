#!/usr/bin/env bash
# From unsorted tokens to an answer: two sets sealed (encrypted and written, not yet durable) and matched,
# against DuckDB's join-and-count of the same tokens from Parquet, which writes nothing.
#
#   benches/peers/ingest.sh [ROWS]     rows on each side (default 10,000,000), 40 % in common
. "$(dirname "$0")/peers.sh"
rows=${1:-10000000}
parquet "$rows"
driver tokens "$rows" 0 "$dir/crm.tokens"
driver tokens "$rows" "$(shift_of "$rows")" "$dir/graph.tokens"
trap 'rm -rf "$dir/crm.tokens" "$dir/graph.tokens" "$dir/fresh"' EXIT

tamis() { rm -rf "$dir/fresh" && driver ingest "$dir/crm.tokens" "$dir/graph.tokens" "$dir/fresh"; }
duckdb() { python benches/peers/duckdb_join.py "$dir/crm-$rows.parquet" "$dir/graph-$rows.parquet"; }
read -r ours peer rss < <(in_turns tamis duckdb)
line ingest "$rows" "$ours" "$peer" "$rss"
