# shellcheck shell=bash
# What the commands read from and say to the person who typed them.
#
# File descriptor 8 is the terminal: the noise of a step goes to a log, but its
# one sentence on failure must be seen. Programs that outlive the command must
# be started with 8 closed, or whoever reads our output would wait for them.

exec 8>&2

declare -A option=()
step_number=0
step_text=""
# Whether what went wrong has been said already.
spoken=""
log=/dev/null

say() { printf '%s\n' "$*"; }

# One sentence that names the thing, and the end.
fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&8
  spoken=1
  exit 1
}

misuse() {
  printf '%s: %s (see %s --help)\n' "${0##*/}" "$*" "$0" >&8
  exit 2
}

# The comment at the head of a command is its manual.
print_manual() { sed -n '2,/^[^#]/ { s/^# \{0,1\}//p }' "$0"; }

# read_options "NAME NAME" ARGUMENTS...: fills `option`; an option that is given
# more than once holds one value a line.
read_options() {
  local known=" $1 " name
  shift
  while (($#)); do
    case $1 in
      -h | --help) print_manual && exit 0 ;;
      --?*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" && continue ;;
    esac
    name=${1#--}
    [[ $1 == --* && $known == *" $name "* ]] || misuse "unknown argument $1"
    [[ -n ${2:-} ]] || misuse "$1 needs a value"
    option[$name]+=${option[$name]:+$'\n'}$2
    shift 2
  done
}

# step TEXT COMMAND...: one numbered line with its time, the noise in $log.
# The command does not stand in a condition: that would switch errexit off in it.
step() {
  local start=$SECONDS
  open_step "$1"
  shift
  "$@" >>"$log" 2>&1
  close_step $((SECONDS - start)) ""
}

# The same for a command that shows its own progress and says itself what failed.
open_stage() {
  local start=$SECONDS
  open_step "$1"
  spoken=1
  printf '\n'
  shift
  "$@"
  spoken=""
  close_step $((SECONDS - start)) "    "
}

open_step() {
  step_text=$1
  ((step_number += 1))
  printf '[%d] %s … ' "$step_number" "$1"
}

close_step() {
  step_text=""
  printf '%sdone, %d s\n' "$2" "$1"
}

# For the EXIT trap: which step broke, and the end of what it said.
explain_failure() {
  [[ -n $step_text ]] || return 0
  printf '%s: failed: %s\n' "${0##*/}" "$step_text" >&8
  [[ -n $spoken || ! -f $log ]] && return 0
  printf '%s\n' "The last lines of $log:" >&8
  tail -n 15 "$log" | sed 's/^/    /' >&8
}
