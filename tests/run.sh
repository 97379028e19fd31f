#!/usr/bin/env bash
# Installs what the tests need, then runs every test, stage by stage.
#
#   tests/run.sh             everything
#   tests/run.sh demo tus    these stages only (names as printed)
#
# A stage that cannot run on this machine is skipped loudly; with CI=true a skip is a failure.
set -uo pipefail
cd "$(dirname "$0")/.."

export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
wanted=("$@")
passed=0 failed=0 skipped=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export SCRATCH=$scratch

# shellcheck source=tests/setup.sh
. tests/setup.sh

wants() { # name
    [ ${#wanted[@]} -eq 0 ] && return 0
    local name
    for name in "${wanted[@]}"; do [ "$name" = "$1" ] && return 0; done
    return 1
}

stage() { # name command…; exit code 77 of the command means: cannot run here
    local name=$1 began=$SECONDS code
    shift
    wants "$name" || return 0
    printf '\n=== %s\n' "$name"
    "$@"
    code=$?
    if [ $code -eq 0 ]; then
        passed=$((passed + 1)) && printf -- '--- %s: passed (%ss)\n' "$name" $((SECONDS - began))
    elif [ $code -eq 77 ] && [ -z "${CI:-}" ]; then
        skipped=$((skipped + 1)) && printf -- '--- %s: SKIPPED, NOT TESTED on this machine\n' "$name"
    else
        failed=$((failed + 1)) && printf -- '--- %s: FAILED with exit code %s\n' "$name" $code
    fi
}

stage build cargo build --workspace --locked
export TAMIS="$PWD/target/debug/tamis" SCHEMATHESIS="$PWD/target/python/bin/schemathesis"
stage rust cargo test --workspace --locked
stage rust-postgres tests/support/postgres.sh cargo test --locked -p tamis
stage vectors "$PYTHON" tests/independent/vectors.py
stage demo tests/demo/bundled.sh
stage demo-postgres tests/support/postgres.sh tests/demo/bundled.sh
stage demo-synthetic tests/demo/synthetic.sh
stage bad-input tests/faults/bad_input.sh
stage kills tests/faults/kills.sh
stage withdrawal tests/faults/withdrawal.sh
stage dsr tests/faults/dsr.sh
stage full-disk tests/faults/full_disk.sh
stage syscalls tests/faults/syscalls.sh
stage fuzz tests/faults/fuzz.sh
stage resident tests/faults/resident.sh
stage tus tests/support/in_world.sh "$PYTHON" tests/tus/resume.py
stage webhooks tests/webhooks/run.sh
stage openapi tests/support/in_world.sh tests/openapi/run.sh
stage audit tests/audit/hour.sh
stage strings tests/independent/strings.sh
stage docs "$PYTHON" tests/docs/snippets.py

printf '\n%s passed, %s failed, %s skipped\n' $passed $failed $skipped
[ $failed -eq 0 ]
