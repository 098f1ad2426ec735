/**
 * Arrays of a pool: what `alloc`, `resize` and `free` of an array do.
 *
 * @module
 */
import type { ArrayType, TypedArray } from "./array.ts";
import { allocateArray, arrayPointer, detachArray, resizeArray } from "./blocks.ts";
import { bufferLength, bufferOf, byteLengthOf, kindOf } from "./intrinsics.ts";
import type { Memory } from "./memory.ts";
import * as native from "./native.ts";
import type { Pointer } from "./pointer.ts";
import { showBytes } from "./text.ts";
import { bytesOf, checkType } from "./values.ts";

export function makeArray<A extends TypedArray>(
  memory: Memory,
  type: ArrayType<A>,
  length: number,
): A {
  const action = "Cannot allocate an array";
  checkType(type, action);
  const bytes = bytesOf(type, length, action);
  const made = allocateArray(memory.handle, bytes, action);
  if (typeof made === "number") memory.refuse(made, `${action} of ${showBytes(bytes)}`);
  memory.arrays.add(made.pointer, made.buffer);
  return new type(made.buffer);
}

export function resize<A extends TypedArray>(memory: Memory, array: A, length: number): A {
  const action = "Cannot resize an array";
  const pointer = pointerOf(memory, array, action);
  const type = array.constructor as ArrayType<A>;
  checkType(type, action);
  const bytes = bytesOf(type, length, action);
  const made = resizeArray(memory.handle, array, pointer, bytes, action);
  if (typeof made === "number") memory.refuse(made, `${action} to ${showBytes(bytes)}`);
  memory.arrays.delete(pointer);
  memory.arrays.add(made.pointer, made.buffer);
  return new type(made.buffer);
}

export function freeArray(memory: Memory, array: TypedArray): void {
  const pointer = knownPointer(memory, array) ?? pointerOf(memory, array, "Cannot free an array");
  detachArray(bufferOf(array) as ArrayBuffer);
  memory.arrays.delete(pointer);
}

/** The pointer of an array that this isolate made, without a word about why it is none. */
function knownPointer(memory: Memory, array: TypedArray): Pointer | undefined {
  if (kindOf(array) === undefined) return undefined;
  const bytes = byteLengthOf(array);
  if (bytes === 0) return undefined;
  const buffer = bufferOf(array);
  const pointer = native.locate(memory.handle, array, bytes);
  const whole = pointer > 0 && memory.arrays.get(pointer) === buffer;
  return whole && bufferLength(buffer) === bytes ? pointer as Pointer : undefined;
}

/** The pointer of an array of this pool; throws if it is none. */
export function pointerOf(memory: Memory, array: unknown, action: string): Pointer {
  const isWindow = (buffer: ArrayBuffer): boolean => memory.windows.has(buffer);
  const pointer = arrayPointer(memory.handle, array, isWindow, action);
  return memory.number(pointer, action) as Pointer;
}
