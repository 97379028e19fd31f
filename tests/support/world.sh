# Sourced: a small world of real processes for the fault tests, in $WORLD.
# After `world_up` the operator serves and advertiser, partner, dsp-a, dmp-b and auditor are enrolled,
# both sinks run, and advertiser and partner have an active collaboration.

set -euo pipefail
WORLD=$(mktemp -d "$SCRATCH/world.XXXXXX")
SERVICE_PID= SINK_PIDS=()

world_down() {
    local pid
    for pid in $SERVICE_PID ${SINK_PIDS[@]+"${SINK_PIDS[@]}"}; do kill "$pid" 2>/dev/null || true; done
    for pid in $SERVICE_PID ${SINK_PIDS[@]+"${SINK_PIDS[@]}"}; do wait "$pid" 2>/dev/null || true; done
}
trap world_down EXIT

await() { # seconds command…: until it succeeds
    local left=$(($1 * 10))
    shift
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ $left -gt 0 ] || { echo "gave up waiting for: $*" >&2; return 1; }
        sleep 0.1
    done
}

free_port() { "$PYTHON" -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }

serve() { # [wrapper command…]
    rm -f "$WORLD/ready"
    "$@" "$TAMIS" serve --home "$WORLD/operator" --as-of 2026-11-22 --ready-file "$WORLD/ready" \
        >>"$WORLD/serve.log" 2>&1 &
    SERVICE_PID=$!
    await 30 test -s "$WORLD/ready"
}

sink() { # name
    "$TAMIS" sink --home "$WORLD/$1" --listen "127.0.0.1:${SINK_PORT[$1]}" --out "$WORLD/sink-$1" \
        --ready-file "$WORLD/$1.ready" --capture "$WORLD/capture-$1" >>"$WORLD/$1.log" 2>&1 &
    SINK_PIDS+=($!)
    await 30 test -s "$WORLD/$1.ready"
}

enrol() { # name role [enrol options…]
    local name=$1 role=$2
    shift 2
    "$TAMIS" invite "$name" --role "$role" --home "$WORLD/operator" --out "$WORLD/$name.json" >/dev/null
    "$TAMIS" enrol --invitation "$WORLD/$name.json" --home "$WORLD/$name" "$@" >/dev/null
}

as() { # party command…
    local home=$WORLD/$1
    shift
    "$TAMIS" "$@" --home "$home"
}

declare -A SINK_PORT
world_up() {
    SINK_PORT=([dsp-a]=$(free_port) [dmp-b]=$(free_port))
    # The sinks of this world live on loopback.
    "$TAMIS" init --home "$WORLD/operator" --listen "127.0.0.1:$(free_port)" --allow-private-endpoints >/dev/null
    serve
    enrol advertiser advertiser
    enrol partner partner
    enrol dsp-a destination --endpoint "https://127.0.0.1:${SINK_PORT[dsp-a]}/"
    enrol dmp-b destination --endpoint "https://127.0.0.1:${SINK_PORT[dmp-b]}/" --open-cookies
    enrol auditor auditor
    sink dsp-a
    sink dmp-b
    as advertiser collaboration propose --with partner --to dsp-a --to dmp-b >/dev/null
    as partner collaboration accept >/dev/null
}

# What a public client needs to call the service as PARTY.
export_client() { # party
    local home=$WORLD/$1
    "$PYTHON" -c 'import json,sys; print(json.load(open(sys.argv[1]))["ca_pem"], end="")' "$home/service.json" >"$WORLD/ca.pem"
    TAMIS_URL=$("$PYTHON" -c 'import json,sys; print(json.load(open(sys.argv[1]))["url"])' "$home/service.json")
    TAMIS_COLLABORATION=$(as "$1" collaboration show --json | "$PYTHON" -c 'import json,sys; print(json.load(sys.stdin)["id"])')
    export TAMIS_URL TAMIS_COLLABORATION TAMIS_CA=$WORLD/ca.pem
    export TAMIS_CERT=$home/client-certificate.pem TAMIS_KEY=$home/client-key.pem
}

# Stops the service and checks everything that it stored.
check_stored() {
    if "$TAMIS" check --home "$WORLD/operator" >/dev/null 2>&1; then
        echo "the checker ran beside a service" >&2
        return 1
    fi
    kill "$SERVICE_PID" && wait "$SERVICE_PID" 2>/dev/null || true
    "$TAMIS" check --home "$WORLD/operator"
}

members() { # destination audience: cookies it holds now
    grep -c "^$2," "$WORLD/sink-$1/members.csv"
}
