# Which process listens on a port of this machine's loopback.

# port_holder PORT: prints the process that listens on it; false if there is none or it is unknown. Reads
# /proc on Linux (slim images have no ss), elsewhere asks lsof.
port_holder() {
  if [ -r /proc/net/tcp ]; then
    socket=$(listening_socket "$1")
    [ -n "$socket" ] || return 1
    pid=$(process_with_socket "$socket")
    if [ -n "$pid" ]; then
      printf '%s (pid %s)\n' "$(cat "/proc/$pid/comm" 2>/dev/null)" "$pid"
    else
      # Unless it has ended meanwhile.
      [ -n "$(listening_socket "$1")" ] && echo 'a process of another user'
    fi
  elif command -v lsof >/dev/null 2>&1; then
    lsof -nP "-iTCP:$1" -sTCP:LISTEN -Fpc 2>/dev/null | awk '
      /^p/ { pid = substr($0, 2) }
      /^c/ { print substr($0, 2) " (pid " pid ")"; found = 1; exit }
      END { exit !found }'
  else
    return 1
  fi
}

# listening_socket PORT: prints the inode of a socket (proc(5)) on 127.0.0.0/8, ::1 or all addresses.
listening_socket() {
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port=":$(printf %04X "$1")\$" '
    $4 == "0A" && sub(port, "", $2) &&
      $2 ~ /^(0+|(0*FFFF0000)?[0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F]7F|0*01000000)$/ {
      print $10
      exit
    }'
}

# process_with_socket INODE: prints the first process that has it open, of those we may inspect.
process_with_socket() {
  ls -ln /proc/[0-9]*/fd 2>/dev/null | awk -v target=" -> socket:[$1]" '
    /^\/proc\// { split($0, part, "/") }
    index($0, target) { print part[3]; exit }'
}

# port_free PORT: true if no process is known to listen on it.
port_free() {
  if [ -r /proc/net/tcp ]; then
    [ -z "$(listening_socket "$1")" ]
  else
    ! port_holder "$1" >/dev/null
  fi
}

# port_taken NAME PORT KEY: reports for the server NAME that the port is in use; false if it is free.
port_taken() {
  holder=$(port_holder "$2") || return 1
  printf '%s\n' "$1: port $2 is held by $holder" \
    "  next: end that process, or set $3 to a free port in .ikigairc.json and run: ikigai restart" >&2
}
