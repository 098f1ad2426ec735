/**
 * The one interface between the package and the runtime it runs on. Only the files in `runtime/` name a runtime's
 * FFI, and they see it through local interfaces, so that no type of theirs reaches a user.
 *
 * @module
 */
import process from "node:process";
import { bun } from "./runtime/bun.ts";
import { deno } from "./runtime/deno.ts";
import { node } from "./runtime/node.ts";

/** Types that mean the same in all FFIs. */
export type NativeType = "f64" | "i32" | "u32" | "buffer" | "void";

/** Declarations of native functions, generated into `symbols.ts`. */
export type SymbolTable = Readonly<
  Record<string, { readonly parameters: readonly NativeType[]; readonly result: NativeType }>
>;

type Value<T extends NativeType> = T extends "buffer" ? ArrayBufferView
  : T extends "void" ? void
  : number;

type Values<T extends readonly NativeType[]> = { -readonly [I in keyof T]: Value<T[I]> };

/** The functions of a table with their types. */
export type Functions<T extends SymbolTable> = {
  readonly [K in keyof T]: (...values: Values<T[K]["parameters"]>) => Value<T[K]["result"]>;
};

/** Makes ArrayBuffers over a pool's memory; a number is `-errno`. */
export interface Buffers {
  /** The block's own buffer: the block is freed when the buffer has died. */
  array(handle: number, pointer: number, length: number): ArrayBuffer | number;
  /** A buffer that frees nothing. */
  window(handle: number, pointer: number, length: number): ArrayBuffer | number;
}

/** What bun:ffi needs to make a block's buffer, and nobody else. */
export interface ArraySupport {
  base(handle: number): number;
  retain(handle: number): number;
  release(user: number): void;
  deallocator(): number;
}

/** What may need a permission: to open a library, to make buffers over its memory, to read or write files. */
export type Right = "open" | "buffers" | "read" | "write";

/** What differs from runtime to runtime. */
export interface Runtime {
  /** As it stands in messages. */
  readonly name: string;
  /** Bytes of the largest ArrayBuffer. */
  readonly bufferMax: number;
  /**
   * Bytes of an isolate's windows for structs, without the first ones that grow with their use: so many that the engine does
   * not begin to collect all the time.
   */
  readonly farBytesMax: number;
  /** Whether code that once left the bounds of a `DataView` becomes as fast again as it was. */
  readonly leavesBoundsFreely: boolean;
  /** UTF-16 code units of the longest text that a loop encodes faster than the engine does. */
  readonly encodedByHand: number;
  /** Longer text is encoded faster by a Buffer's `utf8Write` than by `TextEncoder.encodeInto`. */
  readonly writesBuffers: boolean;
  /** Whether something is permitted for a path. Never asks the user. */
  permits(right: Right, path: string): boolean;
  /** The options of the command line that permit it. */
  optionFor(right: Right, path: string): string;
  /** A variable of the environment; undefined also when it may not be read. Never asks. */
  environment(name: string): string | undefined;
  /** Whether there is such a file; undefined when that may not be known. Never asks. */
  exists(path: string): boolean | undefined;
  /** Opens a library; throws what the runtime throws. */
  open<const T extends SymbolTable>(path: string, table: T): Functions<T>;
  /** Ends buffers that nobody can reach any more, as far as the engine can be told to. */
  collect(): void;
  /** Whether the program runs in a mode in which its modules are loaded anew, beside what earlier loads left in the isolate. */
  readonly reloads: boolean;
  /** Whether this thread goes on when the isolate ends. Then the Node-API side is opened at once, since it is told. */
  threadOutlives(): boolean;
  /** The Node-API side of the same file. */
  openBuffers(path: string, support: ArraySupport): Buffers;
}

let current: Runtime | undefined;

/** The runtime this code runs on. */
export function currentRuntime(): Runtime {
  return current ??= detect();
}

function detect(): Runtime {
  // Bundlers for browsers put a `process` without versions there; opening the library refuses that.
  const { bun: isBun, deno: isDeno } = process.versions ?? {};
  if (isBun !== undefined) return bun;
  return isDeno !== undefined ? deno : node;
}
