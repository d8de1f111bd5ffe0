/** The parts of a command that can be completed. */
export interface Completable {
  /** "wt add", "status". */
  readonly words: string;
  /** "--json", "-f". */
  readonly options: readonly string[];
  readonly takesWorktree: boolean;
}

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * Renders the script that a shell sources: commands are written into it, worktree names are looked up each
 * time.
 */
export function completionScript(shell: Shell, commands: readonly Completable[]): string {
  return { bash, zsh, fish }[shell](commands);
}

/** Maps each first word to its second words: `wt` to `add`, `list`, … */
function groups(commands: readonly Completable[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { words } of commands) {
    const [first = "", second] = words.split(" ");
    found.set(first, [...(found.get(first) ?? []), ...(second === undefined ? [] : [second])]);
  }
  return found;
}

const NAMES = "ikigai completion names 2>/dev/null";

function bash(commands: readonly Completable[]): string {
  return `# ikigai's completion for bash: source <(ikigai completion bash)
_ikigai() {
  local IFS=$' \\t\\n' current=\${COMP_WORDS[COMP_CWORD]} line words=()
  local before="\${COMP_WORDS[1]-} \${COMP_WORDS[2]-}"
  case $COMP_CWORD in 1) before= ;; 2) before="\${COMP_WORDS[1]}" ;; esac
${cases(commands, (list) => `words=(${list.join(" ")})`, reading("words"))}
  COMPREPLY=()
  for line in "\${words[@]}"; do
    [[ $line == "$current"* ]] && COMPREPLY+=("$line")
  done
}
complete -F _ikigai ikigai
`;
}

function zsh(commands: readonly Completable[]): string {
  return `#compdef ikigai
# ikigai's completion for zsh: source <(ikigai completion zsh)
_ikigai() {
  local line before="\${words[2]} \${words[3]}"
  local -a found
  case $CURRENT in 2) before= ;; 3) before="\${words[2]}" ;; esac
${cases(commands, (list) => `found=(${list.join(" ")})`, reading("found"))}
  compadd -- "\${found[@]}"
}
compdef _ikigai ikigai
`;
}

const reading = (array: string) =>
  `while IFS= read -r line; do ${array}+=("$line"); done < <(${NAMES})`;

/** Renders the `case` shared by bash and zsh, which selects by the words before the current one. */
function cases(
  commands: readonly Completable[],
  assign: (list: readonly string[]) => string,
  names: string,
): string {
  const parents = groups(commands);
  const lines = [`    "") ${assign([...parents.keys()])} ;;`];
  for (const [first, seconds] of parents) {
    if (seconds.length > 0) lines.push(`    ${first}) ${assign(seconds)} ;;`);
  }
  for (const { words, options, takesWorktree } of commands) {
    const pattern = words.includes(" ") ? `"${words}"*` : `${words}*`;
    const list = options.length > 0 || !takesWorktree ? assign(options) : ":";
    lines.push(`    ${pattern}) ${list}${takesWorktree ? `; ${names}` : ""} ;;`);
  }
  return `  case $before in\n${lines.join("\n")}\n  esac`;
}

function fish(commands: readonly Completable[]): string {
  const parents = groups(commands);
  const lines = [...parents.keys()].map(
    (first) => `complete -c ikigai -f -n __fish_use_subcommand -a ${first}`,
  );
  for (const [first, seconds] of parents) {
    if (seconds.length === 0) continue;
    const list = seconds.join(" ");
    lines.push(
      `complete -c ikigai -f -n '__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${list}' -a '${list}'`,
    );
  }
  for (const { words, options, takesWorktree } of commands) {
    const seen = words
      .split(" ")
      .map((word) => `__fish_seen_subcommand_from ${word}`)
      .join("; and ");
    for (const option of options) {
      const flag = option.startsWith("--") ? `-l ${option.slice(2)}` : `-s ${option.slice(1)}`;
      lines.push(`complete -c ikigai -f -n '${seen}' ${flag}`);
    }
    if (takesWorktree) lines.push(`complete -c ikigai -f -n '${seen}' -a '(${NAMES})'`);
  }
  return `# ikigai's completion for fish: ikigai completion fish | source\n${lines.join("\n")}\n`;
}
