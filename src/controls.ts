/**
 * Values of a pool by jemalloc's names.
 *
 * @module
 */
import type { Memory } from "./memory.ts";
import * as native from "./native.ts";
import { EBADF, withMessage } from "./refuse.ts";
import { Control } from "./symbols.ts";
import { encode, show } from "./text.ts";

/**
 * Names for {@linkcode Pool.ctl} whose type is known to the compiler. `docs/controls.md` explains these and those with an index inside, like
 * "stats.arenas.0.nthreads".
 */
export interface Controls {
  /** The version of the library. */
  "version": string;
  /** Counts how often it was set. */
  "epoch": number;
  /** Shards of the pool for small blocks. */
  "arenas.narenas": number;
  /** Bytes of a page. */
  "arenas.page": number;
  /** Classes of small blocks. */
  "arenas.nbins": number;
  /** Groups of large blocks. */
  "arenas.nlextents": number;
  /** Milliseconds until storage is given back, 0 at once, -1 never; may be set. */
  "arenas.dirty_decay_ms": number;
  /** The arena that this thread takes small blocks from; may be set. */
  "thread.arena": number;
  /** Whether this thread keeps freed blocks of the pool for itself; may be set. */
  "thread.tcache.enabled": boolean;
  /** Gives back what this thread keeps. */
  "thread.tcache.flush": undefined;
  /** As {@linkcode Statistics} has it. */
  "stats.allocated": number;
  /** As {@linkcode Statistics} has it. */
  "stats.active": number;
  /** Bytes of the pool's bookkeeping, which lies outside of it. */
  "stats.metadata": number;
  /** Bytes with storage behind them. */
  "stats.resident": number;
  /** As {@linkcode Statistics} has it. */
  "stats.mapped": number;
  /** The address of the pool's first byte. */
  "vmem.base": number;
  /** The level of hardening. */
  "vmem.hardening": number;
  /** As {@linkcode Statistics} has it. */
  "vmem.committed": number;
  /** As {@linkcode Statistics} has it. */
  "vmem.available": number;
  /** As {@linkcode Statistics} has it. */
  "vmem.largest_free": number;
  /** As {@linkcode Statistics} has it. */
  "vmem.peak": number;
  /** As {@linkcode Statistics} has it. */
  "vmem.cached": number;
}

/** What a control gives; undefined: it is an action, and was performed. */
export type ControlValue = number | boolean | string | undefined;

/** Longest text, in doubles. */
const textMax = 64;

export function control(memory: Memory, name: string, value: unknown): ControlValue {
  const words = nameOf(name);
  if (value !== undefined) return set(memory, name, words, value);
  const out = new Float64Array(1 + textMax);
  const kind = native.ctl(memory.handle, words, words.length, out, out.length);
  if (kind < 0) refuse(memory, kind, `Cannot read ${show(name)}`);
  const number = out[0] ?? 0;
  switch (kind) {
    case Control.done:
      return undefined;
    case Control.truth:
      return number !== 0;
    case Control.text:
      return new TextDecoder().decode(new Uint8Array(out.buffer, 8, number));
    default:
      return number;
  }
}

function nameOf(name: unknown): Uint8Array {
  if (typeof name === "string" && name !== "") return encode(name);
  throw new TypeError(`Cannot use a control: ${show(name)} is not a name`);
}

function set(memory: Memory, name: string, words: Uint8Array, value: unknown): undefined {
  const action = `Cannot set ${show(name)}`;
  if (typeof value !== "number" && typeof value !== "boolean") {
    throw new TypeError(`${action}: the value must be a number or a boolean, not ${show(value)}`);
  }
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new RangeError(`${action}: ${show(value)} is not a whole number`);
  }
  const status = native.ctlSet(memory.handle, words, words.length, Number(value));
  if (status < 0) refuse(memory, status, action);
  return undefined;
}

function refuse(memory: Memory, status: number, action: string): never {
  if (status === -EBADF) memory.refuse(status, action);
  throw withMessage(status);
}
