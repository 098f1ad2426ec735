/** What several test files of the suite need. */
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert, assertEquals } from "@std/assert";
import { Pool, type PoolOptions } from "../../mod.ts";

export const runtime: "bun" | "deno" = process.versions.bun === undefined ? "deno" : "bun";

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

/** Runs with a pool; at the end nothing may be allocated any more, and the pool must be whole. */
export function withPool(options: PoolOptions, run: (pool: Pool) => void): void {
  using pool = Pool.create(options);
  run(pool);
  assertEquals(pool.stats().allocated, 0, "bytes allocated at the end");
  assert(pool.check(), "the pool is not consistent");
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
