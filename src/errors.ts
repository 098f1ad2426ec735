/**
 * What can go wrong, as classes that callers can tell apart. Misuse is a `TypeError` or a `RangeError`.
 *
 * @module
 */
import { errorNames } from "./symbols.ts";

let lastMessage = "";

/** Remembers a message for {@linkcode errormsg}. */
export function remember(message: string): void {
  lastMessage = message;
}

/**
 * The message of this thread's last failed operation, as in the C library: of the last {@linkcode VmemError} or the last
 * refusal of {@linkcode checkVersion}. It is "" before the first one, and a success does not clear it.
 *
 * @returns The message.
 *
 * @example Asking after the fact
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { checkVersion, errormsg } from "@vmem/vmem";
 *
 * const reason = checkVersion(1, 99);
 * assertEquals(errormsg(), reason);
 * ```
 */
export function errormsg(): string {
  return lastMessage;
}

/**
 * An operation failed for a reason outside the program: the operating system said no, or the pool is closed.
 *
 * @example Telling reasons apart
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { Pool, VmemError } from "@vmem/vmem";
 *
 * const error = assertThrows(() => Pool.create({ dir: "/no/such/folder" }), VmemError);
 * assertEquals(error.code, "ENOENT");
 * assertEquals(error.errno, 2);
 * ```
 */
export class VmemError extends Error {
  /** Always "VmemError", or the subclass's name. */
  override readonly name: string = "VmemError";
  /** The system's symbol for the reason, for example "ENOSPC"; "EBADF" for a closed pool. */
  readonly code: string;
  /** The system's number for it, for example 28. */
  readonly errno: number;

  /**
   * Makes an error whose `code` follows from its number.
   *
   * @param errno The system's number of the error.
   * @param message What failed and why.
   * @param options The cause, if another error led to this one.
   */
  constructor(errno: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.errno = errno;
    this.code = errorNames[errno] ?? "EUNKNOWN";
    remember(message);
  }
}

/**
 * The pool has no room for a block, or its file system none. Nothing was changed.
 *
 * @example Falling back
 * ```ts
 * import { assert, assertThrows } from "@std/assert";
 * import { OutOfMemoryError, Pool } from "@vmem/vmem";
 *
 * using pool = Pool.create({ size: "1MiB" });
 * const error = assertThrows(() => pool.alloc(Uint8Array, 2 ** 36), OutOfMemoryError);
 * assert(error.largestFree <= error.available);
 * ```
 */
export class OutOfMemoryError extends VmemError {
  /** Always "OutOfMemoryError". */
  override readonly name: string = "OutOfMemoryError";
  /** Bytes that could still be allocated, in blocks of any size: what the pool's limit allows and its file system has. */
  readonly available: number;
  /** Bytes of the largest block that could be allocated. */
  readonly largestFree: number;
  /** What there is too little of: "storage" where the file system has less than the pool's limit would allow to take, else "limit". */
  readonly lacks: "limit" | "storage";

  /**
   * Makes an error with code "ENOMEM".
   *
   * @param message What failed.
   * @param available Bytes in all.
   * @param largestFree Bytes in one piece.
   * @param lacks What there is too little of. Default: "limit".
   */
  constructor(
    message: string,
    available: number,
    largestFree: number,
    lacks: "limit" | "storage" = "limit",
  ) {
    super(12, message);
    this.available = available;
    this.largestFree = largestFree;
    this.lacks = lacks;
  }
}

/**
 * The native library was not found, may not be loaded, or belongs to another version of the package. The message says
 * what was tried and what to do; `cause` is the last error of the runtime.
 *
 * @example Too late
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { LibraryError, Pool, setLibrary } from "@vmem/vmem";
 *
 * using _pool = Pool.create();
 * assertThrows(() => setLibrary("/opt/libvmem_ffi.so"), LibraryError);
 * ```
 */
export class LibraryError extends Error {
  /** Always "LibraryError". */
  override readonly name: string = "LibraryError";
}
