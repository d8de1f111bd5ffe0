import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export type ShellName = "bash" | "zsh" | "fish";

/**
 * Starts each shell with direnv's hook and without this machine's configuration.
 * Each shell counts its prompts in a file, after the hook.
 */
const START: Readonly<Record<ShellName, { file: string; content: string; argv: string[] }>> = {
  bash: {
    file: "bashrc",
    content:
      'eval "$(direnv hook bash)"\nPROMPT_COMMAND="$PROMPT_COMMAND; echo >> $HOME/prompts"\n',
    argv: ["bash", "--noprofile", "--rcfile", "bashrc"],
  },
  zsh: {
    file: ".zshrc",
    content:
      'unsetopt zle promptsp\neval "$(direnv hook zsh)"\ncount() { echo >> $HOME/prompts }\nprecmd_functions+=(count)\n',
    argv: ["zsh", "-d"],
  },
  fish: {
    file: "config/fish/config.fish",
    content:
      "set -g fish_greeting\nfunction fish_prompt; echo >> $HOME/prompts; echo '$ '; end\ndirenv hook fish | source\n",
    argv: ["fish"],
  },
};

/** An interactive shell on its own terminal. */
export class InteractiveShell {
  readonly #socket = `iki-${randomBytes(6).toString("hex")}`;
  readonly #directory: string;
  readonly #environment: Record<string, string>;

  /** `home` becomes HOME; `environment` is the shell's whole environment. */
  constructor(name: ShellName, home: string, environment: Record<string, string>) {
    const { file, content, argv } = START[name];
    this.#directory = home;
    this.#environment = {
      ...environment,
      HOME: home,
      ZDOTDIR: home,
      TMUX_TMPDIR: home,
      SHELL: "/bin/sh",
    };
    fs.mkdirSync(join(home, file, ".."), { recursive: true });
    fs.writeFileSync(join(home, file), content);
    // Without it fish reads all manual pages in the background; from 4.0 on it is a cache.
    for (const place of [environment.XDG_DATA_HOME, environment.XDG_CACHE_HOME]) {
      fs.mkdirSync(join(place ?? home, "fish/generated_completions"), { recursive: true });
    }
    const size = ["-x", "400", "-y", "100"];
    this.#tmux("new-session", "-d", ...size, "--", ...argv);
  }

  /** Types `cd` and returns the environment that the next command line sees. */
  async enter(directory: string): Promise<ReadonlyMap<string, string>> {
    // All three shells read this alike: single quotes, and a quote outside of them.
    await this.type(`cd '${directory.replaceAll("'", `'\\''`)}'`);
    return this.environment();
  }

  async environment(): Promise<ReadonlyMap<string, string>> {
    const file = join(this.#directory, "environment");
    await this.type(`env -0 > ${file}`);
    const text = fs.readFileSync(file, "utf8");
    const lines = text.split("\0").filter((line) => line.includes("="));
    return new Map(
      lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
  }

  /** Types a line, and waits until it was executed and direnv's hook has run again. */
  async type(line: string): Promise<void> {
    await this.#prompts(1);
    const before = this.#count();
    this.#tmux("send-keys", "-l", "--", line);
    this.#tmux("send-keys", "Enter");
    await this.#prompts(before + 1);
  }

  async #prompts(count: number): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (this.#count() < count) {
      if (Date.now() > deadline) throw new Error(`No prompt came back:\n${this.screen()}`);
      await sleep(20);
    }
  }

  #count(): number {
    return fs.statSync(join(this.#directory, "prompts"), { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Returns everything that has appeared on the terminal. */
  screen(): string {
    return this.#tmux("capture-pane", "-p", "-J", "-S", "-");
  }

  /** Exits the shell and waits for its end: it still writes its history. */
  async end(): Promise<void> {
    this.#tmux("send-keys", "-l", "--", "exit");
    this.#tmux("send-keys", "Enter");
    const deadline = Date.now() + 10_000;
    while (this.#lives()) {
      if (Date.now() > deadline) this.#tmux("kill-server");
      await sleep(20);
    }
  }

  #lives(): boolean {
    try {
      this.#tmux("has-session");
      return true;
    } catch {
      return false;
    }
  }

  #tmux(...args: string[]): string {
    return execFileSync("tmux", ["-L", this.#socket, "-f", "/dev/null", ...args], {
      cwd: this.#directory,
      env: this.#environment,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }
}
