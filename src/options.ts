/**
 * The options of a pool, checked.
 *
 * @module
 */
import { GiveBack, Option } from "./symbols.ts";
import { currentRuntime } from "./runtime.ts";
import { parseSize, type Size } from "./size.ts";
import { encode, show } from "./text.ts";

/**
 * How a pool is made. All of it is optional: without options a growing pool in the system's temporary directory.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Pool, type PoolOptions } from "@vmem/vmem";
 *
 * const options: PoolOptions = { maxSize: "64GiB", giveBack: "never" };
 * using pool = Pool.create(options);
 * assertEquals(pool.stats().mapped, 64 * 2 ** 30);
 * ```
 */
export interface PoolOptions {
  /** The directory of the pool's file, on the file system that shall hold it. The file has no name and ends with the pool. */
  readonly dir?: string;
  /** A device of DAX, such as "/dev/dax0.0", instead of a directory: the pool is all of its memory. One pool at a time; the device keeps what was written to it. Excludes `dir`, `size` and `maxSize`. */
  readonly device?: string;
  /** Bytes of a pool of fixed size, at least 1 MiB: all of its storage is allocated at once. Excludes `maxSize`. */
  readonly size?: Size;
  /** Most bytes of a growing pool, at least 1 MiB: storage is allocated as it is needed. Default: what the file system has, at most 1 TiB. */
  readonly maxSize?: Size;
  /** When a growing pool gives storage back that it no longer needs: after a while ("decay", the default), at once, or only by {@linkcode Pool.trim}. */
  readonly giveBack?: "decay" | "immediate" | "never";
  /** How wrong use is looked for. 0 and 1: a second free is noticed late or never. 2, the default: at once. 3: freed blocks are held back and writes to them logged, too; slow. */
  readonly hardening?: 0 | 1 | 2 | 3;
  /**
   * Looks at every access by a view of a struct whether its block was freed, and throws a RangeError then: for finding mistakes,
   * since each access costs a native call and a table look-up. Structs inside arrays and blocks, and field functions for a
   * pointer that was given out again, are not checked; attachments do not look. With `hardening: 3` freed places are given out again later. Default: false.
   */
  readonly checked?: boolean;
  /** Accepts a file system that cannot promise its storage (copy on write, or no allocation ahead): when it is full, the process dies of SIGBUS. Default: false. */
  readonly allowUnsafeStorage?: boolean;
}

/** How a block is made. */
export interface AllocateOptions {
  /** The block's address is a multiple of this power of two, at most 1 GiB. Default: 16, or the size's largest power of two if that is less. */
  readonly align?: number;
}

const action = "Cannot create a pool";
const sizeMin = 2 ** 20;
const alignMax = 2 ** 30;

/** Options as the native side takes them. */
export interface NativeOptions {
  readonly numbers: Float64Array;
  readonly directory: Uint8Array;
  readonly checked: boolean;
}

/** Throws TypeError or RangeError for what is not as {@linkcode PoolOptions} says. */
export function poolOptions(given: unknown): NativeOptions {
  const options = record(given, action, [
    "dir",
    "device",
    "size",
    "maxSize",
    "giveBack",
    "hardening",
    "checked",
    "allowUnsafeStorage",
  ]);
  const { dir, device, size, maxSize, giveBack, hardening, allowUnsafeStorage } = options;
  if (device !== undefined && [dir, size, maxSize].some((each) => each !== undefined)) {
    throw new TypeError(
      `${action}: a "device" is used as a whole, without "dir", "size" or "maxSize"`,
    );
  }
  if (size !== undefined && maxSize !== undefined) {
    throw new TypeError(`${action}: it has either a "size" or a "maxSize"`);
  }
  const numbers = new Float64Array(Object.keys(Option).length);
  if (size !== undefined) numbers[Option.size] = parseSize(size, action, sizeMin);
  if (maxSize !== undefined) numbers[Option.maximum] = parseSize(maxSize, action, sizeMin);
  // What is not given is left to VMEM_MALLOC_CONF, and else to the defaults.
  const when = oneOf("giveBack", giveBack, [undefined, "decay", "immediate", "never"]);
  numbers[Option.give_back] = when === undefined ? -1 : GiveBack[when];
  numbers[Option.hardening] = oneOf("hardening", hardening, [undefined, 0, 1, 2, 3]) ?? -1;
  numbers[Option.unsafe_storage] = Number(
    oneOf("allowUnsafeStorage", allowUnsafeStorage, [false, true]),
  );
  numbers[Option.device] = Number(device !== undefined);
  const path = device !== undefined
    ? checkPath("device", device)
    : checkPath("dir", dir === undefined ? temporaryDirectory() : dir);
  const checked = oneOf("checked", options.checked, [false, true]);
  return { numbers, directory: encode(path), checked };
}

function temporaryDirectory(): string {
  const named = currentRuntime().environment("TMPDIR");
  return named !== undefined && named !== "" ? named : "/tmp";
}

function checkPath(name: "dir" | "device", path: unknown): string {
  if (typeof path !== "string") {
    throw new TypeError(`${action}: "${name}" must be a path, not ${show(path)}`);
  }
  if (path === "" || path.includes("\0")) {
    const what = name === "dir" ? "directory" : "device";
    throw new RangeError(`${action}: ${show(path)} is not the path of a ${what}`);
  }
  return path;
}

/** Throws TypeError or RangeError unless `given` is undefined or as {@linkcode AllocateOptions} says. */
export function alignmentOf(given: unknown, failed: string): number {
  if (given === undefined) return 1;
  const { align } = record(given, failed, ["align"]);
  if (align === undefined) return 1;
  if (typeof align !== "number") {
    throw new TypeError(`${failed}: "align" must be a number of bytes, not ${show(align)}`);
  }
  if (!(align >= 1 && align <= alignMax) || !Number.isInteger(Math.log2(align))) {
    throw new RangeError(
      `${failed}: "align" must be a power of two up to 1 GiB, not ${show(align)}`,
    );
  }
  return align;
}

function record(given: unknown, failed: string, known: readonly string[]): Record<string, unknown> {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new TypeError(`${failed}: options are an object, not ${show(given)}`);
  }
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) throw new TypeError(`${failed}: there is no option ${show(key)}`);
  }
  return given as Record<string, unknown>;
}

/** The value if it is allowed, the first one if it is absent. */
function oneOf<const T>(name: string, value: unknown, allowed: readonly [T, ...T[]]): T {
  if (value === undefined) return allowed[0];
  const found = allowed.find((each) => each === value);
  if (found === undefined) {
    const words = allowed.filter((each) => each !== undefined).map(show).join(" or ");
    throw new TypeError(`${action}: "${name}" must be ${words}, not ${show(value)}`);
  }
  return found;
}
