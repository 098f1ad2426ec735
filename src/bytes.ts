/**
 * Reaching a pool's bytes: what `view`, `read`, `write` and `address` of a pool do.
 *
 * @module
 */
import type { ArrayType, TypedArray } from "./array.ts";
import type { Memory } from "./memory.ts";
import * as native from "./native.ts";
import { checkPointer, type Pointer } from "./pointer.ts";
import { EFAULT } from "./refuse.ts";
import { showBytes } from "./text.ts";
import { arrayOf, bytesOf, checkType, viewLength } from "./values.ts";
import { firstMax } from "./windows.ts";

export function view<A extends TypedArray>(
  memory: Memory,
  type: ArrayType<A>,
  pointer: Pointer,
  length: number,
): A {
  // In Bun a DataView has elements of one byte, too.
  const known = typeof type === "function" && (type as unknown) !== DataView;
  if (known && typeof pointer === "number" && typeof length === "number") {
    const distance = pointer - memory.start;
    const at = distance | 0;
    const size = type.BYTES_PER_ELEMENT;
    const fits = at === distance && at >= memory.low && (at & (size - 1)) === 0 &&
      (length | 0) === length && length >= 1 && at + length * size <= memory.reach;
    if (fits && memory.window.byteLength !== 0) return new type(memory.window, at, length);
  }
  return viewFar(memory, type, pointer, length);
}

function viewFar<A extends TypedArray>(
  memory: Memory,
  type: ArrayType<A>,
  pointer: Pointer,
  length: number,
): A {
  const action = "Cannot view the pool";
  checkType(type, action);
  checkPointer(pointer, action);
  const bytes = bytesOf(type, length, action);
  if (pointer % type.BYTES_PER_ELEMENT !== 0) {
    throw new RangeError(
      `${action}: a ${type.name} begins at a multiple of ${type.BYTES_PER_ELEMENT}, not at ${pointer}`,
    );
  }
  memory.checkSpan(action, pointer, bytes);
  const buffer = memory.windows.cover(pointer, bytes);
  if (buffer === undefined) {
    throw new RangeError(
      `${action}: ${showBytes(bytes)} are more than this runtime's ArrayBuffers hold`,
    );
  }
  if (typeof buffer === "number") memory.refuse(buffer, action, pointer);
  memory.space.dropMoved();
  const { start } = memory.windows;
  if (bytes <= firstMax) {
    memory.window = buffer;
    memory.start = start;
    memory.low = memory.lowOf(start);
    memory.reach = buffer.byteLength;
  }
  return new type(buffer, pointer - start, length);
}

export function read(memory: Memory, pointer: Pointer, target: ArrayBufferView): void {
  const action = "Cannot read from the pool";
  const bytes = arrayOf(target, action);
  const length = viewLength(bytes, action);
  if (typeof pointer !== "number") checkPointer(pointer, action);
  const status = native.read(memory.handle, pointer, bytes, length);
  if (status !== 0) refuseCopy(memory, action, pointer, length, status);
}

export function write(memory: Memory, pointer: Pointer, source: ArrayBufferView): void {
  const action = "Cannot write to the pool";
  const bytes = arrayOf(source, action);
  const length = viewLength(bytes, action);
  if (typeof pointer !== "number") checkPointer(pointer, action);
  const status = native.write(memory.handle, pointer, bytes, length);
  if (status !== 0) refuseCopy(memory, action, pointer, length, status);
}

function refuseCopy(
  memory: Memory,
  action: string,
  pointer: unknown,
  length: number,
  status: number,
): never {
  if (status === -EFAULT) {
    checkPointer(pointer, action);
    memory.checkSpan(action, pointer, length);
  }
  memory.refuse(status, action, pointer);
}

export function address(memory: Memory, pointer: Pointer): number {
  const action = "Cannot tell an address";
  checkPointer(pointer, action);
  const base = memory.number(native.base(memory.handle), action);
  memory.checkSpan(action, pointer, 0);
  return pointer === 0 ? 0 : base + pointer;
}
