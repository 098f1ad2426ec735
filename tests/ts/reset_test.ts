/** The reset of a pool: everything freed at once. */
import { test } from "node:test";
import { promisify } from "node:util";
import { deflate } from "node:zlib";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Pointer, Pool, VmemError } from "../../mod.ts";
import { collectUntil, MiB, reset } from "./support.ts";
import { ask, startWorker, tell, withWorkers } from "./workers.ts";

const options = { maxSize: "64MiB" } as const;

test("reset() frees everything and keeps storage, views and token", async () => {
  for (const hardening of [0, 1, 2, 3] as const) {
    using pool = Pool.create({ ...options, hardening, giveBack: "never" });
    const { token } = pool;
    const at = pool.malloc(100);
    const view = pool.view(Uint8Array, at, 100).fill(1);
    const blocks = pool.mallocMany(64, 10_000);
    pool.malloc("5MiB");
    const arrays = [pool.alloc(Uint8Array, 1000), pool.alloc(Float64Array, MiB / 8)];
    const { committed, mapped } = pool.stats();
    await reset(pool);
    assertEquals(arrays.map((array) => array.length), [0, 0]);
    assertEquals(view[99], 1);
    const after = pool.stats();
    assertEquals([after.allocated, after.active, after.committed], [0, 0, committed]);
    assertEquals(after.largestFree, after.available);
    assertEquals([pool.token, after.mapped], [token, mapped]);
    for (const old of [at, ...blocks.slice(0, 10)] as Pointer[]) assert(!pool.owns(old));
    if (hardening >= 2) assertThrows(() => pool.free(at), RangeError);
    // Nothing of before is taken for zeros.
    for (const size of [64, 5000, 300_000, 6 * MiB]) {
      const zeros = pool.calloc(1, size);
      assert(pool.view(Uint8Array, zeros, size).every((byte) => byte === 0));
    }
    assert(pool.check());
    pool.reset();
    pool.reset();
    assertEquals(pool.stats().allocated, 0);
  }
});

test("reset() gives storage back where a pool gives back at once", () => {
  using pool = Pool.create({ ...options, giveBack: "immediate" });
  pool.malloc("40MiB");
  pool.reset();
  assertEquals(pool.stats().committed, 0);
});

test("reset() after arrays that were forgotten", async () => {
  using pool = Pool.create(options);
  for (let round = 0; round < 5; round += 1) {
    for (let index = 0; index < 5000; index += 1) pool.alloc(Uint8Array, 64);
    await reset(pool);
    assertEquals(pool.stats().allocated, 0);
  }
});

test("reset() is EBUSY while an array is in use elsewhere, and changes nothing", async () => {
  using pool = Pool.create(options);
  const block = pool.malloc(64);
  const refused = (): void => {
    const error = assertThrows(() => pool.reset(), VmemError, "Cannot reset the pool: arrays of");
    assertEquals(error.code, "EBUSY");
    assert(pool.owns(block));
    assert(pool.check());
  };
  const worker = startWorker("worker.ts");
  try {
    const posted = pool.alloc(Uint8Array, 1000).fill(4);
    await ask(worker, { ask: "keep", array: posted }, [posted.buffer]);
    refused();
    assertEquals(await ask(worker, { ask: "report" }), [1000, 4, 4]);
    const back = await ask(worker, { ask: "return" }) as Uint8Array<ArrayBuffer>;
    refused(); // it came by post, so this isolate does not know it
    pool.free(back);
  } finally {
    worker.terminate();
  }
  {
    using same = Pool.attach(pool.token);
    const theirs = same.alloc(Uint8Array, 10).fill(3);
    refused();
    assertEquals(theirs[9], 3);
  }
  await reset(pool);
  assertEquals(pool.stats().allocated, 0);

  const array = pool.alloc(Uint8Array, 8 * MiB).fill(1);
  const work = promisify(deflate)(array);
  try {
    pool.reset(); // input and output is over, or has a copy
  } catch (error) {
    assert(error instanceof VmemError && error.code === "EBUSY", String(error));
  }
  await work;
  await collectUntil(() => {
    try {
      pool.reset();
      return true;
    } catch {
      return false;
    }
  }, "input and output let go of the array");
});

test("scopes and reset(): what a scope allocated before is not freed again", async () => {
  using pool = Pool.create(options);
  const scope = pool.scope();
  for (let index = 0; index < 100; index += 1) scope.malloc(64);
  const array = scope.alloc(Uint8Array, 100);
  await reset(pool);
  const mine = Array.from({ length: 200 }, () => pool.malloc(64));
  scope.close();
  assertEquals(array.length, 0);
  for (const at of mine) assert(pool.owns(at));
});

test("reset() under attachments: their caches hand out nothing twice", async () => {
  using pool = Pool.create(options);
  await withWorkers(pool, 2, async (workers) => {
    const allocate = (): Promise<unknown[]> =>
      Promise.all(workers.map((worker) => tell(worker, { do: "allocate", count: 2000 })));
    for (let round = 0; round < 5; round += 1) {
      const before = await allocate() as Pointer[][];
      // Their caches are full of freed blocks.
      for (const [index, worker] of workers.entries()) {
        await tell(worker, { do: "free", pointers: before[index]?.slice(0, 1000) ?? [] });
      }
      pool.reset();
      assertEquals(pool.stats().allocated, 0);
      const lists = await allocate() as Pointer[][];
      const mine = Array.from({ length: 2000 }, () => pool.malloc(64));
      assertEquals(new Set([...lists.flat(), ...mine]).size, 6000);
      for (const list of lists) {
        for (const [index, at] of list.entries()) {
          assertEquals(pool.view(Float64Array, at, 8)[7], index);
        }
      }
      assert(pool.check());
      pool.reset();
    }
  });
});
