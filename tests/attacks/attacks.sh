#!/bin/sh
# The attacks, as the caller. tools/run-tests runs this as an ordinary user and as root.
# usage: attacks.sh [ROW]      BAILEY and BAILEY_BUILD as tools/test-dir sets them
exec "$BAILEY_BUILD/tests/attacks/attacks" "$BAILEY" "$BAILEY_BUILD/tests/attacks/attack-probe" "$@"
