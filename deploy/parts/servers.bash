# shellcheck shell=bash
# The processes of DaCHS. One has the public port and is called `dachs`; several stand behind
# nginx, each on a port of loopback of its own, and are called `dachs-1`, `dachs-2`, …
# They share folder and database: what one makes, a job of TAP for instance, the others have.

# Where it is set, a server that lives is not asked whether it answers.
patient=""
# The longest that a query which somebody waits for may take, and a bit more: seconds.
readonly longest_request=70

wanted_servers() {
  ((processes > 1)) || { printf 'dachs\n' && return; }
  seq --format 'dachs-%g' "$processes"
}

# Those that live, wanted or not.
living_servers() {
  local file name
  for file in "$folder/run/dachs.pid" "$folder"/run/dachs-*.pid; do
    name=$(basename "$file" .pid)
    server_process "$name" >/dev/null && printf '%s\n' "$name"
  done
  return 0
}

# The server's process, if it lives and is ours by its environment.
server_process() {
  local pid
  pid=$(cat "$folder/run/$1.pid" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ ]] && grep -qsz serve "/proc/$pid/cmdline" &&
    grep -qszxF "GAVOSETTINGS=$folder/dachs/gavo.rc" "/proc/$pid/environ" &&
    grep -qszxF "GAVOCUSTOM=$(settings_of "$1")" "/proc/$pid/environ" && printf '%s' "$pid"
}

# Of any server.
service_process() {
  local name
  for name in $(living_servers); do
    server_process "$name" && return 0
  done
  return 1
}

# What stands above gavo.rc.
settings_of() {
  if [[ $1 == dachs ]]; then printf '%s' "$folder/dachs.ini"; else printf '%s' "$folder/dachs/$1.ini"; fi
}

port_of() {
  if [[ $1 == dachs ]]; then printf '%s' "$port"; else cat "$folder/run/$1.port" 2>/dev/null; fi
}

# A real query: DaCHS' own availability says true even without its database.
service_answers() { answers_at "$port"; }

server_answers() { answers_at "$(port_of "$1")"; }

answers_at() {
  as_account /usr/bin/python3 - "http://127.0.0.1:$1" <<'END' 2>/dev/null
import sys
import urllib.request

query = "LANG=ADQL&REQUEST=doQuery&QUERY=SELECT+TOP+1+table_name+FROM+tap_schema.tables"
with urllib.request.urlopen(f"{sys.argv[1]}/tap/sync?{query}", timeout=20) as answer:
    sys.exit(b'value="OK"' not in answer.read())
END
}

is_free() {
  as_account /usr/bin/python3 - "$1" 2>/dev/null <<'END'
import socket
import sys

with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", int(sys.argv[1])))
END
}

# Fails with a sentence where a server that is not ours holds the port.
check_port() {
  if holds_port && [[ $(cat "$folder/port" 2>/dev/null) == "$port" ]]; then return 0; fi
  is_free "$port" ||
    fail "port $port on 127.0.0.1 is in use by another program or not permitted:" \
      "choose another by --port, or stop what holds it"
}

# Whether what listens at the public port is ours.
holds_port() { server_process dachs >/dev/null || [[ -n $(proxy_processes) ]]; }

# A port of its own for a server behind nginx: the last one where it is free, else the first
# free one far from where people look for services.
choose_server_port() {
  local name=$1 number
  [[ $name != dachs ]] || return 0
  number=$(port_of "$name") && is_server_port "$name" "$number" && return 0
  number=$((port < 50000 ? port + 10000 : port - 10000))
  until is_server_port "$name" "$number"; do
    ((number += 1))
    ((number < 65536)) || fail "no port of loopback is free for a server behind nginx"
  done
  write_private "$folder/run/$name.port" <<<"$number"
}

# Free, and no other server's.
is_server_port() {
  local other
  for other in "$folder"/run/dachs-*.port; do
    [[ $(basename "$other" .port) == "$1" || $(cat "$other" 2>/dev/null) != "$2" ]] || return 1
  done
  is_free "$2"
}

# Servers that run, answer and have read what they should are left alone; what is dead is
# started; what is out of date or dumb is replaced, one after the other.
start_service() {
  local wanted
  wanted=$(service_mark)
  configure_service
  hide_secrets
  # Before anything listens: whoever is killed in between finds it to be ours.
  remember_port
  remember_processes
  ((processes > 1)) || stop_proxy
  forget_queries
  start_missing "$wanted"
  replace_outdated "$wanted"
  ((processes == 1)) || stop_server dachs
  start_proxy
  stop_surplus
  forget_guards
}

# Queries that somebody waited for when their server was killed: they would count among those
# that run, and keep jobs from starting, for days. Which server's they were is not told.
forget_queries() {
  local age="10 minutes"
  [[ -n $(living_servers) ]] || age="0 minutes"
  [[ -n $(tell_database gavoadmin --command "SELECT to_regclass('tap_schema.tapjobs')") ]] || return 0
  tell_database gavoadmin --set "age=$age" <<<"UPDATE tap_schema.tapjobs
    SET phase = 'ABORTED', endtime = timezone('UTC', now())
    WHERE phase = 'EXECUTING' AND pid = -1 AND creationtime < timezone('UTC', now()) - interval :'age'"
}

# All at once, for each takes seconds.
start_missing() {
  local name
  local -A begun=()
  for name in $(wanted_servers); do
    server_process "$name" >/dev/null && continue
    make_way "$name"
    launch_server "$name" "$1"
    begun[$name]=$!
  done
  for name in "${!begun[@]}"; do await_server "$name" "${begun[$name]}"; done
}

# One server alone takes the public port over from where others stood before.
make_way() {
  [[ $1 != dachs ]] || stop_surplus
  choose_server_port "$1"
}

replace_outdated() {
  local name answers
  for name in $(wanted_servers); do
    answers=no
    [[ -z $patient ]] && ! server_answers "$name" || answers=yes
    if [[ $answers == no || $(cat "$folder/run/$name.mark" 2>/dev/null) != "$(server_mark "$name" "$1")" ]]; then
      [[ $answers == no ]] || rest_server "$name"
      stop_server "$name"
      choose_server_port "$name"
      launch_server "$name" "$1"
      await_server "$name" $!
    fi
    wake_server "$name"
  done
}

stop_surplus() {
  local name
  for name in $(living_servers); do
    [[ $(wanted_servers) =~ (^|[[:space:]])$name([[:space:]]|$) ]] && continue
    [[ $name == dachs ]] || await_quiet "$name"
    stop_server "$name"
  done
}

# All that a server reads when it starts, but the descriptor.
service_mark() {
  service_settings
  cat "$folder/dachs.ini" 2>/dev/null || true
  guard_settings
  guard_files
}

server_mark() { printf '%s\n%s' "$2" "$(port_of "$1")"; }

# Servers are to read everything anew.
outdate_servers() { rm -f "$folder"/run/dachs*.mark; }

launch_server() {
  local name=$1
  local -a guard
  [[ $name == dachs ]] || configure_server "$name"
  server_mark "$name" "$2" | write_private "$folder/run/$name.mark"
  mapfile -t guard < <(guard_settings)
  # shellcheck disable=SC2016 # the inner shell expands: it becomes the server
  (cd / && exec "${as[@]}" "GAVOCUSTOM=$(settings_of "$name")" "PYTHONPATH=$folder/dachs/guard" \
    "VOSPEC_EGRESS_BYTES=$most_bytes" "${guard[@]}" \
    sh -c 'echo $$ >"$1" && exec setsid dachs serve start --foreground' \
    sh "$folder/run/$name.pid") </dev/null >>"$folder/log/service.log" 2>&1 8>&- 9>&- &
}

# The operator's settings, but for what sets servers apart: port and logs, which are turned
# over by those who write them.
configure_server() {
  make_private "$folder/dachs/logs/${1#dachs-}"
  as_account /usr/bin/python3 - "$folder/dachs.ini" "$(port_of "$1")" "logs/${1#dachs-}" <<'END' |
import configparser
import sys

own, port, logs = sys.argv[1:]
settings = configparser.RawConfigParser()
settings.read(own)
given = {
    "general": {"logDir": logs},
    "web": {"bindAddress": "127.0.0.1", "serverPort": port, "adaptProtocol": "False"},
}
for section, values in given.items():
    if not settings.has_section(section):
        settings.add_section(section)
    for name, value in values.items():
        settings.set(section, name, value)
settings.write(sys.stdout)
END
    write_private "$folder/dachs/$1.ini"
}

await_server() {
  local name=$1 started=$2 deadline=$((SECONDS + 90))
  until server_answers "$name"; do
    kill -0 "$started" 2>/dev/null || fail "DaCHS does not start: see $folder/log/service.log"
    ((SECONDS < deadline)) ||
      fail "DaCHS does not answer at http://127.0.0.1:$(port_of "$name"): see $folder/dachs/logs"
    sleep 0.5
  done
}

stop_service() {
  local name
  stop_proxy
  for name in $(living_servers); do stop_server "$name"; done
}

# The server leads a process group of its own; a job of an asynchronous query leaves it as
# soon as it has begun, and goes on.
stop_server() {
  local pid tries
  pid=$(server_process "$1") || return 0
  kill -TERM "$pid" 2>/dev/null || true
  for ((tries = 0; tries < 100; tries++)); do
    server_process "$1" >/dev/null || break
    sleep 0.1
  done
  kill -KILL -- "-$pid" 2>/dev/null || true
  rm -f "$folder/run/$1.pid"
}
