# shellcheck shell=bash
# DaCHS takes over what vospec loaded: grants, TAP_SCHEMA, services, coverage.

readonly descriptor=vospec/q

# Everything that the adoption depends on: the descriptor's folder and the
# address, for URLs of products stand in the SSA table.
adoption_mark() {
  public_url
  (cd "$checkout/resdir" && find . -type f -not -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum)
}

is_adopted() {
  [[ $(cat "$folder/dachs/adopted" 2>/dev/null) == "$(adoption_mark)" ]] &&
    [[ $(tell_database gavoadmin --command "$readable" 2>/dev/null) == t ]]
}
# Tables that were made anew have lost their grants.
readonly readable="SELECT bool_and(has_table_privilege('untrusted', table_name, 'SELECT'))
  FROM tap_schema.tables WHERE schema_name = 'vospec'"

# A fresh copy, so that deleted files go too, by an account that may not be able
# to enter the checkout.
copy_descriptor() {
  local target=$folder/dachs/inputs/vospec
  rm -rf "$target.new"
  make_private "$target.new"
  tar --create --directory "$checkout/resdir" --exclude __pycache__ . |
    as_account tar --extract --no-same-permissions --directory "$target.new"
  rm -rf "$target"
  mv "$target.new" "$target"
  # What belongs to DaCHS as a whole: examples of the TAP service, its first page.
  as_account cp "$target/userconfig.rd" "$folder/dachs/etc/userconfig.rd"
  as_account install -D -m 644 "$target/root.html" "$folder/dachs/web/templates/root.html"
}

# First the tables that are there, then the views that DaCHS itself makes.
adopt() {
  # DaCHS would make empty tables of its own instead.
  [[ $(tell_database gavoadmin --command "SELECT to_regclass('vospec.candidates')") ]] ||
    fail "vospec has loaded no tables into $folder yet (vospec publish)"
  is_adopted && return 0
  copy_descriptor
  tell_database gavoadmin --command "UPDATE vospec.service SET url = '$(public_url)'"
  # An import forgets coverage and row counts.
  rm -f "$folder/dachs/limits"
  as_account dachs imp -m "$descriptor" adopt
  as_account dachs imp "$descriptor"
  # The services, TAP and the registry itself, for its answers to be whole.
  as_account dachs pub "$descriptor" //tap //services
  adoption_mark | as_account tee "$folder/dachs/adopted.new" >/dev/null
  # Running servers keep the old descriptor.
  outdate_servers
  mv -f "$folder/dachs/adopted.new" "$folder/dachs/adopted"
}

# Coverage and row counts, after each load and each adoption. Statistics of columns
# take minutes and add to /tap/tables what VODataService 1.1 does not allow (some
# attributes of DaCHS' own for each number); the planner's are PostgreSQL's.
refresh_coverage() {
  local loaded
  loaded=$(tell_database gavoadmin --command "$loads")
  [[ $(cat "$folder/dachs/limits" 2>/dev/null) == "$loaded" ]] && return 0
  as_account dachs limits --tables-only "$descriptor"
  tell_database gavoadmin --command "$dated"
  # The registry learns that the records are others.
  as_account dachs pub "$descriptor"
  # A running server reads the descriptor anew, and the coverage with it.
  as_account touch "$folder/dachs/inputs/$descriptor.rd"
  as_account tee "$folder/dachs/limits" >/dev/null <<<"$loaded"
}
readonly loads="SELECT content, fingerprint FROM vospec.loads ORDER BY content"
readonly dated="UPDATE dc.rdmeta
  SET data_updated = (SELECT max(loaded) FROM vospec.loads) WHERE sourcerd = '$descriptor'"
