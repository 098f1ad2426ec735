/** What the two indexes have in common: the operations, and the queries built from them. */
import type { Text } from "./text.ts";

/** How many words begin with a prefix, and on how many lines they are, added up. */
export interface PrefixCount {
  readonly words: number;
  readonly lines: number;
}

/** Finds the lines that a word is on. */
export interface Index {
  /** Different words. */
  readonly size: number;
  /** Adds the words number `from` up to, but not including, `to`. */
  insert(text: Text, from: number, to: number): void;
  /** The lines of a word, ascending; to be read before the next insertion. */
  lines(word: string): ArrayLike<number>;
  startingWith(prefix: string): PrefixCount;
}

/** The lines that all the words are on. */
export function linesOfAll(index: Index, words: readonly string[]): ArrayLike<number> {
  const lists = words.map((word) => index.lines(word)).sort((a, b) => a.length - b.length);
  return lists.reduce(common);
}

/** The numbers of `few` that are in `many`, too: both ascend, so each search starts where the last ended. */
function common(few: ArrayLike<number>, many: ArrayLike<number>): number[] {
  const found: number[] = [];
  let low = 0;
  for (let i = 0; i < few.length; i++) {
    const wanted = few[i]!;
    let high = many.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (many[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    if (many[low] === wanted) found.push(wanted);
  }
  return found;
}
