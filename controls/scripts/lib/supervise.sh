# runit: the one runsvdir of this project, and single services under it.
. "$IKIGAI_DIR/scripts/lib/process.sh"

# In the environment of everything under runsvdir, so that every process can be found again.
supervised_mark="IKIGAI_SUPERVISED=$IKIGAI_DIR"

# runsvdir_pid: prints it; false if runsvdir does not run.
runsvdir_pid() {
  if found=$(pid_in "$IKIGAI_DIR/run/runsvdir.pid") && is_process "$found" " -P $IKIGAI_DIR/sv "; then
    printf '%s\n' "$found"
    return
  fi
  # The pid file may be lost while runsvdir runs.
  for found in $(processes_with "$IKIGAI_DIR/sv"); do
    case $(command_line "$found") in *"runsvdir -P $IKIGAI_DIR/sv ") ;; *) continue ;; esac
    # runsvdir changes to sv while it scans.
    case $(working_directory "$found") in "$IKIGAI_DIR" | "$IKIGAI_DIR/sv") ;; *) continue ;; esac
    keep_pid "$IKIGAI_DIR/run/runsvdir.pid" "$found"
    printf '%s\n' "$found"
    return
  done
  return 1
}

# watched SERVICE: true if a runsv supervises it.
watched() { "$IKIGAI_SV" status "$IKIGAI_DIR/sv/$1" >/dev/null 2>&1; }

# service_state SERVICE: prints what runsv last wrote, such as "run", "down", "finish, want down".
service_state() { cat "$IKIGAI_DIR/sv/$1/supervise/stat" 2>/dev/null; }

# service_pid SERVICE: prints the process its runsv started last, whether it is alive or not.
service_pid() { cat "$IKIGAI_DIR/sv/$1/supervise/pid" 2>/dev/null; }

# under_runit SERVICE: true if it is running, starting or ending under runsv.
under_runit() {
  watched "$1" || return 1
  case $(service_state "$1") in
    down*) return 1 ;;
    *) return 0 ;;
  esac
}

not_under_runit() { ! under_runit "$1"; }

# back_off SERVICE: waits five seconds before the next attempt, unless runsv is told to stop it.
back_off() {
  n=0
  while [ $n -lt 25 ]; do
    case $(service_state "$1") in *want*) return ;; esac
    sleep 0.2
    n=$((n + 1))
  done
}
