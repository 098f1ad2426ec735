/** What the workloads on structures have in common. */
import type { Pointer, Pool } from "../../mod.ts";

/** One way to do a workload. */
export interface Candidate {
  /** Does all of it once and returns a proof, which must be the same for all candidates after the same number of runs. */
  readonly run: () => number;
  /** Frees what a run left behind; not timed. */
  readonly clean?: () => void;
}

export interface Workload {
  readonly name: string;
  /** Operations of one run, as many as there are records. */
  readonly size: number;
  /** Whether plain objects are made: then garbage is collected before every sample, else before every turn. */
  readonly allocates: boolean;
  /**
   * Candidates that make plain objects: they run in a process without a pool. JavaScriptCore counts a pool's window as its heap and
   * collects later: with one of 256 MiB a list of objects took 8 ns a node, in a program without a pool 31.
   */
  readonly alone?: (size: number) => Candidates;
  /** All others, each on data of its own. The pool is empty and has room for {@linkcode poolSize}. */
  readonly create: (pool: Pool, size: number) => Candidates;
}

/** Ways to do a workload, by their names. */
export type Candidates = Readonly<Record<string, Candidate>>;

/** What everything is compared with. */
export const plain = "plain objects";
/** What field access is compared with. */
export const byHand = "DataView by hand";
/** The three faces of a struct. */
export const views = "views";
export const cursor = "moved view";
export const functions = "field functions";
/** The peer. */
export const peer = "structurae";

/**
 * Makes a function that calls another one for 0 to 999, for 1000 to 1999 and so on, and adds up its results.
 *
 * A function that is called often is compiled when it is called. One long loop is replaced by compiled code while it
 * runs, and in V8 that code is worse by 3 ns a turn as soon as there is a branch in the loop: it keeps a sum of doubles
 * as objects on the heap. No program that matters is one loop, so the workloads are not. Make it once for all runs:
 * a function that is made anew in each run is compiled anew, too.
 */
export function inParts(
  count: number,
  part: (from: number, to: number) => number,
): () => number {
  return () => {
    let sum = 0;
    for (let from = 0; from < count; from += 1000) sum += part(from, Math.min(from + 1000, count));
    return sum;
  };
}

/** Bytes that a workload may use of its pool; a window over all of them is what code by hand uses. */
export const poolSize: number = 2 ** 28;

/** A DataView in which a pointer of the pool is the place of its byte. */
export function wholePool(pool: Pool): DataView {
  const firstPage = 4096 as Pointer;
  const bytes = pool.view(Uint8Array, firstPage, poolSize - firstPage);
  if (bytes.byteOffset !== firstPage) {
    throw new Error("A window does not begin where the pool does");
  }
  return new DataView(bytes.buffer);
}

/** Numbers from 0 to 2^31 - 1 that look random and are the same in every process (xorshift32). */
export function randomNumbers(count: number): Uint32Array {
  const numbers = new Uint32Array(count);
  let state = 2463534242;
  for (let i = 0; i < count; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    numbers[i] = state >>> 1;
  }
  return numbers;
}

/** The numbers below `count` in an order that looks random. */
export function shuffled(count: number): Uint32Array {
  const random = randomNumbers(count);
  const order = Uint32Array.from(random, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random[i]! % (i + 1);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}
