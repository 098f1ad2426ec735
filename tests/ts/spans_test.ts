/** Copying, filling, comparing and searching between pointers. */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { type Pointer, Pool, VmemError } from "../../mod.ts";
import { GiB, MiB, Random, withPool } from "./support.ts";

const small = { maxSize: "64MiB" } as const;

/** Around the lengths where another way is taken: 64 KiB is the longest span that counts no user. */
const lengths = [0, 1, 2, 7, 8, 9, 63, 64, 65, 4095, 4096, 65_535, 65_536, 65_537, 300_000];

function place(at: Pointer, offset: number): Pointer {
  return at + offset as Pointer;
}

/** A block with pseudorandom bytes, and a copy of them. */
function randomBlock(pool: Pool, size: number, seed: number): { at: Pointer; bytes: Buffer } {
  const random = new Random(seed);
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = random.below(256);
  const at = pool.malloc(size);
  pool.write(at, bytes);
  return { at, bytes };
}

test("pool.copy() copies in both directions over itself", () => {
  withPool(small, (pool) => {
    const size = 700_000;
    const { at, bytes } = randomBlock(pool, size, 1);
    const got = new Uint8Array(size);
    for (const length of lengths) {
      for (const [to, from] of [[0, 100], [100, 0], [5, 5], [350_001, 7], [7, 350_001]] as const) {
        pool.copy(place(at, to), place(at, from), length);
        bytes.copyWithin(to, from, from + length);
        pool.read(at, got);
        assert(bytes.equals(got), `${length} bytes from ${from} to ${to}`);
      }
    }
    pool.free(at);
  });
});

test("pool.copy() copies from another pool", () => {
  withPool(small, (pool) => {
    withPool(small, (other) => {
      const { at: from, bytes } = randomBlock(other, 300_000, 2);
      const to = pool.malloc(300_000);
      for (const length of lengths) {
        pool.fill(to, 0, 300_000);
        pool.copy(to, from, length, other);
        assertEquals(pool.compare(to, to, 300_000), 0);
        const got = Buffer.from(pool.view(Uint8Array, to, 300_000).slice());
        assert(got.subarray(0, length).equals(bytes.subarray(0, length)), `${length} bytes`);
        assert(got.subarray(length).every((byte) => byte === 0));
      }
      pool.free(to);
      other.free(from);
    });
  });
});

test("pool.copy() says which pool is closed, and leaves the open one alone", () => {
  using pool = Pool.create(small);
  const at = pool.malloc(16);
  const array = pool.alloc(Uint8Array, 10);
  const other = Pool.create(small);
  const from = other.malloc(16);
  other.close();
  assertThrows(
    () => pool.copy(at, from, 16, other),
    VmemError,
    "Cannot copy bytes of another pool: the pool is closed",
  );
  assertEquals(array.length, 10);
  assertThrows(() => other.copy(from, at, 16, pool), VmemError, "Cannot copy bytes: the pool");
  assertEquals(array.length, 10);
});

test("pool.fill() repeats a byte or a pattern", () => {
  withPool(small, (pool) => {
    const at = pool.malloc(300_010);
    const patterns = [
      7,
      Uint8Array.of(255),
      Uint8Array.of(1, 2, 3),
      Uint16Array.of(0x1234),
      Uint32Array.of(1, 2),
      Float64Array.of(0.1),
      BigUint64Array.of(2n ** 63n, 5n),
      new DataView(Uint8Array.of(0, 9, 8, 7, 6, 5).buffer, 1),
      new Uint8Array(new SharedArrayBuffer(3)).fill(4),
      Uint8Array.from({ length: 70_000 }, (_, i) => i * 7),
    ];
    for (const pattern of patterns) {
      const bytes = typeof pattern === "number"
        ? Uint8Array.of(pattern)
        : new Uint8Array(pattern.buffer, pattern.byteOffset, pattern.byteLength);
      for (const length of lengths) {
        pool.fill(at, 0xee, 300_010);
        pool.fill(place(at, 5), pattern, length);
        const expected = Buffer.alloc(300_010, 0xee);
        for (let i = 0; i < length; i++) expected[5 + i] = bytes[i % bytes.length] ?? 0;
        assert(expected.equals(pool.view(Uint8Array, at, 300_010)), `${length} bytes`);
      }
    }
    pool.free(at);
  });
});

test("pool.compare() orders as memcmp does", () => {
  withPool(small, (pool) => {
    const { at: a, bytes } = randomBlock(pool, 300_000, 3);
    const b = pool.malloc(300_000);
    pool.write(b, bytes);
    for (const length of lengths) {
      assertEquals(pool.compare(a, b, length), 0);
      if (length === 0) continue;
      for (const index of [0, length >> 1, length - 1]) {
        const view = pool.view(Uint8Array, place(b, index), 1);
        const old = view[0] ?? 0;
        view[0] = old ^ 0x80;
        const order = old > (old ^ 0x80) ? 1 : -1;
        assertEquals(pool.compare(a, b, length), order, `${length} bytes, differs at ${index}`);
        assertEquals(pool.compare(b, a, length), -order);
        assertEquals(pool.compare(a, b, index), 0);
        view[0] = old;
      }
    }
    pool.free(a);
    pool.free(b);
  });
});

test("pool.find() finds what Buffer.indexOf() finds", () => {
  withPool(small, (pool) => {
    const random = new Random(4);
    for (let round = 0; round < 300; round++) {
      const letters = 1 + round % 4;
      const bytes = Buffer.from(
        Array.from({ length: random.below(3000) + 1 }, () => 97 + random.below(letters)),
      );
      const at = pool.malloc(bytes.length);
      pool.write(at, bytes);
      const begin = random.below(bytes.length);
      const wanted = round % 2 === 0
        ? bytes.subarray(begin, begin + 1 + random.below(40))
        : Buffer.from(
          Array.from({ length: 1 + random.below(8) }, () => 97 + random.below(letters)),
        );
      const index = bytes.indexOf(wanted);
      assertEquals(pool.find(at, bytes.length, wanted), index);
      assertEquals(pool.find(at, bytes.length, wanted.toString()), index);
      assertEquals(pool.find(at, bytes.length, wanted[0]!), bytes.indexOf(wanted[0]!));
      assertEquals(pool.find(at, bytes.length, 200), -1);
      if (index >= 0) assertEquals(pool.find(at, index + wanted.length - 1, wanted), -1);
      pool.free(at);
    }
  });
});

test("pool.find() takes texts, arrays and bytes, and nothing is nowhere", () => {
  withPool(small, (pool) => {
    const at = pool.strdup("Größe: 10 €");
    const length = pool.textLength(at);
    assertEquals(pool.find(at, length, "€"), 12);
    assertEquals(pool.find(at, length, "\0"), -1);
    assertEquals(pool.find(at, length + 1, "\0"), length);
    assertEquals(pool.find(at, length, Uint16Array.of(0x3031)), 9);
    assertEquals(pool.find(at, length, 0xe2), 12);
    assertEquals([pool.find(at, 0, "G"), pool.find(at, 0, 71), pool.find(0 as Pointer, 0, 0)], [
      -1,
      -1,
      -1,
    ]);
    pool.free(at);
  });
});

test("spans end at the pool's end and begin behind its first page", () => {
  using pool = Pool.create({ size: "1MiB" });
  const end = MiB;
  const calls = (at: Pointer, length: number): (() => unknown)[] => [
    () => pool.copy(at, 8192 as Pointer, length),
    () => pool.copy(8192 as Pointer, at, length),
    () => pool.fill(at, 1, length),
    () => pool.fill(at, Uint8Array.of(1, 2), length),
    () => pool.compare(at, 8192 as Pointer, length),
    () => pool.compare(8192 as Pointer, at, length),
    () => pool.find(at, length, 255),
    () => pool.find(at, length, "\x7f\x7f"),
    () => pool.readText(at, length),
    () => pool.writeText(at, "", length),
  ];
  const inside: readonly [number, number][] = [[end - 16, 16], [4096, 16], [4096, end - 8192]];
  for (const [at, length] of inside) calls(at as Pointer, length).forEach((call) => call());
  const outside: readonly [number, number][] = [
    [end - 15, 16],
    [end, 1],
    [4095, 1],
    [1, 1],
    [4096, end],
    [4096, 2 ** 53 - 1],
    [2 ** 53 - 1, 2 ** 53 - 1],
  ];
  for (const [at, length] of outside) {
    for (const call of calls(at as Pointer, length)) {
      assertThrows(call, RangeError, "in the pool");
    }
  }
  for (const call of calls(0 as Pointer, 1)) assertThrows(call, RangeError, "is null");
  assertEquals(pool.check(), true);
});

test("nothing is changed by a call that is refused", () => {
  using pool = Pool.create({ size: "1MiB" });
  const last = MiB - 8 as Pointer;
  pool.fill(last, 5, 8);
  assertThrows(() => pool.fill(last, 1, 9), RangeError);
  assertThrows(() => pool.copy(last, 8192 as Pointer, 9), RangeError);
  assertThrows(() => pool.fill(last, 256, 8), RangeError, "not 256");
  assertThrows(() => pool.writeText(last, "12345678", 8), RangeError, "there is room for 8 bytes");
  assertThrows(() => pool.writeText(last, "1\x002", 8), RangeError, "contains U+0000");
  assertEquals(pool.view(Uint8Array, last, 8), new Uint8Array(8).fill(5));
});

test("beyond 4 GiB the same", () => {
  withPool({ maxSize: "20GiB", giveBack: "never" }, (pool) => {
    const filler = pool.malloc("9GiB");
    const far = pool.malloc(100_000);
    assert(far > 8 * GiB || filler > 4 * GiB);
    const high = Math.max(far, filler + 9 * GiB - 100_000) as Pointer;
    assert(high > 2 ** 32);
    pool.fill(high, 0, 100_000);
    const low = pool.strdup("over there");
    pool.copy(high, low, 11);
    assertEquals([pool.readText(high), pool.textLength(high)], ["over there", 10]);
    assertEquals([pool.compare(high, low, 11), pool.find(high, 100_000, "there")], [0, 5]);
    assertEquals(pool.writeText(place(high, 5), "€", 4), 3);
    assertEquals(pool.readText(high), "over €");
    assertEquals(pool.find(place(high, 9), 99_991, 1), -1);
    pool.free(low);
    pool.free(far);
    pool.free(filler);
  });
});

test("lengths may be texts", () => {
  withPool(small, (pool) => {
    const at = pool.malloc("1MiB");
    pool.fill(at, 1, "1MiB");
    pool.copy(at, place(at, 2 ** 19), "512KiB");
    assertEquals(pool.compare(at, place(at, 2 ** 19), "512KiB"), 0);
    assertEquals(pool.find(at, "1MiB", 2), -1);
    pool.free(at);
  });
});

test("what the pool never handed out reads as zeros", () => {
  using pool = Pool.create({ maxSize: "1TiB" });
  for (const at of [4096, 2 ** 33, 2 ** 40 - 4096] as Pointer[]) {
    assertEquals([pool.readText(at), pool.textLength(at), pool.find(at, 4096, 1)], ["", 0, -1]);
  }
  assertEquals(pool.stats().committed, 0);
});
