/**
 * Wrong use of every function: an exception whose text helps, and nothing lost.
 *
 * Each method stands in a table with a call that works and the kind of each of its arguments. Every argument in turn is
 * replaced by every value that is wrong for its kind.
 */
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { assert, assertEquals, assertMatch, assertThrows, fail } from "@std/assert";
import {
  checkVersion,
  LibraryError,
  type Pointer,
  Pool,
  setLibrary,
  VmemError,
} from "../../mod.ts";

type Kind =
  | "size"
  | "whole"
  | "pointer"
  | "place"
  | "block"
  | "array"
  | "type"
  | "align"
  | "bytes"
  | "list";

/** What a call works on; made anew for each call. */
interface World {
  readonly pool: Pool;
  readonly block: Pointer;
  readonly array: Uint8Array<ArrayBuffer>;
}

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
];

const noNumbers: readonly unknown[] = [
  "10",
  "",
  "64 MiB",
  "abc",
  5n,
  null,
  true,
  {},
  [],
  [1],
  Symbol("s"),
  () => 1,
  new Date(0),
  { valueOf: () => 64 },
];
/** An object without keys is an empty set of options. */
const noOptions = noNumbers.filter((value) =>
  typeof value !== "object" || value === null || Array.isArray(value)
);
const noWholeNumbers = [NaN, Infinity, -Infinity, -1, 1.5, -1.5, 2 ** 53, 1e300, -(2 ** 31)];

const detachedArray = new Uint8Array(8);
detachedArray.buffer.transfer(0);
const freedPool = Pool.create({ maxSize: "8MiB" });
const freedArray = freedPool.alloc(Uint8Array, 10);
freedPool.close();

function wrongValues(kind: Kind, { pool, block, array }: World): unknown[] {
  const freed = pool.malloc(48);
  pool.free(freed);
  const blockless = [block + 1, block + 8, 8, 4096 * 3 + 8, 2 ** 31, 2 ** 32, 2 ** 45, freed];
  const noArrays = [
    array.subarray(1),
    array.subarray(0, 5),
    new Uint8Array(0),
    new Uint8Array(10),
    new Uint8Array(new SharedArrayBuffer(10)),
    array.buffer,
    new DataView(array.buffer),
    pool.view(Uint8Array, block, 10),
    new Uint8Array(pool.view(Uint8Array, block, 10).buffer),
    detachedArray,
    freedArray,
  ];
  switch (kind) {
    case "size":
      return [...noNumbers, ...noWholeNumbers, undefined, 0, -0, "0B", "-1MiB", "1.5B", "1MB"];
    case "whole":
      return [...noNumbers, ...noWholeNumbers, undefined, 0, -0];
    case "pointer":
      return [...noNumbers, ...noWholeNumbers, undefined, ...blockless];
    case "place":
      return [...noNumbers, ...noWholeNumbers, undefined, 8, 2 ** 31, 2 ** 32, 2 ** 45];
    case "block":
      return [...noNumbers, ...noWholeNumbers, undefined, ...blockless, ...noArrays];
    case "array":
      return [...noNumbers, ...noArrays, undefined, block, 0];
    case "type":
      return [...noNumbers, undefined, 1, DataView, ArrayBuffer, Object, Array];
    case "align":
      return [
        ...noOptions,
        8,
        ...[...noNumbers, ...noWholeNumbers, 0, 3, 2 ** 31].map(
          (align) => ({ align }),
        ),
        { alignment: 8 },
      ];
    case "bytes":
      return [...noNumbers, undefined, 1, new ArrayBuffer(8), detachedArray, freedArray];
    case "list":
      return [
        ...noNumbers.filter((value) => !Array.isArray(value) || value.length > 0),
        undefined,
        1,
        detachedArray,
        new Uint32Array(1),
        ...[...noNumbers, ...noWholeNumbers, ...blockless].map((value) => [value]),
        Float64Array.of(NaN),
        Float64Array.of(block + 1),
      ];
  }
}

function show(value: unknown): string {
  return inspect(value, { breakLength: Infinity, maxArrayLength: 3 });
}

/** Calls, and checks that the exception is one of ours with a text in house style. */
function refuses(call: () => unknown, what: string): void {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    assert(
      error instanceof TypeError || error instanceof RangeError || error instanceof VmemError,
      `${what} threw ${error}`,
    );
    assertMatch(error.message, /^Cannot [^\n]*[^.]$/, what);
    return;
  }
  fail(`${what} gave ${show(result)}`);
}

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

test("Pool.create() refuses every wrong option", () => {
  const create = (options: unknown): Pool => Pool.create(options as Record<string, never>);
  const wrong: unknown[] = [1, "x", null, true, 5n, Symbol("s"), { directory: "/tmp" }];
  const nothingOf = [...noNumbers.filter((value) => typeof value !== "string"), 1.5, -1];
  for (const dir of [...nothingOf, "", "a\0b"]) wrong.push({ dir });
  for (const name of ["size", "maxSize"]) {
    for (const value of [...noNumbers, ...noWholeNumbers, 0, 100, "100KiB", 2 ** 20 - 1]) {
      wrong.push({ [name]: value });
    }
  }
  for (const value of [...noNumbers, 1, "DECAY"]) wrong.push({ giveBack: value });
  for (const value of [...noNumbers, 3, -1, NaN]) wrong.push({ hardening: value });
  for (const value of [...noNumbers.filter((each) => each !== true), 1, 0]) {
    wrong.push({ allowUnsafeStorage: value });
  }
  wrong.push({ size: "1MiB", maxSize: "1MiB" });
  for (const options of wrong) {
    refuses(() => create(options), `Pool.create(${show(options)})`);
  }
});

test("Pool.create() tells the system's errors", () => {
  const wrong: readonly [string, string][] = [
    ["/no/such/folder", "ENOENT"],
    ["/dev/null", "EINVAL"],
    [fileURLToPath(import.meta.url), "ENOTDIR"],
    ["/dev/null/x", "ENOTDIR"],
    [`/${"x".repeat(300)}`, "ENAMETOOLONG"],
    [`/${"x/".repeat(3000)}`, "ENAMETOOLONG"],
    ["/proc", "ENOENT"],
  ];
  for (const [dir, code] of wrong) {
    const error = assertThrows(() => Pool.create({ dir }), VmemError);
    if (dir === "/proc") continue; // which error that is depends on the kernel
    assertEquals([dir.slice(0, 20), error.code], [dir.slice(0, 20), code]);
    if (dir.length < 4096) assert(error.message.includes(dir.slice(0, 20)), error.message);
  }
});

test("new Pool() is refused", () => {
  const Constructor = Pool as unknown as new (...values: unknown[]) => Pool;
  assertThrows(() => new Constructor(), TypeError, "use Pool.create()");
  assertThrows(() => new Constructor(Symbol("x"), 1), TypeError, "use Pool.create()");
});

test("methods on something that is no pool are TypeErrors", () => {
  for (const { name, kinds } of entries) {
    const method = Reflect.get(Pool.prototype, name) as (...values: unknown[]) => unknown;
    assertThrows(() => method.apply({}, kinds.map(() => 1)), TypeError);
  }
});

test("checkVersion() and setLibrary() refuse wrong arguments", () => {
  const check = checkVersion as (...parts: unknown[]) => unknown;
  for (const value of [...noNumbers, ...noWholeNumbers, undefined, 2 ** 32]) {
    refuses(() => check(value, 1), `checkVersion(${show(value)}, 1)`);
    refuses(() => check(1, value), `checkVersion(1, ${show(value)})`);
  }
  using _open = Pool.create();
  for (const value of [...noNumbers.filter((each) => typeof each !== "string"), 1, ""]) {
    refuses(() => (setLibrary as (path: unknown) => void)(value), `setLibrary(${show(value)})`);
  }
  assertThrows(() => setLibrary("/x"), LibraryError, "is in use already");
});
