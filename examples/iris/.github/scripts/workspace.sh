#!/usr/bin/env bash
# Read by the other scripts: makes `az ml` known, which no hosted runner brings, and says where.
# WORKSPACE, GROUP: where.
set -euo pipefail

if ! az extension show --name ml --output none 2> /dev/null; then
    az extension add --name ml --version 2.43.0 --yes --output none
fi
# shellcheck disable=SC2034  # who reads this file uses it
at=(--workspace-name "$WORKSPACE" --resource-group "$GROUP")
