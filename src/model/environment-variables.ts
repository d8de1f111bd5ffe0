import type { Layout } from "./layout.ts";
import { schemaOf } from "./slug.ts";
import type { Listen } from "./worktree.ts";

/** The project's ports, as needed for an environment. */
export interface Connection {
  readonly httpPort: number;
  readonly postgresPort: number;
}

const DATABASE = "ikigai";
const OWNER = "ikigai";
const RESERVED_SEGMENTS = new Set(["api", "frontend"]);

/**
 * Returns the address of a worktree, without a trailing slash; a path, as every resolver knows `localhost`.
 */
export function worktreeUrl(slug: string, httpPort: number): string {
  return RESERVED_SEGMENTS.has(slug)
    ? `http://${slug}.localhost:${httpPort}`
    : `http://localhost:${httpPort}/${slug}`;
}

/**
 * Variables of libpq ("Environment Variables") that determine the server and the authentication. Every
 * environment unsets those it does not set, which may belong to another project or server.
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

/** Returns the environment of a shell in a worktree. */
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

/** How the owner connects: through the Unix socket, with the password in a file of the user. */
export interface OwnerConnection extends Connection {
  /** The directory of the server's Unix socket. */
  readonly socketDirectory: string;
  /** The owner's password file. */
  readonly passwordFile: string;
}

/** Returns the owner's environment, for shells at the project's root. Contains no password. */
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
 * Returns the owner's connection URI (libpq, "Connection URIs"): through the Unix socket, or over TCP if
 * `postgres.ownerOverTcp` allows it.
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

/** Renders the owner's password file: one line, for both the Unix socket and TCP. */
export function ownerPasswordFile(password: string): string {
  return `*:*:*:${OWNER}:${escapeField(password)}\n`;
}

/** Renders a password file (libpq, "The Password File"). */
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
  /** The path that the backend binds, at most 107 bytes long. */
  readonly socket: string;
  /** The port of a backend that can only listen on TCP. */
  readonly port?: number;
  readonly listen: Listen;
}

/** Returns what a backend's environment adds to its worktree's: where to listen, and its identity. */
export function serviceVariables(
  address: ServiceAddress,
  connection: Connection,
  password: string,
): Record<string, string> {
  const base = worktreeUrl(address.worktree, connection.httpPort);
  const common = {
    PGPASSWORD: password,
    // Output goes to a log, even if the project was started from a terminal.
    NO_COLOR: "1",
    IKIGAI_SERVICE: address.service,
  };
  // Without HTTP it has no address; IKIGAI_URL remains the worktree's.
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
