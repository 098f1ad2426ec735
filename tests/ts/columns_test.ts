/** Columns: structs of arrays in one block. */
import { test } from "node:test";
import { promisify } from "node:util";
import { deflate } from "node:zlib";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type ArrayType,
  type ColumnArrays,
  type Columns,
  OutOfMemoryError,
  type Pointer,
  Pool,
  VmemError,
} from "../../mod.ts";
import { memoryOf } from "../../src/memory.ts";
import * as native from "../../src/native.ts";
import { refuses, show } from "./wrong.ts";
import { collectUntil, MiB, Random, withPool } from "./support.ts";

const small = { maxSize: "64MiB" } as const;

/** All but f16, whose arrays not every compiler knows. */
const every = {
  a: "u8",
  b: "i8",
  c: "u16",
  d: "i16",
  e: "u32",
  f: "i32",
  g: "u64",
  h: "i64",
  i: "f32",
  j: "f64",
} as const;

type Every = Columns<typeof every>;

function fill(columns: Every, from: number): void {
  for (const array of Object.values(columns)) {
    for (let index = from; index < array.length; index++) {
      const value = (index * 7 + 3) % 120;
      array[index] = typeof array[0] === "bigint" ? BigInt(value) : value;
    }
  }
}

/** The elements up to `length` are those of `fill`, the others 0. */
function check(columns: Every, length: number, what: string): void {
  for (const [name, array] of Object.entries(columns)) {
    const wrong = array.findIndex((value: number | bigint, index: number) =>
      Number(value) !== (index < length ? (index * 7 + 3) % 120 : 0)
    );
    assertEquals(wrong, -1, `column ${name} ${what}`);
  }
}

test("pool.columns() gives typed arrays in one block, on cache lines", () => {
  withPool(small, (pool) => {
    const columns = pool.columns(every, 100);
    // What the compiler makes of it.
    const ids: Uint32Array<ArrayBuffer> = columns.e;
    const large: BigUint64Array<ArrayBuffer> = columns.g;
    const prices: Float64Array<ArrayBuffer> = columns.j;
    assertEquals([ids.length, large.length, prices.length], [100, 100, 100]);
    assertEquals(Object.keys(columns), Object.keys(every));
    const { buffer } = columns.a;
    let end = 0;
    for (const array of Object.values(columns)) {
      assert(array.buffer === buffer && array.byteOffset % 64 === 0 && array.byteOffset >= end);
      end = array.byteOffset + array.byteLength;
      assert(array.every((value: number | bigint) => Number(value) === 0));
    }
    assertEquals(buffer.byteLength, end);
    assert(pool.stats().allocated >= end);
    pool.free(columns);
    assertEquals(buffer.byteLength, 0);
    assertEquals(
      Object.values(columns).map(({ length }) => length),
      Object.keys(every).map(() => 0),
    );
  });
});

test("a block of columns begins on a cache line, wherever it is moved", () => {
  withPool(small, (pool) => {
    const fillers: Pointer[] = [];
    for (const length of [1, 3, 100, 5000, 300_000]) {
      fillers.push(pool.malloc(16));
      let columns = pool.columns({ x: "u8", y: "f32" }, length);
      for (const resized of [length, length * 2, length + 1, 1]) {
        columns = pool.resize(columns, resized);
        assertEquals(placeOf(pool, columns.x) % 64, 0);
        fillers.push(pool.malloc(16));
      }
      pool.free(columns);
    }
    pool.freeMany(fillers);
  });
});

function placeOf(pool: Pool, array: ArrayBufferView): number {
  const memory = memoryOf(pool, "Cannot tell a place");
  return memory === undefined ? NaN : native.locate(memory.handle, array, array.byteLength);
}

test("pool.resize() of columns keeps every element, and new ones are 0", () => {
  withPool({ maxSize: "256MiB" }, (pool) => {
    const random = new Random(5);
    const fillers: Pointer[] = [];
    for (const most of [40, 3000, 50_000]) {
      let length = 1 + random.below(most);
      let columns: Every = pool.columns(every, length);
      fill(columns, 0);
      for (let round = 0; round < 25; round++) {
        const old = columns;
        const next = round % 5 === 4 ? length : 1 + random.below(most);
        columns = pool.resize(columns, next);
        assertEquals(Object.values(old).every((array) => array.length === 0), true);
        check(columns, Math.min(length, next), `from ${length} to ${next}`);
        fill(columns, Math.min(length, next));
        length = next;
        // Sometimes something is behind the block, sometimes not.
        if (round % 3 === 0) fillers.push(pool.malloc(1 + random.below(100_000)));
      }
      pool.free(columns);
    }
    pool.freeMany(fillers);
  });
});

test("columns grow and shrink in place where there is room", () => {
  withPool({ maxSize: "256MiB" }, (pool) => {
    let columns: Every = pool.columns(every, 10_000);
    fill(columns, 0);
    const place = placeOf(pool, columns.a);
    for (
      const [length, kept] of [[15_000, 10_000], [40_000, 10_000], [9000, 9000]] as const
    ) {
      columns = pool.resize(columns, length);
      check(columns, kept, `with ${length}`);
      assertEquals(placeOf(pool, columns.a), place);
    }
    pool.free(columns);
  });
});

test("columns that cannot be resized are untouched", () => {
  using pool = Pool.create({ size: "2MiB" });
  const columns: Every = pool.columns(every, 10_000);
  fill(columns, 0);
  const before = pool.stats().allocated;
  const wrong = [0, -1, 1.5, NaN, 2 ** 53, Infinity, "10", undefined, 5n, null];
  for (const length of wrong) {
    refuses(() => pool.resize(columns, length as number), `resize to ${show(length)}`);
  }
  for (const length of [1_000_000, 2 ** 40, 2 ** 46]) {
    assertThrows(() => pool.resize(columns, length), OutOfMemoryError, "Cannot resize columns");
  }
  assertThrows(() => pool.resize(columns, 2 ** 53 - 1), RangeError, "more than 2^53 - 1");
  check(columns, 10_000, "after errors");
  assertEquals(pool.stats().allocated, before);
  // Almost all of the pool is one block now, which shrinks where it is.
  const large = pool.resize(columns, 40_000);
  check(large, 10_000, "in a full pool");
  const shorter = pool.resize(large, 5000);
  check(shorter, 5000, "shortened in a full pool");
  assert(pool.check());
});

test("any name is a column's name", () => {
  withPool(small, (pool) => {
    const names = [
      "length",
      "resize",
      "constructor",
      "__proto__",
      "toString",
      "",
      "7",
      "a b",
      "then",
    ];
    const types = Object.fromEntries(names.map((name) => [name, "u16" as const]));
    assertEquals(Object.keys(types).length, names.length);
    const columns = pool.resize(pool.columns(types, 3), 4);
    assertEquals(Object.keys(columns).toSorted(), names.toSorted());
    for (const name of names) {
      const array = Object.getOwnPropertyDescriptor(columns, name)?.value;
      assert(array instanceof Uint16Array && array.length === 4, name);
    }
    pool.free(columns);
  });
});

test("columns that were forgotten go back to the pool", async () => {
  using pool = Pool.create(small);
  for (let round = 0; round < 50; round++) pool.columns({ x: "f64", y: "u8" }, 1000);
  await collectUntil(() => pool.stats().allocated === 0, "the columns' blocks are free");
});

test("columns in use by input or output are EBUSY and untouched, or left to their last user", async () => {
  using pool = Pool.create({ maxSize: "256MiB" });
  for (let round = 0; round < 8; round++) {
    const columns = pool.columns({ x: "u8", y: "u8" }, 2 * MiB);
    columns.x.fill(1);
    columns.y.fill(2);
    const work = promisify(deflate)(columns.y);
    let now = columns;
    try {
      if (round % 2 === 0) now = pool.resize(columns, round % 4 === 0 ? 3 * MiB : MiB);
      else pool.free(columns);
    } catch (error) {
      assert(error instanceof VmemError && error.code === "EBUSY", String(error));
      assertEquals(columns.x.length, 2 * MiB);
    }
    if (now.x.length > 0) {
      assert(now.x.subarray(0, MiB).every((byte) => byte === 1));
      assert(now.y.subarray(0, MiB).every((byte) => byte === 2));
    }
    await work;
    if (now.x.length > 0) pool.free(now);
    assert(pool.check());
  }
  await collectUntil(() => pool.stats().allocated === 0, "all blocks came back");
});

test("columns may be transferred to a worker", () => {
  using pool = Pool.create(small);
  const columns = pool.columns({ x: "u32", y: "u8" }, 10);
  columns.y[9] = 7;
  const { buffer, byteOffset } = columns.y;
  const moved = structuredClone(buffer, { transfer: [buffer] });
  assertEquals(columns.x.length, 0);
  assertEquals(new Uint8Array(moved, byteOffset, 10)[9], 7);
  assertThrows(() => pool.free(columns), TypeError, "transferred already");
});

test("columns of half floats, where the runtime has them", () => {
  using pool = Pool.create(small);
  const type = (globalThis as { Float16Array?: ArrayType<ColumnArrays["f16"]> }).Float16Array;
  const make = () => pool.columns({ x: "f16", y: "f64" }, 3);
  if (type === undefined) {
    assertThrows(make, TypeError, "no Float16Array");
    return;
  }
  const columns = make();
  assert((columns.x as unknown) instanceof type);
  columns.x[2] = 0.1;
  assertEquals(columns.x[2], 0.0999755859375);
  assertEquals(pool.resize(columns, 4).x[2], 0.0999755859375);
});
