# nginx: its arguments, and how to prove that a process is ours.
service=nginx
port=$IKIGAI_HTTP_PORT
port_key=http.port
log=$IKIGAI_DIR/logs/nginx.log
started_at=", http://localhost:$port/"
. "$IKIGAI_DIR/scripts/lib/server.sh"

# nginx_do ARGS…: becomes nginx.
nginx_do() {
  cd "$IKIGAI_DIR" || exit 1
  exec "$IKIGAI_NGINX" -p "$IKIGAI_DIR/httpd/" -c nginx.conf -e "$log" "$@"
}

is_master() { is_process "$1" " -p $IKIGAI_DIR/httpd/ " && is_process "$1" "nginx: master process"; }

server_pid() {
  if found=$(pid_in "$IKIGAI_DIR/httpd/pid/nginx.pid") && is_master "$found"; then
    printf '%s\n' "$found"
    return
  fi
  # The pid file may be lost while the server runs.
  for found in $(processes_with "nginx: master process"); do
    if is_master "$found"; then
      printf '%s\n' "$found"
      return
    fi
  done
  return 1
}

# nginx writes its pid only after it has bound its ports, and then starts its workers. Restores a lost pid
# file, because nginx -s reads it.
server_ready() {
  if found=$(pid_in "$IKIGAI_DIR/httpd/pid/nginx.pid") && is_master "$found"; then return; fi
  found=$(server_pid) && has_worker "$found" && keep_pid "$IKIGAI_DIR/httpd/pid/nginx.pid" "$found"
}

has_worker() (
  for one in $(processes_with "nginx: worker process"); do
    if [ "$(parent "$one")" = "$1" ]; then exit 0; fi
  done
  exit 1
)

server_lost() { false; }

server_prepare() {
  rotate "$log"
  (nginx_do -t -q) || {
    printf '%s\n' "nginx: invalid configuration (see above)" "  next: ikigai init" >&2
    return 1
  }
}

server_launch() (
  cd "$IKIGAI_DIR" || return 1
  forget_kept_connections
  launch "$log" "$IKIGAI_NGINX" -p "$IKIGAI_DIR/httpd/" -c nginx.conf -e "$log" -g 'daemon off;'
)

server_end() { signal TERM "$1"; }

server_kill() { signal KILL "$1"; }

# forget_kept_connections: clears the claims of keep-alive slots, which hold for one nginx and survive
# reloads. Called right before becoming a new nginx: while an old one lives its claims must stay.
forget_kept_connections() {
  rm -rf "$IKIGAI_DIR/run/slots"
  mkdir -p -m 700 "$IKIGAI_DIR/run/slots"
}

# Workers survive a killed master and hold the port. Their arguments do not name the project, but their
# working directory is the one set in nginx.conf.
server_sweep() {
  server_gone || return 0
  left=$(orphaned_workers)
  if [ -z "$left" ]; then return 0; fi
  # shellcheck disable=SC2086 # a list of numbers
  signal TERM $left
  wait_until 2 no_orphaned_workers || signal KILL $(orphaned_workers)
}

orphaned_workers() {
  for found in $(processes_with "nginx: "); do
    case $(command_line "$found") in
      "nginx: worker process"* | "nginx: cache "*)
        if [ "$(working_directory "$found")" != "$IKIGAI_DIR" ]; then continue; fi
        # A new master may have started meanwhile.
        if is_master "$(parent "$found")"; then continue; fi
        printf '%s\n' "$found"
        ;;
    esac
  done
}

no_orphaned_workers() { [ -z "$(orphaned_workers)" ]; }
