/** The goals of structures: ratios to plain objects and to a DataView by hand, on both runtimes. */
import { atMost, type Goal } from "../goal.ts";
import { type Measured, ratio } from "../sampling.ts";
import { byHand, cursor, functions, plain, views } from "./workload.ts";

/** Candidates of a workload by name; workloads by "RUNTIME: NAME". */
export type Table = ReadonlyMap<string, ReadonlyMap<string, Measured>>;

interface Limit {
  readonly workload: string;
  /** The face that has to reach it; the best one counts where there are several. */
  readonly faces: readonly string[];
  /** Ratio to plain objects. */
  readonly deno: number;
  readonly bun: number;
}

const all = [views, cursor, functions];

const limits: readonly Limit[] = [
  { workload: "sum", faces: all, deno: 0.3, bun: 0.3 },
  { workload: "update", faces: all, deno: 0.35, bun: 0.35 },
  { workload: "random get", faces: all, deno: 0.35, bun: 0.35 },
  { workload: "hash table", faces: all, deno: 0.6, bun: 0.6 },
  { workload: "list", faces: [functions], deno: 0.3, bun: 1.1 },
  { workload: "tree", faces: [cursor, functions], deno: 0.95, bun: 0.95 },
  { workload: "tree", faces: [views], deno: 1.3, bun: 2 },
  { workload: "index sort", faces: all, deno: 0.75, bun: 0.75 },
];

/** Workloads that show what reading and writing a field costs. */
const access = ["sum", "update", "random get"];

/** The longest step of building, to that of plain objects; in Deno, whose collector stops the program. */
const longestStepLimit = 0.1;

/** The goals of what was measured. */
export function structGoals(table: Table): Goal[] {
  const goals: Goal[] = [];
  for (const [row, measured] of table) {
    const [runtime = "", workload = ""] = row.split(": ");
    for (const limit of limits.filter((each) => each.workload === workload)) {
      goals.push(
        ...bestOf(row, measured, limit.faces, plain, runtime === "Deno" ? limit.deno : limit.bun),
      );
    }
    if (access.includes(workload)) goals.push(...bestOf(row, measured, all, byHand, 1.15));
    if (row === "Deno: longest step") {
      goals.push(...bestOf(row, measured, all, plain, longestStepLimit));
    }
  }
  return goals;
}

/** A goal for the best of some candidates; none if one of them was not measured. */
function bestOf(
  row: string,
  measured: ReadonlyMap<string, Measured>,
  candidates: readonly string[],
  to: string,
  limit: number,
): Goal[] {
  const base = measured.get(to);
  if (base === undefined) return [];
  const ratios = candidates.flatMap((name) => {
    const figures = measured.get(name);
    return figures === undefined ? [] : [{ name, ratio: ratio(figures, base) }];
  }).sort((a, b) => a.ratio - b.ratio);
  const best = ratios[0];
  if (best === undefined) return [];
  return [atMost(`${row}, ${best.name} to ${to}`, best.ratio, limit)];
}
