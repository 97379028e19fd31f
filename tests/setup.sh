# Sourced by run.sh: installs strace and zstd and makes the Python environment. PostgreSQL is the business of support/postgres.sh, which
# installs it without a cluster of its own.
# Sets PYTHON (an interpreter that has tests/requirements.txt).

say() { printf 'setup: %s\n' "$*" >&2; }

apt_install() { # package… ; only as root on Debian, else says what to do
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing $*"
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >/dev/null 2>&1
    else
        say "please install: $*"
        return 1
    fi
}

command -v python3 >/dev/null || apt_install python3 python3-venv
command -v zstd >/dev/null || apt_install zstd || say "no zstd: the stage audit will not run"
command -v strace >/dev/null || apt_install strace || say "no strace: the stage syscalls will not run"

venv=target/python
if ! cmp -s tests/requirements.txt "$venv/requirements.txt"; then
    rm -rf "$venv"
    mkdir -p target
    { python3 -m venv "$venv" 2>/dev/null || { apt_install python3-venv && python3 -m venv "$venv"; }; } &&
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/requirements.txt &&
        cp tests/requirements.txt "$venv/requirements.txt" ||
        say "no Python environment: the stages that need it will fail"
fi
PYTHON="$PWD/$venv/bin/python"
export PYTHON
