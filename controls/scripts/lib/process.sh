# What is known about other processes. A pid alone proves nothing, so everything that
# is signalled was first recognised by its command line or its working directory.
# Linux is read from /proc (a slim image has no ps), everything else through ps and lsof.
. "$IKIGAI_DIR/scripts/lib/pid.sh"

# pid_in FILE: prints what its first line gives; false where that is no pid.
pid_in() { number=$(first_line "$1") && is_pid "$number" && printf '%s\n' "$number"; }

# keep_pid FILE PID: writes again what was lost.
keep_pid() { { printf '%s\n' "$2" >"$1.$$" && mv -f "$1.$$" "$1"; } 2>/dev/null || :; }

# command_line PID: the arguments, one space behind each; nothing for a zombie.
command_line() {
  if [ -d /proc/self ]; then
    { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null
  else
    case $(ps -o stat= -p "$1" 2>/dev/null) in
      '' | Z*) ;;
      *) printf '%s ' "$(ps -ww -o args= -p "$1" 2>/dev/null)" ;;
    esac
  fi
}

# is_process PID TEXT: PID lives and its arguments contain TEXT.
is_process() {
  case $1 in '' | *[!0-9]*) return 1 ;; esac
  case " $(command_line "$1")" in
    *"$2"*) return 0 ;;
    *) return 1 ;;
  esac
}

# working_directory PID
working_directory() {
  if [ -d /proc/self ]; then
    readlink "/proc/$1/cwd" 2>/dev/null
  else
    lsof -a -d cwd -p "$1" -Fn 2>/dev/null | sed -n 's/^n//p'
  fi
}

# parent PID
parent() {
  if [ -d /proc/self ]; then
    sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null
  else
    ps -o ppid= -p "$1" 2>/dev/null | tr -d ' '
  fi
}

# processes_with TEXT: pids whose arguments contain TEXT (candidates, not yet a proof).
processes_with() {
  if [ -d /proc/self ]; then
    grep -laF -- "$1" /proc/[0-9]*/cmdline 2>/dev/null | sed 's|^/proc/\([0-9]*\)/.*|\1|'
  else
    ps -A -ww -o pid=,args= | grep -F -- "$1" | awk '{ print $1 }'
  fi
}

# processes_marked NAME=VALUE: pids that were started with it in their environment.
processes_marked() {
  if [ -d /proc/self ]; then
    grep -lazxF -- "$1" /proc/[0-9]*/environ 2>/dev/null | sed 's|^/proc/\([0-9]*\)/.*|\1|'
  else
    ps -A -E -ww -o pid=,command= 2>/dev/null | grep -F -- " $1" | awk '{ print $1 }'
  fi
}

# signal NAME PIDS…: one that has gone meanwhile is no error.
signal() {
  name=$1
  shift
  if [ $# -gt 0 ]; then kill "-$name" "$@" 2>/dev/null; fi
  return 0
}
