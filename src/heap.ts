/**
 * Blocks by pointer: what `malloc`, `free` and their kin do when the first native call of the hot path did not do it.
 *
 * @module
 */
import { byteLengthOf } from "./intrinsics.ts";
import type { Memory } from "./memory.ts";
import * as native from "./native.ts";
import { alignmentOf, type AllocateOptions } from "./options.ts";
import { checkPointer, type Pointer, type Pointers } from "./pointer.ts";
import { VmemError } from "./errors.ts";
import { EBUSY, EFAULT, outOfMemory } from "./refuse.ts";
import { currentRuntime } from "./runtime.ts";
import { parseSize, type Size } from "./size.ts";
import { showBytes } from "./text.ts";
import { checkLength, pointerList } from "./values.ts";

/** `zero` 1: all bytes are 0. */
export function allocate(
  memory: Memory,
  size: Size,
  options: AllocateOptions | undefined,
  zero: 0 | 1,
): Pointer {
  const bytes = parseSize(size, "Cannot allocate memory");
  const action = `Cannot allocate ${showBytes(bytes)}`;
  const alignment = alignmentOf(options, action);
  const pointer = native.allocate(memory.handle, bytes, alignment, zero);
  return memory.number(pointer, action) as Pointer;
}

export function allocateZeroed(
  memory: Memory,
  count: number,
  size: Size,
  options: AllocateOptions | undefined,
): Pointer {
  const action = "Cannot allocate zeroed memory";
  checkLength(count, "count", action);
  return allocate(memory, count * parseSize(size, action), options, 1);
}

export function reallocate(memory: Memory, pointer: Pointer, size: Size): Pointer {
  const action = "Cannot resize a block";
  checkPointer(pointer, action);
  if (pointer === 0) return allocate(memory, size, undefined, 0);
  const bytes = parseSize(size, action);
  const made = native.realloc(memory.handle, pointer, bytes);
  if (made > 0) return made as Pointer;
  memory.refuse(made, `${action} to ${showBytes(bytes)}`, pointer);
}

/** `action`: what fails if there is no such block. */
export function usableSize(memory: Memory, pointer: Pointer, action: string): number {
  checkPointer(pointer, action);
  if (pointer === 0) return memory.number(Math.min(0, native.size(memory.handle)), action);
  return memory.number(native.usableSize(memory.handle, pointer), action, pointer);
}

export function owns(memory: Memory, pointer: number): boolean {
  const action = "Cannot tell whose a pointer is";
  if (typeof pointer !== "number") checkPointer(pointer, action);
  return memory.number(native.owns(memory.handle, pointer), action, pointer) === 1;
}

export function allocateMany(memory: Memory, size: Size, count: number): Pointers {
  const action = "Cannot allocate many blocks";
  const bytes = parseSize(size, action);
  checkLength(count, "count", action);
  const room = memory.number(native.size(memory.handle), action);
  if (bytes * count > room) throw outOfMemory(memory.handle, action);
  const pointers = new Float64Array(count);
  memory.number(native.mallocMany(memory.handle, bytes, pointers, count), action);
  return pointers as Pointers;
}

export function freeMany(memory: Memory, pointers: Pointers | readonly Pointer[]): void {
  const list = pointerList(pointers, "Cannot free many blocks");
  const count = byteLengthOf(list) / Float64Array.BYTES_PER_ELEMENT;
  if (count === 0) return;
  const freed = native.freeMany(memory.handle, list, count);
  if (freed === count) return;
  if (freed < 0) memory.refuse(freed, "Cannot free many blocks");
  const status = Math.min(native.usableSize(memory.handle, list[freed] ?? NaN), -1);
  memory.refuse(
    status === -1 ? -EFAULT : status,
    `Cannot free pointer ${freed} of ${count}`,
    list[freed],
  );
}

export function reset(memory: Memory): void {
  const action = "Cannot reset the pool";
  memory.arrays.detachAll();
  let status = native.reset(memory.handle);
  if (status === -EBUSY) {
    // Arrays that were forgotten and collected may still wait for their buffers to be swept.
    currentRuntime().collect();
    status = native.reset(memory.handle);
  }
  if (status === -EBUSY) {
    throw new VmemError(
      EBUSY,
      `${action}: arrays of it are in use in other workers or attachments, or by unfinished input or output`,
    );
  }
  memory.number(status, action);
}
