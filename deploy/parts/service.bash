# shellcheck shell=bash
# The private DaCHS: configuration and descriptor in dachs/, HTTP on loopback.

readonly authority=x-vospec
# Of an upload, sent or fetched.
readonly most_bytes=20000000

service_url() { printf 'http://127.0.0.1:%s' "$port"; }

# The address under which the world sees the service, where the operator tells it.
public_url() {
  local told
  told=$(own_setting serverURL "$(service_url)")
  printf '%s' "${told%/}"
}

# own_setting NAME DEFAULT: what the operator's own settings (dachs.ini, in DaCHS' form) tell.
own_setting() {
  local told
  told=$(sed -n "s/^$1 *[:=] *\\(.*[^ ]\\) *$/\\1/Ip" "$folder/dachs.ini" 2>/dev/null | tail -n 1) || true
  printf '%s' "${told:-$2}"
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

# Written at each start: the port may be another, the checkout may have been moved. Other
# servers and their jobs read it meanwhile.
configure_service() {
  copy_guard
  service_settings | write_private "$folder/dachs/gavo.rc"
  printf '%s\n' "database = gavo" "host = $folder/run" "port = $database_port" |
    write_private "$folder/dachs/etc/dsn"
}

# write_private FILE: what comes in, whole or not at all, for the services' account alone.
write_private() {
  # shellcheck disable=SC2016 # the inner shell expands
  as_account sh -c 'umask 077 && cat >"$1.new" && mv -f "$1.new" "$1"' sh "$1"
}

# What guards the server, for an account that may not be able to enter the checkout. Never is
# there a moment without it: a job that starts just then would run unguarded.
copy_guard() {
  local target=$folder/dachs/guard content
  content=$target.$(guard_mark)
  [[ $(readlink "$target") == "$content" && -d $content ]] && return 0
  rm -rf "$content"
  make_private "$content"
  tar --create --directory "$checkout/deploy/guard" --exclude __pycache__ . |
    as_account tar --extract --no-same-permissions --directory "$content"
  as_account chmod 700 "$content"
  [[ -L $target ]] || rm -rf "$target"
  as_account ln -sfn "$content" "$target.link"
  mv -fT "$target.link" "$target"
}

# Guards that were, when nobody needs them any more.
forget_guards() {
  local old current
  current=$(readlink "$folder/dachs/guard")
  for old in "$folder/dachs/guard".*; do
    [[ $old == "$current" ]] || rm -rf "$old"
  done
}

guard_mark() { guard_files | sha256sum | cut -c 1-16; }

guard_files() {
  (cd "$checkout/deploy/guard" && find . -name '*.py' -print0 | sort -z | xargs -0 sha256sum)
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
