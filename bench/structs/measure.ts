/** Measuring the candidates of one workload by turns, in one process. */
import { processTime } from "./clock.ts";
import { collectAndSettle } from "./collector.ts";
import type { Candidates, Workload } from "./workload.ts";

/** Nanoseconds an operation, sample by sample, by the candidates' names. */
export type Samples = Readonly<Record<string, readonly number[]>>;

/** What one process measured. */
export interface Run {
  readonly samples: Samples;
  /** What all candidates computed in the last turn. */
  readonly proof: number;
}

export interface Effort {
  /** Turns that do not count: engines compile what is hot. */
  readonly warm: number;
  /** Turns that do. */
  readonly samples: number;
}

/**
 * In every turn each candidate runs once, so what slows the machine down for a while slows all of them.
 *
 * @throws Error Two candidates have different proofs.
 */
export function measureWorkload(
  { name: workload, allocates }: Pick<Workload, "name" | "allocates">,
  all: Candidates,
  size: number,
  { warm, samples }: Effort,
): Run {
  const candidates = Object.entries(all);
  let last = 0;
  const measured: Record<string, number[]> = {};
  for (const [name] of candidates) measured[name] = [];
  for (let turn = -warm; turn < samples; turn++) {
    let expected: number | undefined;
    if (!allocates) collectAndSettle();
    for (const [name, candidate] of candidates) {
      if (allocates) collectAndSettle();
      const start = processTime();
      const proof = candidate.run();
      const time = processTime() - start;
      candidate.clean?.();
      expected ??= proof;
      if (proof !== expected) {
        throw new Error(
          `Comparing "${workload}" failed: "${name}" got ${proof}, not ${expected}`,
        );
      }
      if (turn >= 0) measured[name]!.push(time / size);
      last = proof;
    }
  }
  return { samples: measured, proof: last };
}
