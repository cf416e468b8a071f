#!/usr/bin/env bash
# Runs the pipeline on Azure ML, and tells the number of the version that it registered.
# WORKSPACE, GROUP: where. MODEL: what it is registered as.
set -euo pipefail

. .github/scripts/workspace.sh
job=$(az ml job create --file pipeline.yml --set inputs.name="$MODEL" \
    --set tags.commit="$GITHUB_SHA" --query name --output tsv "${at[@]}")
az ml job stream --name "$job" "${at[@]}"
status=$(az ml job show --name "$job" --query status --output tsv "${at[@]}")
if [ "$status" != Completed ]; then
    echo "::error title=The pipeline did not end well::Job $job is $status."
    exit 1
fi
az ml job download --name "$job" --output-name registered --download-path "$RUNNER_TEMP/job" "${at[@]}"
file=$(find "$RUNNER_TEMP/job/named-outputs/registered" -type f)
number=$(jq --raw-output .version "$file")
if ! [[ $number =~ ^[A-Za-z0-9._-]{1,60}$ ]]; then
    echo "::error title=Nothing was registered::Job $job tells no version."
    exit 1
fi
echo "number=$number" >> "$GITHUB_OUTPUT"
