#!/bin/sh
# Pins what pyproject.toml asks for. Arguments go to uv: --upgrade, --upgrade-package NAME.
#
#   constraints.txt     everything, for every accepted Python and platform: what `make` installs
#   requirements.txt    those of the run-time dependencies and of what Azure needs, for the Functions app
#   scripts/checkov/requirements.txt    Checkov, for an environment of its own
set -eu
cd "$(dirname "$0")/.."

# No option of uv says where an index is, and none must: the pins hold for whichever is configured.
compile() {
    .venv/bin/uv pip compile --quiet --no-emit-index-url --custom-compile-command 'make lock' \
        --annotation-style line "$@"
}

# With --universal the version is the oldest that must be served, not the only one.
compile --universal --python-version 3.11 --all-extras \
    --output-file constraints.txt "$@" pyproject.toml
rm -f requirements.txt
compile --python-version 3.13 --python-platform linux --constraint constraints.txt \
    --extra azureml --extra deadletters --extra telemetry --output-file requirements.txt pyproject.toml
compile --universal --python-version 3.11 --output-file scripts/checkov/requirements.txt "$@" \
    scripts/checkov/requirements.in
