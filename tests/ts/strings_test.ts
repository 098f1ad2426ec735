/** Text by pointer. */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { OutOfMemoryError, type Pointer, Pool, VmemError } from "../../mod.ts";
import { MiB, runtime, withPool } from "./support.ts";

const small = { maxSize: "64MiB" } as const;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const plain = "The quick brown fox jumps over the lazy dog. ";
/** Around the lengths where another way is taken, in one to four bytes a character. */
const texts: readonly string[] = [0, 1, 2, 7, 8, 9, 16, 17, 32, 33, 64, 65, 1000, 100_000].flatMap(
  (length) => [
    plain.repeat(length / 45 + 1).slice(0, length),
    "é".repeat(length),
    "€".repeat(length),
    "😀".repeat(length),
    `${"x".repeat(length)}\ud800`,
    `\udc00${"x".repeat(length)}`,
    `\ufeff${"x".repeat(length)}`,
  ],
);

test("a C string comes back as it was, a lone surrogate as U+FFFD", () => {
  withPool(small, (pool) => {
    for (const text of texts) {
      const bytes = encoder.encode(text);
      const at = pool.strdup(text);
      assert(pool.usableSize(at) > bytes.length);
      assertEquals(pool.textLength(at), bytes.length);
      assertEquals(pool.readText(at), text.toWellFormed());
      assertEquals(pool.readText(at, bytes.length), decoder.decode(bytes));
      const raw = new Uint8Array(bytes.length + 1).fill(1);
      pool.read(at, raw);
      assert(raw.every((byte, index) => byte === (bytes[index] ?? 0)));
      pool.free(at);
    }
  });
});

test("pool.writeText() fills the room to the last byte, and not one more", () => {
  withPool(small, (pool) => {
    const at = pool.malloc(500_000);
    for (const text of texts) {
      const { length } = encoder.encode(text);
      for (const room of [length + 1, length + 2, 3 * length + 1, 450_000]) {
        pool.fill(at, 0xaa, length + 10);
        assertEquals(pool.writeText(at, text, room), length);
        assertEquals(pool.readText(at), text.toWellFormed());
        assertEquals(pool.view(Uint8Array, at + length + 1 as Pointer, 1)[0], 0xaa);
      }
      if (length === 0) continue;
      pool.fill(at, 0xaa, length + 10);
      for (const room of [1, length >> 1, length]) {
        if (room < 1 || room > length) continue;
        assertThrows(() => pool.writeText(at, text, room), RangeError, "there is room for");
      }
      assertEquals(pool.find(at, length + 10, 0), -1);
      assertEquals(pool.find(at, length + 10, text.slice(0, 1)), -1);
    }
    pool.free(at);
  });
});

test("bytes that are no UTF-8 become U+FFFD", () => {
  withPool(small, (pool) => {
    const at = pool.malloc(64);
    for (const bytes of [[0xff], [0xc0, 0x80], [65, 0xe2, 0x82], [0xed, 0xa0, 0x80, 66]]) {
      pool.write(at, Uint8Array.from([...bytes, 0]));
      assertEquals(pool.readText(at), decoder.decode(Uint8Array.from(bytes)));
    }
    pool.free(at);
  });
});

test("a text with U+0000 is no C string", () => {
  withPool(small, (pool) => {
    const at = pool.calloc(1, 100);
    for (const text of ["\0", "a\0", "\0a", `${"x".repeat(50)}\0`, "é\0"]) {
      assertThrows(() => pool.strdup(text), RangeError, "contains U+0000, where a C string ends");
      assertThrows(() => pool.writeText(at, text, 100), RangeError, "contains U+0000");
    }
    assertEquals(pool.compare(at, at + 50 as Pointer, 50), 0);
    // A text of known length may.
    pool.write(at, encoder.encode("a\0b"));
    assertEquals([pool.readText(at, 3), pool.readText(at), pool.readText(at, 0)], [
      "a\0b",
      "a",
      "",
    ]);
    pool.free(at);
  });
});

test("a text without an end mark is refused, one of a full field is not", () => {
  using pool = Pool.create({ size: "1MiB" });
  const at = MiB - 8 as Pointer;
  pool.fill(at, 120, 8);
  for (
    const call of [() => pool.readText(at), () => pool.textLength(at), () => pool.textLength(at, 9)]
  ) {
    assertThrows(call, RangeError, "no end mark between 1048568 and the pool's end");
  }
  assertEquals(pool.textLength(at, 8), 8);
  assertEquals(pool.textLength(at, 0), 0);
  assertEquals(pool.readText(at, pool.textLength(at, 8)), "xxxxxxxx");
  for (const outside of [MiB, 8, 4095, 0]) {
    assertThrows(() => pool.readText(outside as Pointer), RangeError, "Cannot read text");
    assertThrows(
      () => pool.textLength(outside as Pointer, 4),
      RangeError,
      "Cannot tell the length",
    );
  }
});

test("pool.strdup() leaves nothing behind when there is no room", () => {
  using pool = Pool.create({ size: "1MiB" });
  const before = pool.stats().allocated;
  assertThrows(() => pool.strdup("x".repeat(2 * MiB)), OutOfMemoryError, "Cannot copy text into");
  assertEquals(pool.stats().allocated, before);
  assert(pool.check());
});

test("text is found in every window", () => {
  withPool({ maxSize: "20GiB", giveBack: "never" }, (pool) => {
    const fillers: Pointer[] = [];
    const marks: Pointer[] = [];
    for (let index = 0; index < 20; index++) {
      marks.push(pool.strdup(`mark ${index}`));
      fillers.push(pool.malloc("500MiB"));
    }
    for (let round = 0; round < 3; round++) {
      for (const [index, at] of marks.entries()) assertEquals(pool.readText(at), `mark ${index}`);
    }
    pool.freeMany(fillers);
    pool.freeMany(marks);
  });
});

test("text of a closed pool is refused, however often it was read", () => {
  const pool = Pool.create(small);
  const at = pool.strdup("text");
  assertEquals(pool.readText(at, 4), "text");
  pool.close();
  const calls = [
    () => pool.readText(at),
    () => pool.readText(at, 4),
    () => pool.textLength(at),
    () => pool.writeText(at, "a", 4),
    () => pool.strdup("a"),
  ];
  for (const call of calls) assertThrows(call, VmemError, "the pool is closed");
});

test(
  "text that is longer than a string can be is refused",
  { skip: runtime === "bun" && "a string of 2 GiB would have to be made to see it" },
  () => {
    using pool = Pool.create({ maxSize: "1TiB" });
    assertThrows(
      () => pool.readText(4096 as Pointer, 2 ** 29),
      RangeError,
      "Cannot read text: 512 MiB are more than a string of this runtime holds",
    );
    assertEquals(pool.stats().committed, 0);
  },
);
