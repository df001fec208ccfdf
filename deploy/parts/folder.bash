# shellcheck shell=bash
# The one folder that holds an instance: where it is, whose it is, what it remembers.

# The name of PostgreSQL's socket must fit into sun_path (108 bytes with the end).
readonly socket_path=/run/.s.PGSQL.5433
readonly longest_folder=$((107 - ${#socket_path}))

folder=""
account=""
# What stands before a command that the services' account is to run.
as=()

# Sets `folder`, `account` and `as`; writes nothing.
open_folder() {
  local chosen=${option[folder]:-}
  account=$(id -un)
  ((EUID)) || account=$service_account
  make_account
  if [[ -n $chosen ]]; then
    folder=$(realpath -m -- "$chosen")
    folder_fault "$folder" >/dev/null || fail "the folder $folder $(folder_fault "$folder")"
  else
    folder=$(default_folder)
  fi
  keep_owner
  prepare_account
}

need_instance() {
  [[ -d $folder/postgres ]] || fail "there is no instance in $folder (deploy/demo makes one)"
}

# var/ in the checkout, or a place outside where the services cannot live there.
default_folder() {
  local inside=$checkout/var outside=/var/lib/vospec fault
  if fault=$(folder_fault "$inside"); then
    printf '%s\n' "$inside"
    return
  fi
  ((EUID)) && outside=${XDG_DATA_HOME:-$HOME/.local/share}/vospec
  outside+=/$(checkout_name)
  printf '%s\n' "The folder $inside $fault: taking $outside" >&8
  folder_fault "$outside" >/dev/null || fail "the folder $outside $(folder_fault "$outside")"
  printf '%s\n' "$outside"
}

# Readable and unique: the checkout's name and a digest of its path.
checkout_name() {
  local digest
  digest=$(printf '%s' "$checkout" | sha256sum)
  printf '%s-%s' "$(basename "$checkout" | tr -cd 'A-Za-z0-9_-')" "${digest:0:8}"
}

# Says why the services cannot live in a folder; succeeds where they can.
folder_fault() {
  local fault="" parent=$1
  while [[ ! -e $parent ]]; do parent=$(dirname "$parent"); done
  # DaCHS' database profiles drop blanks and its configuration expands signs.
  [[ $1 =~ ^[A-Za-z0-9_./@+:,-]+$ ]] ||
    fault="has signs in its name that DaCHS cannot hold (letters A-Z, digits and _./@+:,- are fine)"
  ((${#1} <= longest_folder)) ||
    fault="has a longer name than a socket can have ($longest_folder signs)"
  [[ -d $parent ]] || fault="cannot be made, for $parent is not a folder"
  can_enter "$parent" || fault="cannot be entered by the account $account"
  [[ -z $fault ]] || { printf '%s' "$fault" && return 1; }
}

can_enter() {
  ((EUID)) && { [[ -x $1 ]]; return; }
  (cd / && setpriv --reuid "$account" --regid "$(id -g "$account")" --init-groups test -x "$1")
}

# An instance stays with the account that made it, whoever root is.
keep_owner() {
  [[ -d $folder/postgres ]] || return 0
  local owner
  owner=$(stat -c %U "$folder/postgres")
  ((EUID == 0)) || [[ $owner == "$account" ]] ||
    fail "the folder $folder belongs to the account $owner: call as root, or choose another by --folder"
  account=$owner
}

# A part of the folder that belongs to the services' account.
make_private() {
  [[ -d $1 ]] && return 0
  install -d -m "${2:-700}" -o "$account" -g "$(id -g "$account")" "$1"
}

# Makes the folder and locks it: only one command at a time works on it. What a
# killed command leaves running (pip, a run) holds the lock on, so that its
# successor waits for it.
claim_folder() {
  mkdir -p "$folder/log" || fail "the folder $folder cannot be made"
  [[ -w $folder ]] || fail "the folder $folder is not writable for $(id -un)"
  exec 9>"$folder/lock"
  if ! flock --nonblock 9; then
    say "Another command is at work on $folder: waiting for its end"
    flock 9
  fi
  log=$folder/log/${0##*/}.log
  : >"$log"
}

# The port of HTTP: as given, else as remembered, else the default.
choose_port() {
  port=${option[port]:-$(cat "$folder/port" 2>/dev/null || printf '8080')}
  if [[ ! $port =~ ^[1-9][0-9]{0,4}$ ]] || ((port > 65535)); then
    fail "the port must be a number from 1 to 65535, not $port"
  fi
}

remember_port() { put "$port" "$folder/port"; }

# The number of processes of DaCHS, likewise.
choose_processes() {
  processes=${option[processes]:-$(cat "$folder/processes" 2>/dev/null || printf '1')}
  if [[ ! $processes =~ ^[1-9][0-9]?$ ]] || ((processes > most_processes)); then
    fail "the number of processes must be one from 1 to $most_processes, not $processes"
  fi
}

# Each takes connections of PostgreSQL, which has a bounded number.
readonly most_processes=16

remember_processes() { put "$processes" "$folder/processes"; }

# put TEXT FILE: whole or not at all.
put() {
  printf '%s\n' "$1" >"$2.new"
  mv -f "$2.new" "$2"
}

# The services see a bare environment: no proxy, no PG* variable, no other Python.
prepare_account() {
  local -a drop=()
  ((EUID)) || drop=(setpriv --reuid "$account" --regid "$(id -g "$account")" --init-groups)
  as=("${drop[@]}" env -i "PATH=$postgres_bin:/usr/bin:/bin" LANG=C.UTF-8
    "HOME=$folder/dachs" "GAVOSETTINGS=$folder/dachs/gavo.rc" "GAVOCUSTOM=$folder/dachs.ini")
}

# From a folder that every account can enter.
as_account() { (cd / && exec "${as[@]}" "$@"); }
