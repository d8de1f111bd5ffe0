# Numbers that a file gives as a process: whether one may be a number at all, and whose it is.
# Sourced by services' scripts too, which start no other program unless they have to.

# is_pid TEXT: a process that may be signalled, and its group as well. 0 is one's own group, -1 is
# everybody, and what has more digits than any process may be cut down to one of these.
is_pid() {
  case $1 in '' | *[!0-9]* | 0* | 1 | ??????????*) return 1 ;; esac
}

# begun PID: puts into $begun when it began, in clock ticks since boot (proc(5), stat, field 22).
begun() {
  begun=
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  # shellcheck disable=SC2086 # numbers
  set -- ${stat##*) }
  begun=${20}
}

# is_group_of PID BEGUN: the group PID is still that of the process that began then. A number stays a
# group's until all in it have ended; a leader, or a member, that began before was given it anew.
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
