/** Growing pools: low-water marks, and thousands of them. */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { OutOfMemoryError, type Pointer, Pool, VmemError } from "../../mod.ts";
import { program, run } from "./child.ts";
import { MiB } from "./support.ts";

test("isLow() agrees with stats() at the mark, with blocks in caches and out of them", () => {
  for (const options of [{ maxSize: "16MiB" }, { size: "16MiB" }] as const) {
    using pool = Pool.create(options);
    const mark = 4 * MiB;
    const blocks: Pointer[] = [];
    while (!pool.isLow(mark)) blocks.push(pool.malloc(1000 + blocks.length % 5000));
    const { available } = pool.stats();
    assert(available < mark && available > mark - 10_000, `${available} bytes`);
    assertEquals([pool.isLow(available), pool.isLow(available + 1)], [false, true]);
    // Small blocks that are free count wherever they are: here most are in the thread's cache.
    for (const at of blocks.slice(0, 20)) pool.free(at);
    assertEquals(pool.isLow(mark), false);
    assertEquals(pool.isLow(pool.stats().available), false);
    assertEquals([pool.isLow(0), pool.isLow(2 ** 50)], [false, true]);
  }
});

test("isLow() refuses what is no number of bytes, and a closed pool", () => {
  const pool = Pool.create({ maxSize: "2MiB" });
  for (const wrong of [-1, 1.5, NaN, Infinity, 2 ** 60, "1MiB", undefined, null, 1n, {}]) {
    assertThrows(() => pool.isLow(wrong as number), RangeError, "bytes must be a whole number");
  }
  pool.close();
  assertEquals(assertThrows(() => pool.isLow(1), VmemError).code, "EBADF");
});

test("what is out of memory says what is left of the limit, and that the limit is what lacks", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  pool.malloc("20MiB");
  const error = assertThrows(() => pool.malloc("60MiB"), OutOfMemoryError);
  assertEquals(error.lacks, "limit");
  assert(error.largestFree > 43 * MiB && error.largestFree <= error.available, error.message);
  pool.malloc(error.largestFree);
  const none = assertThrows(() => pool.malloc(MiB), OutOfMemoryError);
  assert(none.available < MiB, none.message);
});

test("a fixed pool has no storage left to ask for", () => {
  using pool = Pool.create({ size: "4MiB" });
  const { storageLeft, fileBytes, committed } = pool.stats();
  assertEquals([storageLeft, fileBytes], [Infinity, committed]);
});

/** Runs children/many.ts under a limit of the shell's. */
function many(limit: string, ...words: string[]): void {
  const { output, ...ended } = run([
    "sh",
    "-c",
    `${limit} && exec "$@"`,
    "sh",
    ...program("children/many.ts", ...words),
  ]);
  assertEquals({ ...ended, output: output.trim().split("\n").at(-1) }, {
    status: 0,
    signal: null,
    output: "ok",
  }, output);
}

// V8 counts the buffer behind a view as a whole, and collects all the time when the sum is some GiB.
test("what a pool's first view keeps is small, and grows with the pool's use", () => {
  using pool = Pool.create({ maxSize: "1GiB" });
  const sizes = [64, 2 ** 21, 2 ** 25].map((bytes) =>
    pool.view(Uint8Array, pool.malloc(bytes), bytes).buffer.byteLength
  );
  assert((sizes[0] ?? 0) <= 2 ** 20, String(sizes));
  assert((sizes[2] ?? 0) >= 2 ** 25 && (sizes[2] ?? 0) <= 2 ** 27, String(sizes));
});

test("two thousand growing pools at once", () => many("ulimit -S -n $(ulimit -H -n)", "2000"));

test("more pools than descriptors are an error that names the limit", () => {
  many("ulimit -n 300", "1000", "descriptors");
});
