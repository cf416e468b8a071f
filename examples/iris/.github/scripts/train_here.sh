#!/usr/bin/env bash
# Runs the components of the pipeline on this machine, on the same code and the same packages, and signs in nowhere.
set -euo pipefail

python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
export MLFLOW_TRACKING_URI="file://$RUNNER_TEMP/mlruns"
python run_locally.py
