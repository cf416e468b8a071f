#!/usr/bin/env bash
# Brings one version to the endpoint. `beside`: deploys it beside what is served, and tries it, with no traffic.
# `serve`: gives it the traffic, and takes the others away. A run that ended half-way is gone on with by the next.
# WORKSPACE, GROUP, ENDPOINT: where. MODEL, NUMBER: what; Stageward said which, and no event.
set -euo pipefail

. .github/scripts/workspace.sh
name="v$NUMBER"

failed() {
    echo "::error title=Not deployed::$1"
    exit 1
}

deploy() {
    az ml online-deployment create --file endpoint/deployment.yml --endpoint-name "$ENDPOINT" \
        --name "$name" --set model="azureml:$MODEL:$NUMBER" "${at[@]}"
}

delete() {
    az ml online-deployment delete --endpoint-name "$ENDPOINT" --name "$1" --yes "${at[@]}"
}

[[ $name =~ ^v[A-Za-z0-9-]{1,31}$ ]] || failed "A deployment cannot be called after version $NUMBER."
served=$(az ml online-endpoint show --name "$ENDPOINT" --query "traffic.\"$name\"" --output tsv "${at[@]}") ||
    failed "Endpoint $ENDPOINT cannot be read. It is made once: az ml online-endpoint create --file endpoint/endpoint.yml --name $ENDPOINT"
case $1 in
beside)
    if [ "$served" = 100 ]; then
        echo "$MODEL:$NUMBER is what is served."
        exit 0
    fi
    state=$(az ml online-deployment list --endpoint-name "$ENDPOINT" \
        --query "[?name=='$name'].provisioning_state" --output tsv "${at[@]}")
    case $state in
    "") deploy ;;
    Succeeded) echo "$name is there already." ;;
    Failed | Canceled)
        delete "$name"
        deploy
        ;;
    *) failed "$name is $state: an earlier run did not wait for it, the next one looks again." ;;
    esac
    az ml online-endpoint invoke --name "$ENDPOINT" --deployment-name "$name" \
        --request-file requests/azureml.json "${at[@]}"
    ;;
serve)
    others=$(az ml online-deployment list --endpoint-name "$ENDPOINT" \
        --query "[?name!='$name'].name" --output tsv "${at[@]}")
    if [ "$served" != 100 ]; then
        shares="$name=100"
        for other in $others; do shares+=" $other=0"; done
        az ml online-endpoint update --name "$ENDPOINT" --traffic "$shares" "${at[@]}"
    fi
    for other in $others; do delete "$other"; done
    ;;
*)
    echo "deploy.sh beside | serve" >&2
    exit 2
    ;;
esac
