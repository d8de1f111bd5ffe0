# PostgreSQL: its arguments, its account, and how to prove that a process is ours.
service=postgres
port=$IKIGAI_PG_PORT
port_key=postgres.port
log=$IKIGAI_DIR/logs/postgres.log
started_at=", port $port"
# Empty means db/ itself; like a path relative to here, it stays valid if the project is moved.
case $IKIGAI_PG_DATA in
  '') pg_data=$IKIGAI_DIR/db ;;
  /*) pg_data=$IKIGAI_PG_DATA ;;
  *)
    pg_data=$(cd -P "$IKIGAI_DIR/${IKIGAI_PG_DATA%/*}" && pwd -P)/${IKIGAI_PG_DATA##*/}
    if [ "$pg_data" = "/${IKIGAI_PG_DATA##*/}" ]; then
      fail "postgres: ${IKIGAI_PG_DATA%/*}, which holds the data, is not there" "ikigai init"
    fi
    ;;
esac
. "$IKIGAI_DIR/scripts/lib/server.sh"

# postgres_account: true if Postgres must run as another account.
postgres_account() {
  [ -n "$IKIGAI_PG_USER" ] && [ "$IKIGAI_PG_USER" != "$(id -un)" ] || return 1
  if [ "$(id -u)" -ne 0 ]; then
    fail "postgres: this project's database belongs to the account $IKIGAI_PG_USER, because root made it" \
      "run this command as root"
  fi
}

# as_account COMMAND…: becomes COMMAND as Postgres' account.
as_account() {
  # That account may have no access to the current directory.
  cd / || exit 1
  if postgres_account; then exec "$IKIGAI_CHPST" -u "$IKIGAI_PG_USER" "$@"; fi
  if [ "$(id -u)" -eq 0 ]; then
    fail "postgres: PostgreSQL refuses to run as root, and settings name no other account" "ikigai init"
  fi
  exec "$@"
}

# access_rules: prints pg_hba.conf. The owner connects through the Unix socket in the data directory, which
# services cannot reach; worktrees' roles connect over loopback; all others are rejected, whatever their
# password.
access_rules() {
  printf '%s\n' '# Written by ikigai before every start of Postgres; changes are replaced.' \
    'local  all          all                               scram-sha-256' \
    'local  replication  ikigai                            scram-sha-256' \
    'host   all          +ikigai_worktrees  127.0.0.1/32   scram-sha-256' \
    'host   all          +ikigai_worktrees  ::1/128        scram-sha-256'
  if [ -n "$IKIGAI_PG_OWNER_TCP" ]; then
    printf '%s\n' 'host   all          ikigai             127.0.0.1/32   scram-sha-256' \
      'host   all          ikigai             ::1/128        scram-sha-256'
  fi
  printf '%s\n' 'host   all          all                all            reject'
}

# access_is_current: true if the rules are up to date and the owner's password is that in $IKIGAI_PG_OWNER.
access_is_current() {
  [ "$(cat "$pg_data/pg_hba.conf" 2>/dev/null)" = "$(access_rules)" ] || return 1
  verifier=$(first_line "$IKIGAI_PG_OWNER/verifier") || return 0
  [ "$(first_line "$pg_data/ikigai_owner")" = "$verifier" ]
}

# owner_statement VERIFIER: the SQL that gives the owner the password of this verifier.
owner_statement() {
  case $1 in
    '' | *[!A-Za-z0-9+/=:\$-]*) fail "postgres: $IKIGAI_PG_OWNER/verifier is damaged" "ikigai init" ;;
  esac
  printf "ALTER ROLE ikigai LOGIN PASSWORD '%s';\n" "$1"
}

# postgres_do WRAPPER…: the server itself, started through WRAPPER (as_account, or launch). The
# socket's directory is relative to the data directory: no path is too long for its address. With mmap its
# memory is files in there as well: what lies in /dev/shm systemd deletes where an account's last session
# ends (logind.conf(5), RemoveIPC), and a server without it lets nobody in any more.
postgres_do() {
  "$@" "$IKIGAI_PG_BIN/postgres" -D "$pg_data" -p "$port" \
    -c listen_addresses=localhost -c unix_socket_directories=. -c unix_socket_permissions=0700 \
    -c log_destination=stderr -c logging_collector=off \
    -c dynamic_shared_memory_type=mmap
}

server_pid() {
  if found=$(pid_in "$pg_data/postmaster.pid") && is_process "$found" " -D $pg_data "; then
    printf '%s\n' "$found"
    return
  fi
  # The pid file may be lost while the server runs.
  for found in $(processes_with "$pg_data"); do
    if is_postmaster "$found" && ! is_postmaster "$(parent "$found")"; then
      printf '%s\n' "$found"
      return
    fi
  done
  return 1
}

# is_postmaster PID: true also for a child that it has just forked, which still has its arguments.
is_postmaster() {
  case " $(command_line "$1")" in *[/\ ]"postgres -D $pg_data "*) ;; *) return 1 ;; esac
  [ "$(working_directory "$1")" = "$(cd -P "$pg_data" 2>/dev/null && pwd -P)" ]
}

# server_lost PID: true if the pid file has not named the server for longer than a start or stop takes.
# PostgreSQL checks its file, so such a server ends by itself within a minute, as after a crash.
server_lost() { ! wait_until 2 server_recorded "$1"; }

server_recorded() { [ "$(pid_in "$pg_data/postmaster.pid")" = "$1" ] || [ "$(server_pid)" != "$1" ]; }

# pg_ctl itself waits for line 8 of postmaster.pid.
server_ready() {
  server_pid >/dev/null || return 1
  case $(sed -n 8p "$pg_data/postmaster.pid" 2>/dev/null) in
    ready*) return 0 ;;
    *) return 1 ;;
  esac
}

server_prepare() {
  rotate "$log"
  initialise && check_version && forget_stale_pid && set_access
}

# set_access: runs before the server starts, so that the server never runs with outdated rules.
set_access() {
  access_is_current || "$IKIGAI_CHPST" -l "$IKIGAI_DIR/run/initdb.lock" "$IKIGAI_DIR/scripts/postgres-access"
}

# initialise: creates the cluster in the first run. Runs in the background, so that it receives a signal sent
# to us and deletes its half-built cluster.
initialise() {
  if [ -f "$pg_data/PG_VERSION" ]; then return 0; fi
  "$IKIGAI_CHPST" -l "$IKIGAI_DIR/run/initdb.lock" "$IKIGAI_DIR/scripts/initdb" &
  initdb=$!
  trap 'signal TERM "$initdb"; wait "$initdb"; exit 1' INT TERM HUP
  wait "$initdb"
  made=$?
  trap - INT TERM HUP
  return "$made"
}

check_version() {
  has=$(first_line "$pg_data/PG_VERSION")
  is=$("$IKIGAI_PG_BIN/postgres" -V | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
  if [ "$has" = "$is" ]; then return 0; fi
  printf '%s\n' "postgres: the data was made by PostgreSQL $has, but $IKIGAI_PG_BIN is PostgreSQL $is" \
    "  next: install PostgreSQL $has and set postgres.bin in .ikigairc.json to its programs" >&2
  return 1
}

# forget_stale_pid: deletes a pid file with which Postgres would refuse to start: its pid belongs to another
# process now, as after a crash of the machine, or is not a pid at all. Does nothing while a process runs in
# the data directory.
forget_stale_pid() {
  if ! [ -e "$pg_data/postmaster.pid" ]; then return 0; fi
  if stale=$(pid_in "$pg_data/postmaster.pid") && [ -z "$(command_line "$stale")" ]; then return 0; fi
  for found in $(processes_with postgres); do
    if [ "$(working_directory "$found")" = "$pg_data" ]; then return 0; fi
  done
  rm -f "$pg_data/postmaster.pid"
}

# server_outdated: true for a server of an earlier version, which has no socket, and after a change of
# password or rules, which take effect at the next start.
server_outdated() { [ ! -S "$pg_data/.s.PGSQL.$port" ] || ! access_is_current; }

server_launch() {
  if postgres_account; then
    postgres_do launch "$log" "$IKIGAI_CHPST" -u "$IKIGAI_PG_USER"
  else
    postgres_do launch "$log"
  fi
}

# INT is the "fast" shutdown: TERM would wait for every client to disconnect.
server_end() { signal INT "$1"; }

server_kill() { signal QUIT "$1"; }

server_sweep() { :; }
