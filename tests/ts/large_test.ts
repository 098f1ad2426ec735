/** Pools of several GiB. Files are sparse and address space is free, so little of it is real. */
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Pointer, Pool, struct } from "../../mod.ts";
import { memoryOf } from "../../src/memory.ts";
import * as native from "../../src/native.ts";
import { currentRuntime } from "../../src/runtime.ts";
import { collect, GiB, MiB, runtime, withPool } from "./support.ts";

/** Writes and reads back both ends of a block, by every road. */
function touch(pool: Pool, at: Pointer, size: number, value: number): void {
  for (const place of [at, at + size - 64] as Pointer[]) {
    pool.view(Float64Array, place, 8).fill(value);
    assertEquals(pool.view(Float64Array, place, 8)[7], value);
    const copy = new Float64Array(8);
    pool.read(place, copy);
    assertEquals(copy[7], value);
    pool.write(place, Float64Array.of(-value));
    assertEquals(pool.view(Float64Array, place, 1)[0], -value);
  }
}

test("blocks beyond 2^31 and 2^32 work like the others", () => {
  withPool({ maxSize: "20GiB", giveBack: "never" }, (pool) => {
    const fillers: Pointer[] = [];
    const blocks: { at: Pointer; size: number }[] = [];
    // A block near the start of each GiB, so that every window is used.
    for (let index = 0; index < 12; index += 1) {
      const at = pool.malloc(1024);
      blocks.push({ at, size: 1024 });
      const large = pool.malloc(8 * MiB);
      blocks.push({ at: large, size: 8 * MiB });
      fillers.push(pool.malloc(GiB / 2));
    }
    assert(blocks.some(({ at }) => at > 2 ** 31) && blocks.some(({ at }) => at > 2 ** 32));
    for (const [index, { at, size }] of blocks.entries()) touch(pool, at, size, index + 0.5);
    for (const [index, { at }] of blocks.entries()) {
      assertEquals(pool.view(Float64Array, at, 1)[0], -(index + 0.5));
      assert(pool.owns(at));
      assertEquals(pool.address(at), pool.address(4096 as Pointer) - 4096 + at);
    }
    for (const { at } of blocks) pool.free(at);
    for (const at of fillers) pool.free(at);
    for (const { at } of blocks) assertThrows(() => pool.free(at), RangeError);
  });
});

test("a view across the border of two windows sees both", () => {
  withPool({ maxSize: "8GiB", giveBack: "never" }, (pool) => {
    const block = pool.malloc("3GiB");
    for (const border of [GiB, 2 * GiB, 3 * GiB]) {
      if (border + 4 * MiB > block + 3 * GiB) continue;
      for (const size of [16, 64 * 1024, 2 * MiB, 4 * MiB]) {
        const at = (border - size / 2) as Pointer;
        const view = pool.view(Uint8Array, at, size);
        view[0] = 1;
        view[size / 2] = 2;
        view[size - 1] = 3;
        const copy = new Uint8Array(size);
        pool.read(at, copy);
        assertEquals([copy[0], copy[size / 2], copy[size - 1]], [1, 2, 3]);
        view.fill(0);
      }
    }
    pool.free(block);
  });
});

test("views of far places are found again after many others", () => {
  withPool({ maxSize: "64GiB", giveBack: "never" }, (pool) => {
    const fillers: Pointer[] = [];
    const marks: Pointer[] = [];
    for (let index = 0; index < 40; index += 1) {
      marks.push(pool.malloc(64 * 1024));
      fillers.push(pool.malloc(512 * MiB));
    }
    for (let round = 0; round < 3; round += 1) {
      for (const [index, at] of marks.entries()) {
        const view = pool.view(Uint32Array, at, 1);
        assertEquals(view[0] === index || round === 0, true);
        view[0] = index;
      }
    }
    pool.freeMany(fillers);
    pool.freeMany(marks);
  });
});

test("an array of 3 GiB has its elements at both ends", () => {
  withPool({ maxSize: "8GiB" }, (pool) => {
    const array = pool.alloc(Float64Array, 3 * GiB / 8);
    assertEquals(array.length, 3 * GiB / 8);
    array[0] = 1;
    array[array.length - 1] = 2;
    const longer = pool.resize(array, array.length + 1000);
    assertEquals([longer[0], longer[3 * GiB / 8 - 1], longer.at(-1)], [1, 2, 0]);
    pool.free(longer);
  });
});

test("arrays and views end where the runtime says that its buffers do", () => {
  const { bufferMax } = currentRuntime();
  assertEquals(bufferMax, runtime === "bun" ? 4 * GiB : 2 ** 53 - 1);
  withPool({ maxSize: "16GiB", giveBack: "never" }, (pool) => {
    const most = Math.min(bufferMax, 5 * GiB);
    const at = pool.malloc(most + 4096);
    const place = (at + most - 1) as Pointer;
    const view = pool.view(Uint8Array, at, most);
    view[most - 1] = 7;
    const copy = new Uint8Array(1);
    pool.read(place, copy);
    assertEquals(copy[0], 7);

    const array = pool.alloc(Uint8Array, most);
    assertEquals([array.length, array[most - 1]], [most, 0]);
    assert(
      native.locate(memoryOf(pool, "Cannot tell a place")!.handle, array, 1) > 4 * GiB,
      "it lies beyond 4 GiB",
    );
    array[most - 1] = 9;
    if (runtime === "bun") {
      const text = "4294967297 bytes are more than";
      assertThrows(() => pool.view(Uint8Array, at, most + 1), RangeError, text);
      assertThrows(() => pool.alloc(Uint8Array, most + 1), RangeError, text);
      assertThrows(() => pool.resize(array, most + 1), RangeError, text);
      const types = { a: "u8", b: "u8" } as const;
      assertThrows(() => pool.columns(types, most / 2 + 1), RangeError, "4 GiB of a buffer on Bun");
    }
    assertEquals([array.length, array[most - 1]], [most, 9]);
    pool.free(array);
    pool.free(at);
  });
});

if (runtime === "bun") {
  test("Bun counts the bytes of views as heap, those of structs beyond the first GiB not", () => {
    const { heapStats } = process.getBuiltinModule("bun:jsc" as string) as unknown as {
      heapStats(): { extraMemorySize: number };
    };
    const counted = (): number => {
      collect();
      return Math.round(heapStats().extraMemorySize / GiB * 4) / 4;
    };
    const before = counted();
    withPool({ maxSize: "8GiB", giveBack: "never" }, (pool) => {
      const at = pool.malloc("5GiB");
      const Word = struct({ value: "u32" });
      const word = new Word(pool, at);
      for (let place = 0; place < 5 * GiB; place += 64 * MiB) {
        word.move((at + place) as Pointer).value = place / MiB;
      }
      assertEquals(counted() - before, 1);
      const view = pool.view(Uint8Array, at, 3 * GiB);
      assertEquals([counted() - before, view[0]], [4, 0]);
      pool.free(at);
    });
    assertEquals(counted(), before);
  });
}

test("any byte of a pool of 1 TiB can be read", () => {
  using pool = Pool.create({ maxSize: "1TiB" });
  const copy = new Uint8Array(16).fill(1);
  for (const place of [4096, 2 ** 31, 2 ** 32, 2 ** 35, 2 ** 40 - 16] as Pointer[]) {
    pool.read(place, copy);
    assertEquals(copy, new Uint8Array(16));
    assert(pool.view(Uint8Array, place, 16).every((byte) => byte === 0));
  }
  assertEquals(pool.stats().committed, 0);
});

test("what was handed out is all that is committed", () => {
  using pool = Pool.create({ maxSize: "1TiB" });
  pool.malloc("100MiB");
  const { committed, mapped } = pool.stats();
  assertEquals(mapped, 2 ** 40);
  assert(committed >= 100 * MiB && committed <= 132 * MiB, `${committed} bytes committed`);
});
