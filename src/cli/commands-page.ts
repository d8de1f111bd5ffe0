import type { Command } from "./context.ts";
import { COMMANDS } from "./registry.ts";

const GROUPS: readonly (readonly [string, RegExp])[] = [
  ["The project", /^(init|start|stop|restart|status|plan|doctor|uninstall)\b/],
  ["Services", /^(up|down|lease|logs|env|trust)\b/],
  ["Worktrees", /^wt\b/],
  ["Databases", /^db\b/],
  ["The shell", /^completion\b/],
];

const INTRODUCTION = `# Commands

<!-- Made from src/cli/registry.ts by scripts/configuration-docs.js. -->

Run \`ikigai COMMAND\` anywhere in a project; the project is found by walking up to \`.ikigai/\`. Name a
worktree by its slug, git's name for it, its branch or its path; the default is the worktree of the
current directory. Exit codes: 0 = done; 1 = failed (or, for \`status\`, \`plan\` and \`doctor\`: a problem was
found; for \`db diff\`: the schemas differ); 2 = wrong usage. Results go to standard output, everything else
to standard error. \`NO_COLOR\` and \`FORCE_COLOR\` are respected. The shapes of \`--json\` are in [json.md](json.md).
`;

/** Renders docs/commands.md from the table of commands. */
export function commandsPage(): string {
  const listed = COMMANDS.filter(({ hidden }) => !hidden);
  const sections = GROUPS.map(([title, member]) => {
    const rows = listed.filter(({ usage }) => member.test(usage)).map(row);
    return `\n## ${title}\n\n| Command | Does | Options |\n| --- | --- | --- |\n${rows.join("")}`;
  });
  return INTRODUCTION + sections.join("");
}

function row({ usage, summary, options = [] }: Command): string {
  const described = options.map(([flags, meaning, preset]) => {
    const usual = preset === undefined ? "" : ` (default: ${preset})`;
    return `\`${flags}\` ${meaning}${usual}`;
  });
  const cells = [`\`${usage}\``, summary, described.join("; ")];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
}
