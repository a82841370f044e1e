# Shell functions that scripts/setup, scripts/demo and scripts/test share: one line
# for each step with its seconds, the output in a log that is shown when it matters.
# Sourced, never run.

lpgenRoot=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
lpgenLogs=$lpgenRoot/build/logs
lpgenJobs=$(nproc)

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

# tryStep LOG LABEL COMMAND...: runs the command with its output in
# build/logs/LOG.log and prints one line. A failed command shows the end of its log
# and leaves its status in the return value.
tryStep() {
  local log=$lpgenLogs/$1.log label=$2 status=0 begin elapsed
  shift 2
  mkdir -p "$lpgenLogs" || fail "cannot create the folder of logs $lpgenLogs"
  printf '  %-52s' "$label"
  begin=$(date +%s%N)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  elapsed=$((($(date +%s%N) - begin) / 100000000))
  if ((status == 0)); then
    printf '%5d.%d s\n' $((elapsed / 10)) $((elapsed % 10))
    return 0
  fi
  printf 'FAILED after %d.%d s, status %d\n' $((elapsed / 10)) \
    $((elapsed % 10)) "$status"
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
