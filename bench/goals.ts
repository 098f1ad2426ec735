/** The goals the benchmarks are held against, and how each is computed from what was measured. */
import { type Capacity, capacityGoals } from "./capacities.ts";
import { atMost, type Goal } from "./goal.ts";
import { instructionGoals } from "./instructions.ts";
import { nativeGoals } from "./native_goals.ts";
import { ours } from "./peers.ts";
import { type Candidate, type Measured, median, ratio, type Worker } from "./sampling.ts";

/** The row in which the FFI calls of both runtimes and the pair in C are measured by turns. */
export const MIXED = "Goal: malloc and free from TypeScript";

/** Candidates of the goal that compares runtimes with C. */
export function goalRow(
  native: readonly Worker[],
  runtimes: readonly Worker[],
): { name: string; candidates: readonly Candidate[] } {
  const candidates: Candidate[] = [];
  for (const worker of runtimes) {
    for (const name of ["malloc and free", "two bare FFI calls"]) {
      candidates.push({ name: `${worker.name}, ${name}`, worker, work: `64 bytes/${name}` });
    }
  }
  const pool = native.find((worker) => worker.name === ours);
  if (pool !== undefined) candidates.push({ name: "C", worker: pool, work: "pair 64" });
  return { name: MIXED, candidates };
}

/** All goals whose figures were measured. */
export function evaluateGoals(
  table: ReadonlyMap<string, ReadonlyMap<string, Measured>>,
  capacities: readonly Capacity[],
  instructions?: number,
): Goal[] {
  const goals = [...nativeGoals(table), ...instructionGoals(instructions)];
  for (const runtime of ["Deno", "Bun"]) {
    const row = table.get(MIXED);
    const calls = row?.get(`${runtime}, malloc and free`);
    const bare = row?.get(`${runtime}, two bare FFI calls`);
    const native = row?.get("C");
    if (calls !== undefined && bare !== undefined && native !== undefined) {
      const allowed = bare.samples.map((value, i) => value + 1.5 * native.samples[i]!);
      const name = `malloc and free on ${runtime}, to two bare calls + 1.5 C pairs`;
      goals.push(atMost(name, ratio(calls, { ns: median(allowed), samples: allowed }), 1));
    }
    const pools = table.get(`${runtime}: a new pool on tmpfs`);
    const small = pools?.get("create and close, up to 64 MiB");
    const large = pools?.get("create and close, up to 1 TiB");
    if (small !== undefined && large !== undefined) {
      // "Independent of the size" needs a number: at most twice for 16 384 times the size. (Unmapping, the
      // kernel looks at its table of pages, which has an entry for each GiB.)
      const name = `create and close on ${runtime}, up to 1 TiB to up to 64 MiB`;
      goals.push(atMost(name, ratio(large, small), 2));
    }
  }
  return [...goals, ...capacityGoals(capacities)];
}
