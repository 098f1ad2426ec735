/** Questions put to both indexes, made from the words that the text really has. */
import { type Index, linesOfAll, type PrefixCount } from "./index.ts";

export interface Queries {
  readonly single: readonly string[];
  readonly all: readonly (readonly string[])[];
  readonly prefixes: readonly string[];
}

export interface Answers {
  readonly single: readonly ArrayLike<number>[];
  readonly all: readonly ArrayLike<number>[];
  readonly prefixes: readonly PrefixCount[];
  /** Milliseconds for all of them. */
  readonly time: number;
}

/** Every `n`th word, pairs and triples of frequent ones, and beginnings of three letters. */
export function makeQueries(words: readonly string[], index: Index): Queries {
  const frequent = words
    .filter((word) => word.length >= 4)
    .map((word) => ({ word, lines: index.lines(word).length }))
    .sort((a, b) => b.lines - a.lines || (a.word < b.word ? -1 : 1))
    .slice(0, 100)
    .map(({ word }) => word);
  const all: string[][] = [];
  for (let i = 0; i + 2 < frequent.length; i++) {
    all.push([frequent[i]!, frequent[frequent.length - 1 - i]!]);
    all.push([frequent[i]!, frequent[i + 1]!, frequent[i + 2]!]);
  }
  const every = Math.max(1, Math.floor(words.length / 2000));
  return {
    single: ["noSuchWordAnywhere", ...words.filter((_, i) => i % every === 0)],
    all,
    prefixes: [...new Set(frequent.map((word) => word.slice(0, 3)))].slice(0, 20),
  };
}

export function answer(index: Index, queries: Queries): Answers {
  const start = performance.now();
  const single = queries.single.map((word) => index.lines(word));
  const all = queries.all.map((words) => linesOfAll(index, words));
  const prefixes = queries.prefixes.map((prefix) => index.startingWith(prefix));
  return { single, all, prefixes, time: performance.now() - start };
}

/** The first query with different answers, as text; undefined if all are the same. */
export function firstDifference(queries: Queries, a: Answers, b: Answers): string | undefined {
  for (const [i, word] of queries.single.entries()) {
    if (!sameNumbers(a.single[i]!, b.single[i]!)) return `"${word}"`;
  }
  for (const [i, words] of queries.all.entries()) {
    if (!sameNumbers(a.all[i]!, b.all[i]!)) return words.map((word) => `"${word}"`).join(" and ");
  }
  for (const [i, prefix] of queries.prefixes.entries()) {
    const [x, y] = [a.prefixes[i]!, b.prefixes[i]!];
    if (x.words !== y.words || x.lines !== y.lines) return `"${prefix}…"`;
  }
  return undefined;
}

function sameNumbers(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
