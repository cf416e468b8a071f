# What stands before the commands of a document. Servers run in the background, and have answered
# before the next command. A command that is told to end with another code than 0 must do so, and does
# not end the program then.
# FOLDER, TOOLS, PORT and the function `expected` come from the harness.
set -euo pipefail
trap 'echo "$DOCUMENT:$LINENO: ended with $?: $BASH_COMMAND" >&2' ERR
export PATH="$TOOLS:$PATH"

answers() {
  local tries=0
  until command curl --silent --output "$FOLDER/answer" "$1"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 600 ]; then echo "nothing answers at $1" >&2; return 1; fi
    sleep 0.1
  done
  echo "answers: $1"
}

ends() {
  local wanted code=0
  wanted=$(expected "$*" "${BASH_LINENO[1]}")
  command "$@" || code=$?
  if [ "$code" -ne "$wanted" ]; then
    echo "$DOCUMENT:${BASH_LINENO[1]}: ended with $code, not $wanted: $*" >&2
    return 1
  fi
}

stageward() {
  if [ "${1-}" = serve ]; then
    command stageward "$@" > "$FOLDER/serve.log" 2>&1 &
    answers "${STAGEWARD_URL:-http://127.0.0.1:8321}/api/v1/openapi.json"
  else
    ends stageward "$@"
  fi
}

mlflow() {
  if [ "${1-}" = server ]; then
    command mlflow "$@" > "$FOLDER/mlflow-server.log" 2>&1 &
    answers "http://127.0.0.1:$PORT/health"
  else
    ends mlflow "$@"
  fi
}

python() { ends python "$@"; }

# An answer that is none ends the program, also where a document does not ask for that: a wrong path of
# an address, or of a value in JSON.
curl() {
  command curl --fail "$@" || { echo "$DOCUMENT:${BASH_LINENO[0]}: ended with $?: curl $*" >&2; return 1; }
}

jq() {
  local found
  found=$(command jq "$@") || { echo "$DOCUMENT:${BASH_LINENO[0]}: ended with $?: jq $*" >&2; return 1; }
  if [ "$found" = null ]; then echo "$DOCUMENT:${BASH_LINENO[0]}: nothing is there: jq $*" >&2; return 1; fi
  printf '%s\n' "$found"
}
