import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, test } from "vitest";

const file = fileURLToPath(new URL("../../controls/scripts/lib/port.sh", import.meta.url));
const library = readFileSync(file, "utf8");

/** The shells on this machine that some system uses as /bin/sh. */
const shells = [["sh"], ["dash"], ["bash", "--posix"], ["busybox", "sh"], ["ksh"], ["mksh"]].filter(
  ([name = ""]) => isThere(name),
);

function isThere(name: string): boolean {
  try {
    execFileSync("sh", ["-c", 'command -v "$1"', "sh", name], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function listenOn(host: string) {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, close: () => once(server.close(), "close") };
}

const ask = async (
  [shell = "", ...args]: readonly string[],
  call: string,
  port: number,
  account: { uid?: number } = {},
) => {
  const script = `${library}\n${call} "$1"`;
  const options = { ...account, reject: false, cwd: "/", stdin: "ignore" } as const;
  const ended = await execa(shell, [...args, "-c", script, "sh", `${port}`], options);
  return { exitCode: ended.exitCode, stdout: ended.stdout, stderr: ended.stderr };
};

const outside = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4");

describe.each(shells.map((shell) => ({ name: shell.join(" "), shell })))(
  "in $name",
  ({ shell }) => {
    // macOS has one loopback address only.
    const others = process.platform === "linux" ? ["127.9.8.7", "::ffff:127.0.0.1"] : [];
    test.each(["127.0.0.1", "::1", "0.0.0.0", "::", ...others])(
      "a listener on %s is named, and the port is free afterwards",
      async (host) => {
        const { port, close } = await listenOn(host);
        const held = await ask(shell, "port_holder", port);
        expect(held).toMatchObject({ exitCode: 0, stderr: "" });
        expect(held.stdout).toMatch(new RegExp(`^\\S.* \\(pid ${process.pid}\\)$`));
        expect(await ask(shell, "port_free", port)).toMatchObject({ exitCode: 1 });
        await close();
        const nobody = { exitCode: 1, stdout: "", stderr: "" };
        expect(await ask(shell, "port_holder", port)).toEqual(nobody);
        expect(await ask(shell, "port_free", port)).toEqual({ ...nobody, exitCode: 0 });
      },
    );

    // Only root can run as another account; lsof does not show other accounts' processes.
    test.runIf(process.platform === "linux" && process.getuid?.() === 0)(
      "another user's process is no name but no free port",
      async () => {
        const { port, close } = await listenOn("127.0.0.1");
        const held = await ask(shell, "port_holder", port, { uid: 65_534 });
        expect(held).toEqual({ exitCode: 0, stdout: "a process of another user", stderr: "" });
        expect(await ask(shell, "port_free", port, { uid: 65_534 })).toMatchObject({ exitCode: 1 });
        await close();
      },
    );

    test.runIf(process.platform === "linux" && outside)(
      "a listener on another address does not hold the port",
      async () => {
        const { port, close } = await listenOn(outside?.address ?? "");
        expect(await ask(shell, "port_free", port)).toMatchObject({ exitCode: 0, stderr: "" });
        await close();
      },
    );
  },
);
