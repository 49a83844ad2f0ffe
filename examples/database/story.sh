#!/bin/sh
# The classic story: a database server without a volume loses its rows when its container goes. Here they come back from the
# history; and with a volume they never were at risk.
#
# It takes root, /dev/fuse, PostgreSQL (Debian: apt install postgresql) and overlog in the PATH:
#
#     sudo examples/database/story.sh
set -eu

# Alone in a mount namespace: another one that is made meanwhile would get a copy of the mount, and hold it.
[ -n "${STORY_IS_ALONE:-}" ] || STORY_IS_ALONE=1 exec unshare --mount "$0"

bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
room=$(mktemp -d)
data=$room/mnt/db/data
export OVERLOG_STORE="$room/store" LC_ALL=C

leave() {
  set +e
  as_postgres pg_ctl -D "$data" -m immediate stop
  overlog umount --lazy "$room/mnt" 2>/dev/null
  rm -rf "$room"
}

as_postgres() { # a program of the server's, as the user that it insists on
  program=$1
  shift
  (cd / && setpriv --reuid=postgres --regid=postgres --init-groups "$bin/$program" "$@") >>"$room/said" 2>&1
}

start_server() {
  as_postgres pg_ctl -D "$data" -w -t 120 -l "$data/log" -o "-c listen_addresses= -c unix_socket_directories=$room/mnt/db" start
}

stop_server() {
  as_postgres pg_ctl -D "$data" -m fast stop
}

sql() {
  (cd / && setpriv --reuid=postgres --regid=postgres --init-groups "$bin/psql" -h "$room/mnt/db" -d postgres -qAt -c "$1")
}

make_database() {
  mkdir -p "$data"
  chown -R postgres:postgres "$room/mnt/db"
  chmod 700 "$data"
  as_postgres initdb -D "$data" -A trust --no-sync
  start_server
  sql "CREATE TABLE orders AS SELECT n, 'order ' || n AS what FROM generate_series(1, 1000) AS n"
  stop_server
}

count_orders() {
  start_server
  sql 'SELECT count(*) FROM orders'
  stop_server
}

mount_container() {
  overlog mount "$1" "$room/mnt" >/dev/null
}

trap leave EXIT
chmod 755 "$room"
mkdir "$room/mnt" "$room/image"
overlog load --tag base:1 "$room/image" >/dev/null

echo 'Without a volume:'
overlog create --name shop base:1 >/dev/null
mount_container shop
make_database
overlog umount "$room/mnt"
overlog label before-rm >/dev/null
overlog rm shop >/dev/null

overlog create --name shop-again base:1 >/dev/null
mount_container shop-again
echo "  after rm, a new container has $(ls "$room/mnt" | wc -l) files"
overlog umount "$room/mnt"

overlog fork shop --at before-rm --as rescued >/dev/null
mount_container rescued
echo "  the fork of what it was before has $(count_orders) orders"
overlog umount "$room/mnt"

echo 'With a volume:'
overlog create --name shop -v orders:/db base:1 >/dev/null
mount_container shop
make_database
overlog umount "$room/mnt"
overlog rm shop >/dev/null

overlog create --name shop-2 -v orders:/db base:1 >/dev/null
mount_container shop-2
echo "  after rm, a new container has $(count_orders) orders"
overlog umount "$room/mnt"

# Prints:
#
#   Without a volume:
#     after rm, a new container has 0 files
#     the fork of what it was before has 1000 orders
#   With a volume:
#     after rm, a new container has 1000 orders
