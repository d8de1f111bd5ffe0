# Everything that runs under this project's runsvdir, and its end.

# keepers: the runsv of ours. runsv's directory is its service's, wherever that was moved to.
keepers() (
  for found in $(processes_with runsv); do
    if elsewhere "$found"; then continue; fi
    case $(command_line "$found") in "runsv "*) ;; *) continue ;; esac
    case $(working_directory "$found") in "$IKIGAI_DIR"/*) printf '%s\n' "$found" ;; esac
  done
)

# elsewhere PID: it surely works outside of here. Without a process of its own for each of another
# project's hundreds; changes the directory. One whose directory was deleted is not surely outside.
elsewhere() {
  cd -P "/proc/$1/cwd" 2>/dev/null || return 1
  case $PWD/ in "$IKIGAI_DIR"/*) return 1 ;; esac
  [ "$PWD" -ef "/proc/$1/cwd" ]
}

# strays: what bears our mark and is no runsv; services whose runsv was killed are among them.
strays() {
  for found in $(processes_marked "$supervised_mark"); do
    case $(command_line "$found") in
      '' | "runsv "*) ;;
      *) printf '%s\n' "$found" ;;
    esac
  done
}

# orphan SERVICE: nginx and Postgres overwrite their environment and lose the mark. One that
# a runsv started is ours to end, one started by hand is not.
orphan() (
  . "$IKIGAI_DIR/scripts/lib/$1.sh"
  found=$(server_pid) && [ "$found" = "$(service_pid "$1")" ]
)

# end_left SERVICE
end_left() (
  . "$IKIGAI_DIR/scripts/lib/$1.sh"
  end_server
)

tree_gone() { [ -z "$(keepers)$(strays)" ] && ! orphan nginx && ! orphan postgres; }

# has_ended_its_service PID: a runsv sleeps for a second where its service ended within one of its
# start (runsv.c), and hears nothing. What it has to do is done by then.
has_ended_its_service() {
  case $(command_line "$1") in "runsv "*) ;; *) return 1 ;; esac
  [ "$(cat "$(working_directory "$1")/supervise/stat" 2>/dev/null)" = down ]
}

# half_ended: an end that was begun was cut off.
half_ended() { [ -e "$IKIGAI_DIR/run/ending" ]; }

# end_tree: HUP makes runsvdir end every runsv, and they their services. What has lost its
# keeper is asked itself; after 10 s force is used.
end_tree() {
  { true >"$IKIGAI_DIR/run/ending"; } 2>/dev/null
  clock
  last=$((clock + 10))
  # Their run script may be about to adopt one that was started by hand.
  theirs=
  for one in nginx postgres; do
    if under_runit "$one" || orphan "$one"; then theirs="$theirs $one"; fi
  done
  if top=$(runsvdir_pid); then signal HUP "$top"; fi
  asked=' '
  while :; do
    remaining=$(keepers)
    # Services are their runsv's to end while it lives.
    if [ -z "$remaining" ]; then remaining=$(strays); fi
    if [ -z "$remaining" ]; then break; fi
    clock
    if [ "$clock" -gt "$last" ]; then
      printf '%s\n' "runsvdir: not everything has ended in 10 s, so force is used" >&2
      # shellcheck disable=SC2046 # lists of numbers
      signal KILL $(keepers) $(strays)
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
  # Places whose runsv could not be waited for.
  rm -rf "$IKIGAI_DIR"/sv/.gone-* "$IKIGAI_DIR/run/ending"
}
