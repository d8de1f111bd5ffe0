# Sourced by every control, which has put its own directory's parent into $home.
# Gives IKIGAI_DIR (this project's .ikigai, links resolved), the settings, and
# the few words that all controls speak with.

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
# In another shell first, since a syntax error ends this one; the last of the settings tells that all are there.
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

# say TEXT: one line for the person at the terminal.
say() { printf '%s\n' "$1"; }

# fail WHAT NEXT: what happened and why, the next command, and the end.
fail() {
  printf '%s\n' "$1" >&2
  if [ -n "${2-}" ]; then printf '  next: %s\n' "$2" >&2; fi
  exit 1
}

# usage TEXT
usage() {
  printf 'usage: %s\n' "$1" >&2
  exit 2
}

# first_line FILE: fails where there is none. Not the shell's own read: that of BusyBox 1.38
# never reads again once a signal was trapped, and whoever adopts a server traps one.
first_line() {
  line=$(head -n 1 "$1" 2>/dev/null)
  if [ -z "$line" ]; then return 1; fi
  printf '%s\n' "$line"
}

# clock: puts seconds into $clock; from boot on where that can be had, so that whoever sets the
# time of day neither ends a wait too early nor makes one endless.
clock() {
  if [ -r /proc/uptime ]; then
    clock=$(first_line /proc/uptime)
    clock=${clock%%.*}
  else
    clock=$(date +%s)
  fi
}

# wait_until SECONDS COMMAND…: true as soon as COMMAND is, false at the deadline.
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

# alone NAME SCRIPT ARGS…: the same script again, as the only one of NAME at this
# moment. The kernel's lock goes when we do, however we end.
alone() {
  if [ "${IKIGAI_ALONE-}" = "$1" ]; then
    unset IKIGAI_ALONE
    return
  fi
  # With these closed the lock is descriptor 3, which every launch closes.
  exec 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-
  IKIGAI_ALONE=$1
  export IKIGAI_ALONE
  lock=$IKIGAI_DIR/run/$1.lock
  shift
  exec "$IKIGAI_CHPST" -l "$lock" "$@"
}

# rotate FILE: beyond 10 MB its content moves to FILE.1 … FILE.5. Copied and cut, not
# renamed: whoever has it open (always to append) writes on in the same file. Copied before
# any older one moves, so that a full disk costs none of them.
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

# launch LOG PROGRAM ARGS…: in a session of its own, with default signals and nothing
# of our descriptors; both outputs are appended to LOG.
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
