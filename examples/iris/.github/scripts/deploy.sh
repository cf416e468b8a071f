#!/usr/bin/env bash
# Brings one version to the endpoint. `beside`: deploys it beside what is served, and tries it, with no traffic.
# `serve`: gives it the traffic, and takes the others away. What is there already is not done again.
# WORKSPACE, GROUP, ENDPOINT: where. MODEL, NUMBER: what; Stageward said which, and no event.
set -euo pipefail

at=(--workspace-name "$WORKSPACE" --resource-group "$GROUP")
name="v$NUMBER"
if ! [[ $name =~ ^v[A-Za-z0-9-]{1,31}$ ]]; then
    echo "::error title=Not deployed::A deployment cannot be called after version $NUMBER."
    exit 1
fi
served=$(az ml online-endpoint show --name "$ENDPOINT" --query "traffic.\"$name\"" --output tsv "${at[@]}")
if [ "$served" = 100 ]; then
    echo "$MODEL:$NUMBER is what is served."
    exit 0
fi
case $1 in
beside)
    az ml online-deployment create --file endpoint/deployment.yml --endpoint-name "$ENDPOINT" \
        --name "$name" --set model="azureml:$MODEL:$NUMBER" "${at[@]}"
    az ml online-endpoint invoke --name "$ENDPOINT" --deployment-name "$name" \
        --request-file requests/azureml.json "${at[@]}"
    ;;
serve)
    az ml online-endpoint update --name "$ENDPOINT" --traffic "$name=100" "${at[@]}"
    others=$(az ml online-deployment list --endpoint-name "$ENDPOINT" \
        --query "[?name!='$name'].name" --output tsv "${at[@]}")
    for other in $others; do
        az ml online-deployment delete --endpoint-name "$ENDPOINT" --name "$other" --yes "${at[@]}"
    done
    ;;
*)
    echo "deploy.sh beside | serve" >&2
    exit 2
    ;;
esac
