/** How many blocks new pools hand out until they say no, and the goals for that. */
import { type Goal, percent } from "./goal.ts";
import type { Worker } from "./sampling.ts";

/** What one new pool held. */
export interface Capacity {
  readonly pool: string;
  /** Size of the pool. */
  readonly mebibytes: number;
  /** Size of its blocks as they were asked for. */
  readonly size: number;
  readonly count: number;
  /** Part of the pool that the blocks have in the bytes that were asked for, from 0 to 1. */
  readonly part: number;
  /** The same in the bytes that can be used; equal for sizes where no work says more. */
  readonly usable: number;
}

/** Fills pools with blocks of every size that the driver knows. */
export async function measureCapacities(native: readonly Worker[]): Promise<Capacity[]> {
  const capacities: Capacity[] = [];
  for (const worker of native) {
    for (const work of worker.works) {
      const [, mebibytes, size] = /^capacity (\d+) MiB (\d+)$/.exec(work)?.map(Number) ?? [];
      if (mebibytes === undefined || size === undefined) continue;
      const count = (await worker.run(work, 1)).proof;
      const question = `usable ${size}`;
      const usable = worker.can(question) ? (await worker.run(question, 1)).proof : size;
      const bytes = mebibytes * 2 ** 20;
      capacities.push({
        pool: worker.name,
        mebibytes,
        size,
        count,
        part: count * size / bytes,
        usable: count * usable / bytes,
      });
    }
  }
  return capacities;
}

/** Of a pool of 14 MiB: sizes that are classes of their own, then those between classes. */
const EXACT = [8, 16, 64, 256, 4096, 65536];
const BETWEEN = [24, 100, 1000, 4097];

/** Of a pool of 14 MiB: blocks of a size that there are at least. */
const COUNTS: readonly (readonly [name: string, size: number, least: number])[] = [
  ["1 MiB", 1 << 20, 13],
  ["3 MiB", 3 << 20, 4],
  ["8 MiB", 8 << 20, 1],
  ["13.5 MiB", 13.5 * 2 ** 20, 1],
];

/** The goals of every pool that was filled. */
export function capacityGoals(capacities: readonly Capacity[]): Goal[] {
  const goals: Goal[] = [];
  for (const pool of new Set(capacities.map((each) => each.pool))) {
    const smallest = capacities.filter((each) => each.pool === pool && each.mebibytes === 14);
    const of = (sizes: readonly number[]): Capacity[] =>
      smallest.filter(({ size }) => sizes.includes(size));
    const exact = of(EXACT).map(({ part }) => part);
    goals.push(...atLeast(`${pool}: part of 14 MiB, ${EXACT.join(", ")} B`, exact, 96));
    const between = of(BETWEEN).map(({ usable }) => usable);
    const name = `${pool}: usable part of 14 MiB, ${BETWEEN.join(", ")} B`;
    goals.push(...atLeast(name, between, 96));
    for (const [text, size, least] of COUNTS) {
      for (const { count } of of([size])) {
        goals.push({
          name: `${pool}: blocks of ${text} in 14 MiB`,
          value: String(count),
          limit: `at least ${least}`,
          reached: count >= least,
        });
      }
    }
    const larger = capacities.filter((each) => each.pool === pool && each.mebibytes === 64);
    const parts = larger.map(({ part }) => part);
    goals.push(...atLeast(`${pool}: part of 64 MiB, 8 B to 1 MiB`, parts, 98));
  }
  return goals;
}

/** The smallest of the parts is what counts. */
function atLeast(name: string, parts: readonly number[], limit: number): Goal[] {
  if (parts.length === 0) return [];
  const value = Math.min(...parts);
  return [{
    name,
    value: percent(value),
    limit: `at least ${limit} %`,
    reached: value >= limit / 100,
  }];
}
