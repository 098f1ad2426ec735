/**
 * Waiting for a word of a pool to change, and waking who waits.
 *
 * @module
 */
import type { Memory } from "./memory.ts";
import * as native from "./native.ts";
import { checkPointer, type Pointer } from "./pointer.ts";
import { EFAULT } from "./refuse.ts";
import { Wait } from "./symbols.ts";
import { show } from "./text.ts";

/** How long {@linkcode Pool.wait} waits. */
export interface WaitOptions {
  /** Milliseconds, from 0; fractions count. Default: `Infinity`. */
  readonly timeout?: number;
}

type Outcome = "ok" | "not-equal" | "timed-out";

const outcomes: Readonly<Record<number, Outcome>> = {
  [Wait.ok]: "ok",
  [Wait.not_equal]: "not-equal",
  [Wait.timed_out]: "timed-out",
};

export function wait(
  memory: Memory,
  pointer: Pointer,
  expected: number,
  options: WaitOptions | undefined,
): Outcome {
  const action = "Cannot wait";
  checkInteger(expected, "the expected value", -(2 ** 31), 2 ** 32 - 1, action);
  if (options !== undefined && (typeof options !== "object" || options === null)) {
    throw new TypeError(`${action}: options are an object, not ${show(options)}`);
  }
  const timeout = options?.timeout ?? Infinity;
  if (typeof timeout !== "number") {
    throw new TypeError(`${action}: the timeout must be a number, not ${show(timeout)}`);
  }
  if (!(timeout >= 0)) {
    throw new RangeError(
      `${action}: the timeout must be milliseconds from 0, not ${show(timeout)}`,
    );
  }
  if (typeof pointer !== "number") checkPointer(pointer, action);
  const result = native.wait(memory.handle, pointer, expected >>> 0, timeout);
  return outcomes[result] ?? refuseWord(memory, pointer, result, action);
}

export function notify(memory: Memory, pointer: Pointer, count: number): number {
  const action = "Cannot notify";
  if (count !== Infinity) checkInteger(count, "the count", 0, Number.MAX_SAFE_INTEGER, action);
  if (typeof pointer !== "number") checkPointer(pointer, action);
  const woken = native.notify(memory.handle, pointer, count);
  return woken >= 0 ? woken : refuseWord(memory, pointer, woken, action);
}

function refuseWord(memory: Memory, pointer: Pointer, status: number, action: string): never {
  if (status === -EFAULT) {
    checkPointer(pointer, action);
    memory.checkSpan(action, pointer, 4);
    throw new RangeError(`${action}: the word is at a multiple of 4, not at ${pointer}`);
  }
  memory.refuse(status, action, pointer);
}

function checkInteger(
  value: unknown,
  name: string,
  minimum: number,
  maximum: number,
  action: string,
): void {
  if (typeof value !== "number") {
    throw new TypeError(`${action}: ${name} must be a number, not ${show(value)}`);
  }
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new RangeError(
      `${action}: ${name} must be a whole number from ${minimum} to ${maximum}, not ${show(value)}`,
    );
  }
}
