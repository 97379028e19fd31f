#!/usr/bin/env bash
# Every decoder that reads stored or received bytes, on mutations of real encodings: fuzz/src/main.rs.
#
#   INPUTS=1000000 FUZZ_SEED=7 tests/run.sh fuzz     longer, and others
set -euo pipefail
export CARGO_TARGET_DIR=$PWD/target
# The same versions as the workspace has; libFuzzer is added to them.
[ fuzz/Cargo.lock -nt Cargo.lock ] || cp Cargo.lock fuzz/Cargo.lock
exec cargo run --quiet --manifest-path fuzz/Cargo.toml --bin smoke -- "${INPUTS:-20000}"
