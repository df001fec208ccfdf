# shellcheck shell=bash
# The private PostgreSQL: data in postgres/, a socket in run/, no TCP at all.
#
# The socket's folder is closed to all but the account (and root); who gets in
# needs no password. So no port can collide and no password lies in a file of ours.

readonly postgres_bin=/usr/lib/postgresql/15/bin
# No more than a part of the socket's name; not 5432, lest it be taken for Debian's own.
readonly database_port=5433

database_address() { printf 'host=%s port=%s dbname=gavo user=%s' "$folder/run" $database_port "$1"; }

make_database() {
  make_private "$folder/run"
  [[ -d $folder/postgres ]] && return 0
  rm -rf "$folder/postgres.new"
  make_private "$folder/postgres.new"
  as_account initdb --pgdata "$folder/postgres.new" --username dachsroot --auth trust \
    --encoding UTF8 --locale C.UTF-8
  as_account tee -a "$folder/postgres.new/postgresql.conf" >/dev/null <<<"include 'vospec.conf'"
  # By its final name it is complete.
  mv "$folder/postgres.new" "$folder/postgres"
}

# Beside its address: loads into new tables, which nobody copies elsewhere, need no log
# of their own (a run of two million scores writes 500 MB less); their indexes are sorted
# in memory; a publisher that was killed keeps no lock for longer than ten seconds. The
# compiler of queries takes seconds where these take milliseconds. Each process of DaCHS
# keeps up to thirty connections.
database_settings() {
  printf '%s\n' "listen_addresses = ''" "port = $database_port" \
    "unix_socket_directories = '$folder/run'" "unix_socket_permissions = 0700" \
    "wal_level = minimal" "max_wal_senders = 0" "max_wal_size = 2GB" \
    "shared_buffers = 256MB" "maintenance_work_mem = 256MB" "jit = off" \
    "client_connection_check_interval = 10s" "max_connections = 600"
}

# The process of our data folder, if it lives: a number in a file may be another's by now.
database_process() {
  local pid
  pid=$(head -n 1 "$folder/postgres/postmaster.pid" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ ]] && grep -qszxF "$folder/postgres" "/proc/$pid/cmdline" &&
    printf '%s' "$pid"
}

database_answers() { as_account pg_isready -q -h "$folder/run" -p "$database_port" -U dachsroot -d postgres; }

start_database() {
  await_database && return 0
  database_process >/dev/null || clear_remains
  # Written at each start: the checkout may have been moved since.
  database_settings | as_account tee "$folder/postgres/vospec.conf" >/dev/null
  as_account pg_ctl start --wait --timeout 60 --silent --pgdata "$folder/postgres" \
    --log "$folder/postgres/server.log" </dev/null 8>&- 9>&- ||
    fail "PostgreSQL does not start: $(grep FATAL "$folder/postgres/server.log" | tail -n 1)"
}

# Wait for one that runs: after a process of it was killed it lets nobody in for a while.
await_database() {
  local end=$((SECONDS + 60))
  while database_process >/dev/null && ((SECONDS < end)); do
    database_answers && return 0
    sleep 0.1
  done
  return 1
}

# What a killed PostgreSQL leaves behind. Its lock files name processes that may
# be strangers by now, or dead ones that nobody has buried (a machine without
# init). But they also keep a second server off the data, so first all those that
# work in the data folder must have ended.
clear_remains() {
  local tries
  for ((tries = 0; tries < 50; tries++)); do
    [[ -n $(database_orphans) ]] || break
    sleep 0.1
  done
  database_orphans | xargs --no-run-if-empty kill -KILL
  rm -f "$folder/postgres/postmaster.pid" "$folder$socket_path.lock"
}

# PostgreSQL's processes of the data folder: each works in it.
database_orphans() {
  local process
  for process in /proc/[0-9]*; do
    [[ $(readlink "$process/cwd" 2>/dev/null) == "$folder/postgres" ]] || continue
    grep -qsx postgres "$process/comm" && printf '%s\n' "${process#/proc/}"
  done
  return 0
}

stop_database() {
  database_process >/dev/null || return 0
  # Asked to stop while it recovers from a crash it may wait for ever; then it recovers again.
  as_account pg_ctl stop --wait --timeout 60 --silent --mode fast --pgdata "$folder/postgres" ||
    as_account pg_ctl stop --wait --timeout 60 --silent --mode immediate --pgdata "$folder/postgres"
}

# The database of DaCHS, empty but for the geometry that ADQL needs.
make_empty_database() {
  local -a address=(-h "$folder/run" -p "$database_port" -U dachsroot)
  as_account dropdb --if-exists --force "${address[@]}" gavo
  as_account createdb --template template0 --encoding UTF-8 "${address[@]}" gavo
  tell_database dachsroot <"$checkout/deploy/parts/pg_sphere.sql"
}

# tell_database ROLE ARGUMENTS OF PSQL...: bare values.
tell_database() {
  as_account psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 \
    --dbname "$(database_address "$1")" "${@:2}"
}
