# All processes under this project's runsvdir, and how to end them.

# runsv_pids: prints the pids of our runsv. The working directory of a runsv is its service directory,
# wherever that was moved to.
runsv_pids() (
  for found in $(processes_with runsv); do
    if is_outside "$found"; then continue; fi
    case $(command_line "$found") in "runsv "*) ;; *) continue ;; esac
    case $(working_directory "$found") in "$IKIGAI_DIR"/*) printf '%s\n' "$found" ;; esac
  done
)

# is_outside PID: true if its working directory is certainly outside of this project. Starts no process, since
# there may be hundreds of another project's runsv; changes the directory. A deleted directory is not
# certainly outside.
is_outside() {
  cd -P "/proc/$1/cwd" 2>/dev/null || return 1
  case $PWD/ in "$IKIGAI_DIR"/*) return 1 ;; esac
  [ "$PWD" -ef "/proc/$1/cwd" ]
}

# marked_pids: prints the pids that carry our mark and are not runsv, such as services whose runsv was killed.
marked_pids() {
  for found in $(processes_marked "$supervised_mark"); do
    case $(command_line "$found") in
      '' | "runsv "*) ;;
      *) printf '%s\n' "$found" ;;
    esac
  done
}

# is_orphan SERVICE: true if the server runs and was started by a runsv; one started by hand is not ours to
# end. nginx and Postgres overwrite their environment, so they carry no mark.
is_orphan() (
  . "$IKIGAI_DIR/scripts/lib/$1.sh"
  found=$(server_pid) && [ "$found" = "$(service_pid "$1")" ]
)

# end_left SERVICE: ends such a server.
end_left() (
  . "$IKIGAI_DIR/scripts/lib/$1.sh"
  end_server
)

tree_gone() { [ -z "$(runsv_pids)$(marked_pids)" ] && ! is_orphan nginx && ! is_orphan postgres; }

# has_ended_its_service PID: true for a runsv whose service is down. A runsv sleeps for a second if its
# service ended within a second of its start (runsv.c), and ignores signals meanwhile; its work is done by
# then.
has_ended_its_service() {
  case $(command_line "$1") in "runsv "*) ;; *) return 1 ;; esac
  [ "$(cat "$(working_directory "$1")/supervise/stat" 2>/dev/null)" = down ]
}

# end_was_interrupted: true if an earlier end_tree was interrupted.
end_was_interrupted() { [ -e "$IKIGAI_DIR/run/ending" ]; }

# end_tree: HUP makes runsvdir end every runsv, and these their services. Processes without a runsv are
# signalled directly; after 10 s everything is killed.
end_tree() {
  { true >"$IKIGAI_DIR/run/ending"; } 2>/dev/null
  clock
  last=$((clock + 10))
  # A run script may be about to adopt a server that was started by hand.
  theirs=
  for one in nginx postgres; do
    if under_runit "$one" || is_orphan "$one"; then theirs="$theirs $one"; fi
  done
  if top=$(runsvdir_pid); then signal HUP "$top"; fi
  asked=' '
  while :; do
    remaining=$(runsv_pids)
    # While a runsv lives it ends its service itself.
    if [ -z "$remaining" ]; then remaining=$(marked_pids); fi
    if [ -z "$remaining" ]; then break; fi
    clock
    if [ "$clock" -gt "$last" ]; then
      printf '%s\n' "runsvdir: not everything ended within 10 s; killing the rest" >&2
      # shellcheck disable=SC2046 # lists of numbers
      signal KILL $(runsv_pids) $(marked_pids)
      last=$((last + 10))
    fi
    for one in $remaining; do
      case $asked in
        *" $one "*) if has_ended_its_service "$one"; then signal KILL "$one"; fi ;;
        *) signal TERM "$one" && asked="$asked$one " ;;
      esac
    done
    sleep 0.1
  done
  for one in $theirs; do end_left "$one"; done
  # Directories whose runsv had not exited yet.
  rm -rf "$IKIGAI_DIR"/sv/.gone-* "$IKIGAI_DIR/run/ending"
}
