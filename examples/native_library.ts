// deno-lint-ignore-file no-console -- a program, not a library
/**
 * Memory of a pool for another native library: liblzma compresses from block to block, and no byte is copied on the way.
 *
 *     deno run --allow-ffi --allow-read --allow-env examples/native_library.ts [MEBIBYTES]
 *     bun examples/native_library.ts [MEBIBYTES]
 *
 * Whose is what: blocks are the program's, which frees them when the library does not use them any more; what it allocates for
 * itself lies elsewhere, and its own functions free it.
 */
import process from "node:process";
import { Pool } from "@vmem/vmem";
import { type Bytes, compress, decompress } from "./native_library/compress.ts";
import { type Lzma, openLzma } from "./native_library/lzma.ts";

function main(): void {
  const mebibytes = Number(process.argv[2] ?? 8);
  if (!Number.isInteger(mebibytes) || mebibytes < 1 || mebibytes > 1024) {
    console.error(`"${process.argv[2]}" is no number of MiB; give one from 1 to 1024`);
    process.exitCode = 2;
    return;
  }
  let lzma: Lzma;
  try {
    lzma = openLzma();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
    return;
  }
  using pool = Pool.create();
  const text = write(pool, mebibytes * 2 ** 20);
  const start = performance.now();
  const packed = compress(pool, lzma, text);
  const middle = performance.now();
  const unpacked = decompress(pool, lzma, packed);
  const end = performance.now();

  const ms = (time: number): string => `${time.toFixed(0)} ms`;
  console.log(`${text.length} bytes became ${packed.length} in ${ms(middle - start)}`);
  console.log(`and ${unpacked.length} again in ${ms(end - middle)}`);
  const equal = pool.compare(text.at, unpacked.at, text.length) === 0;
  console.log(equal ? "They are the same" : "They are NOT the same");
  for (const { at } of [text, packed, unpacked]) pool.free(at);
  console.log(`${pool.stats().allocated} bytes are left in the pool`);
}

/** Lines of a log, written where the library will read them. */
function write(pool: Pool, length: number): Bytes {
  const at = pool.malloc(length);
  const bytes = pool.view(Uint8Array, at, length);
  const encoder = new TextEncoder();
  for (let place = 0, i = 0; place < length; i++) {
    const line = `${1_700_000_000 + i * 7} GET /item/${(i * 2654435761) % 100_003} 200\n`;
    place += encoder.encodeInto(line, bytes.subarray(place)).written;
  }
  return { at, length };
}

if (import.meta.main) main();
