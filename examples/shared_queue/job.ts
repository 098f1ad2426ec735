/** What goes through the queue: a struct that one thread makes and another one frees. */
import { type Pointer, type PoolToken, string, struct } from "@vmem/vmem";

export const Job = struct({ number: "u32", text: string() });

/** What a worker is told: where the queue is, and which jobs it makes; it takes some if it makes none. */
export interface Task {
  readonly token: PoolToken;
  readonly queue: Pointer;
  readonly jobs?: readonly [from: number, to: number];
}

/** What a worker that takes jobs answers in the end. */
export interface Done {
  readonly taken: number;
  /** All numbers that it found in the jobs' texts, added up. */
  readonly sum: number;
}
