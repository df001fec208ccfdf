# shellcheck shell=bash
# vospec.toml of an instance: which files go in, where the results are published.

# Both kinds of files or none, and folders that are there.
check_sources() {
  [[ -n ${option[survey]:-} && -n ${option[training]:-} ]] ||
    [[ -z ${option[survey]:-}${option[training]:-} ]] ||
    misuse "--survey and --training belong together"
  local source
  while read -r source; do
    [[ -z $source || -d $source ]] || fail "there is no folder $source"
  done <<<"${option[survey]:-}"$'\n'"${option[training]:-}"
}

# The lines of a text as a TOML list of absolute paths.
toml_folders() {
  local source separator=""
  printf '['
  while read -r source; do
    source=$(realpath -m -- "$source")
    source=${source//\\/\\\\}
    printf '%s"%s"' "$separator" "${source//\"/\\\"}"
    separator=", "
  done <<<"$1"
  printf ']'
}

settings() {
  cat <<END
# Written by deploy/demo. Your changes stay until it is called with other options.
[store]
folder = "$folder/store"

[survey]
folders = $(toml_folders "${option[survey]:-$folder/simulated/survey}")
END
  [[ -n ${option[survey]:-} ]] || printf 'truth = "%s"\n' "$folder/simulated/truth.csv"
  cat <<END

[training]
folders = $(toml_folders "${option[training]:-$folder/simulated/training}")

[publication]
host = "$folder/run"
port = $database_port
database = "gavo"
user = "gavoadmin"
service_url = "$(public_url)"
END
}

# What was written is kept, so that a person's own changes are not overwritten.
write_settings() {
  local wanted
  wanted=$(settings)
  [[ -e $folder/vospec.toml && $(cat "$folder/vospec.toml.written" 2>/dev/null) == "$wanted" ]] &&
    return 0
  put "$wanted" "$folder/vospec.toml"
  put "$wanted" "$folder/vospec.toml.written"
}
