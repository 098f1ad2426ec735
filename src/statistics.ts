/**
 * A pool's numbers.
 *
 * @module
 */
import * as native from "./native.ts";
import { ArenaStatistic, ClassStatistic, Statistic } from "./symbols.ts";
import { show } from "./text.ts";

/**
 * What a pool holds now, in bytes where nothing else is said. Taken at one moment for this thread; other threads may change it at any time.
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
  /** With storage behind it. */
  readonly committed: number;
  /** The pool's whole range of addresses: `size`, or `maxSize` of a growing pool. */
  readonly mapped: number;
  /** In free blocks that threads and the pool keep ready for reuse; a part of `active`. */
  readonly cached: number;
  /** What can still be allocated in blocks of any size: within the pool's limit, and with what the file system has left. A quota, and what others take at the same moment, may leave less. */
  readonly available: number;
  /** The largest block that can still be allocated, likewise. */
  readonly largestFree: number;
  /** The most that `active` has been. */
  readonly peak: number;
  /** How often the pool looked for storage to give back, and the bytes that it gave back, ever. */
  readonly purges: number;
  /** See `purges`. */
  readonly purged: number;
  /** Shards for small blocks. */
  readonly arenas: number;
  /** Threads that keep free blocks of the pool. */
  readonly threads: number;
  /** What the pool's file takes on its file system, as that says: `committed`, and at most some pages more. */
  readonly fileBytes: number;
  /** What the file system of a growing pool has left for an ordinary user; Infinity where it does not say, and for pools that have all of their storage. */
  readonly storageLeft: number;
}

/**
 * Blocks of one size: a class of small ones (up to 14 KiB, in slabs), or a group of larger ones. Counts are of blocks; what passes
 * between a thread's cache and the program is not counted.
 */
export interface ClassStatistics {
  /** Bytes of a block, of the largest in a group. */
  readonly size: number;
  /** In use. */
  readonly live: number;
  /** Free, kept by threads and by the pool for reuse. */
  readonly cached: number;
  /** Runs of pages cut into such blocks; 0 for larger ones. */
  readonly slabs: number;
  /** Taken out of slabs or pages, ever. */
  readonly taken: number;
  /** Put back, ever. */
  readonly given: number;
  /** Batches in which they were taken. */
  readonly fills: number;
  /** Batches in which they were put back. */
  readonly flushes: number;
}

/** The small blocks of one arena; larger ones are the whole pool's. */
export interface ArenaStatistics {
  /** Threads that take their small blocks from it. */
  readonly threads: number;
  /** Bytes in its blocks, in use or kept by threads. */
  readonly allocated: number;
  /** Blocks, as in {@linkcode ClassStatistics}. */
  readonly taken: number;
  /** Blocks, as in {@linkcode ClassStatistics}. */
  readonly given: number;
  /** Batches, as in {@linkcode ClassStatistics}. */
  readonly fills: number;
  /** Batches, as in {@linkcode ClassStatistics}. */
  readonly flushes: number;
}

/** What `pool.stats({ detail: true })` tells. */
export interface DetailedStatistics extends Statistics {
  /** By size, ascending: first the small classes, then the groups of larger blocks. */
  readonly classes: readonly ClassStatistics[];
  /** By arena. */
  readonly byArena: readonly ArenaStatistics[];
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

/** Whether `stats` is asked for more than totals. */
export function wantsDetail(options: unknown, action: string): boolean {
  if (options === undefined) return false;
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${action}: the options must be an object, not ${show(options)}`);
  }
  const { detail = false } = options as { readonly detail?: unknown };
  if (typeof detail === "boolean") return detail;
  throw new TypeError(`${action}: detail must be true or false, not ${show(detail)}`);
}

const count = Object.keys(Statistic).length;

/** What the native side says from here on is that it knows no limit. */
const unlimited = 2 ** 62;

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
    cached: of(Statistic.cached),
    available: of(Statistic.available),
    largestFree: of(Statistic.largest_free),
    peak: of(Statistic.peak),
    purges: of(Statistic.purges),
    purged: of(Statistic.purged),
    arenas: of(Statistic.arenas),
    threads: of(Statistic.threads),
    fileBytes: of(Statistic.file),
    storageLeft: of(Statistic.room) < unlimited ? of(Statistic.room) : Infinity,
  };
}

/** The same in full. */
export function readDetails(handle: number): DetailedStatistics | number {
  const totals = readStatistics(handle);
  if (typeof totals === "number") return totals;
  const classes = readClasses(handle);
  if (typeof classes === "number") return classes;
  const byArena: ArenaStatistics[] = [];
  for (let index = 0; index < totals.arenas; index += 1) {
    const arena = readArena(handle, index);
    if (typeof arena === "number") return arena;
    byArena.push(arena);
  }
  return { ...totals, classes, byArena };
}

const classWidth = Object.keys(ClassStatistic).length;

function readClasses(handle: number): ClassStatistics[] | number {
  const rows = native.statsClasses(handle, new Float64Array(1), 0);
  if (rows < 0) return rows;
  const out = new Float64Array(rows * classWidth);
  const read = native.statsClasses(handle, out, out.length);
  return read < 0 ? read : Array.from({ length: rows }, (_, row): ClassStatistics => {
    const of = (index: number): number => out[row * classWidth + index] ?? NaN;
    return {
      size: of(ClassStatistic.size),
      live: of(ClassStatistic.live),
      cached: of(ClassStatistic.cached),
      slabs: of(ClassStatistic.slabs),
      taken: of(ClassStatistic.nmalloc),
      given: of(ClassStatistic.ndalloc),
      fills: of(ClassStatistic.nfills),
      flushes: of(ClassStatistic.nflushes),
    };
  });
}

const arenaWidth = Object.keys(ArenaStatistic).length;

function readArena(handle: number, index: number): ArenaStatistics | number {
  const out = new Float64Array(arenaWidth);
  const status = native.statsArena(handle, index, out, arenaWidth);
  if (status < 0) return status;
  const of = (index: number): number => out[index] ?? NaN;
  return {
    threads: of(ArenaStatistic.threads),
    allocated: of(ArenaStatistic.allocated),
    taken: of(ArenaStatistic.nmalloc),
    given: of(ArenaStatistic.ndalloc),
    fills: of(ArenaStatistic.nfills),
    flushes: of(ArenaStatistic.nflushes),
  };
}
