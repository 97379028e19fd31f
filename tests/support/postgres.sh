#!/bin/sh
# A temporary PostgreSQL for the length of one command.
#
#   tests/support/postgres.sh cargo test        runs the command with TAMIS_TEST_POSTGRES (tests) and
#                                               TAMIS_DATABASE_URL (tamis init) set to the URL
#   tests/support/postgres.sh                   prints the URL and runs until ctrl-c
#
# The server runs from Debian's /usr/lib/postgresql/*/bin as a user that is not root, in a directory
# of its own, on a Unix socket in it: no port, no password, nothing else on the machine is touched.
# It is stopped by its process id and the directory is removed. When PostgreSQL is missing and we are
# root, Debian's package is installed first.
#
# Exit status: that of the command; 77 when there is no PostgreSQL and none can be installed.
set -eu

say() { printf '%s\n' "postgres.sh: $*" >&2; }

skip() {
    say "**********************************************************************"
    say "SKIPPED: $1"
    say "Nothing was tested on PostgreSQL. Install it: apt-get install postgresql"
    say "**********************************************************************"
    exit 77
}

find_bin() {
    for bin in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV); do
        if [ -x "$bin/initdb" ] && [ -x "$bin/postgres" ]; then
            printf '%s' "$bin"
            return
        fi
    done
}

bin=$(find_bin)
if [ -z "$bin" ]; then
    [ "$(id -u)" = 0 ] || skip "PostgreSQL is not installed and only root can install it"
    command -v apt-get >/dev/null || skip "PostgreSQL is not installed and there is no apt-get"
    say "installing Debian's postgresql"
    # The package would start a cluster of its own: tell it not to.
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
        echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive \
        apt-get install -qy --no-install-recommends postgresql; } >&2 ||
        skip "Debian's package cannot be installed"
    bin=$(find_bin)
    [ -n "$bin" ] || skip "Debian's package has no /usr/lib/postgresql/*/bin"
fi

# initdb refuses to run as root.
user=$(id -un)
if [ "$(id -u)" = 0 ]; then
    user=nobody
    if id postgres >/dev/null 2>&1; then user=postgres; fi
fi
as_user() {
    if [ "$(id -un)" = "$user" ]; then "$@"; else runuser -u "$user" -- "$@"; fi
}

directory=$(mktemp -d /tmp/tamis-postgres.XXXXXX)
stop() {
    # A second signal must not end us before the directory is gone.
    trap - EXIT
    trap '' INT TERM
    if [ -s "$directory/data/postmaster.pid" ]; then
        pid=$(head -n 1 "$directory/data/postmaster.pid")
        # INT: connections are ended, what is committed is kept. Nobody needs it, so wait 10 s at most.
        kill -INT "$pid" 2>/dev/null || true
        tries=0
        while kill -0 "$pid" 2>/dev/null && [ $tries -lt 100 ]; do
            sleep 0.1
            tries=$((tries + 1))
        done
        kill -QUIT "$pid" 2>/dev/null || true
    fi
    rm -rf "$directory"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

chmod 700 "$directory"
[ "$(id -un)" = "$user" ] || chown "$user" "$directory"
cd "$directory"
as_user "$bin/initdb" -D "$directory/data" -U tamis -A trust -E UTF8 --locale=C \
    >"$directory/initdb.log" 2>&1 || {
    cat "$directory/initdb.log" >&2
    say "initdb failed"
    exit 1
}
as_user "$bin/postgres" -D "$directory/data" -k "$directory" -c listen_addresses= \
    -c fsync=off -c full_page_writes=off -c max_connections=200 \
    >"$directory/server.log" 2>&1 &
server=$!

tries=0
until as_user "$bin/pg_isready" -q -h "$directory" -U tamis -d postgres; do
    tries=$((tries + 1))
    if [ $tries -gt 300 ]; then
        cat "$directory/server.log" >&2
        say "the server does not start"
        exit 1
    fi
    sleep 0.1
done
as_user "$bin/createdb" -h "$directory" -U tamis tamis
cd "$OLDPWD"

url="postgres://tamis@localhost/tamis?host=$directory"
if [ $# = 0 ]; then
    printf '%s\n' "$url"
    wait "$server"
    exit
fi
say "serving $url"
status=0
TAMIS_TEST_POSTGRES="$url" TAMIS_DATABASE_URL="$url" "$@" || status=$?
exit $status
