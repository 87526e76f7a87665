# Keeps one Postgres cluster until our input ends.
# $1: folder of initdb and pg_ctl; $2: an empty folder that is ours, removed at the end.
set -eu
programs=$1
directory=$2
# Nobody may be left to hear that we are ready; the server must be stopped all the same.
trap '' PIPE
trap 'cd /; rm -rf "$directory"' EXIT

fail() {
    cat "$directory/log" >&2
    exit 1
}

"$programs/initdb" --pgdata="$directory/data" --username=sluice --auth=trust \
    --encoding=UTF8 --locale=C >"$directory/log" 2>&1 || fail
cat >>"$directory/data/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$directory'
shared_buffers = 16MB
max_connections = 100
END
"$programs/pg_ctl" --pgdata="$directory/data" --log="$directory/log" --wait start >/dev/null 2>&1 || fail

echo ready || true
cat >/dev/null
"$programs/pg_ctl" --pgdata="$directory/data" --mode=fast --wait stop >/dev/null 2>&1
