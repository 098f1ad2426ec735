/** The lives of pools, arrays and threads, in every order. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { deflate } from "node:zlib";
import { promisify } from "node:util";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Pool, type PoolOptions, VmemError } from "../../mod.ts";
import { program, run } from "./child.ts";
import type { Question } from "./children/worker.ts";
import { assertAllocated, collectUntil, MiB, runtime, turn } from "./support.ts";
import { ask, startWorker, tell, type WorkerLike } from "./workers.ts";

function startKeeper(): WorkerLike {
  return startWorker("worker.ts");
}

/** Lines of the process's memory map. */
function mappings(): number {
  return readFileSync("/proc/self/maps", "utf8").split("\n").length;
}

test("thousands of pools are made and closed and nothing piles up", async () => {
  // Files in memory: on a disk most of the time is the file system's, which ends each file (5 to 14 ms where others are at work).
  const options: PoolOptions = {
    maxSize: "64GiB",
    ...(existsSync("/dev/shm") && { dir: "/dev/shm" }),
  };
  const round = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) {
      // In Node buffers let go of their pools in a later turn.
      if (runtime === "node" && index % 50 === 0) await turn();
      using pool = Pool.create(options);
      if (index % 10 !== 0) continue;
      pool.alloc(Uint8Array, 100);
      pool.view(Uint8Array, pool.malloc(100), 100)[0] = 1;
    }
  };
  await round(300);
  const before = mappings();
  await round(2000);
  const after = mappings();
  // Closed ranges wait some seconds for users that nobody counts; there are at most 256 of them.
  assert(after < before + 300, `${before} mappings before, ${after} after`);
});

/** Open descriptors of the process; what one worker after the other leaves, once their threads have ended. */
async function left(round: () => Promise<void>, most: number): Promise<number> {
  const count = (): number => readdirSync("/proc/self/fd").length;
  for (let index = 0; index < 2; index += 1) await round(); // what a runtime opens once
  const before = count();
  for (let index = 0; index < 8; index += 1) await round();
  for (let turns = 0; turns < 1000 && count() - before > most; turns += 1) await turn(10);
  return count() - before;
}

async function withWorker(use: (worker: WorkerLike) => Promise<void>): Promise<void> {
  const worker = startWorker("sharing.ts");
  await use(worker);
  worker.terminate();
}

test("workers that end leave no descriptor, but in Deno two for each that had a view", async () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const at = pool.calloc(1, 16);
  const copied = await left(() =>
    withWorker(async (worker) => {
      await tell(worker, { do: "attach", token: pool.token });
      await tell(worker, { do: "copy", at });
    }), 2);
  assert(copied <= 2, `${copied} descriptors are left after 8 workers without a view`);
  const most = runtime === "deno" ? 2 * 8 : 0;
  const viewed = await left(() =>
    withWorker(async (worker) => {
      await tell(worker, { do: "attach", token: pool.token });
      await tell(worker, { do: "add", at, rounds: 1 });
    }), most);
  assert(viewed <= most + 2, `${viewed} descriptors are left after 8 workers with a view`);
});

test("many pools are open at the same time", () => {
  const pools = Array.from({ length: 500 }, () => Pool.create({ maxSize: "1GiB" }));
  const arrays = pools.map((pool, index) => pool.alloc(Uint32Array, 10).fill(index));
  for (const [index, array] of arrays.entries()) assert(array.every((each) => each === index));
  for (const pool of pools) pool.close();
  assert(arrays.every((array) => array.length === 0));
});

test("arrays and views have length 0 after close(), and fail instead of reaching old memory", () => {
  const pool = Pool.create({ maxSize: "8GiB", giveBack: "never" });
  const array = pool.alloc(Float64Array, 100);
  const near = pool.view(Uint8Array, pool.malloc(100), 100);
  pool.malloc("5GiB");
  const far = pool.view(Uint8Array, pool.malloc("1MiB"), 100);
  pool.close();
  for (const view of [array, near, far]) {
    assertEquals(view.length, 0);
    assertEquals(view[0], undefined);
    view[0] = 1;
    assertEquals(view[0], undefined);
    assertThrows(() => view.fill(1), TypeError);
  }
});

test("using closes on an exception", () => {
  let kept: Pool | undefined;
  assertThrows(
    () => {
      using pool = Pool.create({ maxSize: "8MiB" });
      kept = pool;
      throw new Error("on purpose");
    },
    Error,
    "on purpose",
  );
  assertThrows(() => kept?.malloc(1), VmemError, "the pool is closed");
});

test("a pool's handle is not taken over by the next pool", () => {
  const old = Pool.create({ maxSize: "8MiB" });
  const at = old.malloc(64);
  old.close();
  using next = Pool.create({ maxSize: "8MiB" });
  next.malloc(64);
  assertThrows(() => old.free(at), VmemError, "the pool is closed");
  assertThrows(() => old.malloc(64), VmemError, "the pool is closed");
  assertEquals(next.stats().allocated, 64);
});

test("an array that was posted to a worker is whole there, and zeros after close()", async () => {
  const worker = startKeeper();
  try {
    const pool = Pool.create({ maxSize: "64MiB" });
    const array = pool.alloc(Uint8Array, MiB).fill(7);
    const question: Question = { ask: "keep", array };
    assertEquals(await ask(worker, question, [array.buffer]), [MiB, 7]);
    assertEquals(array.length, 0);
    assertEquals(pool.stats().allocated, MiB);
    assertEquals(await ask(worker, { ask: "report" }), [MiB, 7, 7]);
    pool.close();
    assertEquals(await ask(worker, { ask: "report" }), [MiB, 0, 0]);
  } finally {
    worker.terminate();
  }
});

test("an array that comes back from a worker can be freed", async () => {
  const worker = startKeeper();
  try {
    using pool = Pool.create({ maxSize: "64MiB" });
    const array = pool.alloc(Uint8Array, 5000).fill(9);
    await ask(worker, { ask: "keep", array }, [array.buffer]);
    const back = await ask(worker, { ask: "return" }) as Uint8Array<ArrayBuffer>;
    assert(back.every((byte) => byte === 9));
    pool.free(back);
    await assertAllocated(pool, 0);
  } finally {
    worker.terminate();
  }
});

test("a worker's end gives back what it was sent", async () => {
  const worker = startKeeper();
  using pool = Pool.create({ maxSize: "64MiB" });
  const array = pool.alloc(Uint8Array, MiB);
  await ask(worker, { ask: "keep", array }, [array.buffer]);
  worker.terminate();
  await collectUntil(() => pool.stats().allocated === 0, "the ended worker's block came back");
});

test("workers that leave their pools open, or end in the middle, disturb nobody", async () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const array = pool.alloc(Uint8Array, 1000).fill(3);
  for (let round = 0; round < 5; round += 1) {
    const workers = [startKeeper(), startKeeper()];
    const [leaving, busy] = workers;
    if (leaving === undefined || busy === undefined) break;
    assertEquals(await ask(leaving, { ask: "leave open" }), "open");
    const churned = ask(busy, { ask: "churn" });
    if (round % 2 === 0) assertEquals(await churned, "churned");
    for (const worker of workers) worker.terminate();
    pool.free(pool.malloc(1000));
  }
  assert(array.every((byte) => byte === 3));
  assert(pool.check());
});

test("close() while input and output use arrays ends well", async () => {
  for (let round = 0; round < 10; round += 1) {
    const pool = Pool.create({ maxSize: "256MiB" });
    const array = pool.alloc(Uint8Array, 8 * MiB).fill(1);
    const other = pool.alloc(Uint8Array, 8 * MiB).fill(2);
    const work = [
      promisify(deflate)(array),
      writeFile("/dev/null", other),
      crypto.subtle.digest("SHA-256", array),
    ];
    if (round % 2 === 0) await turn();
    pool.close();
    // Whether it works on zeros, on a copy, or fails is the engine's choice; it must come to an end.
    await Promise.allSettled(work);
  }
});

test("free() and resize() of an array in use are EBUSY, or leave it to its last user", async () => {
  using pool = Pool.create({ maxSize: "256MiB" });
  for (let round = 0; round < 20; round += 1) {
    const array = pool.alloc(Uint8Array, 4 * MiB).fill(1);
    const work = promisify(deflate)(array);
    let now = array;
    try {
      if (round % 2 === 0) now = pool.resize(array, round % 4 === 0 ? 5 * MiB : MiB);
      else pool.free(array);
    } catch (error) {
      assert(error instanceof VmemError && error.code === "EBUSY", String(error));
      assertEquals(array.length, 4 * MiB);
      assert(array.every((byte) => byte === 1));
    }
    // What the pool hands out now must not be the memory that is still read.
    const next = pool.alloc(Uint8Array, 4 * MiB).fill(2);
    await work;
    assert(next.every((byte) => byte === 2));
    if (now.length > 0) {
      assert(now.subarray(0, MiB).every((byte) => byte === 1));
      pool.free(now);
    }
    pool.free(next);
    assert(pool.check());
  }
  await collectUntil(() => pool.stats().allocated === 0, "all blocks came back");
});

const ends = [
  "return",
  "exit",
  "throw",
  "close",
  "exit with input and output",
  "close with input and output",
  "terminated",
] as const;

for (const end of ends) {
  test(`a program that ends by "${end}" with a pool ends like any other`, () => {
    const { status, signal, output } = run(program("children/exits.ts", end));
    if (end === "terminated") return assertEquals(signal, "SIGTERM", output);
    assertEquals({ signal, status }, { signal: null, status: end === "throw" ? 1 : 0 }, output);
  });
}
