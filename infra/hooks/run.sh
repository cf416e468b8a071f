#!/bin/sh
# Runs a hook with the first Python that is new enough: sh infra/hooks/run.sh <hook>
cd "$(dirname "$0")/../.." || exit 1
for python in python3 python; do
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
    exec "$python" -m infra.hooks "$@"
  fi
done
echo 'stageward: no Python 3.9 or later is on the PATH; install one, then run this again' >&2
exit 1
