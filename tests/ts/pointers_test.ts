/** Blocks by pointer. */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { OutOfMemoryError, type Pointer, Pool } from "../../mod.ts";
import { MiB, withPool } from "./support.ts";

const small = { maxSize: "64MiB" } as const;

test("pool.malloc() gives blocks that are disjoint and aligned", () => {
  withPool(small, (pool) => {
    const blocks: { at: Pointer; size: number }[] = [];
    for (let size = 1; size < 40_000; size = Math.ceil(size * 1.3)) {
      blocks.push({ at: pool.malloc(size), size });
    }
    const sorted = blocks.toSorted((a, b) => a.at - b.at);
    for (const [index, { at, size }] of sorted.entries()) {
      assertEquals(at % (size < 16 ? 8 : 16), 0);
      assert(pool.usableSize(at) >= size);
      const next = sorted[index + 1];
      if (next !== undefined) assert(at + size <= next.at, `${at} + ${size} overlaps ${next.at}`);
    }
    for (const { at } of blocks) pool.free(at);
  });
});

test("pool.malloc() takes sizes as text", () => {
  withPool(small, (pool) => {
    const at = pool.malloc("1.5MiB");
    assert(pool.usableSize(at) >= 1.5 * MiB);
    pool.free(at);
  });
});

test("pool.malloc() obeys every alignment", () => {
  withPool({ maxSize: "4GiB" }, (pool) => {
    for (let align = 1; align <= 2 ** 30; align *= 2) {
      for (const size of [1, 100, 5000, 100_000]) {
        const at = pool.malloc(size, { align });
        assertEquals(at % align, 0);
        assertEquals(pool.address(at) % align, 0);
        pool.free(at);
      }
    }
  });
});

test("pool.calloc() gives zeros, from fresh and from used memory", () => {
  withPool(small, (pool) => {
    for (const size of [1, 16, 100, 4096, 20_000, 300_000, 5 * MiB]) {
      const used = pool.malloc(size);
      pool.view(Uint8Array, used, size).fill(0xa5);
      pool.free(used);
      const at = pool.calloc(1, size);
      assert(pool.view(Uint8Array, at, size).every((byte) => byte === 0), `size ${size}`);
      pool.free(at);
    }
  });
});

test("pool.calloc() multiplies", () => {
  withPool(small, (pool) => {
    const at = pool.calloc(1000, "16B");
    assert(pool.usableSize(at) >= 16_000);
    pool.free(at);
    assertThrows(() => pool.calloc(2 ** 40, 2 ** 40), RangeError);
  });
});

test("pool.realloc() keeps the bytes, up and down", () => {
  withPool(small, (pool) => {
    let at = pool.realloc(0 as Pointer, 10);
    let size = 10;
    pool.view(Uint8Array, at, size).set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    for (const next of [100, 5000, 70_000, 3 * MiB, 10 * MiB, 60_000, 3000, 10]) {
      at = pool.realloc(at, next);
      size = next;
      assertEquals([...pool.view(Uint8Array, at, 10)], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      assert(pool.usableSize(at) >= size);
    }
    pool.free(at);
  });
});

test("pool.realloc() leaves the block alone when there is no room", () => {
  withPool({ size: "2MiB" }, (pool) => {
    const at = pool.malloc(1000);
    pool.view(Uint8Array, at, 1000).fill(7);
    assertThrows(() => pool.realloc(at, "1GiB"), OutOfMemoryError);
    assert(pool.view(Uint8Array, at, 1000).every((byte) => byte === 7));
    pool.free(at);
  });
});

test("pool.free() of null does nothing", () => {
  withPool(small, (pool) => {
    pool.free(0 as Pointer);
    pool.free(-0 as Pointer);
    assertEquals(pool.usableSize(0 as Pointer), 0);
    assertEquals(pool.owns(0), false);
    assertEquals(pool.address(0 as Pointer), 0);
  });
});

test("pool.owns() is true for exactly the blocks in use", () => {
  withPool(small, (pool) => {
    for (const size of [1, 64, 5000, 100_000]) {
      const at = pool.malloc(size);
      assert(pool.owns(at));
      for (const no of [at + 1, at - 1, at + size, -at, NaN, Infinity, 2 ** 60, 1.5]) {
        assertEquals(pool.owns(no), false, `${no} for size ${size}`);
      }
      pool.free(at);
      assertEquals(pool.owns(at), false);
    }
  });
});

test("pool.mallocMany() and pool.freeMany() do many blocks", () => {
  withPool(small, (pool) => {
    const many = pool.mallocMany(48, 5000);
    assertEquals(new Set(many).size, 5000);
    assertEquals(pool.stats().allocated, 5000 * 48);
    for (const [index, at] of many.entries()) pool.view(Uint32Array, at as Pointer, 1)[0] = index;
    for (const [index, at] of many.entries()) {
      assertEquals(pool.view(Uint32Array, at as Pointer, 1)[0], index);
    }
    pool.freeMany(many);
    assertEquals(pool.stats().allocated, 0);
    pool.freeMany([pool.malloc(1), 0 as Pointer, pool.malloc(2)]);
    pool.freeMany([]);
  });
});

test("pool.mallocMany() is all or nothing", () => {
  withPool({ size: "1MiB" }, (pool) => {
    assertThrows(() => pool.mallocMany(1000, 1100), OutOfMemoryError);
    assertThrows(() => pool.mallocMany(8, 2 ** 32), OutOfMemoryError);
    assertEquals(pool.stats().allocated, 0);
    pool.freeMany(pool.mallocMany(1000, 500));
  });
});

test("pool.freeMany() stops at the first bad pointer and says which", () => {
  withPool(small, (pool) => {
    const many = [...pool.mallocMany(64, 600)] as Pointer[];
    const bad = [...many.slice(0, 300), 12_345 as Pointer, ...many.slice(300)];
    assertThrows(() => pool.freeMany(bad), RangeError, "Cannot free pointer 300 of 601");
    assertEquals(pool.stats().allocated, 300 * 64);
    pool.freeMany(many.slice(300));
  });
});

test("pool.read() and pool.write() copy", () => {
  withPool(small, (pool) => {
    const at = pool.malloc(1000);
    const source = Float64Array.from({ length: 125 }, (_, index) => index / 3);
    pool.write(at, source);
    const copy = new Float64Array(125);
    pool.read(at, copy);
    assertEquals(copy, source);
    const bytes = new DataView(new ArrayBuffer(20), 4, 8);
    pool.read((at + 8) as Pointer, bytes);
    assertEquals(bytes.getFloat64(0, true), 1 / 3);
    const shared = new Uint8Array(new SharedArrayBuffer(8));
    pool.read((at + 16) as Pointer, shared);
    assertEquals(new Float64Array(shared.slice().buffer)[0], 2 / 3);
    pool.write(at, shared);
    assertEquals(pool.view(Float64Array, at, 1)[0], 2 / 3);
    pool.read(at, new Uint8Array(0));
    pool.write(at, new Uint8Array(0));
    // Both sides in the pool, overlapping.
    const view = pool.view(Uint8Array, at, 16);
    view.set(Array.from({ length: 16 }, (_, index) => index));
    pool.write((at + 1) as Pointer, view.subarray(0, 8));
    assertEquals([...view.subarray(0, 10)], [0, 0, 1, 2, 3, 4, 5, 6, 7, 9]);
    pool.free(at);
  });
});

test("pool.view() sees what other views and the native side see", () => {
  withPool(small, (pool) => {
    const at = pool.malloc(64);
    const one = pool.view(Uint8Array, at, 64);
    const other = pool.view(BigUint64Array, at, 8);
    other[3] = 0x0102_0304_0506_0708n;
    assertEquals(one[24], 8);
    const copy = new Uint8Array(8);
    pool.read((at + 24) as Pointer, copy);
    assertEquals([...copy], [8, 7, 6, 5, 4, 3, 2, 1]);
    pool.free(at);
  });
});

test("pool.view() works again after its buffer was transferred away", () => {
  withPool(small, (pool) => {
    const at = pool.calloc(1, 64);
    const view = pool.view(Uint8Array, at, 64);
    const moved = view.buffer.transfer();
    assertEquals(view.length, 0);
    pool.view(Uint8Array, at, 64).fill(3);
    assertEquals(new Uint8Array(moved)[at], 3);
    pool.free(at);
  });
});

test("an exhausted pool says what is left and works on", () => {
  withPool({ size: "1MiB" }, (pool) => {
    const blocks: Pointer[] = [];
    const error = assertThrows(() => {
      for (;;) blocks.push(pool.malloc(1000));
    }, OutOfMemoryError);
    assertEquals(error.code, "ENOMEM");
    assertEquals(error.errno, 12);
    assert(error.available < 5000 && error.largestFree <= error.available, String(error));
    assert(blocks.length > 950, `${blocks.length} blocks of 1000 bytes in 1 MiB`);
    pool.free(blocks.pop() as Pointer);
    blocks.push(pool.malloc(1000));
    pool.freeMany(blocks);
  });
});

test("the address's low 32 bits are the pointer's", () => {
  using pool = Pool.create({ maxSize: "8GiB" });
  const at = pool.malloc(8);
  assertEquals(pool.address(at) % 2 ** 32, at);
  assertEquals(pool.address(at) - pool.address((at + 8) as Pointer), -8);
});
