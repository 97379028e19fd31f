#!/usr/bin/env bash
# schemathesis (PyPI, 4.x) against a running service: no server error, and every answer as the document
# at /openapi.json says. Bounded in time and in the number of requests.
#
#   TAMIS_URL=https://localhost:8443 TAMIS_CA=ca.pem TAMIS_CERT=shop.pem TAMIS_KEY=shop.key \
#   [TAMIS_COLLABORATION=ID] [SCHEMATHESIS=schemathesis] [EXAMPLES=20] [SECONDS_MAX=180] tests/openapi/run.sh
#
# The certificate is a party's of a service made for tests: what can be created, is created.
set -euo pipefail
: "${TAMIS_URL:?the address of the service}" "${TAMIS_CA:?its authority, PEM}"
: "${TAMIS_CERT:?a client certificate, PEM}" "${TAMIS_KEY:?its private key, PEM}"
here=$(cd "$(dirname "$0")" && pwd)
seconds=${SECONDS_MAX:-180}

export TAMIS_COLLABORATION=${TAMIS_COLLABORATION:-00000000000000000000000000000000}
TAMIS_UPLOAD_METADATA="collaboration $(printf %s "$TAMIS_COLLABORATION" | base64 -w0)"
export TAMIS_UPLOAD_METADATA
export SCHEMATHESIS_HOOKS=hooks
export PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}" PYTHONDONTWRITEBYTECODE=1

exec timeout --signal=INT --kill-after=30 $((seconds + 60)) \
  "${SCHEMATHESIS:-schemathesis}" --config-file "$here/schemathesis.toml" run \
  "$TAMIS_URL/openapi.json" \
  --tls-verify "$TAMIS_CA" --request-cert "$TAMIS_CERT" --request-cert-key "$TAMIS_KEY" \
  --max-examples "${EXAMPLES:-20}" --max-time "$seconds" --request-timeout 15 \
  --seed "${SEED:-1}" --generation-database none --no-shrink --no-color
