/**
 * The live blocks of a pool, fetched natively a piece at a time.
 *
 * @module
 */
import type { Memory } from "./memory.ts";
import * as native from "./native.ts";
import type { Pointer } from "./pointer.ts";

/** A block that is in use, as {@linkcode Pool.blocks} finds it. */
export interface LiveBlock {
  /** Where it begins. */
  readonly pointer: Pointer;
  /** Bytes that it really has, see {@linkcode Pool.usableSize}. */
  readonly size: number;
}

/** Blocks of one piece. The native side wants room for 512. */
const pieceMax = 2048;

export function* walkBlocks(memory: Memory): Generator<LiveBlock, void, undefined> {
  const action = "Cannot list the blocks";
  // A place and pairs; the place is where the next piece begins.
  const piece = new Float64Array(1 + 2 * pieceMax);
  while (true) {
    const count = memory.number(native.blocks(memory.handle, piece, piece.length), action);
    if (count === 0) return;
    for (let index = 1; index <= 2 * count; index += 2) {
      yield { pointer: piece[index] as Pointer, size: piece[index + 1] ?? 0 };
    }
  }
}
