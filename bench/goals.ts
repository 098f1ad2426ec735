/** The goals the benchmarks are held against, and how each is computed from what was measured. */
import { type Candidate, type Measured, median, ratio, type Worker } from "./sampling.ts";

export interface Goal {
  readonly name: string;
  readonly value: string;
  readonly limit: string;
  readonly reached: boolean;
}

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
  const pool = native.find((worker) => worker.name === "vmem, memory");
  if (pool !== undefined) candidates.push({ name: "C", worker: pool, work: "pair 64" });
  return { name: MIXED, candidates };
}

/** All goals whose figures were measured. */
export function evaluateGoals(
  table: ReadonlyMap<string, ReadonlyMap<string, Measured>>,
  capacities: readonly Capacity[],
): Goal[] {
  const goals: Goal[] = [];
  const pair = table.get("C: pair 64");
  const [ours, theirs] = [pair?.get("vmem, memory"), pair?.get("jemalloc")];
  if (ours !== undefined && theirs !== undefined) {
    goals.push(atMost("64 B pair in C, to jemalloc", ratio(ours, theirs), 1));
  }
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

const SMALLEST_POOL = 14 * 1024 * 1024;

/** How much of a new pool of 14 MiB blocks of one size get, until it says no. */
export interface Capacity {
  readonly size: number;
  readonly pool: string;
  /** From 0 to 1. */
  readonly part: number;
}

/** Fills pools with blocks of every size that the driver knows. */
export async function measureCapacities(native: readonly Worker[]): Promise<Capacity[]> {
  const capacities: Capacity[] = [];
  for (const worker of native) {
    for (const work of worker.works.filter((work) => work.startsWith("capacity "))) {
      const size = Number(work.slice("capacity ".length));
      const { proof } = await worker.run(work, 1);
      capacities.push({ size, pool: worker.name, part: proof * size / SMALLEST_POOL });
    }
  }
  return capacities;
}

function capacityGoals(capacities: readonly Capacity[]): Goal[] {
  return capacities.filter(({ size }) => size === 64).map(({ pool, part }) => ({
    name: `Part of 14 MiB that blocks of 64 B get, ${pool}`,
    value: percent(part),
    limit: "at least 95 %",
    reached: part >= 0.95,
  }));
}

export function percent(part: number): string {
  return `${(part * 100).toFixed(2)} %`;
}

function atMost(name: string, value: number, limit: number): Goal {
  return { name, value: value.toFixed(2), limit: `at most ${limit}`, reached: value <= limit };
}
