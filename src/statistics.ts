/**
 * A pool's numbers.
 *
 * @module
 */
import * as native from "./native.ts";
import { Statistic } from "./symbols.ts";

/**
 * What a pool holds now, in bytes. Taken at one moment for this thread; other threads may change it at any time.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { Pool, type Statistics } from "@vmem/vmem";
 *
 * using pool = Pool.create({ maxSize: "1GiB" });
 * const before: Statistics = pool.stats();
 * pool.malloc(1_000_000);
 * assert(pool.stats().allocated >= before.allocated + 1_000_000);
 * ```
 */
export interface Statistics {
  /** In blocks that are in use, as their size classes round them up. */
  readonly allocated: number;
  /** In pages that hold blocks in use, or blocks kept ready for reuse. */
  readonly active: number;
  /** With storage behind it: what the file takes on its file system. */
  readonly committed: number;
  /** The pool's whole range of addresses: `size`, or `maxSize` of a growing pool. */
  readonly mapped: number;
  /** What can still be allocated in blocks of any size, as far as the pool's limit says; the file system may have less. */
  readonly available: number;
  /** The largest block that can still be allocated, likewise. */
  readonly largestFree: number;
  /** The most that `active` has been. */
  readonly peak: number;
}

const count = Object.keys(Statistic).length;

/** The statistics of a handle, or the native side's `-errno`. */
export function readStatistics(handle: number): Statistics | number {
  const out = new Float64Array(count);
  const status = native.stats(handle, out, count);
  if (status < 0) return status;
  const of = (index: number): number => out[index] ?? NaN;
  return {
    allocated: of(Statistic.allocated),
    active: of(Statistic.active),
    committed: of(Statistic.committed),
    mapped: of(Statistic.mapped),
    available: of(Statistic.available),
    largestFree: of(Statistic.largest_free),
    peak: of(Statistic.peak),
  };
}
