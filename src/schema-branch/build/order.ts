import type { Edge } from "../inspect/inventory.ts";
import type { BuildStep } from "../types.ts";

/** Build steps in a possible order, and cycles for which there is none. */
export interface Order {
  readonly early: BuildStep[];
  readonly late: BuildStep[];
  readonly last: BuildStep[];
  readonly circles: BuildStep[][];
}

/** Maps each object to the step that builds it: its own, that of the object it comes with, or its owner's. */
export function coverage(
  items: readonly BuildStep[],
  covers: readonly (readonly [string, string])[],
  edges: readonly Edge[],
): Map<string, string> {
  const found = new Map<string, string>(covers.filter(([from, to]) => from !== to));
  for (const item of items) found.set(item.key, item.key);
  // What the server creates as part of another object (row and array types, toast tables, RI triggers)
  // depends on it internally.
  for (const edge of edges)
    if (edge.type === "i" && !found.has(edge.from)) found.set(edge.from, edge.to);
  const home = (key: string): string | undefined => {
    let at: string | undefined = key;
    for (let steps = 0; at !== undefined && steps < 8; steps++) {
      const next: string | undefined = found.get(at);
      if (next === at) return at;
      at = next;
    }
    return undefined;
  };
  const resolved = new Map<string, string>();
  for (const key of found.keys()) {
    const item = home(key);
    if (item !== undefined) resolved.set(key, item);
  }
  return resolved;
}

/**
 * Sorts steps by their dependencies, moving forward what early steps need. Each returned step lists
 * everything it needs, including dependencies known only to the catalogs.
 */
export function order(
  items: readonly BuildStep[],
  built: ReadonlyMap<string, string>,
  edges: readonly Edge[],
): Order {
  const byKey = new Map(items.map((item) => [item.key, item]));
  const needs = new Map<string, Set<string>>();
  for (const item of items)
    needs.set(item.key, new Set(item.needs.map((key) => built.get(key) ?? key)));
  for (const edge of edges) {
    const from = built.get(edge.from);
    const to = built.get(edge.to);
    if (from === undefined || to === undefined || from === to) continue;
    // The sequence of a serial column depends on the column, but must precede the column's default.
    if (edge.type === "a" && byKey.get(from)?.kind === "sequence") continue;
    needs.get(from)?.add(to);
  }
  refreshesInOrder(items, needs);
  const order: Order = { early: [], late: [], last: [], circles: [] };
  const done = new Set<string>();
  const visit = (key: string, into: BuildStep[], path: string[]): void => {
    const item = byKey.get(key);
    if (!item || done.has(key)) return;
    const at = path.indexOf(key);
    if (at >= 0) {
      order.circles.push(path.slice(at).flatMap((each) => byKey.get(each) ?? []));
      return;
    }
    path.push(key);
    for (const need of needs.get(key) ?? []) visit(need, into, path);
    path.pop();
    if (!done.has(key)) into.push({ ...item, needs: [...(needs.get(key) ?? [])] });
    done.add(key);
  };
  for (const item of items) if (item.phase === "early") visit(item.key, order.early, []);
  for (const item of items) if (item.phase !== "last") visit(item.key, order.late, []);
  for (const item of items) visit(item.key, order.last, []);
  return order;
}

/** Makes each materialized view wait for those that it reads, also through views and functions. */
function refreshesInOrder(items: readonly BuildStep[], needs: Map<string, Set<string>>): void {
  const fills = new Map(
    items
      .filter((item) => item.kind === "materialized rows")
      .map((item) => [item.key.replace(/\/rows$/, ""), item.key]),
  );
  for (const [view, fill] of fills) {
    const seen = new Set<string>([view]);
    const queue = [view];
    for (let key = queue.pop(); key !== undefined; key = queue.pop())
      for (const need of needs.get(key) ?? []) {
        if (seen.has(need)) continue;
        seen.add(need);
        queue.push(need);
        const other = fills.get(need);
        if (other !== undefined) needs.get(fill)?.add(other);
      }
  }
}
