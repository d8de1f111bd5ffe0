import { expect, test } from "vitest";
import {
  evictForOne,
  evictOverLimit,
  idleStops,
  pauseAfterScan,
  pauseUntilNext,
  type RunningService,
} from "../../src/services/eviction-policy.ts";

const now = 1_000_000;

function sight(key: string, over: Partial<RunningService> = {}): RunningService {
  return {
    key,
    stoppable: true,
    lastUse: now - 10_000,
    idleAfter: 10_000,
    connections: 0,
    leased: false,
    busy: false,
    memory: 100,
    after: [],
    ...over,
  };
}

const keys = (stops: readonly { key: string }[]) => stops.map(({ key }) => key);

test("a service is idle after enough time without use", () => {
  const sights = [sight("a.x"), sight("b.x", { lastUse: now - 9_999 })];
  expect(keys(idleStops(sights, now))).toEqual(["a.x"]);
});

const inUse: [string, Partial<RunningService>][] = [
  ["was not started on demand", { stoppable: false }],
  ["has an open connection", { connections: 1 }],
  ["is leased", { leased: true }],
  ["starts or stops just now", { busy: true }],
];
test.each(inUse)("what %s is never stopped, whatever the limits are", (_, over) => {
  const sights = [sight("a.x", { ...over, lastUse: 0, memory: 1e9 })];
  expect(idleStops(sights, now)).toEqual([]);
  expect(evictOverLimit(sights, { running: 0, memory: 1 }, now)).toEqual([]);
  expect(evictForOne(sights, { running: 1, memory: 1 })).toEqual({ stops: [], enough: false });
});

test("a service that another one needs stays while that one runs", () => {
  const store = sight("a.store", { lastUse: 0 });
  const backend = sight("a.backend", { lastUse: now, after: ["a.store"] });
  expect(idleStops([store, backend], now)).toEqual([]);
  expect(keys(evictForOne([store, backend], { running: 1 }).stops)).toEqual([
    "a.backend",
    "a.store",
  ]);
  expect(keys(idleStops([store], now))).toEqual(["a.store"]);
});

test("the least recently used services are evicted, and no more than needed", () => {
  const sights = [
    sight("a.x", { lastUse: 3 }),
    sight("b.x", { lastUse: 1 }),
    sight("c.x", { lastUse: 2 }),
  ];
  expect(evictForOne(sights, { running: 4 })).toEqual({ stops: [], enough: true });
  expect(keys(evictForOne(sights, { running: 3 }).stops)).toEqual(["b.x"]);
  expect(keys(evictForOne(sights, { running: 2 }).stops)).toEqual(["b.x", "c.x"]);
  expect(keys(evictForOne(sights, { memory: 150 }).stops)).toEqual(["b.x", "c.x"]);
  expect(keys(evictOverLimit(sights, { memory: 250 }, now)).slice(0, 1)).toEqual(["b.x"]);
  expect(evictForOne(sights, {})).toEqual({ stops: [], enough: true });
});

test("a recently used service is not evicted first for its memory", () => {
  const sights = [sight("a.x", { lastUse: now - 100, memory: 1_000 })];
  expect(evictOverLimit(sights, { memory: 500 }, now)).toEqual([]);
  expect(keys(evictOverLimit(sights, { memory: 500 }, now + 10_000))).toEqual(["a.x"]);
});

test("the next check is in time for the shortest idle time, and never a busy loop", () => {
  expect(pauseUntilNext([sight("a.x", { idleAfter: 4_000 })], {})).toBe(1_000);
  expect(pauseUntilNext([sight("a.x", { idleAfter: 1 })], {})).toBe(250);
  expect(pauseUntilNext([], {})).toBe(15_000);
  expect(pauseUntilNext([sight("a.x", { idleAfter: 9e9 })], { memory: 1 })).toBe(5_000);
});

test("a failed service is checked for changes less often if that takes long", () => {
  expect(pauseAfterScan(27)).toBe(5_400);
  expect(pauseAfterScan(0)).toBe(0);
});
