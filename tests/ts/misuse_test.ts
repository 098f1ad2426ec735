/**
 * Wrong use of every function: an exception whose text helps, and nothing lost.
 *
 * Each method stands in a table with a call that works and the kind of each of its arguments. Every argument in turn is
 * replaced by every value that is wrong for its kind.
 */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Pointer, Pool, VmemError } from "../../mod.ts";
import { type Kind, refuses, show, type World, wrongValues } from "./wrong.ts";

interface Entry {
  readonly name: string;
  readonly kinds: readonly Kind[];
  readonly valid: (world: World) => unknown[];
}

const entries: readonly Entry[] = [
  { name: "alloc", kinds: ["type", "whole"], valid: () => [Float64Array, 10] },
  { name: "resize", kinds: ["array", "whole"], valid: ({ array }) => [array, 20] },
  { name: "malloc", kinds: ["size", "align"], valid: () => [10, { align: 8 }] },
  { name: "malloc", kinds: ["size"], valid: () => [10] },
  { name: "calloc", kinds: ["whole", "size", "align"], valid: () => [2, 10, { align: 8 }] },
  { name: "realloc", kinds: ["pointer", "size"], valid: ({ block }) => [block, 200] },
  { name: "free", kinds: ["block"], valid: ({ block }) => [block] },
  { name: "usableSize", kinds: ["block"], valid: ({ block }) => [block] },
  { name: "mallocMany", kinds: ["size", "whole"], valid: () => [10, 10] },
  { name: "freeMany", kinds: ["list"], valid: ({ block }) => [[block]] },
  {
    name: "view",
    kinds: ["type", "place", "whole"],
    valid: ({ block }) => [Uint8Array, block, 10],
  },
  { name: "read", kinds: ["place", "bytes"], valid: ({ block }) => [block, new Uint8Array(10)] },
  { name: "write", kinds: ["place", "bytes"], valid: ({ block }) => [block, new Uint8Array(10)] },
  { name: "address", kinds: ["place"], valid: ({ block }) => [block] },
  {
    name: "copy",
    kinds: ["place", "place", "length", "other pool"],
    valid: ({ pool, block }) => [block, block + 1, 10, pool],
  },
  {
    name: "fill",
    kinds: ["place", "byte or bytes", "length"],
    valid: ({ block }) => [block, 7, 10],
  },
  {
    name: "fill",
    kinds: ["place", "byte or bytes", "length"],
    valid: ({ block }) => [block, Uint16Array.of(1, 2), 10],
  },
  {
    name: "compare",
    kinds: ["place", "place", "length"],
    valid: ({ block }) => [block, block + 10, 10],
  },
  { name: "find", kinds: ["place", "length", "wanted"], valid: ({ block }) => [block, 10, 0] },
  { name: "find", kinds: ["place", "length", "wanted"], valid: ({ block }) => [block, 10, "ab"] },
  { name: "strdup", kinds: ["text"], valid: () => ["text"] },
  {
    name: "readText",
    kinds: ["place", "optional length"],
    valid: ({ block }) => [block, 10],
  },
  { name: "readText", kinds: ["place"], valid: ({ block }) => [block] },
  {
    name: "writeText",
    kinds: ["place", "text", "size"],
    valid: ({ block }) => [block, "text", 10],
  },
  {
    name: "textLength",
    kinds: ["place", "maximum"],
    valid: ({ block }) => [block, 10],
  },
  { name: "textLength", kinds: ["place"], valid: ({ block }) => [block] },
];

function call(pool: Pool, name: string, values: readonly unknown[]): unknown {
  const method = Reflect.get(pool, name) as (...values: readonly unknown[]) => unknown;
  return method.apply(pool, [...values]);
}

for (const { name, kinds, valid } of entries) {
  test(`pool.${name}(${kinds.join(", ")}) refuses every wrong argument and loses nothing`, () => {
    using pool = Pool.create({ maxSize: "64MiB" });
    using other = Pool.create({ maxSize: "64MiB" });
    const foreign = other.alloc(Uint8Array, 100).fill(3);
    const block = pool.malloc(100);
    pool.view(Uint8Array, block, 100).fill(1);
    const array = pool.alloc(Uint8Array, 100).fill(2);
    const world = { pool, block, array };
    const before = pool.stats().allocated;
    for (const [index, kind] of kinds.entries()) {
      const wrong = wrongValues(kind, world);
      if (kind === "block" || kind === "array") wrong.push(foreign);
      for (const value of wrong) {
        const values = valid(world);
        values[index] = value;
        const what = `pool.${name}(), argument ${index}: ${show(value)}`;
        refuses(() => call(pool, name, values), what);
        assertEquals(pool.stats().allocated, before, what);
      }
    }
    assertEquals(array.length, 100);
    assert(array.every((each) => each === 2) && foreign.every((each) => each === 3));
    assert(pool.view(Uint8Array, block, 100).every((each) => each === 1));
    assert(pool.check() && other.check());
    // And the call that is right works.
    call(pool, name, valid(world));
  });

  test(`pool.${name}(${kinds.join(", ")}) without arguments is refused`, () => {
    using pool = Pool.create({ maxSize: "64MiB" });
    refuses(() => call(pool, name, []), `pool.${name}()`);
  });

  test(`pool.${name}(${kinds.join(", ")}) of a closed pool is EBADF`, () => {
    const pool = Pool.create({ maxSize: "64MiB" });
    const block = pool.malloc(100);
    const array = pool.alloc(Uint8Array, 100);
    const values = valid({ pool, block, array });
    pool.close();
    const error = assertThrows(() => call(pool, name, values), VmemError, "the pool is closed");
    assertEquals(error.code, "EBADF");
  });
}

test("huge requests are OutOfMemoryError", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const calls: readonly [string, unknown[]][] = [
    ["malloc", [2 ** 50]],
    ["malloc", [2 ** 53 - 1]],
    ["malloc", ["8TiB"]],
    ["malloc", [2 ** 50, { align: 4096 }]],
    ["calloc", [2 ** 26, 2 ** 26]],
    ["realloc", [pool.malloc(10), 2 ** 50]],
    ["alloc", [Uint8Array, 2 ** 36]],
    ["alloc", [Float64Array, 2 ** 49]],
    ["mallocMany", [2 ** 40, 2]],
    ["mallocMany", [8, 2 ** 50]],
    ["resize", [pool.alloc(Uint8Array, 10), 2 ** 40]],
  ];
  for (const [name, values] of calls) {
    const error = assertThrows(() => call(pool, name, values), VmemError);
    assertEquals(error.name, "OutOfMemoryError", name);
    assertEquals(error.code, "ENOMEM");
  }
});

test("freed blocks are noticed while they are not handed out again", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  for (const size of [1, 16, 64, 1000, 5000, 20_000, 300_000, 5_000_000]) {
    const at = pool.malloc(size);
    pool.free(at);
    for (const name of ["free", "usableSize", "realloc", "freeMany"]) {
      const values = name === "freeMany" ? [[at]] : [at, 10];
      assertThrows(() => call(pool, name, values), RangeError, "", `${name} of ${size} bytes`);
    }
  }
  assert(pool.check());
});

test("pointers of another pool are noticed where this one has no block", () => {
  using one = Pool.create({ maxSize: "64MiB" });
  using other = Pool.create({ maxSize: "64MiB" });
  other.malloc("1MiB");
  const foreign = other.malloc(64);
  one.malloc(8);
  assertThrows(() => one.free(foreign), RangeError, `no block of this pool starts at ${foreign}`);
});

test("places beyond the pool's end cannot be viewed, read or written", () => {
  using pool = Pool.create({ size: "1MiB" });
  const end = 2 ** 20;
  const target = new Uint8Array(16);
  const places: readonly [number, number][] = [[end, 16], [end - 8, 16], [end - 16, 17], [0, 16]];
  for (const [place, length] of places) {
    const at = place as Pointer;
    assertThrows(() => pool.view(Uint8Array, at, length), RangeError);
    if (place === 0) continue;
    assertThrows(() => pool.read(at, new Uint8Array(length)), RangeError, "do not lie in the pool");
    assertThrows(
      () => pool.write(at, new Uint8Array(length)),
      RangeError,
      "do not lie in the pool",
    );
  }
  pool.read((end - 16) as Pointer, target);
  assertEquals(pool.view(Uint8Array, (end - 16) as Pointer, 16).length, 16);
});

test("views that are not aligned are refused", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const at = pool.malloc(64);
  assertThrows(() => pool.view(Float64Array, (at + 4) as Pointer, 1), RangeError, "multiple of 8");
  assertEquals(pool.view(Float32Array, (at + 4) as Pointer, 1).length, 1);
});

test("a pool that is closed twice throws, its disposal does not", () => {
  const pool = Pool.create({ maxSize: "8MiB" });
  pool.close();
  assertThrows(() => pool.close(), VmemError, "Cannot close the pool: the pool is closed");
  pool[Symbol.dispose]();
  pool[Symbol.dispose]();
});

test("methods without arguments of a closed pool are EBADF", () => {
  const pool = Pool.create({ maxSize: "8MiB" });
  pool.close();
  for (const name of ["stats", "check", "trim", "close"]) {
    const error = assertThrows(() => call(pool, name, []), VmemError);
    assertEquals([name, error.code, error.errno], [name, "EBADF", 9]);
  }
  assertThrows(() => pool.owns(1), VmemError, "the pool is closed");
  assertThrows(() => pool.free(0 as Pointer), VmemError, "the pool is closed");
  assertThrows(() => pool.usableSize(0 as Pointer), VmemError, "the pool is closed");
});

test("methods on something that is no pool are TypeErrors", () => {
  for (const { name, kinds } of entries) {
    const method = Reflect.get(Pool.prototype, name) as (...values: unknown[]) => unknown;
    assertThrows(() => method.apply({}, kinds.map(() => 1)), TypeError);
  }
});
