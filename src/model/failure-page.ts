/** Why a request was not answered, for a page or a JSON answer. */
export interface ServiceFailure {
  readonly title: string;
  readonly why: string;
  /** The command to run next. */
  readonly next: string;
  readonly log: readonly string[];
}

/** Renders the page for a failure; for a 503 it reloads every two seconds. */
export function failurePage(status: number, { title, why, next, log }: ServiceFailure): string {
  const retry = status === 503 ? '<meta http-equiv="refresh" content="2">' : "";
  const lines =
    log.length > 0 ? `<h2>Last lines of its log</h2><pre>${escapeHtml(log.join("\n"))}</pre>` : "";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">${retry}
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 12vh auto; padding: 0 1.5rem; color: #1f2430; background: #fbfaf8; }
  h1 { font-size: 1.5rem; } h2 { font-size: 1rem; margin-top: 2rem; }
  pre { background: #1f2430; color: #e8e6e1; padding: 1rem; border-radius: .5rem; overflow-x: auto; font-size: .85rem; }
  code { background: #ecebe7; padding: .1rem .35rem; border-radius: .25rem; }
  @media (prefers-color-scheme: dark) { body { color: #e8e6e1; background: #15181f; } code { background: #2a2f3a; } }
</style></head>
<body><h1>${escapeHtml(title)}</h1><p>${escapeHtml(why)}</p><p>Next: <code>${escapeHtml(next)}</code></p>${lines}</body></html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
