/** The goals for C programs: ratios to the best of the peers in every turn, and limits of what has no peer. */
import { atMost, type Goal } from "./goal.ts";
import { ours, preloaded, rivals } from "./peers.ts";
import { type Measured, median } from "./sampling.ts";

type Row = ReadonlyMap<string, Measured>;

/** Works that have a limit as a multiple of the best of the peers. */
const RATIOS: readonly (readonly [works: RegExp, limit: number])[] = [
  [/^pair 64$/, 0.9],
  [/^pair (4096|65536|262144|1048576)$/, 1],
  [/^(large )?live /, 1],
  [/^(exchange|produce and consume) /, 0.8],
  [/^(calloc|aligned) /, 1],
  [/^grow by 64 to 1 MiB$/, 1],
];

/** Works that have a limit in microseconds. */
const TIMES: readonly (readonly [work: string, pool: string, microseconds: number])[] = [
  ["create lazy 1 GiB", "vmem, tmpfs", 50],
  ["check 1 GiB, empty", ours, 100],
  ["check 1 GiB, full of 64 B", ours, 20_000],
];

/** The goals whose rows were measured, at least one peer among them where it is a ratio. */
export function nativeGoals(table: ReadonlyMap<string, Row>): Goal[] {
  const goals: Goal[] = [];
  for (const [name, row] of table) {
    if (!name.startsWith("C: ")) continue;
    const work = name.slice("C: ".length);
    const limit = RATIOS.find(([works]) => works.test(work))?.[1];
    const value = limit === undefined ? undefined : ratioToBest(row);
    if (limit !== undefined && value !== undefined) {
      goals.push(atMost(`${work}, to the best`, value, limit));
    }
    const process = work === "pair 64" ? ratioToBest(row, undefined, preloaded) : undefined;
    if (process !== undefined) goals.push(atMost("pair 64 preloaded, to the best", process, 0.9));
    const empty = row.get("no work");
    if (work !== "pair 64" || empty === undefined) continue;
    const net = ratioToBest(row, empty.samples);
    if (net !== undefined) goals.push(atMost(`${work} without two calls, to the best`, net, 0.8));
  }
  for (const [work, pool, limit] of TIMES) {
    const measured = table.get(`C: ${work}`)?.get(pool);
    if (measured !== undefined) goals.push(atMost(work, measured.ns / 1000, limit, " us"));
  }
  return goals;
}

/** Median of the ratios of a candidate to the best peer of the same turn, after taking `less` away from both. */
export function ratioToBest(
  row: Row,
  less?: readonly number[],
  name: string = ours,
): number | undefined {
  const measured = row.get(name);
  const others = rivals.map((name) => row.get(name)).filter((each) => each !== undefined);
  if (measured === undefined || others.length === 0) return undefined;
  return median(measured.samples.map((value, i) => {
    const best = Math.min(...others.map(({ samples }) => samples[i]!));
    const nothing = less?.[i] ?? 0;
    return (value - nothing) / (best - nothing);
  }));
}
