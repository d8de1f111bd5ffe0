# start, stop and status of a server that may run under runit or on its own. The sourcing file defines:
# service, port, port_key, log, and the functions server_pid (prints the verified pid), server_ready,
# server_lost, server_prepare, server_launch, server_end, server_kill, server_sweep.
. "$IKIGAI_DIR/scripts/lib/supervise.sh"
. "$IKIGAI_DIR/scripts/lib/port.sh"

server_gone() { ! server_pid >/dev/null; }

# server_outdated: true if the running server was started with other settings than it would be now.
server_outdated() { return 1; }

start_server() {
  before=$(server_pid) || before=
  again=
  if [ -n "$before" ]; then
    if server_lost "$before"; then
      again="has lost its pid file"
    elif server_outdated; then
      again="was started with other settings"
    fi
  fi
  if [ -n "$again" ]; then
    say "$service: pid $before $again, so it is started again"
    server_end "$before"
    wait_until 10 server_other_than "$before" || server_kill "$before"
    wait_until 10 server_other_than "$before"
    before=
  fi
  if [ -z "$before" ]; then
    server_sweep
    if port_taken_by_another; then exit 1; fi
    server_prepare || exit 1
  fi
  if watched "$service" || runsvdir_pid >/dev/null; then
    wait_until 8 watched "$service" ||
      fail "$service: runsvdir is running, but does not supervise sv/$service" "runsvdir restart"
    rm -f "$IKIGAI_DIR/sv/$service/down"
    "$IKIGAI_SV" up "$IKIGAI_DIR/sv/$service" >/dev/null
  elif [ -z "$before" ]; then
    server_launch || fail "$service: did not start" "tail $log"
  fi
  wait_until 15 server_ready || start_failed
  now=$(server_pid)
  if [ "$now" = "$before" ]; then
    say "$service: already running (pid $now)"
  else
    say "$service: started (pid $now)$started_at"
  fi
}

server_other_than() { [ "$(server_pid)" != "$1" ]; }

# port_taken_by_another: reports the process that holds the port. Ours may have started meanwhile, because
# runsvdir starts it too.
port_taken_by_another() {
  if port_free "$port"; then return 1; fi
  if under_runit "$service" && wait_until 3 server_or_no_holder; then return 1; fi
  if ! server_gone; then return 1; fi
  port_taken "$service" "$port" "$port_key"
}

server_or_no_holder() { ! server_gone || port_free "$port"; }

start_failed() {
  printf '%s\n' "$service: did not answer within 15 s; the end of $log:" >&2
  tail -n 5 "$log" 2>/dev/null | sed 's/^/  | /' >&2
  fail "  (it may still start)" "tail -n 50 '$log'"
}

stop_server() {
  before=$(server_pid) || before=
  : >"$IKIGAI_DIR/sv/$service/down"
  busy=
  if under_runit "$service"; then
    busy=1
    "$IKIGAI_SV" down "$IKIGAI_DIR/sv/$service" >/dev/null
  fi
  end_server
  if [ -z "$before$busy" ]; then
    say "$service: not running"
  else
    say "$service: stopped"
  fi
}

# end_server: waits until no server of ours is left, under runit or not.
end_server() {
  asked=
  clock
  until_time=$((clock + 10))
  while :; do
    if current=$(server_pid); then
      # Under runit only runsv sends the signal: a second one would make the server stop without draining.
      if [ "$current" != "$asked" ] && not_under_runit "$service"; then
        server_end "$current"
        asked=$current
      fi
    elif not_under_runit "$service"; then
      break
    fi
    clock
    if [ "$clock" -gt "$until_time" ]; then
      if [ -z "$current" ]; then break; fi
      printf '%s\n' "$service: did not stop within 10 s and is killed" >&2
      server_kill "$current"
      until_time=$((clock + 10))
    fi
    sleep 0.05
  done
  server_sweep
}

server_status() {
  if ! pid=$(server_pid); then
    say "$service: not running"
    exit 3
  fi
  how="by itself"
  if under_runit "$service"; then how="under runsvdir"; fi
  say "$service: running (pid $pid) $how$started_at"
}

# adopt: for run scripts. If the server already runs (started by hand, or by a killed runsv), waits for it
# instead of starting a second one; a TERM to us ends it too.
adopt() {
  adopted=$(server_pid) || return 0
  printf '%s\n' "$service: already running (pid $adopted); waiting for that one to end"
  trap 'server_end "$adopted"; leaving=1' TERM
  leaving=
  while current=$(server_pid); do
    adopted=$current
    # wait is interrupted by a signal, sleep is not.
    sleep 1 &
    wait $!
    if [ -n "$leaving" ]; then
      wait_until 9 server_gone
      exit 0
    fi
    # Our runsv was killed as well, and another one supervises the server.
    if [ "$(service_pid "$service")" != $$ ]; then exit 0; fi
  done
  trap - TERM
}
