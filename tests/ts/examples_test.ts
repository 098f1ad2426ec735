/** The programs in examples/: they give right answers, free what they should, and end as they say. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { addRoad, addTown, findWays, makeGrid, wayTo } from "../../examples/graph.ts";
import { LruCache } from "../../examples/lru_cache.ts";
import { SharedQueue } from "../../examples/shared_queue/queue.ts";
import { OutOfMemoryError, type Pointer, Pool } from "../../mod.ts";
import { permitted } from "./child.ts";

/** Runs an example on the runtime of the test, with the permissions that its comment names. */
function run(name: string, ...words: string[]): ReturnType<typeof spawnSync> {
  const [command = "", ...rest] = permitted([], join("examples", name), ...words);
  return spawnSync(command, rest, { encoding: "utf8" });
}

test("examples: the graph's shortest ways are the shortest, and those to nowhere are none", () => {
  using pool = Pool.create();
  const [a, b, c, d] = [0, 1, 2, 3].map((id) => addTown(pool, id));
  addRoad(pool, a!, b!, 10);
  addRoad(pool, a!, c!, 2);
  addRoad(pool, c!, b!, 3);
  addRoad(pool, b!, a!, 1);
  const before = pool.stats().allocated;
  findWays(pool, a!);
  assertEquals(pool.stats().allocated, before); // the search freed what it allocated
  assertEquals(wayTo(b!), [0, 2, 1]);
  assertEquals([a!.minutes, b!.minutes, c!.minutes], [0, 5, 2]);
  assertEquals([d!.reached, wayTo(d!)], [false, [3]]);
});

test("examples: ways through a grid are as long as relaxing every road finds them", () => {
  using pool = Pool.create();
  const side = 20;
  const [start, end] = makeGrid(pool, side);
  findWays(pool, start);
  const towns = new Map([[0, start]]);
  for (const town of towns.values()) {
    for (let road = town.roads; road !== null; road = road.next) {
      if (!towns.has(road.to!.id)) towns.set(road.to!.id, road.to!);
    }
  }
  assertEquals(towns.size, side * side);
  const minutes = new Map([[0, 0]]);
  for (let changed = true; changed;) {
    changed = false;
    for (const [id, town] of towns) {
      for (let road = town.roads; road !== null; road = road.next) {
        const through = (minutes.get(id) ?? Infinity) + road.minutes;
        if (through < (minutes.get(road.to!.id) ?? Infinity)) {
          minutes.set(road.to!.id, through);
          changed = true;
        }
      }
    }
  }
  for (const [id, town] of towns) assertEquals(town.minutes, minutes.get(id));
  assertEquals(wayTo(end)[0], 0);
});

test("examples: the graph's program finds a way", { timeout: 60_000 }, () => {
  const { status, stdout, stderr } = run("graph.ts", "30");
  assertEquals(status, 0, String(stderr));
  assertMatch(String(stdout), /900 towns, 3480 roads, [\d.]+ MiB in the pool\nFrom .* \d+ minutes/);
  assertEquals(run("graph.ts", "none").status, 2);
});

test("examples: the cache gives what was set last, and forgets what was used longest ago", () => {
  using cache = new LruCache("2MiB", 1000);
  const value = (i: number): string => `${i} Grüße `.repeat(100);
  cache.set("kept", "value");
  for (let i = 0; i < 5000; i++) {
    cache.set(String(i), value(i));
    assertEquals(cache.get("kept"), "value"); // used all the time
  }
  assertEquals(cache.get("0"), undefined);
  const full = cache.size;
  assert(full > 500 && full < 2000, `${full} entries`);
  for (let i = 5000; i < 10_000; i++) cache.set(String(i), value(i));
  assertEquals([cache.get("kept"), cache.get("4999")], [undefined, undefined]);
  for (let i = 9999; i > 10_000 - full / 2; i--) assertEquals(cache.get(String(i)), value(i));
  assert(Math.abs(cache.size - full) <= 128, `${cache.size} entries, not about ${full}`);
});

test("examples: a cache's entry is replaced and deleted", () => {
  using cache = new LruCache("2MiB", 4); // a small table: buckets have many entries
  const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`);
  for (const key of keys) cache.set(key, "first");
  for (const key of keys) cache.set(key, `second ${key}`);
  assertEquals(cache.size, 100);
  assertEquals(
    keys.filter((_, i) => i % 3 === 0).map((key) => cache.delete(key)).includes(false),
    false,
  );
  assertEquals(cache.delete("key 0"), false);
  assertEquals(
    keys.map((key) => cache.get(key)),
    keys.map((key, i) => i % 3 === 0 ? undefined : `second ${key}`),
  );
  assertEquals(cache.size, 66);
});

test("examples: what is larger than the cache is refused, and leaves it empty and usable", () => {
  using cache = new LruCache("2MiB", 16);
  cache.set("a", "b");
  assertThrows(() => cache.set("large", "x".repeat(3e6)), OutOfMemoryError);
  assertEquals(cache.size, 0);
  cache.set("a", "c");
  assertEquals(cache.get("a"), "c");
});

test("examples: the cache's program ends well", { timeout: 60_000 }, () => {
  const { status, stdout, stderr } = run("lru_cache.ts");
  assertEquals(status, 0, String(stderr));
  assertMatch(String(stdout), /16 MiB hold \d+ entries; of 300000 requests \d+ were served/);
});

test("examples: a queue gives messages in their order, and waits for its turn when full", () => {
  using pool = Pool.create();
  const queue = SharedQueue.create(pool, 4);
  const same = new SharedQueue(pool, queue.pointer);
  for (let round = 0; round < 10; round++) {
    for (let i = 1; i <= 4; i++) queue.put(100 * round + i as Pointer);
    assertEquals(
      [1, 2, 3, 4].map(() => same.take() as number),
      [1, 2, 3, 4].map((i) => 100 * round + i),
    );
  }
});

test("examples: the queue's workers hand each other every job", { timeout: 120_000 }, () => {
  const { status, stdout, stderr } = run("shared_queue.ts", "20000");
  assertEquals(status, 0, String(stderr));
  assertMatch(
    String(stdout),
    /^20000 jobs in \d+ ms; .*\nThe numbers' sum is 199990000, and ought to be 199990000\n0 bytes are left/,
  );
});
