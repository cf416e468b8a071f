#!/usr/bin/env bash
# Installs this checkout of Stageward into a folder of its own, with the versions that it pins, once a job.
#
#   install.sh <folder>
set -euo pipefail

folder=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ -e "$folder/installed" ] && [ "$(cat "$folder/installed")" = "$here" ]; then
    exit 0
fi
usable='import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
for python in python3 python3.13 python3.12 python3.11 none; do
    if "$python" -c "$usable" 2>/dev/null; then break; fi
done
if [ "$python" = none ]; then
    echo "::error title=Stageward is not installed::It needs Python 3.11, 3.12 or 3.13: put actions/setup-python before it."
    exit 1
fi
"$python" -m venv --clear "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    --constraint "$here/constraints.txt" "$here"
printf '%s' "$here" > "$folder/installed"
