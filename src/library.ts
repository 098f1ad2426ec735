/**
 * Finding the native library. Nothing is downloaded and nothing is opened at import: the first pool opens it.
 *
 * The file is the one of {@linkcode setLibrary}, else that of the environment variable `VMEM_LIBRARY`; who names a
 * file gets that file or an error. Else the package's own places are tried in turn: `lib/` beside this module (npm),
 * the copy inside the package (JSR), the build of a checkout.
 *
 * @module
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { fileProblem } from "./elf.ts";
import { embedded } from "./embedded.ts";
import { LibraryError } from "./errors.ts";
import { hostProblem, loaderAdvice, platformProblem } from "./refusals.ts";
import { type Buffers, currentRuntime, type Functions } from "./runtime.ts";
import { usesMusl } from "./runtime/libc.ts";
import { abi, table } from "./symbols.ts";
import { show } from "./text.ts";
import { isInExecutable, unpack, unpackFile } from "./unpack.ts";

/** The library, opened. */
export interface Library {
  readonly path: string;
  readonly functions: Functions<typeof table>;
  /**
   * Opens the side that makes buffers. Not before the first one is needed: in Deno each thread that did keeps two
   * descriptors when it ends.
   */
  openBuffers(): Buffers;
  /** Whether that is permitted. */
  readonly mayOpenBuffers: boolean;
}

/** Opening a library is not permitted. */
class NotPermitted extends Error {
  readonly option: string;

  /** @param option What permits it. */
  constructor(option: string) {
    super(`not permitted without ${option}`);
    this.option = option;
  }
}

const failed = "Cannot load the vmem library";

let chosen: string | undefined;
let opened: Library | undefined;

/**
 * Names the file of the native library, before the first pool of this thread is made. For bundles and executables, where
 * the package's own files are elsewhere. Every thread (worker) that uses pools must name the same file. One inside an
 * executable of `bun build --compile` is copied to `$XDG_CACHE_HOME/vmem` or `~/.cache/vmem`.
 *
 * @param path An absolute path, or one relative to the working directory.
 * @throws LibraryError The library is open already.
 * @throws TypeError `path` is no text, or empty.
 *
 * @example In a program that carries the library itself
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { LibraryError, Pool, setLibrary } from "@vmem/vmem";
 *
 * setLibrary("./no/such/file.so");
 * assertThrows(() => Pool.create(), LibraryError, "no/such/file.so");
 * ```
 */
export function setLibrary(path: string): void {
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw new TypeError(`Cannot set the library: ${show(path)} is not a path`);
  }
  if (opened !== undefined) {
    throw new LibraryError(
      `Cannot set the library to ${show(path)}: ${show(opened.path)} is in use already; ` +
        `call setLibrary() before the first pool is made`,
    );
  }
  chosen = path;
}

/** Opens the library if this isolate has not done so yet. */
export function openLibrary(): Library {
  if (opened !== undefined) return opened;
  const impossible = hostProblem(process.versions);
  if (impossible !== undefined) throw new LibraryError(`${failed}: ${impossible}`);
  const runtime = currentRuntime();
  const named = chosen ?? runtime.environment("VMEM_LIBRARY");
  if (named !== undefined && named !== "") {
    const origin = chosen === undefined ? "VMEM_LIBRARY" : "setLibrary()";
    try {
      return opened = openFile(isInExecutable(named) ? unpackFile(named) : named);
    } catch (error) {
      throw refusal([`${show(named)}, from ${origin}: ${reason(error)}`], error);
    }
  }
  return opened = openOwn();
}

let known: string | undefined;

/** Name of the platform, as in the names of the files in `lib/`: "linux-x64", "linux-arm64-musl". */
export function platform(): string {
  return known ??= `${process.platform}-${process.arch}${usesMusl() ? "-musl" : ""}`;
}

function openOwn(): Library {
  const runtime = currentRuntime();
  const unsupported = platformProblem(process.platform, process.arch);
  if (unsupported !== undefined) throw new LibraryError(`${failed}: ${unsupported}`);
  const tried: string[] = [];
  let last: unknown;
  for (const path of ownPaths()) {
    if (runtime.exists(path) === false) {
      tried.push(`${show(path)}: no such file`);
      continue;
    }
    try {
      return openFile(path);
    } catch (error) {
      // A file of another version is a defect of the installation; the next one would hide it.
      if (error instanceof LibraryError) throw error;
      tried.push(`${show(path)}: ${reason(error)}`);
      last = error;
    }
  }
  throw refusal(tried, last);
}

/** Whether this is a checkout, and no package. */
const isSource = /^file:.*\.ts$/.test(import.meta.url);

function* ownPaths(): Generator<string> {
  const local = import.meta.url.startsWith("file:");
  if (local) yield fileURLToPath(new URL(`../lib/${platform()}.so`, import.meta.url));
  const copy = embedded[platform()];
  if (copy !== undefined) yield unpack(copy);
  if (isSource) {
    yield fileURLToPath(new URL("../zig-out/lib/libvmem_ffi.so", import.meta.url));
  }
}

function openFile(path: string): Library {
  const runtime = currentRuntime();
  if (!runtime.permits("open", path)) throw new NotPermitted(runtime.optionFor("open", path));
  // A name without a folder is looked for by the system's loader.
  if (process.platform === "linux" && path.includes("/") && runtime.permits("read", path)) {
    const problem = fileProblem(path, process.arch);
    if (problem !== undefined) throw new Error(problem);
  }
  let functions: Functions<typeof table>;
  try {
    functions = runtime.open(path, table);
  } catch (error) {
    throw foreign(path) ?? error;
  }
  const theirs = functions.vmem_ffi_abi();
  if (theirs !== abi) throw stale(path, theirs);
  return {
    path,
    functions,
    openBuffers: () => openBuffers(path, functions),
    mayOpenBuffers: runtime.permits("buffers", path),
  };
}

function openBuffers(path: string, functions: Functions<typeof table>): Buffers {
  const runtime = currentRuntime();
  if (!runtime.permits("buffers", path)) {
    throw new LibraryError(
      `Cannot make arrays and views of a pool: ${runtime.name} permits no Node-API add-on; run it with ` +
        `${
          runtime.optionFor("buffers", path)
        }, or do without (pointers, text and structs do not need it)`,
    );
  }
  try {
    return runtime.openBuffers(path, {
      base: functions.vmem_ffi_base,
      retain: functions.vmem_ffi_retain,
      release: functions.vmem_ffi_release,
      deallocator: functions.vmem_ffi_deallocator,
    });
  } catch (error) {
    throw refusal([`${show(path)}, as a Node-API add-on: ${reason(error)}`], error);
  }
}

/** A library that lacks a function is one of ours, but of another version, if it can say so. */
function foreign(path: string): LibraryError | undefined {
  try {
    const { vmem_ffi_abi } = currentRuntime().open(path, { vmem_ffi_abi: table.vmem_ffi_abi });
    const theirs = vmem_ffi_abi();
    return theirs === abi ? undefined : stale(path, theirs);
  } catch {
    return undefined;
  }
}

function stale(path: string, theirs: number): LibraryError {
  return new LibraryError(
    `Cannot use the vmem library ${show(path)}: it belongs to another version of the package ` +
      `(interface ${theirs.toString(16)}, wanted ${abi.toString(16)}); ` +
      `install the package again, or rebuild with "deno task build"`,
  );
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function refusal(tried: readonly string[], cause: unknown): LibraryError {
  if (cause instanceof LibraryError) return cause;
  return new LibraryError(
    `${failed} for ${platform()} on ${currentRuntime().name}: ${advice(cause)}. Tried:\n` +
      tried.map((line) => `  ${line}`).join("\n"),
    { cause },
  );
}

function advice(cause: unknown): string {
  if (cause instanceof NotPermitted) {
    const option = cause.option.replace(/=.*/, "");
    return `it is not permitted; run ${currentRuntime().name} with ${cause.option}` +
      (option === cause.option ? "" : `, or with ${option}`);
  }
  return platformProblem(process.platform, process.arch) ??
    loaderAdvice(cause === undefined ? "" : reason(cause)) ??
    (isSource
      ? `build it with "deno task build", or name its file with setLibrary() or VMEM_LIBRARY`
      : "install the package again, or name the library's file with setLibrary() or VMEM_LIBRARY");
}
