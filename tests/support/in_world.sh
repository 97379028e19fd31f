#!/usr/bin/env bash
# Runs a command against a service with enrolled parties and an active collaboration; the command finds
# the address, a client certificate and the collaboration in TAMIS_URL, TAMIS_CA, TAMIS_CERT, TAMIS_KEY
# and TAMIS_COLLABORATION. The service must be alive afterwards.
. tests/support/world.sh

world_up
export_client advertiser
"$@"
kill -0 "$SERVICE_PID" || { echo "the service died" >&2; exit 1; }
