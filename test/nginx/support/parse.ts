/** One directive of nginx' configuration, with its block. */
export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  readonly block?: readonly Directive[];
}

/** A word, or one of the three delimiters; quoted words are never delimiters. */
interface Token {
  readonly text: string;
  readonly sign: boolean;
}

/** Tokenises like nginx (ngx_conf_file.c): words, two kinds of quotes, `\` before any character, comments. */
export function parseConf(text: string): readonly Directive[] {
  const tokens = tokensOf(text);
  let at = 0;
  const block = (nested: boolean): Directive[] => {
    const found: Directive[] = [];
    let words: string[] = [];
    for (; at < tokens.length; ) {
      const token = tokens[at++];
      if (!token) break;
      if (!token.sign) words.push(token.text);
      else if (token.text === "}") {
        if (!nested || words.length > 0) throw new Error(`a "}" behind ${words.join(" ")}`);
        return found;
      } else {
        const [name, ...args] = words;
        if (name === undefined) throw new Error(`nothing before ${token.text}`);
        found.push({ name, args, ...(token.text === "{" ? { block: block(true) } : {}) });
        words = [];
      }
    }
    if (nested || words.length > 0) throw new Error(`ends within ${words.join(" ")}`);
    return found;
  };
  return block(false);
}

const TOKEN =
  /\s+|#[^\n]*|([;{}])|"((?:[^"\\]|\\[\s\S])*)"|'((?:[^'\\]|\\[\s\S])*)'|((?:[^\s;{}"'#\\]|\\[\s\S]|\$\{|(?<=\S)["'#])+)/y;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const from = TOKEN.lastIndex;
    const found = TOKEN.exec(text);
    if (!found) throw new Error(`no word at ${JSON.stringify(text.slice(from, from + 40))}`);
    const [, sign, double, single, plain] = found;
    if (sign !== undefined) tokens.push({ text: sign, sign: true });
    const word = double ?? single ?? plain;
    if (word !== undefined)
      tokens.push({ text: word.replace(/\\([\s\S])/g, unescaped), sign: false });
  }
  return tokens;
}

const unescaped = (both: string, c: string) =>
  ({ '"': '"', "'": "'", "\\": "\\", t: "\t", r: "\r", n: "\n" })[c] ?? both;

/** Lists every server with its names and locations, in order. */
export function serversOf(conf: readonly Directive[]) {
  const http = conf.filter(({ name }) => name === "http");
  return http
    .flatMap(({ block = [] }) => block.filter(({ name }) => name === "server"))
    .map(({ block = [] }) => ({
      names: block.filter(({ name }) => name === "server_name").flatMap(({ args }) => args),
      locations: block.filter(({ name }) => name === "location").map(({ args }) => args.join(" ")),
    }));
}

/** Counts directives by name, nested ones included. */
export function countsOf(conf: readonly Directive[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  const count = (directives: readonly Directive[]) => {
    for (const { name, block } of directives) {
      counts[name] = (counts[name] ?? 0) + 1;
      if (block) count(block);
    }
  };
  count(conf);
  return counts;
}

const SERVING = [
  "/",
  "@page",
  "@no_file",
  "@forbidden",
  "= /.backend",
  "= /.direct",
  "= /.kept",
  "@awake",
  "@wake",
  "@unreachable",
  "@interrupted",
  "@late",
  "@missing",
  "= /.missing",
  "@without_gate_html",
  "@without_gate_json",
];

/** Checks what every project's configuration contains, whatever the project's name. */
export const SERVERS = [
  { names: [""], locations: [] },
  { names: ["localhost", "127.0.0.1", "[::1]"], locations: SERVING },
  { names: ["~^(?<host_worktree>[a-z0-9-]{1,40})\\.localhost$"], locations: SERVING },
  {
    names: ["~^(?<host_service>[a-z0-9-]{1,40})\\.(?<host_worktree>[a-z0-9-]{1,40})\\.localhost$"],
    locations: SERVING,
  },
  { names: ["~\\.localhost$"], locations: [] },
];
