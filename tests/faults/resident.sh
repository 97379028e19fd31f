#!/usr/bin/env bash
# The memory of sealing and matching stays in its bound: tests/resident/main.rs says which.
#
#   ROWS=50000000 BUDGET_MIB=512 PROFILE=--release DIR=/var/tmp TOKENS=1 tests/run.sh resident
#
# is the claim; 1,000,000 rows and 16 MiB if not given.
set -euo pipefail
# shellcheck disable=SC2086
ROWS=${ROWS:-1000000} exec cargo test --locked ${PROFILE:-} --test resident
