# Facts about other processes. A pid alone proves nothing, so every process is identified by its command line
# or working directory before it is signalled. Reads /proc on Linux (slim images have no ps), elsewhere asks
# ps and lsof.
. "$IKIGAI_DIR/scripts/lib/pid.sh"

# pid_in FILE: prints the pid in its first line; false if that is not a pid.
pid_in() { number=$(first_line "$1") && is_pid "$number" && printf '%s\n' "$number"; }

# keep_pid FILE PID: restores a lost pid file.
keep_pid() { { printf '%s\n' "$2" >"$1.$$" && mv -f "$1.$$" "$1"; } 2>/dev/null || :; }

# command_line PID: prints its arguments, each followed by a space; nothing for a zombie.
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

# is_process PID TEXT: true if PID is alive and its arguments contain TEXT.
is_process() {
  case $1 in '' | *[!0-9]*) return 1 ;; esac
  case " $(command_line "$1")" in
    *"$2"*) return 0 ;;
    *) return 1 ;;
  esac
}

# working_directory PID: prints it.
working_directory() {
  if [ -d /proc/self ]; then
    readlink "/proc/$1/cwd" 2>/dev/null
  else
    lsof -a -d cwd -p "$1" -Fn 2>/dev/null | sed -n 's/^n//p'
  fi
}

# parent PID: prints its parent's pid.
parent() {
  if [ -d /proc/self ]; then
    sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null
  else
    ps -o ppid= -p "$1" 2>/dev/null | tr -d ' '
  fi
}

# processes_with TEXT: prints pids whose arguments contain TEXT (candidates, not a proof).
processes_with() {
  if [ -d /proc/self ]; then
    grep -laF -- "$1" /proc/[0-9]*/cmdline 2>/dev/null | sed 's|^/proc/\([0-9]*\)/.*|\1|'
  else
    ps -A -ww -o pid=,args= | grep -F -- "$1" | awk '{ print $1 }'
  fi
}

# processes_marked NAME=VALUE: prints pids that were started with it in their environment.
processes_marked() {
  if [ -d /proc/self ]; then
    grep -lazxF -- "$1" /proc/[0-9]*/environ 2>/dev/null | sed 's|^/proc/\([0-9]*\)/.*|\1|'
  else
    ps -A -E -ww -o pid=,command= 2>/dev/null | grep -F -- " $1" | awk '{ print $1 }'
  fi
}

# signal NAME PIDS…: signals them; ignores those that have ended.
signal() {
  name=$1
  shift
  if [ $# -gt 0 ]; then kill "-$name" "$@" 2>/dev/null; fi
  return 0
}
