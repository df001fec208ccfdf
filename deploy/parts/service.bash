# shellcheck shell=bash
# The private DaCHS: configuration and descriptor in dachs/, HTTP on loopback.

readonly authority=x-vospec
# Of an upload, sent or fetched.
readonly most_bytes=20000000

service_url() { printf 'http://127.0.0.1:%s' "$port"; }

# The address under which the world sees the service, where the operator's own
# settings (dachs.ini, in DaCHS' form) tell it.
public_url() {
  local told
  told=$(sed -n 's/^serverURL *[:=] *\(.*[^ /]\)[ /]*$/\1/Ip' "$folder/dachs.ini" 2>/dev/null | tail -n 1) || true
  printf '%s' "${told:-$(service_url)}"
}

# What the operator sets of the guard (deploy/guard), a line each.
guard_settings() { grep -s '^VOSPEC_[A-Z_]*=' "$folder/guard.env" || true; }

# Everything of DaCHS, or (killed half-way) everything anew: before the mark
# stands nothing has been published that could be lost.
make_service() {
  [[ -e $folder/dachs/complete ]] && return 0
  rm -rf "$folder/dachs"
  make_private "$folder/dachs"
  make_private "$folder/dachs/etc"
  make_empty_database
  configure_service
  default_metadata | as_account tee "$folder/dachs/etc/defaultmeta.txt" >/dev/null
  as_account dachs init --dsn "$(database_address dachsroot)"
  as_account dachs imp //obscore
  as_account touch "$folder/dachs/complete"
}

# Passwords of the database, and the administrator's where there is one: DaCHS
# lets its group write them.
hide_secrets() {
  as_account chmod 600 "$folder/dachs/gavo.rc" "$folder/dachs/etc/"{dsn,feed,trustedquery,untrustedquery}
}

# Bounds that only PostgreSQL can set to those who query.
limit_roles() { tell_database dachsroot <"$checkout/deploy/parts/roles.sql"; }

# Before anybody makes the tables, and for those of an earlier version.
quicken_indexes() { tell_database dachsroot <"$checkout/deploy/parts/small_spoly.sql"; }

# Written at each start: the port may be another, the checkout may have been moved.
configure_service() {
  copy_guard
  service_settings | as_account tee "$folder/dachs/gavo.rc" >/dev/null
  printf '%s\n' "database = gavo" "host = $folder/run" "port = $database_port" |
    as_account tee "$folder/dachs/etc/dsn" >/dev/null
}

# What guards the server, for an account that may not be able to enter the checkout.
copy_guard() {
  local target=$folder/dachs/guard
  rm -rf "$target.new"
  make_private "$target.new"
  tar --create --directory "$checkout/deploy/guard" --exclude __pycache__ . |
    as_account tar --extract --no-same-permissions --directory "$target.new"
  as_account chmod 700 "$target.new"
  rm -rf "$target"
  mv "$target.new" "$target"
}

# The authority is none of the registry's: who registers takes one of his own.
# What is bounded is bounded here, DaCHS' own defaults included: times in seconds,
# sizes in bytes. An empty adminpasswd shuts the administrator's pages.
service_settings() {
  local group
  group=$(id -gn "$account")
  cat <<END
[general]
rootDir: $folder/dachs
gavoGroup: $group
group: $group
[web]
user:
bindAddress: 127.0.0.1
serverPort: $port
serverURL: $(service_url)
sitename: vospec
adminpasswd:
sqlTimeout: 15
maxUploadSize: $most_bytes
maxSyncUploadSize: 500000
[async]
defaultExecTimeSync: 60
defaultExecTime: 3600
maxTAPRunning: 2
defaultLifetime: 172800
defaultMAXREC: 20000
hardMAXREC: 3000000
[db]
defaultLimit: 100
[ivoa]
authority: $authority
dalDefaultLimit: 10000
dalHardLimit: 100000
END
}

default_metadata() {
  cat <<END
publisher: vospec
contact.name: The operator of this vospec instance
contact.address: not given
contact.email: operator@example.invalid
creator.name: vospec
_noresultwarning: Your query did not match any data.
authority.creationDate: 2026-01-01T00:00:00
authority.shortName: vospec
authority.title: A private instance of vospec
authority.description: A private instance of vospec, not registered
site.description: Emission-line star candidates found by vospec
END
}

# The server's process, if it lives and is ours by its environment.
service_process() {
  local pid
  pid=$(cat "$folder/run/dachs.pid" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ ]] && grep -qsz serve "/proc/$pid/cmdline" &&
    grep -qszxF "GAVOSETTINGS=$folder/dachs/gavo.rc" "/proc/$pid/environ" && printf '%s' "$pid"
}

# A real query: DaCHS' own availability says true even without its database.
service_answers() {
  as_account /usr/bin/python3 - "$(service_url)" <<'END' 2>/dev/null
import sys
import urllib.request

query = "LANG=ADQL&REQUEST=doQuery&QUERY=SELECT+TOP+1+table_name+FROM+tap_schema.tables"
with urllib.request.urlopen(f"{sys.argv[1]}/tap/sync?{query}", timeout=20) as answer:
    sys.exit(b'value="OK"' not in answer.read())
END
}

# Fails with a sentence where a server that is not ours holds the port.
check_port() {
  service_process >/dev/null && [[ $(cat "$folder/port" 2>/dev/null) == "$port" ]] && return 0
  as_account /usr/bin/python3 - "$port" 2>/dev/null <<'END' ||
import socket
import sys

with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", int(sys.argv[1])))
END
    fail "port $port on 127.0.0.1 is in use by another program or not permitted:" \
      "choose another by --port, or stop what holds it"
}

# A server that lives but does not answer, or was started with other settings, is
# started anew.
start_service() {
  local wanted
  local -a guard
  wanted=$(service_mark)
  if service_process >/dev/null; then
    [[ $(cat "$folder/dachs/started" 2>/dev/null) == "$wanted" ]] && service_answers && return 0
    stop_service
  fi
  configure_service
  hide_secrets
  remember_port
  as_account tee "$folder/dachs/started" >/dev/null <<<"$wanted"
  mapfile -t guard < <(guard_settings)
  # shellcheck disable=SC2016 # the inner shell expands: it becomes the server
  (cd / && exec "${as[@]}" "PYTHONPATH=$folder/dachs/guard" "VOSPEC_EGRESS_BYTES=$most_bytes" \
    "${guard[@]}" \
    sh -c 'echo $$ >"$1" && exec setsid dachs serve start --foreground' \
    sh "$folder/run/dachs.pid") </dev/null >>"$folder/log/service.log" 2>&1 8>&- 9>&- &
  await_service $!
}

# All that a server reads when it starts, but the descriptor.
service_mark() {
  service_settings
  cat "$folder/dachs.ini" 2>/dev/null || true
  guard_settings
  (cd "$checkout/deploy/guard" && find . -name '*.py' -print0 | sort -z | xargs -0 sha256sum)
}

await_service() {
  local started=$1 deadline=$((SECONDS + 90))
  until service_answers; do
    kill -0 "$started" 2>/dev/null || fail "DaCHS does not start: see $folder/log/service.log"
    ((SECONDS < deadline)) || fail "DaCHS does not answer at $(service_url): see $folder/dachs/logs"
    sleep 0.5
  done
}

# The server leads a process group of its own, jobs of asynchronous queries in it.
stop_service() {
  local pid tries
  pid=$(service_process) || return 0
  kill -TERM "$pid" 2>/dev/null || true
  for ((tries = 0; tries < 100; tries++)); do
    service_process >/dev/null || break
    sleep 0.1
  done
  kill -KILL -- "-$pid" 2>/dev/null || true
  rm -f "$folder/run/dachs.pid"
}
