/** Atomics over a pool's memory, waiting for a word and waking who does. */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Pointer, Pool } from "../../mod.ts";
import { turn } from "./support.ts";
import { tell, untilWoken, withWorkers } from "./workers.ts";

test("Atomics count exactly over a pool's memory", async () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const at = pool.calloc(1, 8);
  const rounds = 30_000;
  await withWorkers(pool, 4, async (workers) => {
    await Promise.all(workers.map((worker) => tell(worker, { do: "add", at, rounds })));
  });
  assertEquals(pool.view(Uint32Array, at, 1)[0], 4 * rounds);
});

test("a lock of compareExchange, wait() and notify() lets one in at a time", async () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const at = pool.calloc(1, 8);
  const rounds = 3000;
  await withWorkers(pool, 3, async (workers) => {
    await Promise.all(workers.map((worker) => tell(worker, { do: "lock", at, rounds })));
  });
  assertEquals([...pool.view(Int32Array, at, 2)], [0, 3 * rounds]);
});

test("wait() looks at the value first and ends by its timeout", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const at = pool.calloc(1, 16);
  const word = pool.view(Int32Array, at, 1);
  assertEquals(pool.wait(at, 1), "not-equal");
  const before = performance.now();
  assertEquals(pool.wait(at, 0, { timeout: 20 }), "timed-out");
  assert(performance.now() - before >= 19);
  assertEquals(pool.wait(at, 0, { timeout: 0 }), "timed-out");
  for (const [stored, expected] of [[-1, -1], [-1, 2 ** 32 - 1], [-(2 ** 31), 2 ** 31]] as const) {
    word[0] = stored;
    assertEquals(pool.wait(at, expected, { timeout: 0.5 }), "timed-out");
    assertEquals(pool.wait(at, 5, {}), "not-equal");
  }
  assertEquals([pool.notify(at), pool.notify(at, 0), pool.notify(at, 2 ** 40)], [0, 0, 0]);
});

test("wait() and notify() refuse what is no word, value, count or timeout", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const at = pool.calloc(1, 16);
  const size = pool.stats().mapped;
  const pointers: [unknown, typeof RangeError | typeof TypeError, string][] = [
    [0, RangeError, "the pointer is null"],
    [4, RangeError, "do not lie in the pool"],
    [at + 1, RangeError, "the word is at a multiple of 4"],
    [at + 2, RangeError, "the word is at a multiple of 4"],
    [size, RangeError, "do not lie in the pool"],
    [size - 2, RangeError, "do not lie in the pool"],
    [-4, RangeError, "is not a pointer"],
    [NaN, RangeError, "is not a pointer"],
    [0.5, RangeError, "is not a pointer"],
    ["4096", TypeError, "a pointer is a number"],
    [undefined, TypeError, "a pointer is a number"],
    [4096n, TypeError, "a pointer is a number"],
  ];
  for (const [pointer, type, message] of pointers) {
    assertThrows(() => pool.wait(pointer as Pointer, 0, { timeout: 0 }), type, message);
    assertThrows(() => pool.notify(pointer as Pointer), type, message);
  }
  for (const value of [2 ** 32, -(2 ** 31) - 1, 0.5, NaN, Infinity]) {
    assertThrows(() => pool.wait(at, value), RangeError, "the expected value must be");
  }
  for (const value of [undefined, null, "0", 0n]) {
    assertThrows(
      () => pool.wait(at, value as unknown as number),
      TypeError,
      "the expected value must be",
    );
  }
  for (const count of [-1, 0.5, NaN, 2 ** 60]) {
    assertThrows(() => pool.notify(at, count), RangeError, "the count must be");
  }
  for (const timeout of [-1, NaN, -Infinity]) {
    assertThrows(() => pool.wait(at, 0, { timeout }), RangeError, "the timeout must be");
  }
  const timeout = "1" as unknown as number;
  assertThrows(() => pool.wait(at, 0, { timeout }), TypeError, "the timeout must be");
  // What Atomics.wait() takes would be waiting for ever. The word is not 1, so that a mistake here ends.
  for (const options of [5, null, "5"]) {
    assertThrows(() => pool.wait(at, 1, options as never), TypeError, "options are an object");
  }
});

test("two threads wait for each other and miss no wake", async () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const at = pool.calloc(1, 4);
  const words = pool.view(Int32Array, at, 1);
  const rounds = 2000;
  await withWorkers(pool, 1, async ([worker]) => {
    assert(worker !== undefined);
    const answered = tell(worker, { do: "answer", at, rounds });
    for (let round = 0; round < rounds; round += 1) {
      Atomics.store(words, 0, 2 * round + 1);
      pool.notify(at);
      while (Atomics.load(words, 0) === 2 * round + 1) {
        assert(pool.wait(at, 2 * round + 1, { timeout: 10_000 }) !== "timed-out");
      }
    }
    assertEquals(await answered, "answered");
  });
});

test("notify() says how many it woke", async () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const at = pool.calloc(1, 4);
  await withWorkers(pool, 3, async (workers) => {
    const waits = workers.map((worker) => tell(worker, { do: "wait", at, expected: 0 }));
    await untilWoken(pool, at, 3);
    assertEquals(await Promise.all(waits), ["ok", "ok", "ok"]);
  });
});

test("close() wakes those who wait, with EBADF", async () => {
  for (let round = 0; round < 5; round += 1) {
    const pool = Pool.create({ maxSize: "64MiB" });
    const at = pool.calloc(1, 4);
    await withWorkers(pool, 2, async (workers) => {
      const waits = workers.map((worker) => tell(worker, { do: "wait", at, expected: 0 }));
      await turn(round * 5);
      pool.close();
      assertEquals(await Promise.all(waits), ["EBADF", "EBADF"]);
    });
  }
});
