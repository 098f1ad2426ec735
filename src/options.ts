/**
 * The options of a pool, checked.
 *
 * @module
 */
import type { LeakListener } from "./leaks.ts";
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
  /** Most bytes of a growing pool, at least 1 MiB: storage is allocated as it is needed. Default: what the file system has, at most 1 TiB; less where many pools are open. */
  readonly maxSize?: Size;
  /** When a growing pool gives storage back that it no longer needs: after a while ("decay", the default), at once, or only by {@linkcode Pool.trim}. */
  readonly giveBack?: "decay" | "immediate" | "never";
  /** How wrong use is looked for. 0 and 1: a second free is noticed late or never. 2, the default: at once. 3: freed blocks are held back and writes to them logged, too; slow. */
  readonly hardening?: 0 | 1 | 2 | 3;
  /**
   * Looks at every access by a view of a struct whether its block was freed, and throws a RangeError then: for finding mistakes,
   * since each access costs a native call and a table look-up. Not checked are: views made of a pointer into the middle of a block;
   * a place that was freed by its pointer and given out by `malloc`; field functions for a pointer that was given out again. Attachments do not look. With `hardening: 3` freed places are given out again later. Default: false.
   */
  readonly checked?: boolean;
  /**
   * Remembers where each block was allocated, by all workers that use the pool: for {@linkcode Pool.leaks}, and so that the close tells by
   * place what was left, on the console or to a function. For finding leaks: an allocation costs microseconds
   * then (docs/guide.md), and a pool without it nothing. Default: not. `false` also keeps a pool silent that is garbage collected
   * without having been closed.
   */
  readonly trace?: boolean | LeakListener;
  /** Accepts a file system that cannot promise its storage (copy on write, or no allocation ahead): when it is full, the process dies of SIGBUS. Default: false. */
  readonly allowUnsafeStorage?: boolean;
  /** Maps pages as soon as they have storage, so that no later touch waits for one: at creation with `size`, else as the pool grows. Default: false. */
  readonly prefault?: boolean;
  /**
   * Asks for pages of 2 MiB, which are fewer page faults and TLB misses for large pools: on tmpfs, whatever it was mounted with, and in
   * regions; on disks where the file system has such pages in its cache. The system may have none left, then they are small. On
   * hugetlbfs and most devices all pages are huge anyway. Default: false.
   */
  readonly hugePages?: boolean;
  /** The number of the NUMA node that pages come from as long as it has any: on tmpfs and hugetlbfs, and in regions. Default: what the system chooses. */
  readonly numaNode?: number;
}

/**
 * How a pool on memory of the program is made by {@linkcode Pool.inRegion}. What is said of {@linkcode PoolOptions} holds for them.
 *
 * @example
 * ```ts
 * import type { RegionOptions } from "@vmem/vmem";
 *
 * const options: RegionOptions = { prefault: true, hardening: 3 };
 * console.log(options);
 * ```
 */
export type RegionOptions = Pick<
  PoolOptions,
  "hardening" | "checked" | "trace" | "prefault" | "hugePages" | "numaNode"
>;

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
  /** Undefined: nothing was said. */
  readonly trace: boolean | LeakListener | undefined;
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
    "trace",
    "allowUnsafeStorage",
    "prefault",
    "hugePages",
    "numaNode",
  ]);
  const { dir, device, size, maxSize, giveBack, allowUnsafeStorage } = options;
  if (device !== undefined && [dir, size, maxSize].some((each) => each !== undefined)) {
    throw new TypeError(
      `${action}: a "device" is used as a whole, without "dir", "size" or "maxSize"`,
    );
  }
  if (size !== undefined && maxSize !== undefined) {
    throw new TypeError(`${action}: it has either a "size" or a "maxSize"`);
  }
  const numbers = commonNumbers(options);
  if (size !== undefined) numbers[Option.size] = parseSize(size, action, sizeMin);
  if (maxSize !== undefined) numbers[Option.maximum] = parseSize(maxSize, action, sizeMin);
  // What is not given is left to VMEM_MALLOC_CONF, and else to the defaults.
  const when = oneOf("giveBack", giveBack, [undefined, "decay", "immediate", "never"]);
  if (when !== undefined) numbers[Option.give_back] = GiveBack[when];
  numbers[Option.unsafe_storage] = Number(
    oneOf("allowUnsafeStorage", allowUnsafeStorage, [false, true]),
  );
  numbers[Option.device] = Number(device !== undefined);
  const path = device !== undefined
    ? checkPath("device", device)
    : checkPath("dir", dir === undefined ? temporaryDirectory() : dir);
  return { numbers, directory: encode(path), checked: isChecked(options), trace: traceOf(options) };
}

/** The same of a pool in a region, see `Pool.inRegion`. */
export function regionOptions(address: unknown, size: unknown, given: unknown): NativeOptions {
  const options = record(given, action, [
    "hardening",
    "checked",
    "trace",
    "prefault",
    "hugePages",
    "numaNode",
  ]);
  const numbers = commonNumbers(options);
  numbers[Option.region] = addressOf(address);
  numbers[Option.size] = parseSize(size, action, sizeMin);
  return {
    numbers,
    directory: new Uint8Array(0),
    checked: isChecked(options),
    trace: traceOf(options),
  };
}

/** What a runtime gives as a pointer: a number in Bun, a bigint in Deno. */
function addressOf(address: unknown): number {
  if (typeof address !== "number" && typeof address !== "bigint") {
    throw new TypeError(
      `${action}: the address must be a number or a bigint, not ${show(address)}`,
    );
  }
  const number = Number(address);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new RangeError(`${action}: ${show(address)} is not an address`);
}

function isChecked({ checked }: Record<string, unknown>): boolean {
  return oneOf("checked", checked, [false, true]);
}

function traceOf({ trace }: Record<string, unknown>): boolean | LeakListener | undefined {
  if (typeof trace === "function") return trace as LeakListener;
  if (trace === undefined || typeof trace === "boolean") return trace;
  throw new TypeError(`${action}: "trace" must be false or true or a function, not ${show(trace)}`);
}

function commonNumbers(options: Record<string, unknown>): Float64Array {
  const { hardening, prefault, hugePages } = options;
  const numbers = new Float64Array(Object.keys(Option).length);
  numbers[Option.give_back] = -1;
  numbers[Option.hardening] = oneOf("hardening", hardening, [undefined, 0, 1, 2, 3]) ?? -1;
  numbers[Option.prefault] = Number(oneOf("prefault", prefault, [false, true]));
  numbers[Option.huge_pages] = Number(oneOf("hugePages", hugePages, [false, true]));
  numbers[Option.numa_node] = nodeOf(options["numaNode"]);
  return numbers;
}

function nodeOf(node: unknown): number {
  if (node === undefined) return -1;
  if (typeof node !== "number") {
    throw new TypeError(`${action}: "numaNode" must be a number, not ${show(node)}`);
  }
  if (Number.isInteger(node) && node >= 0 && node < 1024) return node;
  throw new RangeError(`${action}: "numaNode" must be from 0 to 1023, not ${show(node)}`);
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

/** Throws TypeError unless it is an object with none but the known keys. */
export function record(
  given: unknown,
  failed: string,
  known: readonly string[],
): Record<string, unknown> {
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
