/** Blocks that are typed arrays. */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type ArrayType,
  type ColumnArrays,
  OutOfMemoryError,
  Pool,
  type TypedArray,
} from "../../mod.ts";
import { assertAllocated, collectUntil, MiB, runtime, withPool } from "./support.ts";

const { Float16Array } = globalThis as { Float16Array?: ArrayType<ColumnArrays["f16"]> };
const types: readonly ArrayType<TypedArray>[] = [
  ...(Float16Array === undefined ? [] : [Float16Array]),
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
];
const small = { maxSize: "256MiB" } as const;

test("pool.alloc() gives every type of array, zeroed, over exactly its block", () => {
  withPool(small, (pool) => {
    for (const type of types) {
      for (const length of [1, 7, 1000, 50_000]) {
        const array = pool.alloc(type, length);
        assert(array instanceof type);
        assertEquals(array.length, length);
        assertEquals(array.byteOffset, 0);
        assertEquals(array.buffer.byteLength, length * type.BYTES_PER_ELEMENT);
        const bytes = new Uint8Array(array.buffer);
        assert(bytes.every((byte) => byte === 0), `${type.name} of ${length}`);
        bytes.fill(0xff);
        pool.free(array);
        assertEquals(array.length, 0);
      }
    }
  });
});

test("pool.resize() and pool.view() take every type of array", () => {
  withPool(small, (pool) => {
    const at = pool.calloc(1, 64);
    for (const type of types) {
      const array = pool.alloc(type, 3);
      const one = array instanceof BigInt64Array || array instanceof BigUint64Array ? 1n : 1;
      array[2] = one;
      const longer = pool.resize(array, 5);
      assert(longer instanceof type);
      assertEquals(
        [...longer as Iterable<unknown>],
        [0, 0, one, 0, 0].map((v) => v === one ? v : longer[0]),
      );
      const view = pool.view(type, at, 64 / type.BYTES_PER_ELEMENT);
      assert(view instanceof type);
      view[0] = one;
      assertEquals(pool.view(type, at, 1)[0], one);
      pool.free(longer);
    }
    pool.free(at);
  });
});

test("pool.alloc() takes classes that extend a typed array", () => {
  class Samples extends Float32Array<ArrayBuffer> {
    get sum(): number {
      return this.reduce((sum, each) => sum + each, 0);
    }
  }
  withPool(small, (pool) => {
    const samples = pool.alloc(Samples, 4);
    samples.fill(2);
    assertEquals(samples.sum, 8);
    const more = pool.resize(samples, 5);
    assert(more instanceof Samples);
    assertEquals(more.sum, 8);
    pool.free(more);
  });
});

test("arrays do not overlap", () => {
  withPool(small, (pool) => {
    const arrays = Array.from(
      { length: 500 },
      (_, index) => pool.alloc(Uint16Array, 1 + index * 7).fill(index),
    );
    for (const [index, array] of arrays.entries()) {
      assert(array.every((each) => each === index), `array ${index}`);
    }
    for (const array of arrays) pool.free(array);
  });
});

test("pool.resize() keeps elements and zeroes new ones, over many sizes", () => {
  withPool(small, (pool) => {
    let array = pool.alloc(Uint32Array, 5).fill(9);
    let kept = 5;
    for (const length of [6, 5, 100, 3000, 3001, 1_000_000, 5_000_000, 4_000_000, 900, 4, 4, 1]) {
      const old = array;
      array = pool.resize(array, length);
      assertEquals(old.length, 0);
      assertEquals(old.buffer.detached, true);
      kept = Math.min(kept, length);
      assertEquals(array.length, length);
      assert(array.subarray(0, kept).every((each) => each === 9), `kept of ${length}`);
      assert(array.subarray(kept).every((each) => each === 0), `new of ${length}`);
      assert(pool.check());
    }
    assertEquals(pool.usableSize(array), 16);
    pool.free(array);
  });
});

test("pool.resize() to fewer elements gives memory back", {
  skip: runtime === "node" &&
    "a block that keeps its place keeps its length while Node holds its old buffer",
}, async () => {
  using pool = Pool.create(small);
  const array = pool.resize(pool.alloc(Uint8Array, 64 * MiB), 2 * MiB);
  await assertAllocated(pool, 2 * MiB);
  pool.free(pool.resize(array, 100));
  await assertAllocated(pool, 0);
});

test("pool.resize() without room leaves the array untouched", () => {
  withPool({ size: "4MiB" }, (pool) => {
    const array = pool.alloc(Uint8Array, 3 * MiB).fill(1);
    assertThrows(() => pool.resize(array, 64 * MiB), OutOfMemoryError);
    assertEquals(array.length, 3 * MiB);
    assert(array.every((each) => each === 1));
    pool.free(array);
  });
});

test("pool.usableSize() takes arrays", () => {
  withPool(small, (pool) => {
    const array = pool.alloc(Uint8Array, 100);
    assertEquals(pool.usableSize(array), 112);
    pool.free(array);
  });
});

/** What `Float16Array` means as a type, where the compiler knows it. */
type BareHalf = typeof globalThis extends { Float16Array: { readonly prototype: infer A } } ? A
  : never;

test("arrays may be declared by the bare name of their class", () => {
  using pool = Pool.create({ size: "16MiB" });
  let rows: Float64Array = pool.alloc(Float64Array, 2);
  rows = pool.resize(rows, 4);
  assertEquals(pool.usableSize(rows), 32);
  pool.free(rows);
  if (Float16Array !== undefined) {
    const half: BareHalf = pool.alloc(Float16Array, 2);
    pool.free(half);
  }

  const shared: Uint8Array = new Uint8Array(new SharedArrayBuffer(8));
  assertThrows(() => pool.free(shared), TypeError, "its memory is shared");
  assertThrows(() => pool.resize(shared, 9), TypeError, "its memory is shared");
});

test("an array that was moved by structuredClone is freed by its new owner", () => {
  withPool(small, (pool) => {
    const array = pool.alloc(Uint8Array, 5000).fill(4);
    const moved = structuredClone(array, { transfer: [array.buffer] });
    assertEquals(array.length, 0);
    assert(moved.every((each) => each === 4));
    assertThrows(() => pool.free(array), TypeError, "transferred already");
    pool.free(moved);
    assertEquals(moved.length, 0);
  });
});

test("forgotten arrays give their blocks back after a collection", async () => {
  using pool = Pool.create(small);
  for (let round = 0; round < 20; round += 1) {
    for (let index = 0; index < 100; index += 1) pool.alloc(Uint8Array, 1000 + index);
    await Promise.resolve();
  }
  const kept = pool.alloc(Uint8Array, 100).fill(5);
  // A collector may take a leftover on the stack for a reference.
  await collectUntil(() => pool.stats().allocated < 20_000, "the blocks of 2000 arrays came back");
  assertEquals(kept[99], 5);
  assert(pool.check());
});

test("a loop that allocates and frees keeps nothing", async () => {
  using pool = Pool.create(small);
  for (let round = 0; round < 50_000; round += 1) {
    const array = pool.alloc(Uint8Array, 64);
    array[0] = 1;
    pool.free(array);
  }
  await assertAllocated(pool, 0);
});
