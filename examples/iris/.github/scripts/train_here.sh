#!/usr/bin/env bash
# Runs the components of the pipeline on this machine, on the same code, and signs in nowhere.
set -euo pipefail

python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
python run_locally.py
