import type { BuildStep } from "../types.ts";

/** What is built after the rows: first what indexes need, then indexes in parallel, then the rest. */
export interface LatePlan {
  readonly before: readonly BuildStep[];
  /** Steps of one table, in order. */
  readonly groups: readonly (readonly BuildStep[])[];
  readonly after: readonly BuildStep[];
}

/**
 * Selects the slow steps that concern one table only (indexes, keys, checks). A step that depends on another
 * table's, directly or indirectly, waits until the end.
 */
export function planLate(items: readonly BuildStep[], bytes: (table: string) => number): LatePlan {
  const byKey = new Map(items.map((item) => [item.key, item]));
  const heavy = (item: BuildStep) =>
    item.table !== undefined && (item.kind === "index" || item.kind === "constraint");
  const before: BuildStep[] = [];
  const groups = new Map<string, BuildStep[]>();
  const after: BuildStep[] = [];
  const place = new Map<string, string>();
  const wanted = new Set<string>();
  for (const item of items.filter(heavy)) collect(item);
  function collect(item: BuildStep): void {
    for (const key of item.needs) {
      const need = byKey.get(key);
      if (!need || wanted.has(key)) continue;
      wanted.add(key);
      collect(need);
    }
  }
  for (const item of items) {
    const places = item.needs.flatMap((key) => place.get(key) ?? []);
    const table = heavy(item) ? `table:${item.table}` : undefined;
    if (table !== undefined && places.every((each) => each === "before" || each === table)) {
      place.set(item.key, table);
      groups.set(table, [...(groups.get(table) ?? []), item]);
    } else if (
      table === undefined &&
      wanted.has(item.key) &&
      places.every((each) => each === "before")
    ) {
      place.set(item.key, "before");
      before.push(item);
    } else {
      place.set(item.key, "after");
      after.push(item);
    }
  }
  const ordered = [...groups.entries()].sort(([a], [b]) => bytes(b.slice(6)) - bytes(a.slice(6)));
  return { before, groups: ordered.map(([, group]) => group), after };
}
