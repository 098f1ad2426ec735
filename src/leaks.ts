/**
 * What is in use, by where it was allocated.
 *
 * @module
 */
import type { Memory } from "./memory.ts";
import * as native from "./native.ts";
import { readableBytes, readableCount } from "./text.ts";

/**
 * The blocks in use that were allocated at one place, see {@linkcode Pool.leaks}.
 *
 * @example A test that fails when something is left
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { type Leak, Pool } from "@vmem/vmem";
 *
 * using pool = Pool.create({ trace: true });
 * pool.free(pool.malloc(100));
 * const left: Leak[] = pool.leaks();
 * assertEquals(left, []);
 * ```
 */
export interface Leak {
  /**
   * Where: `file:line:column`. "" when nobody said: the pool is not traced, or native code allocated them.
   */
  readonly site: string;
  /** The name of the function there; "" when it has none. */
  readonly caller: string;
  /** How many blocks. */
  readonly blocks: number;
  /** Their bytes, as their size classes round them up. */
  readonly bytes: number;
}

/**
 * Is told by a traced pool's close what was left, if anything was: once, after the close. What it throws `close` and `using` throw.
 *
 * @param leaks By place, most bytes first.
 * @param table The same to read: what is written to the console where there is no listener.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { type LeakListener, Pool } from "@vmem/vmem";
 *
 * const seen: number[] = [];
 * const trace: LeakListener = (leaks) => seen.push(...leaks.map(({ blocks }) => blocks));
 * {
 *   using pool = Pool.create({ trace });
 *   pool.mallocMany(100, 7);
 * }
 * assertEquals(seen, [7]);
 * ```
 */
export type LeakListener = (leaks: readonly Leak[], table: string) => void;

/** Between a place and the name of the function there, in what the native side keeps. */
export const separator = "\n";

/** The site of blocks that were freed, but that are still there; the native side gives this number to no other. */
export const gone = 2 ** 23 - 1;

/** Blocks of one piece of the walk. */
const pieceMax = 2048;
const nameMax = 4096;

/** By place, most bytes first. One pass over the blocks, an object for each place. */
export function leaksOf(memory: Memory): Leak[] {
  const action = "Cannot list what is in use";
  const sums = new Map<number, { blocks: number; bytes: number }>();
  const piece = new Float64Array(1 + 2 * pieceMax);
  while (true) {
    const count = memory.number(native.blocks(memory.handle, piece, piece.length), action);
    if (count === 0) break;
    memory.number(native.sites(memory.handle, piece, count), action);
    for (let index = 1; index <= 2 * count; index += 2) {
      const site = piece[index + 1] ?? 0;
      if (site === gone) continue;
      const sum = sums.get(site);
      if (sum === undefined) sums.set(site, { blocks: 1, bytes: piece[index] ?? 0 });
      else {
        sum.blocks += 1;
        sum.bytes += piece[index] ?? 0;
      }
    }
  }
  const leaks = [...sums].map(([site, sum]): Leak => ({ ...nameOf(memory, site), ...sum }));
  return leaks.sort((a, b) =>
    b.bytes - a.bytes || b.blocks - a.blocks || (a.site < b.site ? -1 : 1)
  );
}

function nameOf(memory: Memory, site: number): { site: string; caller: string } {
  if (site === 0) return { site: "", caller: "" };
  let out = new Uint8Array(nameMax);
  let length = native.siteName(memory.handle, site, out, out.length);
  if (length > out.length) {
    out = new Uint8Array(length);
    length = native.siteName(memory.handle, site, out, length);
  }
  const text = new TextDecoder().decode(out.subarray(0, Math.max(0, length)));
  const [place = "", caller = ""] = text.split(separator);
  return { site: place, caller };
}

/** Rows of the table that is written; a pool with more forgets everywhere. */
const rowsMax = 40;

/** As lines: a head, and a row for each place. `made` is where the pool was made, or "". */
export function leakTable(leaks: readonly Leak[], made: string): string {
  const blocks = leaks.reduce((sum, leak) => sum + leak.blocks, 0);
  const bytes = leaks.reduce((sum, leak) => sum + leak.bytes, 0);
  const what = `${readableCount(blocks)} ${blocks === 1 ? "block was" : "blocks were"} in use`;
  const pool = made === "" ? "a pool" : `the pool made at ${made}`;
  const rows = leaks.slice(0, rowsMax).map((leak) => [...cells(leak), wordsOf(leak)]);
  const rest = leaks.slice(rowsMax);
  if (rest.length > 0) {
    const sum = {
      blocks: rest.reduce((sum, leak) => sum + leak.blocks, 0),
      bytes: rest.reduce((sum, leak) => sum + leak.bytes, 0),
    };
    rows.push([...cells(sum), `(${rest.length} more places)`]);
  }
  return [
    `vmem: ${what} when ${pool} was closed, ${readableBytes(bytes)}:`,
    ...aligned([["bytes", "blocks", "allocated at"], ...rows]),
  ].join("\n");
}

function cells({ bytes, blocks }: { readonly bytes: number; readonly blocks: number }): string[] {
  return [readableBytes(bytes), readableCount(blocks)];
}

function wordsOf({ site, caller }: Leak): string {
  if (site === "") return "(not known: native code, or a pool that is not traced)";
  return caller === "" ? site : `${site} (${caller})`;
}

/** All columns but the last to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, column) => column < 2 ? cell.padStart(widths[column] ?? 0) : cell)
      .join("  ")
  ).map((line) => `  ${line}`);
}
