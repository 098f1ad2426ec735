/**
 * What is done to blocks that are typed arrays. A number in place of a result is the native side's `-errno`.
 *
 * A block is freed by the finalizer of its buffer: when the buffer is detached, or when input or output that still uses its
 * memory has ended. So freeing an array is detaching it.
 *
 * @module
 */
import { detach, type TypedArray } from "./array.ts";
import { VmemError } from "./errors.ts";
import {
  bufferLength,
  bufferOf,
  byteLengthOf,
  byteOffsetOf,
  isDetached,
  kindOf,
} from "./intrinsics.ts";
import * as native from "./native.ts";
import type { Pointer } from "./pointer.ts";
import { EBUSY, EFAULT, outOfMemory } from "./refuse.ts";
import { currentRuntime } from "./runtime.ts";
import { readStatistics } from "./statistics.ts";
import { show, showBytes } from "./text.ts";

/** A block with its buffer. */
export interface Block {
  readonly pointer: Pointer;
  readonly buffer: ArrayBuffer;
}

/** A zeroed block of exactly `bytes` bytes. */
export function allocateArray(
  handle: number,
  bytes: number,
  action: string,
  alignment = 1,
): Block | number {
  checkBufferSize(handle, bytes, action);
  const pointer = native.allocate(handle, bytes, alignment, 1);
  if (pointer < 0) return pointer;
  let buffer: ArrayBuffer | number = -EFAULT;
  try {
    buffer = native.buffers.array(handle, pointer, bytes);
  } finally {
    if (typeof buffer === "number") native.free(handle, pointer);
  }
  return typeof buffer === "number" ? buffer : { pointer: pointer as Pointer, buffer };
}

function checkBufferSize(handle: number, bytes: number, action: string): void {
  const { bufferMax, name } = currentRuntime();
  if (bytes <= bufferMax) return;
  const statistics = readStatistics(handle);
  if (typeof statistics !== "number" && statistics.largestFree < bytes) {
    throw outOfMemory(handle, action);
  }
  throw new RangeError(
    `${action}: ${showBytes(bytes)} are more than the ${
      showBytes(bufferMax)
    } of a buffer on ${name}`,
  );
}

/**
 * The pointer of an array that `allocateArray` made.
 *
 * @param handle The pool.
 * @param array What the caller gave.
 * @param isWindow Whether a buffer is one of the pool's windows.
 * @param action What fails if it is no such array.
 */
export function arrayPointer(
  handle: number,
  array: unknown,
  isWindow: (buffer: ArrayBuffer) => boolean,
  action: string,
): number {
  if (kindOf(array) === undefined) {
    throw new TypeError(`${action}: it must be an array of alloc(), not ${show(array)}`);
  }
  const view = array as TypedArray;
  const buffer = bufferOf(view) as ArrayBuffer;
  const whole = bufferLength(buffer);
  if (whole === undefined) {
    throw new TypeError(`${action}: its memory is shared, so it is not an array of alloc()`);
  }
  if (isDetached(buffer)) {
    const size = native.size(handle);
    if (size < 0) return size;
    throw new TypeError(`${action}: it was freed, resized or transferred already`);
  }
  const bytes = byteLengthOf(view);
  if (byteOffsetOf(view) !== 0 || bytes !== whole) {
    throw new TypeError(`${action}: it is a part of an array; give the whole one`);
  }
  if (isWindow(buffer)) {
    throw new TypeError(`${action}: it was made by view(); free its pointer instead`);
  }
  const pointer = bytes === 0 ? -EFAULT : native.locate(handle, view, bytes);
  // Another thread may close the pool between the two.
  const owned = pointer < 0 ? pointer : native.owns(handle, pointer);
  if (owned < 0 && owned !== -EFAULT) return owned;
  if (owned !== 1) {
    throw new TypeError(`${action}: its memory is not a block of this pool`);
  }
  return pointer;
}

function busy(action: string): VmemError {
  return new VmemError(EBUSY, `${action}: it is in use by unfinished input or output`);
}

/** Frees an array's block by taking its memory away. */
export function detachArray(buffer: ArrayBuffer): void {
  if (!detach(buffer)) throw busy("Cannot free an array");
}

/** How the bytes of a block that is resized lie in it. */
export interface Arrangement {
  readonly alignment: number;
  /**
   * Brings what is kept of the block at `from`, with its old size, to where it is to be in the block at `to`, with its new
   * one. In place both are the same, and what is new must be zeroed too.
   */
  readonly move: (to: Pointer, from: Pointer) => void;
}

/** As they lay: an array's elements. */
function unchanged(handle: number, old: number, bytes: number): Arrangement {
  return {
    alignment: 1,
    move: (to, from) => {
      if (to !== from) native.copy(handle, to, handle, from, Math.min(old, bytes));
      else if (bytes > old) native.fillByte(handle, to + old, bytes - old, 0);
    },
  };
}

/** A new buffer of another size with the array's bytes; the array is detached. */
export function resizeArray(
  handle: number,
  array: TypedArray,
  pointer: Pointer,
  bytes: number,
  action: string,
  arrangement: Arrangement = unchanged(handle, byteLengthOf(array), bytes),
): Block | number {
  checkBufferSize(handle, bytes, action);
  return resizeInPlace(handle, array, pointer, bytes, action, arrangement) ??
    moveArray(handle, array, pointer, bytes, action, arrangement);
}

/** What fits in a slab cannot stay in a larger block; what shrinks to less than half its block moves there. */
const slabMax = 16384;

/**
 * Undefined: it cannot be done in place. For a moment the block has two buffers, and the first that dies must leave it
 * alive: that is what holding means. A block that unfinished I/O still uses keeps its length.
 */
function resizeInPlace(
  handle: number,
  array: TypedArray,
  pointer: Pointer,
  bytes: number,
  action: string,
  { move }: Arrangement,
): Block | undefined {
  const old = byteLengthOf(array);
  const usable = native.usableSize(handle, pointer);
  if (bytes <= slabMax && bytes <= usable / 2) return undefined;
  const grows = bytes > usable;
  if (grows && native.resizeInPlace(handle, pointer, bytes) !== 1) return undefined;
  const buffer = secondBuffer(handle, pointer, bytes);
  if (buffer === undefined) return undefined;
  if (!detach(bufferOf(array) as ArrayBuffer)) {
    detach(buffer);
    if (grows) native.resizeInPlace(handle, pointer, old);
    throw busy(action);
  }
  move(pointer, pointer);
  if (bytes < old && native.isHeld(handle, pointer) === 0) {
    native.resizeInPlace(handle, pointer, bytes);
  }
  return { pointer, buffer };
}

function secondBuffer(handle: number, pointer: Pointer, bytes: number): ArrayBuffer | undefined {
  if (native.hold(handle, pointer) !== 0) return undefined;
  let buffer: ArrayBuffer | number = -EFAULT;
  try {
    buffer = native.buffers.array(handle, pointer, bytes);
  } finally {
    if (typeof buffer === "number") native.unhold(handle, pointer);
  }
  return typeof buffer === "number" ? undefined : buffer;
}

function moveArray(
  handle: number,
  array: TypedArray,
  pointer: Pointer,
  bytes: number,
  action: string,
  { alignment, move }: Arrangement,
): Block | number {
  const made = allocateArray(handle, bytes, action, alignment);
  if (typeof made === "number") return made;
  move(made.pointer, pointer);
  if (detach(bufferOf(array) as ArrayBuffer)) return made;
  detach(made.buffer);
  throw busy(action);
}
