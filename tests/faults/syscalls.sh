#!/usr/bin/env bash
# Every file system call of ingest, match and compaction fails once with EIO, once with ENOSPC where it
# writes, and once the process is killed before it; the claims are in tests/syscalls/main.rs.
#
#   FAULTS=all tests/run.sh syscalls     every fault, however long it takes; 120 seconds if not given
set -euo pipefail
FAULTS=${FAULTS:-120} exec cargo test --locked --test syscalls
