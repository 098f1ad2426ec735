/** A map of a pool as text: one character for a piece of it, from left to right and down. */
import type { Pool } from "@vmem/vmem";
import type { UsedBlock } from "./pool_index.ts";

const COLUMNS = 64;
const ROWS = 12;
const PAGE = 4096;

const LETTER: Readonly<Record<UsedBlock["kind"], string>> = {
  buckets: "b",
  words: "w",
  lists: "l",
};

/**
 * Draws where the blocks lie. Only blocks that the caller knows are drawn, and a dot is what is
 * not one of them: free, or kept in the pool's caches.
 */
export function drawMap(pool: Pool, blocks: Iterable<UsedBlock>): string {
  const sized = Array.from(blocks, ({ kind, pointer }) => ({
    letter: LETTER[kind],
    start: pointer as number,
    end: pointer + pool.usableSize(pointer),
  }));
  const end = sized.reduce((most, block) => Math.max(most, block.end), 0);
  const piece = Math.max(PAGE, Math.ceil(end / (COLUMNS * ROWS * PAGE)) * PAGE);
  const pieces = Array.from({ length: Math.ceil(end / piece) }, () => new Map<string, number>());
  for (const { letter, start, end } of sized) {
    for (let at = start; at < end;) {
      const number = Math.floor(at / piece);
      const stop = Math.min(end, (number + 1) * piece);
      const used = pieces[number]!;
      used.set(letter, (used.get(letter) ?? 0) + stop - at);
      at = stop;
    }
  }
  const drawn = pieces.map((used) => characterOf(used, piece)).join("");
  const rows = drawn.match(new RegExp(`.{1,${COLUMNS}}`, "g")) ?? [];
  return `${rows.map((row) => `  ${row}`).join("\n")}
  one character: ${piece / 1024} KiB; b buckets, w words, l lists (capital: more than half
  of it is used); . none of these blocks (free, or in the pool's caches)`;
}

/** The kind that has most of a piece. */
function characterOf(used: ReadonlyMap<string, number>, piece: number): string {
  const kinds = [...used].sort((a, b) => b[1] - a[1]);
  if (kinds.length === 0) return ".";
  const bytes = kinds.reduce((sum, kind) => sum + kind[1], 0);
  const letter = kinds[0]![0];
  return bytes * 2 > piece ? letter.toUpperCase() : letter;
}
