# shellcheck shell=bash
# An instance: one folder with a database and a service, and how it comes up and goes down.

umask 022
checkout=$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")
readonly checkout
readonly runtime_lock=$checkout/deploy/requirements.lock
readonly test_lock=$checkout/deploy/requirements-test.lock

# shellcheck source=deploy/parts/terminal.bash
source "$checkout/deploy/parts/terminal.bash"
# shellcheck source=deploy/parts/machine.bash
source "$checkout/deploy/parts/machine.bash"
# shellcheck source=deploy/parts/database.bash
source "$checkout/deploy/parts/database.bash"
# shellcheck source=deploy/parts/folder.bash
source "$checkout/deploy/parts/folder.bash"
# shellcheck source=deploy/parts/service.bash
source "$checkout/deploy/parts/service.bash"
# shellcheck source=deploy/parts/servers.bash
source "$checkout/deploy/parts/servers.bash"
# shellcheck source=deploy/parts/proxy.bash
source "$checkout/deploy/parts/proxy.bash"
# shellcheck source=deploy/parts/environment.bash
source "$checkout/deploy/parts/environment.bash"
# shellcheck source=deploy/parts/publication.bash
source "$checkout/deploy/parts/publication.bash"
# shellcheck source=deploy/parts/settings.bash
source "$checkout/deploy/parts/settings.bash"

started=()
trap 'finish $?' EXIT

# What a failed start has begun is ended: an instance is up or down, never half.
finish() {
  explain_failure
  local what
  for what in "${started[@]}"; do "stop_$what" >/dev/null 2>&1 || true; done
  exit "$1"
}

bring_up() {
  check_port
  : >"$folder/serving"
  database_process >/dev/null || started=(database)
  step "PostgreSQL in $folder/postgres" serve_database
  service_process >/dev/null || started=(service "${started[@]}")
  step "DaCHS at $(service_url)" serve_service
  started=()
}

# Whether all processes are there that an instance which is up has.
all_live() {
  local name
  database_process >/dev/null || return 1
  for name in $(wanted_servers); do server_process "$name" >/dev/null || return 1; done
  ((processes == 1)) || proxy_process >/dev/null
}

serve_database() {
  make_database
  start_database
}

serve_service() {
  make_service
  limit_roles
  quicken_indexes
  start_service
}
