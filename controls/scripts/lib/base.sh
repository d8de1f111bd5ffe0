# Sourced by every control, which sets $home to the parent of its own directory. Sets IKIGAI_DIR (this
# project's .ikigai, links resolved), reads the settings, and defines what all controls share.

unset CDPATH
IKIGAI_DIR=$(cd "$home" && pwd -P) || exit 1
for place in /usr/bin /bin /usr/sbin /sbin; do
  case :${PATH-}: in *":$place:"*) ;; *) PATH=${PATH:+$PATH:}$place ;; esac
done

if [ ! -r "$IKIGAI_DIR/scripts/settings" ]; then
  printf '%s\n' "ikigai: $IKIGAI_DIR/scripts/settings cannot be read, so nothing is known about this project" \
    "  next: ikigai init" >&2
  exit 1
fi
# Read in a subshell first, because a syntax error ends the shell; the last setting is tested to detect
# truncation.
settings_problem() (
  exec 2>&1
  unset IKIGAI_DENO_VERSION
  . "$IKIGAI_DIR/scripts/settings"
  [ -n "${IKIGAI_DENO_VERSION-}" ] || echo incomplete
)
if [ -n "$(settings_problem)" ]; then
  printf '%s\n' "ikigai: $IKIGAI_DIR/scripts/settings is damaged, so nothing is known about this project" \
    "  next: ikigai init" >&2
  exit 1
fi
. "$IKIGAI_DIR/scripts/settings"

# say TEXT: prints one line for the user.
say() { printf '%s\n' "$1"; }

# fail WHAT NEXT: prints what happened and the next command, and exits with 1.
fail() {
  printf '%s\n' "$1" >&2
  if [ -n "${2-}" ]; then printf '  next: %s\n' "$2" >&2; fi
  exit 1
}

# usage TEXT: prints the usage and exits with 2.
usage() {
  printf 'usage: %s\n' "$1" >&2
  exit 2
}

# first_line FILE: prints it; fails if there is none. Avoids the shell's own read: in BusyBox 1.38 it never
# reads again once a signal was trapped, and `adopt` traps one.
first_line() {
  line=$(head -n 1 "$1" 2>/dev/null)
  if [ -z "$line" ]; then return 1; fi
  printf '%s\n' "$line"
}

# clock: sets $clock to seconds, since boot if available, so that setting the time of day neither ends a wait
# early nor makes it endless.
clock() {
  if [ -r /proc/uptime ]; then
    clock=$(first_line /proc/uptime)
    clock=${clock%%.*}
  else
    clock=$(date +%s)
  fi
}

# wait_until SECONDS COMMAND…: true as soon as COMMAND succeeds, false after SECONDS.
wait_until() {
  clock
  deadline=$((clock + $1))
  shift
  until "$@"; do
    clock
    if [ "$clock" -gt "$deadline" ]; then return 1; fi
    sleep 0.05
  done
}

# alone NAME SCRIPT ARGS…: restarts the script under the lock NAME, so that only one instance runs. The kernel
# releases the lock however the process ends.
alone() {
  if [ "${IKIGAI_ALONE-}" = "$1" ]; then
    unset IKIGAI_ALONE
    return
  fi
  # With these closed the lock gets descriptor 3, which `launch` closes.
  exec 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-
  IKIGAI_ALONE=$1
  export IKIGAI_ALONE
  lock=$IKIGAI_DIR/run/$1.lock
  shift
  exec "$IKIGAI_CHPST" -l "$lock" "$@"
}

# rotate FILE: moves its content to FILE.1 … FILE.5 if it exceeds 10 MB. Copies and truncates instead of
# renaming, because writers keep the file open (always in append mode). Copies before shifting the older logs,
# so that a full disk loses none of them.
rotate() {
  if [ ! -f "$1" ] || [ "$(wc -c <"$1")" -le 10485760 ]; then return 0; fi
  rm -f "$1.0"
  if ! cp "$1" "$1.0"; then
    rm -f "$1.0"
    return 1
  fi
  for n in 4 3 2 1 0; do
    if [ -f "$1.$n" ]; then mv -f "$1.$n" "$1.$((n + 1))"; fi
  done
  : >"$1"
}

# launch LOG PROGRAM ARGS…: starts it in a new session, with default signals and none of our descriptors; both
# outputs are appended to LOG.
launch() {
  if [ -x "$IKIGAI_NODE" ]; then
    NODE_OPTIONS='' "$IKIGAI_NODE" "$IKIGAI_DIR/scripts/launch.cjs" "$@"
    return
  fi
  log=$1
  shift
  exec 3<&-
  if command -v setsid >/dev/null 2>&1; then
    setsid "$@" </dev/null >>"$log" 2>&1 &
  else
    nohup "$@" </dev/null >>"$log" 2>&1 &
  fi
}
