/**
 * The memory of other programs in a pool: the environment by which a child process has its malloc served by
 * `libvmmalloc.so.1`.
 *
 * @example A child whose memory lies in a directory
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { spawnSync } from "node:child_process";
 * import process from "node:process";
 * import { vmmallocEnv } from "@vmem/vmem/vmmalloc";
 *
 * const env = { ...process.env, ...vmmallocEnv({ dir: "/dev/shm", size: "64MiB" }) };
 * const { stdout } = spawnSync("sort", ["-n"], { env, input: "10\n9\n", encoding: "utf8" });
 * assertEquals(stdout, "9\n10\n");
 * ```
 *
 * @module
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { embedded } from "./embedded_vmmalloc.ts";
import { LibraryError, VmemError } from "./errors.ts";
import { platform } from "./library.ts";
import { record } from "./options.ts";
import { currentRuntime } from "./runtime.ts";
import { parseSize, type Size } from "./size.ts";
import { show } from "./text.ts";
import { unpack } from "./unpack.ts";

/** Where a child's memory lies, and what happens when it forks. */
export interface VmmallocOptions {
  /** The directory of the pool's file, or the path of a DAX device. A relative path is taken from this process's working directory. */
  readonly dir: string;
  /** Bytes of the pool, at least 14 MiB; so much has to be free when the child starts, and storage is taken as it is needed. Default: 14 MiB if there is a `maxSize`. */
  readonly size?: Size;
  /** Bytes to which the pool may grow, at least `size`. Default: `size`. */
  readonly maxSize?: Size;
  /**
   * What happens when the child forks. 0: nothing, for programs that only start others. 1: parent and child go on in memory
   * of their own. 2: the forked child gets a copy of the pool in a file of its own, or ends the program where there is no
   * room for it. 3: as 2, or as 1 where there is no room. Default: 1.
   */
  readonly fork?: 0 | 1 | 2 | 3;
  /**
   * When the child's blocks get their storage. `"ahead"`: before malloc returns. `"touched"`: so, too, but blocks of 4 MiB or more on tmpfs
   * as they are touched, while it has four times as much free; other processes that fill it nevertheless end the child by
   * SIGBUS. Default: `"touched"`.
   */
  readonly storage?: "touched" | "ahead";
  /** What the library logs: 0 nothing, 1 wrong use and errors; its twin for debugging has 2 to 4. Default: 0. */
  readonly logLevel?: 0 | 1 | 2 | 3 | 4;
  /** The file at whose end the log and the statistics are added; the child's standard error without it. */
  readonly logFile?: string;
  /** Whether statistics are written when the child ends by `exit`. Default: false. */
  readonly logStats?: boolean;
  /** The file of `libvmmalloc.so.1`. Default: the package's own. */
  readonly library?: string;
}

const action = "Cannot make an environment for vmmalloc";
const sizeMin = 14 * 2 ** 20;

/**
 * The environment of a child process whose malloc, and everything built on it, is served from a pool in a directory.
 * Programs that are not reached: static ones, and what a program takes from the system by itself, such as the JavaScript
 * heaps of Deno, Node and Bun.
 *
 * The child's own children inherit it, and make pools of their own. What this process has in `LD_PRELOAD` is kept behind
 * the library, where it may be read.
 *
 * Deno sets `LD_PRELOAD` for a child only with an `--allow-run` that names no programs.
 *
 * @param options Where, how large, and what happens at a fork.
 * @returns The variables, to be added to a child's environment: `new Deno.Command(program, { env })` does so,
 *   `Bun.spawn` and `node:child_process` take `{ ...process.env, ...env }`.
 * @throws TypeError or RangeError An option is not as {@linkcode VmmallocOptions} says.
 * @throws VmemError `dir` does not exist (ENOENT), where that can be known.
 * @throws LibraryError There is no library for this platform, or none whose path can stand in `LD_PRELOAD`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { vmmallocEnv } from "@vmem/vmem/vmmalloc";
 *
 * const env = vmmallocEnv({ dir: "/dev/shm", size: "1GiB", fork: 2 });
 * assertEquals(env.VMMALLOC_POOL_SIZE, "1073741824");
 * assertEquals(env.VMMALLOC_FORK, "2");
 * ```
 */
export function vmmallocEnv(options: VmmallocOptions): Record<string, string> {
  const given = record(options, action, [
    "dir",
    "size",
    "maxSize",
    "fork",
    "storage",
    "logLevel",
    "logFile",
    "logStats",
    "library",
  ]);
  const env: Record<string, string> = { VMMALLOC_POOL_DIR: directory(given.dir) };
  const { size, maximum } = sizes(given.size, given.maxSize);
  env.VMMALLOC_POOL_SIZE = String(size);
  if (maximum !== undefined) env.VMMALLOC_POOL_MAX_SIZE = String(maximum);
  const fork = oneOf("fork", given.fork, [0, 1, 2, 3]);
  if (fork !== undefined) env.VMMALLOC_FORK = String(fork);
  const storage = oneOf("storage", given.storage, ["touched", "ahead"]);
  if (storage !== undefined) env.VMMALLOC_STORAGE = storage;
  const level = oneOf("logLevel", given.logLevel, [0, 1, 2, 3, 4]);
  if (level !== undefined) env.VMMALLOC_LOG_LEVEL = String(level);
  if (given.logFile !== undefined) env.VMMALLOC_LOG_FILE = path("logFile", given.logFile);
  const stats = oneOf("logStats", given.logStats, [false, true]);
  if (stats !== undefined) env.VMMALLOC_LOG_STATS = stats ? "1" : "0";
  env.LD_PRELOAD = preload(given.library);
  return env;
}

function directory(value: unknown): string {
  const dir = path("dir", value);
  if (currentRuntime().exists(dir) === false) {
    throw new VmemError(2, `${action}: the directory ${show(dir)} does not exist`);
  }
  return dir;
}

function sizes(size: unknown, maxSize: unknown): { size: number; maximum: number | undefined } {
  if (size === undefined && maxSize === undefined) {
    throw new TypeError(`${action}: it needs a "size" or a "maxSize"`);
  }
  const least = size === undefined ? sizeMin : parseSize(size, action, sizeMin);
  const maximum = maxSize === undefined ? undefined : parseSize(maxSize, action, least);
  return { size: least, maximum };
}

/** An absolute path: a child may have another working directory. */
function path(name: string, value: unknown): string {
  if (typeof value !== "string") {
    throw new TypeError(`${action}: "${name}" must be a path, not ${show(value)}`);
  }
  if (value === "" || value.includes("\0")) {
    throw new RangeError(`${action}: "${name}" must be a path, not ${show(value)}`);
  }
  return value.startsWith("/") ? value : resolve(value);
}

function oneOf<T>(name: string, value: unknown, allowed: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  const found = allowed.find((each) => each === value);
  if (found !== undefined) return found;
  throw new TypeError(
    `${action}: "${name}" must be ${allowed.map(show).join(" or ")}, not ${show(value)}`,
  );
}

/** The value of `LD_PRELOAD`. */
function preload(library: unknown): string {
  const file = library === undefined ? ownLibrary() : path("library", library);
  if (currentRuntime().exists(file) === false) {
    throw new LibraryError(`${action}: there is no file ${show(file)}`);
  }
  // The loader separates libraries there by blanks and colons, and knows no quotes.
  if (/[\s:]/.test(file)) {
    throw new LibraryError(
      `${action}: the path ${show(file)} has a blank or a colon, which LD_PRELOAD cannot hold; ` +
        `name a copy elsewhere as "library"`,
    );
  }
  const others = (currentRuntime().environment("LD_PRELOAD") ?? "").split(/[\s:]+/)
    .filter((each) => each !== "" && each !== file);
  return [file, ...others].join(":");
}

/** The package's file: beside it (npm), carried by it (JSR), or built in a checkout. */
function ownLibrary(): string {
  const name = "libvmmalloc.so.1";
  const runtime = currentRuntime();
  const tried: string[] = [];
  const local = import.meta.url.startsWith("file:");
  const places = local ? [`../lib/${platform()}/${name}`, `../zig-out/lib/${name}`] : [];
  for (const place of places) {
    const file = fileURLToPath(new URL(place, import.meta.url));
    const exists = runtime.exists(file);
    if (exists === true) return file;
    const needed = `not permitted without ${runtime.optionFor("read", file)}`;
    tried.push(`${file}: ${exists === undefined ? needed : "no such file"}`);
  }
  const copy = embedded[platform()];
  if (copy !== undefined) return unpack(copy);
  throw new LibraryError(
    `${action}: the package's ${name} for ${platform()} was not found, or may not be read; ` +
      `name the file as "library"${tried.length === 0 ? "" : `. Tried:\n  ${tried.join("\n  ")}`}`,
  );
}
