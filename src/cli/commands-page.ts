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

\`ikigai COMMAND\`, typed anywhere in a project: it is found by walking up to \`.ikigai/\`. A worktree is
named by its slug, by git's own name for it, by its branch or by its path; left
out, it is that of the directory. Exit codes: 0 done, 1 failed (\`status\`, \`plan\`, \`doctor\`: something is not well;
\`db diff\`: something differs), 2 wrong usage. What was asked for goes to standard output, all else to
standard error. \`NO_COLOR\` and \`FORCE_COLOR\` are heeded. The shapes of \`--json\` are in [json.md](json.md).
`;

/** docs/commands.md. */
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
    const usual = preset === undefined ? "" : ` (${preset} unless given)`;
    return `\`${flags}\` ${meaning}${usual}`;
  });
  const cells = [`\`${usage}\``, summary, described.join("; ")];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
}
