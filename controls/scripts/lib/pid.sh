# Checks of pids read from files: whether a text can be a pid, and whose it is. Sourced by services' scripts
# too, so it starts processes only if unavoidable.

# is_pid TEXT: true if it may be signalled as a process and as a group. 0 is the caller's own group, -1 is all
# processes, and a number with more digits than any pid might be truncated to one of these.
is_pid() {
  case $1 in '' | *[!0-9]* | 0* | 1 | ??????????*) return 1 ;; esac
}

# begun PID: sets $begun to its start time in clock ticks since boot (proc(5), stat, field 22).
begun() {
  begun=
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  # shellcheck disable=SC2086 # numbers
  set -- ${stat##*) }
  begun=${20}
}

# is_group_of PID BEGUN: true if the group PID is still that of the process that started at BEGUN. A number
# stays a group's until all its processes have ended; a leader or member that started earlier shows that the
# number was reused.
is_group_of() {
  is_pid "$1" && kill -s 0 -- "-$1" 2>/dev/null || return 1
  [ -d /proc/self ] || return 0
  case $2 in '' | *[!0-9]*) return 1 ;; esac
  if [ -d "/proc/$1" ]; then
    begun "$1"
    [ "$begun" = "$2" ]
    return
  fi
  cat /proc/[0-9]*/stat 2>/dev/null | sed 's/^.*) //' |
    awk -v group="$1" -v since="$2" '$3 == group && $20 + 0 < since + 0 { older = 1 } END { exit older }'
}
