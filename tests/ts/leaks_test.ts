/** Where what is in use was allocated: what a traced pool knows. */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Leak, type Pointer, Pool, string, struct, VmemError } from "../../mod.ts";
import { Mapping } from "./mapping.ts";
import { marksOf } from "./marks.ts";
import { assertAllocated, collectUntil, MiB, reset, runtime } from "./support.ts";

const { lineOf, byLine } = marksOf(import.meta.url);
const traced = { maxSize: "256MiB", trace: true } as const;

/** A pool whose close is silent about what the test leaves. */
function silent(): Pool {
  return Pool.create({ ...traced, trace: () => {} });
}

const Named = struct({ name: string(), value: "f64" });

test("pool.leaks() knows the line of each way to allocate", () => {
  using pool = silent();
  pool.malloc(10); // malloc
  pool.malloc("1MiB", { align: 4096 }); // malloc of a text
  pool.calloc(2, 8); // calloc
  pool.alloc(Float64Array, 100); // alloc
  pool.columns({ a: "u32", b: "f64" }, 10); // columns
  pool.strdup("text"); // strdup
  pool.mallocMany(64, 123); // many
  const view = pool.make(Named, { name: "Ada", value: 1 }); // make
  pool.make(Named, { name: "Ada" }).name = "Grace"; // string
  view.value = 2;
  const expected: [string, number][] = [
    ...[["malloc", 1], ["malloc of a text", 1], ["calloc", 1], ["alloc", 1], ["columns", 1]],
    ...[["strdup", 1], ["many", 123], ["make", 2]],
  ] as [string, number][];
  const { [lineOf("string")]: both, ...rest } = byLine(merged(pool.leaks()));
  assertEquals(rest, Object.fromEntries(expected.map(([mark, n]) => [lineOf(mark), n])));
  assertEquals(both, 2);
});

/** Rows of one line together, since two calls stand in one. */
function merged(leaks: readonly Leak[]): Leak[] {
  const all = new Map<string, Leak>();
  for (const leak of leaks) {
    const site = leak.site.replace(/:\d+$/, ":0");
    const before = all.get(site);
    all.set(site, { ...leak, site, blocks: leak.blocks + (before?.blocks ?? 0) });
  }
  return [...all.values()];
}

test("pool.leaks() names the place that resized a block last", () => {
  using pool = silent();
  const at = pool.malloc(100);
  pool.realloc(at, 100_000); // realloc
  pool.realloc(0 as Pointer, 10); // realloc of null
  let array = pool.alloc(Uint8Array, 1000);
  array = pool.resize(array, 500_000); // resize
  let columns = pool.columns({ a: "u8" }, 10);
  columns = pool.resize(columns, 100_000); // resize of columns
  assertEquals([array.length, columns.a.length], [500_000, 100_000]);
  assertEquals(
    byLine(pool.leaks()),
    Object.fromEntries(
      ["realloc", "realloc of null", "resize", "resize of columns"].map((
        mark,
      ) => [lineOf(mark), 1]),
    ),
  );
});

test("pool.leaks() counts an array that grew where it is, also if nobody known asked for it", async () => {
  using pool = silent();
  const array = pool.alloc(Uint8Array, 500_000);
  // In Bun the function's frame is gone before the call, and a microtask has no caller.
  const grown = await Promise.resolve().then(() => pool.resize(array, 500_100));
  assertEquals(grown.length, 500_100);
  assertEquals(pool.leaks().map(({ blocks }) => blocks), [1]);
});

test("pool.leaks() names the user's place, not the scope's, and nothing when the scope has ended", () => {
  using pool = silent();
  {
    using scope = pool.scope();
    scope.malloc(100); // of a scope
    scope.alloc(Uint8Array, 100); // array of a scope
    scope.make(Named, { value: 1 }); // struct of a scope
    using inner = scope.scope();
    const kept = inner.keep(inner.malloc(5000)); // kept
    assertEquals(Object.keys(byLine(pool.leaks())).length, 4);
    assert(pool.owns(kept));
  }
  assertEquals(byLine(pool.leaks()), { [lineOf("kept")]: 1 });
});

test("pool.leaks() has no row for what was freed, in whatever way", async () => {
  using pool = Pool.create(traced);
  pool.free(pool.malloc(100));
  pool.freeMany(pool.mallocMany(100, 1000));
  pool.free(pool.make(Named, { name: "Ada" }));
  pool.free(pool.columns({ a: "u8" }, 10));
  pool.free(pool.alloc(Uint8Array, 100));
  pool.free(pool.resize(pool.alloc(Uint8Array, 100), MiB)); // in Node two blocks that come back later
  const view = pool.make(Named, { name: "a" });
  view.name = null;
  pool.free(view);
  assertEquals(pool.leaks(), []);
  pool.mallocMany(100, 1000);
  await reset(pool);
  assertEquals(pool.leaks(), []);
  (() => pool.alloc(Uint8Array, 5000))();
  await collectUntil(() => pool.leaks().length === 0, "the collector frees an array");
});

test("pool.leaks() takes no block for another that lay at its place", () => {
  using pool = silent();
  // Given out again by code that does not trace: nothing is known of it.
  const sizes = [16, 100, 5000, 200_000, 3 * MiB];
  for (const size of sizes) {
    const at = pool.malloc(size);
    pool.free(at);
    const again = Pool.prototype.malloc.call(pool, size);
    assertEquals(again, at);
    assertEquals(pool.leaks(), [{ site: "", caller: "", blocks: 1, bytes: pool.usableSize(at) }]);
    pool.free(at);
  }
});

test("pool.leaks() without trace has the sums and no place", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  assertEquals(pool.leaks(), []);
  pool.mallocMany(100, 10);
  pool.malloc(100_000);
  const bytes = pool.stats().allocated;
  assertEquals(pool.leaks(), [{ site: "", caller: "", blocks: 11, bytes }]);
  assert(!Object.hasOwn(pool, "malloc"));
});

test("pool.leaks() has most bytes first, and the function's name", () => {
  using pool = silent();
  function small(): void {
    for (let index = 0; index < 50; index += 1) pool.malloc(16);
  }
  const large = (): void => {
    pool.malloc(100_000);
  };
  small();
  large();
  const leaks = pool.leaks();
  assertEquals(leaks.map(({ caller, blocks }) => [caller, blocks]), [["large", 1], ["small", 50]]);
  const { allocated } = pool.stats();
  assertEquals(leaks.reduce((sum, { bytes }) => sum + bytes, 0), allocated);
});

test("the stack settings of the program are left as they were", () => {
  using pool = silent();
  const engine = Error as unknown as { stackTraceLimit: number; prepareStackTrace: unknown };
  const { stackTraceLimit, prepareStackTrace } = engine;
  const own = (): string => "own";
  try {
    engine.stackTraceLimit = 0;
    engine.prepareStackTrace = own;
    pool.malloc(10); // with settings of the program
    assertEquals([engine.stackTraceLimit, engine.prepareStackTrace], [0, own]);
  } finally {
    engine.stackTraceLimit = stackTraceLimit;
    engine.prepareStackTrace = prepareStackTrace;
  }
  assertEquals(byLine(pool.leaks()), { [lineOf("with settings of the program")]: 1 });
});

test("a traced pool works like any other: what fails, fails, and leaves nothing", async () => {
  using pool = Pool.create({ size: "2MiB", trace: true });
  assertThrows(() => pool.malloc("3MiB"), VmemError);
  assertThrows(() => pool.alloc(Uint8Array, 3 * MiB), VmemError);
  assertThrows(() => pool.mallocMany(100_000, 100), VmemError);
  assertThrows(() => pool.make(Named, { name: 5 as never }), TypeError);
  assertThrows(() => pool.malloc(0), RangeError);
  const at = pool.malloc(64);
  pool.free(at);
  assertThrows(() => pool.free(at), RangeError, "freed already");
  assert(pool.check());
  assertEquals(pool.leaks(), []);
  await assertAllocated(pool, 0);
});

test("tracing at every level of hardening, and in a region", () => {
  using mapping = new Mapping(4 * MiB);
  const trace = (): void => {};
  const pools = [0, 1, 2, 3].map((level) =>
    Pool.create({ maxSize: "16MiB", hardening: level as 0, trace })
  );
  pools.push(Pool.inRegion(mapping.address, "4MiB", { trace }));
  for (using pool of pools) {
    const many = pool.mallocMany(48, 5000); // at every level
    assertEquals(byLine(pool.leaks()), { [lineOf("at every level")]: 5000 });
    pool.freeMany(many);
    assertEquals(pool.leaks(), []);
    assert(pool.check());
  }
});

test("Pool.create() refuses what is no trace", () => {
  for (const trace of ["yes", 1, null, {}]) {
    assertThrows(() => Pool.create({ trace } as never), TypeError, `"trace" must be`);
  }
});

test("pool.leaks() of a closed pool throws", () => {
  const pool = Pool.create(traced);
  pool.close();
  assertThrows(() => pool.leaks(), VmemError, "Cannot list what is in use: the pool is closed");
});

test("a million traced blocks are listed in one pass", () => {
  using pool = silent();
  const blocks = pool.mallocMany(32, 1_000_000);
  const before = performance.now();
  const [leak, ...others] = pool.leaks();
  assertEquals([leak?.blocks, others.length], [1_000_000, 0]);
  assert(performance.now() - before < 10_000);
  pool.freeMany(blocks);
  assertEquals(pool.leaks(), []);
  assert(runtime !== "node" || pool.check());
});
