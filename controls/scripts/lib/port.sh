# Who listens on a port of this machine's loopback.

# port_holder PORT: prints who holds it; false where nobody does or nobody can tell.
port_holder() {
  if command -v ss >/dev/null 2>&1; then
    ss -Hltnp "sport = :$1" 2>/dev/null | awk '
      $4 !~ /^(127\.|0\.0\.0\.0:|\*:|\[::\]:|\[::1\]:)/ { next }
      { found = 1; who = "a process of another user" }
      match($0, /\(\("[^"]*",pid=[0-9]+/) {
        text = substr($0, RSTART + 3, RLENGTH - 3)
        split(text, part, "\",pid=")
        who = part[1] " (pid " part[2] ")"
      }
      found { print who; exit }
      END { exit !found }'
  elif command -v lsof >/dev/null 2>&1; then
    lsof -nP "-iTCP:$1" -sTCP:LISTEN -Fpc 2>/dev/null | awk '
      /^p/ { pid = substr($0, 2) }
      /^c/ { print substr($0, 2) " (pid " pid ")"; found = 1; exit }
      END { exit !found }'
  else
    return 1
  fi
}

# port_free PORT: nobody is known to hold it.
port_free() { ! port_holder "$1" >/dev/null; }

# port_taken WHO PORT KEY: says so and returns true where somebody else holds it.
port_taken() {
  holder=$(port_holder "$2") || return 1
  printf '%s\n' "$1: port $2 is held by $holder" \
    "  next: end that process, or set $3 to a free port in .ikigairc.json and run: ikigai restart" >&2
}
