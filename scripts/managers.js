/**
 * Package managers: what each calls our requirements, the command a person types, and the
 * command that asks nothing. `null` means that the system does not package it; `note` then
 * says where it comes from.
 */
export const managers = [
  {
    name: "apt",
    program: "apt-get",
    packages: {},
    type: "sudo apt-get update && sudo apt-get install -y --no-install-recommends",
    root: true,
  },
  {
    name: "dnf",
    program: "dnf",
    packages: { postgresql: "postgresql-server", runit: null, faketime: "libfaketime" },
    type: "sudo dnf install -y",
    quiet: ["dnf", "install", "-y"],
    root: true,
    note: "runit is not in Fedora's own repositories: https://smarden.org/runit/install",
  },
  {
    name: "pacman",
    program: "pacman",
    packages: { runit: null, faketime: "libfaketime" },
    type: "sudo pacman -S --needed",
    quiet: ["pacman", "-S", "--needed", "--noconfirm"],
    root: true,
    note: "runit comes from the AUR: https://aur.archlinux.org/packages/runit",
  },
  {
    name: "apk",
    program: "apk",
    packages: { faketime: "libfaketime" },
    type: "sudo apk add",
    quiet: ["apk", "add"],
    root: true,
  },
  {
    name: "brew",
    program: "brew",
    packages: { postgresql: "postgresql@17", faketime: "libfaketime" },
    type: "brew install",
    quiet: ["brew", "install"],
    root: false,
  },
];

/**
 * Installs from Debian's packages and leaves nothing else behind: no service is started (a
 * policy-rc.d of our own answers "no" meanwhile, see invoke-rc.d(8)), no PostgreSQL cluster is
 * made (createcluster.d, see pg_createcluster(8)), and nginx is not started at boot.
 */
export const aptScript = `set -e
policy=/usr/sbin/policy-rc.d
cluster=/etc/postgresql-common/createcluster.d
ours=
tidy() {
  case $ours in *p*) rm -f "$policy" ;; esac
  case $ours in *c*) rm -f "$cluster/ikigai.conf" ;; esac
}
trap tidy EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e "$policy" ]; then
  ours=p$ours
  printf '#!/bin/sh\\nexit 101\\n' >"$policy"
  chmod 755 "$policy"
fi
if [ ! -e /etc/postgresql-common ] && [ ! -e /usr/lib/postgresql ]; then
  ours=c$ours
  mkdir -p "$cluster"
  echo 'create_main_cluster = false' >"$cluster/ikigai.conf"
fi
had_nginx=$(command -v nginx || true)
export DEBIAN_FRONTEND=noninteractive
apt-get -qq -o DPkg::Lock::Timeout=300 update
apt-get -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends install "$@"
if [ -z "$had_nginx" ] && [ -d /run/systemd/system ] && command -v nginx >/dev/null; then
  systemctl disable nginx
fi
`;

/** What a manager calls the requirements, those it does not package left out. */
export function packagesOf(manager, names) {
  return names
    .map((name) => (name in manager.packages ? manager.packages[name] : name))
    .filter((name) => name !== null);
}

/** The line that a person types to install the requirements with a manager. */
export function commandFor(manager, names) {
  const packages = packagesOf(manager, names);
  const note =
    manager.note !== undefined && packages.length < names.length ? `   # ${manager.note}` : "";
  return packages.length === 0 ? note.trim() : `${manager.type} ${packages.join(" ")}${note}`;
}
