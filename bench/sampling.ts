/**
 * Measuring by turns: every candidate is a process that answers "WORK ROUNDS" with "NANOSECONDS PROOF", and
 * each sample round asks all of them one after the other. What disturbs the machine disturbs all alike, and the
 * ratio of two candidates is the median of the ratios within the rounds.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Start } from "./peers.ts";

/** What one question was answered with. */
export interface Answer {
  readonly nanoseconds: number;
  readonly proof: number;
}

/** A process that measures on request. */
export class Worker {
  readonly name: string;
  readonly #start: Start;
  #process: Process;
  #lines: AsyncIterator<string>;
  #works: ReadonlySet<string> = new Set();

  private constructor(start: Start) {
    this.name = start.name;
    this.#start = start;
    this.#process = spawnOf(start);
    this.#lines = linesOf(this.#process);
  }

  /** Starts the process and asks what it can do. */
  static async start(start: Start): Promise<Worker> {
    const worker = new Worker(start);
    worker.#works = new Set((await worker.#ask("list")).split(";"));
    return worker;
  }

  can(work: string): boolean {
    return this.#works.has(work);
  }

  get works(): readonly string[] {
    return [...this.#works];
  }

  async run(work: string, rounds: number): Promise<Answer> {
    const [nanoseconds, proof] = (await this.#ask(`${work} ${rounds}`)).split(" ").map(Number);
    if (nanoseconds === undefined || proof === undefined || !(nanoseconds >= 0)) {
      throw new Error(`Measuring "${work}" with "${this.name}" failed: no figures came back`);
    }
    return { nanoseconds, proof };
  }

  /** A new process in the place of the old one. */
  async renew(): Promise<void> {
    await this.stop();
    this.#process = spawnOf(this.#start);
    this.#lines = linesOf(this.#process);
  }

  /** Ends the process, which leaves its loop at the end of its input. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#process.once("exit", () => resolve());
      this.#process.stdin.end();
    });
  }

  async #ask(question: string): Promise<string> {
    this.#process.stdin.write(`${question}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`Asking "${this.name}" for "${question}" failed: it ended`);
    return value;
  }
}

type Process = ChildProcessByStdio<Writable, Readable, null>;

function spawnOf(start: Start): Process {
  return spawn(start.command, start.words, {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...start.environment },
  });
}

function linesOf(started: Process): AsyncIterator<string> {
  return createInterface({ input: started.stdout })[Symbol.asyncIterator]();
}

/** One work of one worker. */
export interface Candidate {
  readonly name: string;
  readonly worker: Worker;
  readonly work: string;
}

export interface Measured {
  /** Median nanoseconds of a round. */
  readonly ns: number;
  /** Nanoseconds in every sample round, for figures made of several candidates. */
  readonly samples: readonly number[];
}

export interface Effort {
  /** Sample rounds of each process. */
  readonly samples: number;
  /** How many processes of each worker measure, one after the other; without, its present one does and stays. */
  readonly processes?: number;
  /** About how long one sample takes; with 0 it is one round, without warming up. */
  readonly milliseconds: number;
}

/** Measures candidates by turns, after comparing their proofs. */
export async function measure(
  candidates: readonly Candidate[],
  effort: Effort,
): Promise<ReadonlyMap<string, Measured>> {
  const samples: number[][] = candidates.map(() => []);
  for (let process = 0; process < (effort.processes ?? 1); process++) {
    await sampleOnce(candidates, effort, samples);
    if (effort.processes === undefined) break;
    for (const worker of new Set(candidates.map(({ worker }) => worker))) await worker.renew();
  }
  return new Map(
    candidates.map(({ name }, i) => [name, { ns: median(samples[i]!), samples: samples[i]! }]),
  );
}

/** Where a process's code and stack come to lie makes it faster or slower than the next: up to 1.2 times. */
async function sampleOnce(
  candidates: readonly Candidate[],
  effort: Effort,
  samples: readonly number[][],
): Promise<void> {
  await compareProofs(candidates);
  const rounds: number[] = [];
  for (const { worker, work } of candidates) rounds.push(await calibrate(worker, work, effort));
  for (let sample = 0; sample < effort.samples; sample++) {
    for (const [i, { worker, work }] of candidates.entries()) {
      const { nanoseconds } = await worker.run(work, rounds[i]!);
      samples[i]!.push(nanoseconds / rounds[i]!);
    }
  }
}

/** Candidates of one suite do the same work; what else stands in the row is not comparable. */
async function compareProofs(candidates: readonly Candidate[]): Promise<void> {
  const expected = new Map<string, number>();
  for (const { name, worker, work } of candidates) {
    const suite = work.split("/")[0]!;
    const { proof } = await worker.run(work, 10);
    if (!expected.has(suite)) expected.set(suite, proof);
    if (proof === expected.get(suite)) continue;
    throw new Error(
      `Comparing "${work}" failed: "${name}" got ${proof}, not ${expected.get(suite)}`,
    );
  }
}

/** Milliseconds a candidate runs at least before it counts: engines compile what is hot, caches fill. */
const WARM = 30;

/** Rounds that make a sample, found while the candidate warms up. */
async function calibrate(worker: Worker, work: string, effort: Effort): Promise<number> {
  if (effort.milliseconds === 0) return 1;
  let total = 0;
  for (let rounds = 1;; rounds *= 2) {
    const milliseconds = (await worker.run(work, rounds)).nanoseconds / 1e6;
    total += milliseconds;
    if (total < WARM || milliseconds < effort.milliseconds) continue;
    return Math.max(1, Math.round(rounds * effort.milliseconds / milliseconds));
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Median of the ratios within the sample rounds. */
export function ratio(of: Measured, to: Measured): number {
  return median(of.samples.map((value, i) => value / to.samples[i]!));
}
