/**
 * The functions of liblzma (XZ Utils) by the FFI of Deno, Bun or Node. They take addresses, as C does:
 * `pool.address(pointer)` makes one.
 *
 * Not zlib: Node exports zlib's functions from its own program, and the ones in libz.so.1 would call those in Node.
 */
import process from "node:process";
import { array, pointer, struct } from "@vmem/vmem";

/**
 * liblzma's `lzma_stream`, in the layout of C, so that it can lie in a pool. The library moves the two pointers on as it reads
 * and writes, and keeps memory of its own behind `internal`.
 */
export const Stream = struct({
  nextIn: pointer(),
  availableIn: "size",
  totalIn: "size",
  nextOut: pointer(),
  availableOut: "size",
  totalOut: "size",
  /** Null: malloc and free. */
  allocator: "u64",
  internal: "u64",
  reserved: array("u64", 9),
});

/** Results and orders of lzma/base.h. */
export const OK = 0;
export const END = 1;
export const NO_PROGRESS = 10;
export const FINISH = 3;

/** Checksum of 64 bits. */
const CRC64 = 4;

/** The address of a {@linkcode Stream}, which must stay where it is until `end`. */
type StreamAddress = number;

export interface Lzma {
  readonly beginCompressing: (stream: StreamAddress, preset: number) => number;
  readonly beginDecompressing: (stream: StreamAddress) => number;
  readonly code: (stream: StreamAddress, action: number) => number;
  readonly end: (stream: StreamAddress) => void;
}

type Native = "u64" | "u32" | "void";
type Table = Readonly<Record<string, readonly [parameters: readonly Native[], result: Native]>>;
type Functions = Readonly<Record<string, (...values: (number | bigint)[]) => number>>;

const table: Table = {
  lzma_easy_encoder: [["u64", "u32", "u32"], "u32"],
  lzma_stream_decoder: [["u64", "u64", "u32"], "u32"],
  lzma_code: [["u64", "u32"], "u32"],
  lzma_end: [["u64"], "void"],
};

/** Opens the library. Error: it is not installed, or may not be loaded. */
export function openLzma(name = "liblzma.so.5"): Lzma {
  let native: Functions;
  try {
    native = open(name);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Opening "${name}" failed: ${reason}; install it (Debian: liblzma5)`);
  }
  const { lzma_easy_encoder, lzma_stream_decoder, lzma_code, lzma_end } = native;
  const unlimited = 2n ** 64n - 1n;
  return {
    beginCompressing: (at, preset) => lzma_easy_encoder!(BigInt(at), preset, CRC64),
    beginDecompressing: (at) => lzma_stream_decoder!(BigInt(at), unlimited, 0),
    code: (at, action) => lzma_code!(BigInt(at), action),
    end: (at) => void lzma_end!(BigInt(at)),
  };
}

/** Each runtime has other names for the same; all of them take bigints for 64 bits. */
function open(name: string): Functions {
  const { Deno } = globalThis as unknown as { Deno?: Opener };
  if (Deno !== undefined) {
    const types = describe((parameters, result) => ({ parameters, result }));
    return Deno.dlopen(name, types).symbols!;
  }
  if (process.versions.bun !== undefined) {
    const types = describe((args, returns) => ({ args, returns }));
    return builtin("bun:ffi").dlopen(name, types).symbols!;
  }
  const word = (type: Native): string => type.replace(/^u/, "uint");
  const types = describe((parameters, result) => ({
    arguments: parameters.map(word),
    return: word(result),
  }));
  return builtin("node:ffi").dlopen(name, types).functions!;
}

interface Opener {
  dlopen(name: string, table: object): { symbols?: Functions; functions?: Functions };
}

/** Not an import, which other runtimes would refuse. */
function builtin(name: string): Opener {
  return process.getBuiltinModule(name) as unknown as Opener;
}

/** What a runtime wants to know of the functions. */
function describe(of: (parameters: readonly Native[], result: Native) => object): object {
  return Object.fromEntries(
    Object.entries(table).map(([name, [parameters, result]]) => [
      name,
      of(parameters, result),
    ]),
  );
}
