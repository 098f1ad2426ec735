/** The programs in examples/: they give right answers, free what they should, and end as they say. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { Nearest } from "../../examples/embeddings/nearest.ts";
import { PoolIndex } from "../../examples/embeddings/pool_index.ts";
import { addRoad, addTown, findWays, makeGrid, wayTo } from "../../examples/graph.ts";
import { LruCache } from "../../examples/lru_cache.ts";
import { compress, decompress } from "../../examples/native_library/compress.ts";
import { openLzma } from "../../examples/native_library/lzma.ts";
import { SharedQueue } from "../../examples/shared_queue/queue.ts";
import { OutOfMemoryError, type Pointer, Pool } from "../../mod.ts";
import { permitted } from "./child.ts";
import { Random } from "./support.ts";

/** Why liblzma cannot be used; undefined if it can. */
const withoutLzma: string | undefined = (() => {
  try {
    return void openLzma();
  } catch (error) {
    return (error as Error).message;
  }
})();

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

test("examples: the nearest of many are those that sorting all of them gives", () => {
  const random = new Random(5);
  for (const [count, k] of [[5, 10], [10, 10], [1000, 1], [1000, 17]] as const) {
    const nearest = new Nearest(k);
    const all = Array.from({ length: count }, (_, id) => ({ id, score: random.below(50) }));
    for (const { id, score } of all) nearest.offer(id, score);
    const right = all.sort((a, b) => b.score - a.score || a.id - b.id).slice(0, k);
    assertEquals(nearest.list(), right);
  }
  assertThrows(() => new Nearest(0), RangeError, "k is 0; it must be 1 or more");
});

test("examples: an index of vectors finds exact cosines, also after its vectors changed", () => {
  using pool = Pool.create();
  const index = new PoolIndex(pool, 8);
  const random = new Random(3);
  const rows = new Map<number, Float32Array>();
  const make = (): Float32Array =>
    Float32Array.from({ length: 8 }, () => random.below(1000) - 500 || 1);
  for (let i = 0; i < 9000; i++) { // three segments
    const vector = make();
    rows.set(index.add(vector), vector);
    if (i % 3 !== 0) continue;
    const id = random.below(i + 1);
    assertEquals(index.delete(id), rows.delete(id));
  }
  assertEquals(index.size, rows.size);
  const cosine = (a: Float32Array, b: Float32Array): number => {
    const product = (x: Float32Array, y: Float32Array) =>
      x.reduce((sum, v, i) => sum + v * y[i]!, 0);
    return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
  };
  for (let i = 0; i < 10; i++) {
    const query = make();
    const right = [...rows].map(([id, row]) => ({ id, score: cosine(query, row) }))
      .sort((a, b) => b.score - a.score).slice(0, 7);
    const found = index.search(query, 7);
    assertEquals(found.map(({ id }) => id), right.map(({ id }) => id));
    found.forEach(({ score }, n) => assert(Math.abs(score - right[n]!.score) < 1e-6));
  }
  const other = new PoolIndex(pool, 8, index.shape.segments);
  assertEquals(other.search(make().fill(1), 5), index.search(make().fill(1), 5));
});

test("examples: an index of vectors refuses what has no direction or another length", () => {
  using pool = Pool.create();
  assertThrows(
    () => new PoolIndex(pool, 6),
    RangeError,
    "has 6 numbers; it must be a multiple of 4",
  );
  const index = new PoolIndex(pool, 8);
  assertThrows(() => index.add(new Float32Array(7)), RangeError, "The vector has 7 numbers");
  assertThrows(
    () => index.add(new Float32Array(8)),
    RangeError,
    "length is 0; it has no direction",
  );
  assertThrows(() => index.search(new Float32Array(8).fill(NaN), 1), RangeError, "length is NaN");
  assertEquals([index.size, index.delete(0), index.delete(-1)], [0, false, false]);
  assertEquals(index.search(new Float32Array(8).fill(1), 3), []);
  assertEquals(pool.stats().allocated, 0);
});

test(
  "examples: the index's program finds in the pool what is among objects",
  { timeout: 120_000 },
  () => {
    const { status, stdout, stderr } = run("embeddings.ts", "5000");
    assertEquals(status, 0, String(stderr));
    const text = String(stdout);
    assertMatch(text, /^4750 vectors of 128 numbers, 20 queries, the 10 nearest\n/);
    assertMatch(text, /in a pool, 2 workers +[\d.]+ ms\n/);
    assertMatch(
      text,
      /Of the neighbours among the objects, 100 and 100 % were found in the pool\n$/,
    );
    assertEquals(run("embeddings.ts", "many").status, 2);
  },
);

test(
  "examples: what liblzma compressed from block to block it gives back, and nothing is left",
  { skip: withoutLzma },
  () => {
    using pool = Pool.create();
    const lzma = openLzma();
    const random = new Random(9);
    for (const length of [0, 1, 65_536, 300_000]) { // the last grows its results several times
      const at = pool.malloc(Math.max(length, 1));
      const bytes = pool.view(Uint8Array, at, Math.max(length, 1));
      for (let i = 0; i < length; i++) bytes[i] = random.below(256);
      const packed = compress(pool, lzma, { at, length });
      const unpacked = decompress(pool, lzma, packed);
      assertEquals(unpacked.length, length);
      if (length > 0) assertEquals(pool.compare(at, unpacked.at, length), 0);
      pool.free(unpacked.at);
      const cut = { at: packed.at, length: packed.length - 5 };
      assertThrows(() => decompress(pool, lzma, cut), Error, "the data ends too early");
      pool.view(Uint8Array, packed.at, 1)[0] = 0;
      assertThrows(() => decompress(pool, lzma, packed), Error, "failed: liblzma says 7");
      for (const block of [at, packed.at]) pool.free(block);
    }
    assertEquals(pool.stats().allocated, 0);
  },
);

test("examples: a native library that is not installed is named", () => {
  assertThrows(() => openLzma("libnone.so.5"), Error, 'Opening "libnone.so.5" failed: ');
});

test(
  "examples: the program that compresses gets back what it had",
  { skip: withoutLzma, timeout: 60_000 },
  () => {
    const { status, stdout, stderr } = run("native_library.ts", "1");
    assertEquals(status, 0, String(stderr));
    assertMatch(
      String(stdout),
      /^1048576 bytes became \d+ in \d+ ms\nand 1048576 again in \d+ ms\nThey are the same\n0 bytes are left in the pool\n$/,
    );
    assertEquals(run("native_library.ts", "0").status, 2);
  },
);
