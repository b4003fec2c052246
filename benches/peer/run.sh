#!/usr/bin/env bash
# Measures the peer, then the vault: see README.md. `run.sh SECONDS` for each case, 10 unless given.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-10}
binaries=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)
binaries=${binaries:-$(dirname "$(command -v initdb)")}
data=$(mktemp -d)
as_owner() { "$@"; }
if [ "$(id -u)" -eq 0 ]; then
    chown postgres "$data"
    as_owner() { (cd / && runuser -u postgres -- "$@"); }
fi
stop() {
    as_owner "$binaries/pg_ctl" --pgdata "$data/cluster" --mode immediate --wait stop >/dev/null || true
    rm -rf "$data"
}
trap stop EXIT

as_owner "$binaries/initdb" --pgdata "$data/cluster" --auth trust --no-instructions >/dev/null
as_owner "$binaries/pg_ctl" --pgdata "$data/cluster" --wait --log "$data/cluster/log" \
    --options "-k $data -c listen_addresses= -c max_connections=300 -c shared_buffers=512MB" \
    start >/dev/null
export PGHOST=$data PGDATABASE=postgres
[ "$(id -u)" -ne 0 ] || export PGUSER=postgres
"$binaries/psql" --quiet --output /dev/null --set ON_ERROR_STOP=1 --file schema.sql

echo "$("$binaries/postgres" --version), synchronous_commit on, $seconds s for each case"
echo
echo '| peer | callers | values per s |'
echo '|---|---|---|'
measure() {
    local name=$1 clients=$2 items=$3 rate
    rate=$("$binaries/pgbench" --no-vacuum --protocol prepared --client "$clients" \
        --jobs 2 --time "$seconds" --file "cases/$name.sql" |
        sed -n 's/^tps = \([0-9.]*\).*/\1/p')
    awk -v name="$name" -v clients="$clients" -v rate="$rate" -v items="$items" \
        'BEGIN { printf "| %s | %d | %d |\n", name, clients, rate * items }'
}
for name in new known reveal; do
    measure "$name-single" 1 1
    measure "$name-single" 16 1
    measure "$name-single" 256 1
    measure "$name-batch" 1 1000
    measure "$name-batch" 4 1000
done
echo
cd ../..
cargo bench --quiet --bench vault -- "gRPC"
