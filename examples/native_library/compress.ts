/** Compressing from one block of a pool into another, by a library that is handed their addresses. */
import type { Pointer, Pool } from "@vmem/vmem";
import { END, FINISH, type Lzma, NO_PROGRESS, OK, Stream } from "./lzma.ts";

/** A block of a pool, and how many of its bytes count. */
export interface Bytes {
  readonly at: Pointer;
  readonly length: number;
}

/** Bytes that a result begins with, and by which it grows at least. */
const STEP = 1 << 16;

/**
 * Compresses a block into a new one, which is the caller's to free. The block is only read, and stays the caller's; nobody may
 * free or change it meanwhile.
 */
export function compress(pool: Pool, lzma: Lzma, source: Bytes, preset = 1): Bytes {
  return run(pool, lzma, source, "Compressing", (stream) => lzma.beginCompressing(stream, preset));
}

/** The other way round; the same is true of its blocks. */
export function decompress(pool: Pool, lzma: Lzma, source: Bytes): Bytes {
  return run(pool, lzma, source, "Decompressing", lzma.beginDecompressing);
}

function run(
  pool: Pool,
  lzma: Lzma,
  { at, length }: Bytes,
  what: string,
  begin: (stream: number) => number,
): Bytes {
  // The library remembers where its stream is, and where it reads and writes, from call to call. Blocks of malloc stay where they
  // are until they are freed. (An array would do only as long as a variable refers to it: else the collector frees it.)
  const stream = pool.make(Stream, { nextIn: at, availableIn: length });
  const address = pool.address(stream.$pointer);
  let room = STEP;
  let target = pool.malloc(room);
  try {
    check(what, begin(address));
    try {
      for (;;) {
        // Growing may have moved the block: what the library remembers of it is set anew before each call.
        stream.nextOut = (target + stream.totalOut) as Pointer;
        stream.availableOut = room - stream.totalOut;
        const result = lzma.code(address, FINISH);
        if (result === END) break;
        if (result !== NO_PROGRESS) check(what, result);
        if (stream.availableOut > 0) throw new Error(`${what} failed: the data ends too early`);
        target = pool.realloc(target, room * 2);
        room *= 2;
      }
      const used = stream.totalOut;
      target = pool.realloc(target, Math.max(used, 1));
      return { at: target, length: used };
    } finally {
      lzma.end(address); // frees what the library allocated itself, before the stream goes
    }
  } catch (error) {
    pool.free(target);
    throw error;
  } finally {
    pool.free(stream);
  }
}

function check(what: string, result: number): void {
  if (result !== OK) throw new Error(`${what} failed: liblzma says ${result}`);
}
