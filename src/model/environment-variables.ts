import type { Layout } from "./layout.ts";
import { schemaOf } from "./slug.ts";
import type { Listen } from "./worktree.ts";

/** What of a project goes into an environment. */
export interface Connection {
  readonly httpPort: number;
  readonly postgresPort: number;
}

const DATABASE = "ikigai";
const OWNER = "ikigai";
const RESERVED_SEGMENTS = new Set(["api", "frontend"]);

/** The address of a worktree, without a slash behind it. Path form: every resolver knows `localhost`. */
export function worktreeUrl(slug: string, httpPort: number): string {
  return RESERVED_SEGMENTS.has(slug)
    ? `http://${slug}.localhost:${httpPort}`
    : `http://localhost:${httpPort}/${slug}`;
}

/**
 * Variables of libpq ("Environment Variables") that say where a client connects and how it proves
 * who it is. Those of another project or server are taken out of every environment.
 */
export const CONNECTION_VARIABLES: readonly string[] = [
  ...["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGPASSFILE"],
  ...["PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR", "PGREQUIREPEER", "PGREQUIREAUTH"],
  ...["PGCHANNELBINDING", "PGGSSENCMODE", "PGKRBSRVNAME", "PGGSSLIB", "PGGSSDELEGATION"],
  ...["PGSSLMODE", "PGREQUIRESSL", "PGSSLNEGOTIATION", "PGSSLCERT", "PGSSLCERTMODE", "PGSSLKEY"],
  ...["PGSSLROOTCERT", "PGSSLCRL", "PGSSLCRLDIR", "PGSSLSNI", "PGSSLCOMPRESSION"],
  ...["PGSSLMINPROTOCOLVERSION", "PGSSLMAXPROTOCOLVERSION"],
  ...["PGTARGETSESSIONATTRS", "PGLOADBALANCEHOSTS"],
];

/** The environment of a shell in a worktree. The password lies in PGPASSFILE. */
export function worktreeVariables(
  slug: string,
  layout: Layout,
  connection: Connection,
  password: string,
): Record<string, string> {
  const role = schemaOf(slug);
  return {
    DATABASE_URL: databaseUrl(role, password, connection),
    PGHOST: "127.0.0.1",
    PGPORT: String(connection.postgresPort),
    PGUSER: role,
    PGDATABASE: DATABASE,
    PGPASSFILE: `${layout.environments}/${slug}.pgpass`,
    PGSSLMODE: "disable",
    IKIGAI_WORKTREE: slug,
    IKIGAI_URL: worktreeUrl(slug, connection.httpPort),
    SVDIR: layout.sv,
  };
}

/** How the owner reaches the server: by its Unix socket, with the password in a file of the user's. */
export interface OwnerConnection extends Connection {
  /** The directory of the server's Unix socket. */
  readonly socketDirectory: string;
  /** The owner's password file. */
  readonly passwordFile: string;
}

/** The environment of the project's owner, at the root beside the worktrees. Holds no password. */
export function ownerVariables(
  layout: Layout,
  connection: OwnerConnection,
): Record<string, string> {
  return {
    DATABASE_URL: ownerUrl(connection),
    PGHOST: connection.socketDirectory,
    PGPORT: String(connection.postgresPort),
    PGUSER: OWNER,
    PGDATABASE: DATABASE,
    PGPASSFILE: connection.passwordFile,
    PGSSLMODE: "disable",
    SVDIR: layout.sv,
  };
}

/**
 * A connection URI of the owner's (libpq, "Connection URIs"): by the Unix socket, or over TCP where
 * `postgres.ownerOverTcp` allows that.
 */
export function ownerUrl(
  { postgresPort, socketDirectory }: Pick<OwnerConnection, "postgresPort" | "socketDirectory">,
  { password, tcp = false }: { readonly password?: string; readonly tcp?: boolean } = {},
): string {
  const user = password === undefined ? OWNER : `${OWNER}:${encodeURIComponent(password)}`;
  if (tcp) return `postgresql://${user}@127.0.0.1:${postgresPort}/${DATABASE}?sslmode=disable`;
  const host = encodeURIComponent(socketDirectory);
  // A host in its place keeps parsers of the URL Standard content; the parameter counts (libpq).
  return `postgresql://${user}@localhost/${DATABASE}?host=${host}&port=${postgresPort}`;
}

/** The owner's password file: one line, for the Unix socket and for TCP. */
export function ownerPasswordFile(password: string): string {
  return `*:*:*:${OWNER}:${escapeField(password)}\n`;
}

/** Lines of a password file (libpq, "The Password File"). */
export function passwordFile(
  roles: readonly { readonly role: string; readonly password: string }[],
  port: number,
): string {
  return ["127.0.0.1", "localhost"]
    .flatMap((host) =>
      roles.map(
        ({ role, password }) => `${host}:${port}:${DATABASE}:${role}:${escapeField(password)}\n`,
      ),
    )
    .join("");
}

function escapeField(text: string): string {
  return text.replace(/[\\:]/g, "\\$&");
}

export interface ServiceAddress {
  readonly worktree: string;
  readonly service: string;
  readonly unnamed: boolean;
  /** The path that the backend binds; at most 107 bytes. */
  readonly socket: string;
  /** A port of its own, for a backend that can only listen on TCP. */
  readonly port?: number;
  readonly listen: Listen;
}

/** The environment of a backend, over that of its worktree: where to listen and who it is. */
export function serviceVariables(
  address: ServiceAddress,
  connection: Connection,
  password: string,
): Record<string, string> {
  const base = worktreeUrl(address.worktree, connection.httpPort);
  const common = {
    PGPASSWORD: password,
    // A log is no terminal, whatever the one was in which everything was started.
    NO_COLOR: "1",
    IKIGAI_SERVICE: address.service,
  };
  // The worktree's address, as in its shell: it has none itself.
  if (address.listen === "none") return common;
  const tcp = address.port !== undefined && address.listen !== "socket";
  return {
    ...common,
    IKIGAI_URL: address.unnamed ? base : `${base}/${address.service}`,
    ...(address.listen === "tcp" ? {} : { IKIGAI_SOCKET: address.socket }),
    ...(tcp
      ? { PORT: String(address.port), HOST: "127.0.0.1", IKIGAI_PORT: String(address.port) }
      : { PORT: address.socket }),
    DENO_SERVE_ADDRESS:
      address.listen === "tcp" ? `tcp:127.0.0.1:${address.port}` : `unix:${address.socket}`,
  };
}

function databaseUrl(role: string, password: string, connection: Connection): string {
  return `postgresql://${role}:${encodeURIComponent(password)}@127.0.0.1:${connection.postgresPort}/${DATABASE}`;
}
