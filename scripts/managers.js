import { readFileSync } from "node:fs";

/**
 * Package managers: their names for our requirements, the command for users, and the one that asks nothing.
 * `null` means that the system does not package it; `note` then says where to get it. The command line reads
 * the same table.
 */
export const managers = JSON.parse(
  readFileSync(new URL("../src/host/programs/package-managers.json", import.meta.url), "utf8"),
);

/**
 * Installs Debian's packages without side effects: starts no services (a policy-rc.d of our own forbids it
 * meanwhile, see invoke-rc.d(8)), creates no PostgreSQL cluster (createcluster.d, see pg_createcluster(8)),
 * and does not start nginx at boot.
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

/** Returns a manager's names for the requirements, without those it does not package. */
export function packagesOf(manager, names) {
  return names
    .map((name) => (name in manager.packages ? manager.packages[name] : name))
    .filter((name) => name !== null);
}

/** Returns the command line with which users install the requirements. */
export function commandFor(manager, names) {
  const packages = packagesOf(manager, names);
  const note = packages.length < names.length ? (manager.note ?? "") : "";
  if (packages.length === 0) return note;
  const sudo = manager.root ? "sudo " : "";
  const refresh = manager.refresh ? `${sudo}${manager.refresh} && ` : "";
  return `${refresh}${sudo}${manager.install} ${packages.join(" ")}${note && `   # ${note}`}`;
}
