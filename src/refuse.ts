/**
 * Native status codes become exceptions here, and nowhere else.
 *
 * @module
 */
import { OutOfMemoryError, VmemError } from "./errors.ts";
import * as native from "./native.ts";
import { readStatistics } from "./statistics.ts";
import { errorNames } from "./symbols.ts";
import { readText, show } from "./text.ts";

/** The numbers behind the names that the functions of this package tell apart. */
export const ENOMEM = 12;
export const EBADF = 9;
export const EFAULT = 14;
export const EBUSY = 16;
export const ESTALE = 116;

/**
 * Throws what a status below 0 means.
 *
 * @param handle The pool.
 * @param status The native side's `-errno`.
 * @param action What failed.
 * @param pointer What was given as a pointer, if the function takes one.
 */
export function refuse(handle: number, status: number, action: string, pointer?: unknown): never {
  switch (-status) {
    case EBADF:
      throw new VmemError(EBADF, `${action}: the pool is closed`);
    case ENOMEM:
      throw outOfMemory(handle, action);
    case EFAULT:
      throw new RangeError(`${action}: no block of this pool starts at ${show(pointer)}`);
    case ESTALE:
      throw new RangeError(`${action}: the block at ${show(pointer)} was freed already`);
    default:
      throw new VmemError(-status, `${action}: ${errorNames[-status] ?? `error ${-status}`}`);
  }
}

/** An error that tells how much memory there is. */
export function outOfMemory(handle: number, action: string): OutOfMemoryError {
  const statistics = readStatistics(handle);
  if (typeof statistics === "number") {
    return new OutOfMemoryError(`${action}: the pool has no room`, 0, 0);
  }
  const { available, largestFree, storageLeft, mapped, committed } = statistics;
  const lacks = storageLeft < mapped - committed ? "storage" : "limit";
  const who = lacks === "storage"
    ? `the file system has ${storageLeft} bytes left, with them the pool has ${available}`
    : `the pool has ${available} bytes left`;
  return new OutOfMemoryError(
    `${action}: ${who}, the largest free piece has ${largestFree}`,
    available,
    largestFree,
    lacks,
  );
}

/** The error of the last native call that left a message. */
export function withMessage(status: number): VmemError {
  const text = readText((out, capacity) => native.message(out, capacity));
  return new VmemError(-status, text !== "" ? text : `Cannot create a pool: error ${-status}`);
}
