# Shell functions that scripts/setup, scripts/demo and scripts/test share: one line
# for each step with its seconds, the output in a log that is shown when it matters.
# Sourced, never run.

lpgenRoot=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
lpgenLogs=$lpgenRoot/build/logs
lpgenJobs=$(nproc)
export LC_NUMERIC=C

# fail MESSAGE...: ends the script; further arguments are printed as lines below.
fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  if (($# > 0)); then
    printf '  %s\n' "$@" >&2
  fi
  exit 1
}

# usageError MESSAGE: a wrong command line ends with status 2, as in lpgen itself.
usageError() {
  printf 'error: %s\n  see %s --help\n' "$1" "$0" >&2
  exit 2
}

# timed LABEL COMMAND...: runs the command in a subshell, so that no job beside it is
# counted, and adds a line to build/logs/times: its seconds by the clock, of the CPU in
# and outside the system, the label. The first stay in lpgenWall.
timed() {
  local TIMEFORMAT='%R %U %S' label=$1 status=0 file rest
  shift
  mkdir -p "$lpgenLogs" || fail "cannot create the folder of logs $lpgenLogs"
  file=$(mktemp)
  (time "$@" 2>&3) 3>&2 2>"$file" || status=$?
  read -r lpgenWall rest <"$file"
  rm -f "$file"
  echo "$lpgenWall $rest $label" >>"$lpgenLogs/times"
  return "$status"
}

# tryStep LOG LABEL COMMAND...: runs the command with its output in
# build/logs/LOG.log and prints one line. A failed command shows the end of its log
# and leaves its status in the return value.
tryStep() {
  local log=$lpgenLogs/$1.log label=$2 status=0
  shift 2
  mkdir -p "$lpgenLogs" || fail "cannot create the folder of logs $lpgenLogs"
  printf '  %-52s' "$label"
  timed "$label" "$@" >"$log" 2>&1 </dev/null || status=$?
  if ((status == 0)); then
    printf '%7.1f s\n' "$lpgenWall"
    return 0
  fi
  printf 'FAILED after %.1f s, status %d\n' "$lpgenWall" "$status"
  tail -n "${LPGEN_LOG_LINES:-40}" "$log" | sed 's/^/    | /'
  printf '    whole log: %s\n' "${log#"$PWD"/}"
  return "$status"
}

# step LOG LABEL COMMAND...: as tryStep; a failure ends the script.
step() {
  tryStep "$@" || exit 1
}

# hasTarget FOLDER TARGET: true if the configured build knows the target.
hasTarget() {
  ninja -C "$1" -t query "$2" >/dev/null 2>&1
}
