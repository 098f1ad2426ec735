/** What the soak's main thread and its workers tell each other. */
import type { PoolToken } from "../../mod.ts";

/** To a worker. */
export type Order =
  /** Memory that all share: the operations done so far. */
  | { readonly do: "start"; readonly seed: number; readonly counts: SharedArrayBuffer }
  /** Use a pool from now on; `mailbox` is a pointer in it. */
  | { readonly do: "attach"; readonly token: PoolToken; readonly mailbox: number }
  /** An array of a pool, from another worker. */
  | { readonly do: "take"; readonly token: PoolToken; readonly array: Uint32Array<ArrayBuffer> }
  /** Free everything that is yours in the pool, then say so. */
  | { readonly do: "leave"; readonly token: PoolToken }
  /** End in one of the ways a worker can end by itself. */
  | { readonly do: "end"; readonly how: "exit" | "throw" };

/** From a worker. */
export type Report =
  | { readonly said: "give"; readonly token: PoolToken; readonly array: Uint32Array<ArrayBuffer> }
  /** An array of the pool was forgotten: the collector frees it, some time. */
  | { readonly said: "forgot"; readonly token: PoolToken }
  | { readonly said: "left" | "closed"; readonly token: PoolToken }
  | { readonly said: "defect"; readonly text: string };

/** Slots of a pool's mailbox: pointers, 32 bits each, that whoever takes one verifies and frees. */
export const mailboxSlots = 256;
/** Each is a word that workers wait for and notify. */
export const mailboxBytes: number = 4 * (mailboxSlots + 1);

/** Every word of a block or array, from what it is and how many there are. */
export function pattern(words: number, seed: number): number {
  return (Math.imul(words, 0x9e3779b1) ^ seed) >>> 0;
}
