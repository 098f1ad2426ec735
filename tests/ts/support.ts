/** What several test files of the suite need. */
import process from "node:process";
import { afterEach } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert, assertEquals } from "@std/assert";
import { Pool, type PoolOptions, VmemError } from "../../mod.ts";

export const runtime: "bun" | "deno" | "node" = process.versions.bun !== undefined
  ? "bun"
  : process.versions.deno !== undefined
  ? "deno"
  : "node";

/** Bytes of 1 MiB and 1 GiB. */
export const MiB: number = 2 ** 20;
export const GiB: number = 2 ** 30;

/** A full collection. */
export function collect(): void {
  const { Bun } = globalThis as { Bun?: { gc(synchronous: boolean): void } };
  if (Bun !== undefined) return Bun.gc(true);
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

/** One turn of the event loop. */
export function turn(ms = 0): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Collects until a condition holds; finalizers run on threads of their own. */
export async function collectUntil(condition: () => boolean, what: string): Promise<void> {
  for (let round = 0; round < 500; round += 1) {
    await turn(round < 10 ? 1 : 20);
    collect();
    if (condition()) return;
  }
  assert(condition(), `never happened: ${what}`);
}

/**
 * Runs with a pool; at the end nothing may be allocated any more, and the pool must be whole. In Node the blocks of freed
 * arrays come back in a later turn, so there it is looked at when the test has ended.
 */
export function withPool(options: PoolOptions, run: (pool: Pool) => void): void {
  if (runtime === "node") {
    const pool = Pool.create(options);
    unsettled.push(pool);
    return run(pool);
  }
  using pool = Pool.create(options);
  run(pool);
  assertEquals(pool.stats().allocated, 0, "bytes allocated at the end");
  assert(pool.check(), "the pool is not consistent");
}

const unsettled: Pool[] = [];

// A program that a test starts would become one itself by a hook.
if (runtime === "node" && process.argv[1]?.endsWith("_test.ts")) {
  afterEach(async () => {
    for (using pool of unsettled.splice(0)) {
      await assertAllocated(pool, 0, "bytes allocated at the end");
      assert(pool.check(), "the pool is not consistent");
    }
  });
}

/** Fails unless so many bytes are allocated; in Node within some turns of the event loop, elsewhere now. */
export async function assertAllocated(pool: Pool, bytes: number, what?: string): Promise<void> {
  const turns = runtime === "node" ? 500 : 0;
  for (let n = 0; n < turns && pool.stats().allocated !== bytes; n += 1) {
    await turn(1);
    pool.check(); // empties the quarantine of hardening level 3
  }
  assertEquals(pool.stats().allocated, bytes, what);
}

/** `pool.reset()`, which in Node is EBUSY until the blocks of arrays that it took away have come back. */
export async function reset(pool: Pool): Promise<void> {
  for (let n = 0; n < 500 && runtime === "node"; n += 1) {
    try {
      return pool.reset();
    } catch (error) {
      if (!(error instanceof VmemError && error.code === "EBUSY")) throw error;
      await turn(1);
    }
  }
  pool.reset();
}

/** Pseudorandom numbers with a seed (xorshift32), so that a failure can be repeated. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) % limit;
  }
}
