# shellcheck shell=bash
# The Python environment of vospec, from a lock file, beside the checkout's own code.

# The locks are made anew, after a change of the dependencies in pyproject.toml, by
#   uv pip compile --universal --python-version 3.11 --generate-hashes \
#     --no-header --no-annotate pyproject.toml --output-file deploy/requirements.lock
# and the same with --extra test into deploy/requirements-test.lock.

# Debian's, whatever else stands first on PATH: the lock is made for it and it stays.
readonly system_python=/usr/bin/python3

# make_environment LOCK: instant where the lock's checksum is noted already.
# What pip downloads and unpacks stays in the folder until all is installed: a
# killed installation need not download again and leaves nothing elsewhere.
make_environment() {
  local lock=$1 environment=$folder/venv mark
  mark=$(sha256sum <"$lock")
  grep -qsxF "$mark" "$environment/locks" && return 0
  # Half an environment cannot be trusted: pip may have died within a package.
  grep -qsxF "$(sha256sum <"$runtime_lock")" "$environment/locks" ||
    "$system_python" -m venv --clear "$environment"
  rm -f "$environment/locks"
  rm -rf "$folder/downloads/unpacked"
  mkdir -p "$folder/downloads/unpacked"
  PIP_CACHE_DIR=$folder/downloads TMPDIR=$folder/downloads/unpacked "$environment/bin/python" -m pip install \
    --disable-pip-version-check --no-input --require-hashes --requirement "$lock"
  link_checkout "$environment"
  sha256sum <"$runtime_lock" >"$environment/locks.new"
  printf '%s\n' "$mark" >>"$environment/locks.new"
  mv -f "$environment/locks.new" "$environment/locks"
  rm -rf "$folder/downloads"
}

# The checkout itself on Python's path, and its command: an editable installation
# would need a build backend and leave metadata in the checkout.
link_checkout() {
  local site
  site=$("$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  printf '%s\n' "$checkout" >"$site/vospec.pth"
  printf '#!/bin/sh\nexec "%s/bin/python" -m vospec "$@"\n' "$1" >"$1/bin/vospec"
  chmod +x "$1/bin/vospec"
}
