# shellcheck shell=bash
# A Spark cluster of one folder: a master, workers on this machine, and what they leave.
#
# Nothing here needs the rest of the checkout but deploy/parts/terminal.bash, so that
# deploy/ can be copied to a machine that has only Java and Spark.

umask 022
checkout=$(dirname "$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")")
readonly checkout
readonly system_python=/usr/bin/python3

# shellcheck source=deploy/parts/terminal.bash
source "$checkout/deploy/parts/terminal.bash"

# Seconds until a daemon that has started must answer, and until one that was asked to end has.
readonly patience=90 grace=20

folder=""
properties=""
spark=""
declare -A launched=()
started=()
trap 'finish $?' EXIT

# What a failed start has begun is ended.
finish() {
  explain_failure
  local name
  for name in "${started[@]}"; do end_daemon "$name" || true; done
  exit "$1"
}

# Sets `folder` and `properties`; writes nothing.
open_cluster() {
  folder=$(realpath -m -- "${option[folder]:-$checkout/var/cluster}")
  [[ $folder != *[[:space:]]* ]] || fail "the folder $folder has a blank in its name, which Java's options cannot hold"
  properties=$folder/cluster.properties
}

need_cluster() {
  [[ -d $folder/run ]] || fail "there is no cluster in $folder (deploy/cluster/start makes one)"
}

# Makes the folder and locks it: one command at a time works on it.
claim_cluster() {
  [[ -d $folder ]] || install -d -m 700 "$folder" 2>/dev/null || fail "the folder $folder cannot be made"
  mkdir -p "$folder"/{run,log,work,scratch}
  exec 9>"$folder/lock"
  flock --nonblock 9 || { say "Another command is at work on $folder: waiting for its end" && flock 9; }
  log=$folder/log/${0##*/}.log
  : >"$log"
}

# Spark: as told, else SPARK_HOME, else that of vospec's own environment.
find_spark() {
  local found=(${option[spark]:-${SPARK_HOME:-}})
  [[ -n ${found[*]} ]] || found=("$checkout"/var/venv/lib/python3*/site-packages/pyspark)
  spark=$(realpath -m -- "${found[0]}")
  [[ -x $spark/bin/spark-class ]] ||
    fail "there is no Spark in $spark (no bin/spark-class): name its folder by --spark"
}

# The secret that master, workers and drivers share; made once, with this cluster.
make_properties() {
  [[ -e $properties ]] && return 0
  (umask 077 && write_properties >"$properties.new")
  mv "$properties.new" "$properties"
}

write_properties() {
  cat <<END
# Made by deploy/cluster/start; read by the master, by the workers and, through [spark]
# properties, by the drivers. Whoever has the secret can run programs on this cluster.
spark.authenticate true
spark.authenticate.secret $(od --address-radix=n --format=x1 --read-bytes=32 /dev/urandom | tr -d ' \n')
# Everything between the processes is encrypted.
spark.network.crypto.enabled true
spark.network.crypto.authEngineVersion 2
spark.network.crypto.cipher AES/GCM/NoPadding
# The pages show, and nobody needs a secret to see them: they stop nothing and take no job.
spark.ui.killEnabled false
spark.master.rest.enabled false
# What executors left (the environment that was sent to them, logs) goes an hour after its job.
spark.worker.cleanup.enabled true
spark.worker.cleanup.interval 600
spark.worker.cleanup.appDataTtl 3600
END
}

# The secret must be there, and nobody else's to read.
need_properties() {
  [[ -f $properties ]] ||
    fail "there is no $properties: copy it from the folder of the cluster on the master's machine"
  [[ $(stat -c %a "$properties") == [46]00 ]] ||
    fail "others than its owner can read the secret in $properties: chmod 600 $properties"
}

# Fails with a sentence unless a server can listen at an address.
need_address() {
  [[ $1 != 0.0.0.0 && $1 != "::" ]] ||
    fail "$1 is no address by which others can call: name one of this machine's"
  "$system_python" - "$1" "${2:-0}" 2>/dev/null <<'END' ||
import socket
import sys

with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind((sys.argv[1], int(sys.argv[2])))
END
    fail "nothing can listen at $1${2:+ port $2}: it is no address of this machine, or another" \
      "program is there"
}

# Fails with a sentence unless somebody listens at the address of the master.
need_master() {
  "$system_python" - "$1" 2>/dev/null <<'END' ||
import socket
import sys

host, _, port = sys.argv[1].removeprefix("spark://").rpartition(":")
socket.create_connection((host, int(port)), timeout=10).close()
END
    fail "nobody listens at $1: does the master run (deploy/cluster/status on its machine)?"
}

# need_number OPTION VALUE MOST
need_number() {
  [[ $2 =~ ^[1-9][0-9]{0,5}$ ]] && (($2 <= $3)) || misuse "--$1 must be a number from 1 to $3, not $2"
}

# A share of this machine for each of so many workers: of its memory half, for
# Python's share comes on top of Java's.
share_machine() {
  local total
  (($1)) || return 0
  total=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
  cores=${option[cores]:-$(($(nproc) / $1 > 0 ? $(nproc) / $1 : 1))}
  memory=${option[memory]:-$((total / 2 / $1))m}
  need_number cores "$cores" 4096
  [[ $memory =~ ^[1-9][0-9]*[mg]$ ]] || misuse "--memory must be like 512m or 8g, not $memory"
}

# A process of this cluster, for its environment says so.
is_ours() { grep -qszxF "VOSPEC_CLUSTER=$folder" "/proc/$1/environ"; }

# Daemons, executors and their Python, whoever is whose child.
cluster_processes() {
  local process
  for process in /proc/[0-9]*; do
    ! is_ours "${process#/proc/}" || printf '%s\n' "${process#/proc/}"
  done
}

# The process of a daemon, if it lives: a number in a file may be another's by now.
daemon_process() {
  local pid
  pid=$(cat "$folder/run/$1.pid" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ ]] && is_ours "$pid" &&
    grep -qsz '^org\.apache\.spark\.deploy\.' "/proc/$pid/cmdline" && printf '%s' "$pid"
}

# The names of all daemons that were started in the folder, the master first.
daemons() {
  local file
  for file in "$folder"/run/master.pid "$folder"/run/worker-*.pid; do
    [[ ! -e $file ]] || basename "$file" .pid
  done
}

# launch NAME CLASS ARGUMENTS...
launch() {
  local name=$1 class=$2
  shift 2
  mkdir -p "$folder/work/$name" "$folder/scratch/$name"
  started+=("$name")
  # shellcheck disable=SC2016 # the inner shell expands: it becomes the daemon
  (cd "$folder/work/$name" && export_settings "$folder/scratch/$name" &&
    exec sh -c 'echo $$ >"$1" && shift && exec setsid "$@"' sh "$folder/run/$name.pid" \
      "$spark/bin/spark-class" "org.apache.spark.deploy.$class" \
      --properties-file "$properties" "$@") </dev/null >"$folder/log/$name.log" 2>&1 8>&- 9>&- &
  launched[$name]=$!
}

# start_workers HOST...: with `cores`, `memory` and the `master` they belong to. Java takes
# seconds to start: all at once.
start_workers() {
  local host name number=0
  for host in "$@"; do
    name=worker-$host-$((number += 1))
    ! ask "$name" >/dev/null || continue
    end_daemon "$name"
    launch "$name" worker.Worker --host "$host" --webui-port 0 --cores "$cores" \
      --memory "$memory" --work-dir "$folder/work/$name" "$master"
  done
  for name in "${!launched[@]}"; do await_daemon "$name"; done
}

# The pages listen on loopback, whatever address the daemon has: they ask for no secret.
# A daemon has little to do: Java need not compile it well, nor collect in many threads.
export_settings() {
  unset SPARK_CONF_DIR SPARK_PUBLIC_DNS SPARK_WORKER_DIR SPARK_WORKER_OPTS SPARK_MASTER_OPTS
  export SPARK_HOME=$spark SPARK_LOCAL_IP=127.0.0.1 SPARK_LOCAL_DIRS=$1 TMPDIR=$1
  export SPARK_DAEMON_MEMORY=512m VOSPEC_CLUSTER=$folder
  export SPARK_LAUNCHER_OPTS=-XX:-UsePerfData
  export SPARK_DAEMON_JAVA_OPTS="-XX:-UsePerfData -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.io.tmpdir=$1"
}

# Returns when a daemon that was launched answers.
await_daemon() {
  local name=$1 deadline=$((SECONDS + patience))
  until ask "$name" >/dev/null; do
    ! grep -qs "Failed to connect to master" "$folder/log/$name.log" ||
      fail "the master at $master refuses $name: is the secret in $properties that of its cluster?"
    kill -0 "${launched[$name]}" 2>/dev/null || fail "$name does not start: $(last_fault "$name")"
    ((SECONDS < deadline)) || fail "$name does not answer: $(last_fault "$name")"
    sleep 0.3
  done
}

last_fault() {
  local words
  words=$(grep -E 'ERROR|WARN|Caused by|Exception' "$folder/log/$1.log" | grep -v NativeCodeLoader | tail -n 1)
  printf '%s (%s)' "${words:-no reason was given}" "$folder/log/$1.log"
}

# The port at which a daemon tells what it does.
page_port() {
  sed -n "s/.*Successfully started service '\(Master\|Worker\)UI' on port \([0-9]*\).*/\2/p" \
    "$folder/log/$1.log" 2>/dev/null | tail -n 1
}

# ask NAME...: asks daemons how they are and prints a line about each; fails unless all are well.
ask() {
  local name
  local -a told=()
  for name in "$@"; do
    told+=("$name=$(page_port "$name")=$(daemon_process "$name" || true)")
  done
  "$system_python" "$checkout/deploy/cluster/parts/health.py" "${told[@]}"
}

# end_daemon NAME: gently, then not.
end_daemon() {
  local pid tries
  pid=$(daemon_process "$1") || { rm -f "$folder/run/$1.pid" && return 0; }
  kill -TERM "$pid" 2>/dev/null || true
  for ((tries = 0; tries < grace * 10; tries++)); do
    daemon_process "$1" >/dev/null || break
    sleep 0.1
  done
  ! daemon_process "$1" >/dev/null || kill -KILL "$pid" 2>/dev/null || true
  rm -f "$folder/run/$1.pid"
}

# What is left of a cluster without daemons: executors of a worker that was killed.
end_others() {
  local tries
  for ((tries = 0; tries < 50; tries++)); do
    [[ -n $(cluster_processes) ]] || return 0
    sleep 0.1
  done
  cluster_processes | xargs --no-run-if-empty kill -KILL
}
