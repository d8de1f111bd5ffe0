#!/bin/sh
# Runs git's own tests of worktrees, checkouts and hooks with ikigai's hook in all of their repositories,
# against a daemon that answers through its socket or through pipes, is not running, or never answers. Debian
# only, because the source comes from apt-get. Not part of `npm test`, because the first run builds git.
#
#   sh scripts/git-tests.sh [t2400-worktree-add.sh …]
#
# Prints one line for each state of the daemon; fails if a state has a failure that git's tests do not have
# without the hook. All files are in $GIT_TESTS (default: a directory in /tmp).
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
work=${GIT_TESTS:-${TMPDIR:-/tmp}/iki-git-tests-$(id -u)}
source=$work/git
server=

# git's tests work only with the git version they come with, so it is built too.
build() {
  [ ! -e "$source/bin-wrappers/git" ] || return 0
  mkdir -p "$work/lists/partial"
  sed 's/^Types: deb$/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >"$work/debian.sources"
  apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$work/debian.sources" -o Dir::Etc::sourceparts=- \
      -o Dir::State::lists="$work/lists" -o APT::Sandbox::User=root "$@"
  }
  apt update
  (cd "$work" && apt source --download-only git)
  rm -rf "$source"
  mkdir "$source"
  tar -xf "$work"/git_*.orig.tar.* -C "$source" --strip-components=1
  make -s -C "$source" -j2 NO_OPENSSL=1 NO_CURL=1 NO_EXPAT=1 NO_GETTEXT=1 NO_TCLTK=1 \
    NO_PYTHON=1 CFLAGS=-O0 all >"$work/make.log" 2>&1
  cp "$source/t/test-lib-functions.sh" "$work/functions.sh"
}

# Installs the hook as `ikigai init` does in a new repository, and beside hooks that tests write.
install_hook() {
  hooks=$source/templates/blt/hooks
  cp "$here/hooks/post-checkout" "$hooks/ikigai-hook"
  cat >"$work/install.mjs" <<END
import { installInto } from "$here/src/host/git/hook/files.ts";
import { sharedHook } from "$here/src/host/git/hook/script.ts";
import { readFileSync, writeFileSync } from "node:fs";
installInto(Buffer.from("$hooks"), readFileSync("$here/hooks/post-checkout", "latin1"));
writeFileSync("$work/block", sharedHook("#!/bin/sh\n").replace("#!/bin/sh\n", ""));
END
  "$here/node_modules/.bin/esbuild" "$work/install.mjs" --bundle --platform=node --format=esm \
    --outfile="$work/install.bundle.mjs" --log-level=error
  node "$work/install.bundle.mjs"
  sed 's/^test_hook () {$/plain_test_hook () {/' "$work/functions.sh" >"$source/t/test-lib-functions.sh"
  cat >>"$source/t/test-lib-functions.sh" <<END
test_hook () {
	iki_dir=. iki_other= iki_name=
	iki_previous=
	for iki_argument
	do
		case "\$iki_previous \$iki_argument" in
		"-C "*) iki_dir=\$iki_argument ;;
		*" --remove"|*" --disable") iki_other=t ;;
		*" -"*) ;;
		*) iki_name=\$iki_argument ;;
		esac
		iki_previous=\$iki_argument
	done
	iki_hook=\$(git -C "\$iki_dir" rev-parse --absolute-git-dir)/hooks/\$iki_name
	if test -z "\$iki_other" && grep -q "ikigai (whole file)" "\$iki_hook" 2>/dev/null
	then
		rm "\$iki_hook"
	fi
	plain_test_hook "\$@" || return
	case "\$iki_other \$iki_name" in
	" post-checkout"|" post-merge"|" post-rewrite")
		sed "1r $work/block" "\$iki_hook" >"\$iki_hook.new" &&
		chmod +x "\$iki_hook.new" &&
		mv "\$iki_hook.new" "\$iki_hook" ;;
	esac
}
END
}

remove_hook() {
  cp "$work/functions.sh" "$source/t/test-lib-functions.sh"
  (cd "$source/templates/blt/hooks" && rm -f ikigai-hook post-checkout post-merge post-rewrite)
}

# Starts the daemon for a project at the source, below which the tests' repositories are, so that it is
# theirs.
start_daemon() {
  cat >"$work/daemon.mjs" <<'END'
import { rmSync } from "node:fs";
import { createServer } from "node:http";
const [socket, mode, run] = process.argv.slice(2);
let calls = 0;
if (mode === "pipes") {
  const { HookPipes } = await import("./pipes.bundle.mjs");
  const pipes = new HookPipes({ run }, async () => {
    calls += 1;
  });
  await pipes.begin();
  process.on("SIGTERM", () => pipes.end());
}
const server = createServer((request, response) => {
  calls += 1;
  request.resume().on("end", () => mode !== "hanging" && response.writeHead(204).end());
});
rmSync(socket, { force: true });
server.listen(socket);
process.on("SIGTERM", () => {
  console.log(calls);
  rmSync(socket, { force: true });
  process.exit();
});
END
  mkdir -p "$source/.ikigai/run"
  ln -sfn "$here/node_modules" "$work/node_modules"
  "$here/node_modules/.bin/esbuild" "$here/src/host/git/hook/fifo-server.ts" --bundle --platform=node \
    --format=esm --packages=external --outfile="$work/pipes.bundle.mjs" --log-level=error
  node "$work/daemon.mjs" "$source/.ikigai/daemon.sock" "$1" "$source/.ikigai/run" >"$work/calls" &
  server=$!
  until [ -S "$source/.ikigai/daemon.sock" ]; do sleep 0.1; done
}

stop_daemon() {
  [ -n "$server" ] || return 0
  kill "$server"
  wait "$server" || :
  server=
}

run_tests() {
  state=$1
  shift
  : >"$work/$state.failed"
  passed=0
  for test in "$@"; do
    (cd "$source/t" && "./$test" --root="$source/trash") >"$work/$state.$test.log" 2>&1 || :
    passed=$((passed + $(grep -c '^ok ' "$work/$state.$test.log" || :)))
    grep -E '^not ok |^# (error|FATAL)' "$work/$state.$test.log" | grep -v 'known breakage' |
      sed "s/^/$test: /" >>"$work/$state.failed" || :
    grep -q '^1\.\.' "$work/$state.$test.log" || echo "$test: did not end" >>"$work/$state.failed"
  done
  calls=0
  stop_daemon
  [ ! -s "$work/calls" ] || calls=$(cat "$work/calls")
  : >"$work/calls"
  echo "$state: $passed passed, $(wc -l <"$work/$state.failed") failed, the daemon was told $calls times"
}

[ $# -gt 0 ] || set -- t1800-hook.sh t2007-checkout-symlink.sh t2012-checkout-last.sh \
  t2018-checkout-branch.sh t2020-checkout-detach.sh t2060-switch.sh t2400-worktree-add.sh \
  t2401-worktree-prune.sh t2402-worktree-list.sh t2403-worktree-move.sh t2404-worktree-config.sh \
  t2405-worktree-submodule.sh t2406-worktree-repair.sh t2407-worktree-heads.sh t3400-rebase.sh \
  t3430-rebase-merges.sh t5402-post-merge-hook.sh t5403-post-checkout-hook.sh \
  t5407-post-rewrite-hook.sh t7201-co.sh t7400-submodule-basic.sh t7600-merge.sh

trap 'stop_daemon' EXIT
trap 'exit 130' INT TERM
build
mkdir -p "$source/.ikigai" "$source/trash"
rm -f "$source/.ikigai/daemon.sock"
: >"$work/calls"

remove_hook
run_tests none "$@"
install_hook
run_tests down "$@"
start_daemon up
run_tests up "$@"
start_daemon pipes
run_tests pipes "$@"
start_daemon hanging
run_tests hanging "$@"
remove_hook

worse=0
for state in down up pipes hanging; do
  if ! cmp -s "$work/none.failed" "$work/$state.failed"; then
    worse=1
    echo "With the daemon $state:"
    diff "$work/none.failed" "$work/$state.failed" || :
  fi
done
exit "$worse"
