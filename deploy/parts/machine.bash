# shellcheck shell=bash
# What the machine must have: Debian packages, Java, an account for the services.

# DaCHS comes as python3-gavo, the whole software. Not gavodachs2-server: that
# adds only accounts, a database in whichever PostgreSQL runs, /var/gavo and a
# system-wide server, and fails to configure while no PostgreSQL runs. Where it
# is installed already it is left alone.
readonly packages=(
  python3-gavo
  python3-venv
  postgresql-15
  postgresql-15-pgsphere
  postgresql-15-q3c
)
# Stands before several processes of DaCHS.
readonly proxy_package=nginx
readonly java_package=openjdk-17-jre-headless
readonly least_java=17

readonly service_account=vospec

# What a number of processes needs.
needed_packages() {
  printf '%s\n' "${packages[@]}"
  ((processes == 1)) || printf '%s\n' "$proxy_package"
}

# The names of those packages that are not there, one a line.
missing_packages() {
  local package
  for package in "$@"; do
    is_installed "$package" || printf '%s\n' "$package"
  done
  has_java || printf '%s\n' "$java_package"
}

is_installed() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Spark prefers JAVA_HOME to PATH, so the same order here.
has_java() {
  local java=${JAVA_HOME:+$JAVA_HOME/bin/}java version
  version=$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p') || return 1
  [[ -n $version ]] && ((version >= least_java))
}

# Installs what is missing of the packages named, and nothing else.
install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  may_install || fail "these Debian packages are missing and neither root nor sudo is at hand" \
    "to install them: ${missing[*]}"
  as_root apt-get update
  as_root apt-get install --yes --no-install-recommends "${missing[@]}" ||
    fail "apt-get could not install ${missing[*]} (Debian 12 has them; see $log)"
  # Debian's own would come up at the next boot and serve its welcome page to everybody.
  [[ " ${missing[*]} " != *" $proxy_package "* ]] || as_root update-rc.d nginx disable
}

need_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]} == 0)) ||
    fail "these Debian packages are missing: ${missing[*]};" \
      "deploy/install${option[processes]:+ --processes ${option[processes]}} installs them"
}

may_install() {
  ((EUID == 0)) && return 0
  command -v sudo >/dev/null || return 1
  # Without a terminal nobody can type a password.
  [[ -t 0 ]] || sudo --non-interactive true 2>/dev/null
}

# RUNLEVEL=1 tells the packages' scripts to start no daemon: no systemd may be
# there to start one, and the private instance needs none of the system's.
as_root() {
  local -a become=()
  ((EUID == 0)) || become=(sudo)
  "${become[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 "$@" 8>&- </dev/null
}

# PostgreSQL refuses to run as root, so root needs another account for it.
make_account() {
  ((EUID == 0)) || return 0
  id "$service_account" >/dev/null 2>&1 && return 0
  useradd --system --user-group --no-create-home --home-dir /nonexistent \
    --shell /usr/sbin/nologin "$service_account"
}
