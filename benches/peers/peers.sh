# What the scripts of this folder share; sourced, not run.
#
#   TAMIS_PEERS_DIR   where tokens, Parquet files and sets are made and kept for the next run
#                     (default target/peers; 100 million rows on both sides take about 11 GB)
#   TAMIS_PEERS_RUNS  timed runs of either side, after one that is not counted (default 3)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

dir=${TAMIS_PEERS_DIR:-target/peers}
runs=${TAMIS_PEERS_RUNS:-3}
mkdir -p "$dir"

say() { printf '%s\n' "$*" >&2; }

# The driver, built as every bench is.
driver() { # arguments
    if [ -z "${driver:-}" ]; then
        say "building"
        driver=$(cargo bench --locked --bench peers --no-run 2>&1 | sed -n 's/.*Executable.*(\(.*\)).*/\1/p')
        [ -x "$driver" ] || { say "the driver does not build: cargo bench --bench peers --no-run"; exit 1; }
    fi
    "$driver" "$@"
}

# The peer's packages, in an environment of their own.
python() { # arguments
    if [ ! -x "$dir/python/bin/python" ]; then
        say "installing the peer"
        python3 -m venv "$dir/python"
        "$dir/python/bin/pip" install --quiet --requirement benches/peers/requirements.txt
    fi
    "$dir/python/bin/python" "$@"
}

field() { # name: of the JSON object on standard input
    python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}

# Runs two commands in turns, so that what else the machine does meets both; prints the median seconds of
# the first, of the second, the first's peak in MiB, and fails where their counts differ.
in_turns() { # ours peer: names of functions that print {"seconds", "count", "rss_mib"}
    local ours=() peers=() rss=0 counts=() i a b
    for ((i = 0; i <= runs; i++)); do
        a=$($1) b=$($2)
        counts+=("$(field count <<<"$a")" "$(field count <<<"$b")")
        say "  $1 $(field seconds <<<"$a") s, $2 $(field seconds <<<"$b") s"
        [ "$i" -eq 0 ] && continue
        ours+=("$(field seconds <<<"$a")") peers+=("$(field seconds <<<"$b")")
        rss=$(field rss_mib <<<"$a")
    done
    [ "$(printf '%s\n' "${counts[@]}" | sort -u | wc -l)" -eq 1 ] || { say "the counts differ: ${counts[*]}"; exit 1; }
    echo "$(median "${ours[@]}") $(median "${peers[@]}") $rss"
}

median() { printf '%s\n' "$@" | sort -g | sed -n "$((($# + 1) / 2))p"; }

line() { # claim rows ours peer rss [extra JSON fields]
    python3 - "$@" <<'P'
import json, sys
claim, rows, ours, peer, rss, *extra = sys.argv[1:]
ours, peer = float(ours), float(peer)
line = {"claim": claim, "rows": int(rows), "ours_s": round(ours, 4), "peer_s": round(peer, 4),
        "ratio": round(peer / ours, 2), "rss_mib": int(float(rss))}
for field in extra:
    line |= json.loads(field)
print(json.dumps(line))
P
}

# Sets of ROWS rows on each side, 40 % of them in common: a crm from row 0, a graph from row 0.6 × ROWS.
shift_of() { echo $(($1 * 6 / 10)); }
sets() { # rows
    [ -d "$dir/crm-$1" ] || { say "sealing a crm of $1 rows" && driver seal crm "$1" 0 "$dir/crm-$1" >&2; }
    [ -d "$dir/graph-$1" ] || { say "sealing a graph of $1 rows" && driver seal graph "$1" "$(shift_of "$1")" "$dir/graph-$1" >&2; }
}

# The same tokens for the peer.
parquet() { # rows
    local side
    for side in "crm 0" "graph $(shift_of "$1")"; do
        set -- "$1" $side
        [ -f "$dir/$2-$1.parquet" ] && continue
        say "writing the $2's tokens as Parquet"
        driver tokens "$1" "$3" "$dir/tokens"
        python benches/peers/parquet.py "$dir/tokens" "$dir/$2-$1.parquet"
        rm "$dir/tokens"
    done
}
