/**
 * A pool's numbers.
 *
 * @module
 */
import * as native from "./native.ts";
import { Statistic } from "./symbols.ts";
import { show } from "./text.ts";

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

/** A part of what {@linkcode Pool.statsText} tells. */
export type StatisticsSection = "general" | "merged" | "arenas" | "bins" | "large";

/** What {@linkcode Pool.statsText} leaves out, and how it is written. */
export interface StatisticsTextOptions {
  /**
   * Sections to leave out: `general` (version, options), `merged` (sums over all arenas), `arenas` (each arena), `bins` (each
   * class of small blocks), `large` (each size of larger blocks). Default: none.
   */
  readonly omit?: readonly StatisticsSection[];
  /** Whether to write JSON instead of tables. Default: false. */
  readonly json?: boolean;
}

/** jemalloc's letters. */
const letters: Readonly<Record<StatisticsSection, string>> = {
  general: "g",
  merged: "m",
  arenas: "a",
  bins: "b",
  large: "l",
};

function lettersOf(options: StatisticsTextOptions, action: string): string {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${action}: the options must be an object, not ${show(options)}`);
  }
  const { omit = [], json = false } = options;
  if (!Array.isArray(omit)) {
    throw new TypeError(`${action}: omit must be an array of sections, not ${show(omit)}`);
  }
  if (typeof json !== "boolean") {
    throw new TypeError(`${action}: json must be true or false, not ${show(json)}`);
  }
  const omitted = omit.map((section: unknown) => {
    if (typeof section === "string" && Object.hasOwn(letters, section)) {
      return letters[section as StatisticsSection];
    }
    const sections = Object.keys(letters).map(show).join(", ");
    throw new TypeError(`${action}: ${show(section)} is not one of the sections ${sections}`);
  });
  return omitted.join("") + (json ? "J" : "");
}

/** The text of a handle's statistics, or the native side's `-errno`. */
export function statisticsText(
  handle: number,
  options: StatisticsTextOptions,
  action: string,
): string | number {
  const wanted = new TextEncoder().encode(lettersOf(options, action));
  let out = new Uint8Array(2 ** 15);
  while (true) {
    const bytes = native.statsText(handle, wanted, wanted.length, out, out.length);
    if (bytes < 0) return bytes;
    if (bytes <= out.length) return new TextDecoder().decode(out.subarray(0, bytes));
    out = new Uint8Array(bytes * 2); // it may grow meanwhile
  }
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
