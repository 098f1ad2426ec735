/**
 * A survey of a pool: what lies where, for the pictures that `occupancy` and `occupancySvg` draw.
 *
 * One walk over the live blocks. How far they reach is known at its end only, so the map begins with cells of a page, and
 * whenever a block lies beyond the last one, two cells become one. What is kept depends on the number of cells, never on the
 * number of blocks or the size of the pool.
 *
 * @module
 */
import { control } from "./controls.ts";
import type { Memory } from "./memory.ts";
import * as native from "./native.ts";
import { type DetailedStatistics, readDetails, type Statistics } from "./statistics.ts";

/** Blocks of up to so many bytes are of one band, which has a colour. The first ones share slabs. */
export const bands: readonly { readonly name: string; readonly max: number }[] = [
  { name: "up to 256 B", max: 256 },
  { name: "up to 14 KiB", max: 14336 },
  { name: "up to 1 MiB", max: 2 ** 20 },
  { name: "larger", max: Infinity },
];

/** The blocks of one size class, or of a group of large ones. */
export interface SurveyedClass {
  /** Bytes of a block, of the largest in a group. */
  readonly size: number;
  readonly band: number;
  readonly blocks: number;
  readonly bytes: number;
  /** Bytes of its slabs, or of cached blocks, that hold no block in use. */
  readonly idle: number;
}

/** What was found. All in bytes where nothing else is said. */
export interface Survey {
  readonly statistics: DetailedStatistics;
  /** Live blocks. */
  readonly blocks: number;
  /** The map's cells, and the bytes of one. It begins where the pool does. */
  readonly cells: number;
  readonly cellBytes: number;
  /** Bytes in use by cell and band: `cell * bands.length + band`. */
  readonly used: Float64Array;
  /** Those that have or had blocks, by size. */
  readonly classes: readonly SurveyedClass[];
  /** Where the bytes of the pool's range are; together they are `statistics.mapped`. */
  readonly parts: Parts;
  /** Of the pages in use, the share that holds no block in use. */
  readonly inside: number;
  /** Of the free room, the share that the largest possible block cannot have. */
  readonly outside: number;
}

export interface Parts {
  /** In blocks in use. */
  readonly used: number;
  /** In free blocks kept ready. */
  readonly cached: number;
  /** In pages in use, but in no block. */
  readonly slabs: number;
  /** In free pages that have storage. */
  readonly free: number;
  /** Addresses without storage. */
  readonly unbacked: number;
}

const page = 4096;
/** Blocks of one piece of the walk. */
const pieceMax = 2048;

/** Looks at a pool; the map has at most `cellsMax` cells, an even number. */
export function survey(memory: Memory, cellsMax: number, action: string): Survey {
  const statistics = readDetails(memory.handle);
  if (typeof statistics === "number") return memory.refuse(statistics, action);
  const map = new CellMap(cellsMax);
  const sums = new ClassSums(statistics);
  const piece = new Float64Array(1 + 2 * pieceMax);
  while (true) {
    const count = memory.number(native.blocks(memory.handle, piece, piece.length), action);
    if (count === 0) break;
    for (let index = 1; index <= 2 * count; index += 2) {
      const size = piece[index + 1] ?? 0;
      map.add((piece[index] ?? 0) - memory.begin, size);
      sums.add(size);
    }
  }
  const { mapped, committed } = statistics;
  const used = sums.bytes.reduce((sum, each) => sum + each, 0);
  // Where storage was given back the blocks may reach further than there is storage.
  const cells = map.reach(Math.min(mapped, Math.max(map.end, committed)));
  return {
    statistics,
    blocks: sums.blocks.reduce((sum, each) => sum + each, 0),
    cells,
    cellBytes: map.cellBytes,
    used: map.used,
    classes: classesOf(memory, statistics, sums),
    parts: partsOf(statistics, used),
    ...fragmentation(statistics, used),
  };
}

class CellMap {
  cellBytes = page;
  /** Where the last block ends. */
  end = 0;
  readonly used: Float64Array;
  readonly #cellsMax: number;

  constructor(cellsMax: number) {
    this.#cellsMax = cellsMax;
    this.used = new Float64Array(cellsMax * bands.length);
  }

  add(offset: number, size: number): void {
    const end = offset + size;
    if (end > this.end) this.end = end;
    this.reach(end);
    const band = bandOf(size);
    const { cellBytes, used } = this;
    let at = offset;
    for (let cell = Math.floor(offset / cellBytes); at < end; cell += 1) {
      const next = Math.min(end, (cell + 1) * cellBytes);
      const index = cell * bands.length + band;
      used[index] = (used[index] ?? 0) + next - at;
      at = next;
    }
  }

  /** Makes the map so coarse that it has so many bytes; how many cells they are. */
  reach(bytes: number): number {
    while (bytes > this.#cellsMax * this.cellBytes) this.#fold();
    return Math.ceil(bytes / this.cellBytes);
  }

  #fold(): void {
    const { used } = this;
    const width = bands.length;
    for (let cell = 0; cell < this.#cellsMax / 2; cell += 1) {
      for (let band = 0; band < width; band += 1) {
        const from = 2 * cell * width + band;
        used[cell * width + band] = (used[from] ?? 0) + (used[from + width] ?? 0);
      }
    }
    used.fill(0, this.#cellsMax / 2 * width);
    this.cellBytes *= 2;
  }
}

function bandOf(size: number): number {
  return bands.findIndex(({ max }) => size <= max);
}

/** Live blocks by size class; large ones have sizes between those of the groups. */
class ClassSums {
  readonly blocks: Float64Array;
  readonly bytes: Float64Array;
  readonly #sizes: Float64Array;

  constructor({ classes }: DetailedStatistics) {
    this.#sizes = Float64Array.from(classes, ({ size }) => size);
    this.blocks = new Float64Array(classes.length);
    this.bytes = new Float64Array(classes.length);
  }

  add(size: number): void {
    const sizes = this.#sizes;
    let low = 0;
    let high = sizes.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sizes[middle] ?? 0) < size) low = middle + 1;
      else high = middle;
    }
    this.blocks[low] = (this.blocks[low] ?? 0) + 1;
    this.bytes[low] = (this.bytes[low] ?? 0) + size;
  }
}

/**
 * Those that have blocks or slabs. A heap that runs out of pages cuts smaller slabs, which the number of slabs does not tell; so what
 * slabs hold in vain is brought to the sum that is known.
 */
function classesOf(
  memory: Memory,
  statistics: DetailedStatistics,
  sums: ClassSums,
): SurveyedClass[] {
  const idle = statistics.classes.map(({ slabs }, index) => {
    if (slabs === 0) return 0;
    const slab = Number(control(memory, `arenas.bin.${index}.slab_size`, undefined));
    return Math.max(0, slabs * slab - (sums.bytes[index] ?? 0));
  });
  const all = idle.reduce((sum, each) => sum + each, 0);
  const { slabs, cached } = partsOf(statistics, sums.bytes.reduce((sum, each) => sum + each, 0));
  const part = all === 0 ? 0 : Math.min(1, (slabs + cached) / all);
  return statistics.classes.flatMap((each, index) => {
    const blocks = sums.blocks[index] ?? 0;
    const bytes = sums.bytes[index] ?? 0;
    if (blocks === 0 && each.cached === 0 && each.slabs === 0) return [];
    const vain = each.slabs === 0 ? each.cached * each.size : Math.round((idle[index] ?? 0) * part);
    return [{ size: each.size, band: bandOf(each.size), blocks, bytes, idle: vain }];
  });
}

/** Other threads may have gone on while the numbers were taken: none is below 0. */
function partsOf({ cached, active, committed, mapped }: Statistics, used: number): Parts {
  return {
    used,
    cached,
    slabs: Math.max(0, active - used - cached),
    free: Math.max(0, committed - active),
    unbacked: Math.max(0, mapped - committed),
  };
}

function fragmentation(
  { active, available, largestFree }: Statistics,
  used: number,
): { readonly inside: number; readonly outside: number } {
  return {
    inside: active === 0 ? 0 : Math.max(0, 1 - used / active),
    outside: available === 0 ? 0 : Math.max(0, 1 - largestFree / available),
  };
}
