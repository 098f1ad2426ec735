/**
 * What is done to bytes between pointers, natively: `copy`, `fill`, `compare` and `find` of a pool. The native side
 * checks all numbers; who is refused is told why afterwards.
 *
 * @module
 */
import { byteLengthOf } from "./intrinsics.ts";
import { type Memory, memoryOf } from "./memory.ts";
import * as native from "./native.ts";
import { checkPointer, type Pointer } from "./pointer.ts";
import { EFAULT } from "./refuse.ts";
import { parseSize, type Size } from "./size.ts";
import { encode, show } from "./text.ts";
import { arrayOf, viewLength } from "./values.ts";

/** Bytes from 0; for a number the native side knows. */
function bytesOf(length: Size, action: string): number {
  return typeof length === "number" ? length : parseSize(length, action, 0);
}

/** Throws why a span was refused, if it was this one. */
function checkSpan(memory: Memory, action: string, pointer: unknown, length: unknown): void {
  checkPointer(pointer, action);
  memory.checkSpan(action, pointer, parseSize(length, action, 0));
}

function refuseSpan(
  memory: Memory,
  status: number,
  action: string,
  pointer: unknown,
  length: unknown,
): never {
  checkSpan(memory, action, pointer, length);
  memory.refuse(status, action, pointer);
}

export function copy(
  memory: Memory,
  to: Pointer,
  from: Pointer,
  length: Size,
  source: object | undefined,
): void {
  const action = "Cannot copy bytes";
  const other = source === undefined ? memory : otherMemory(source, action);
  const bytes = bytesOf(length, action);
  const status = typeof to === "number" && typeof from === "number"
    ? native.copy(memory.handle, to, other.handle, from, bytes)
    : -EFAULT;
  if (status === 0) return;
  checkSpan(memory, action, to, bytes);
  refuseSpan(other, status, other === memory ? action : `${action} of another pool`, from, bytes);
}

function otherMemory(pool: unknown, action: string): Memory {
  const memory = typeof pool === "object" && pool !== null ? memoryOf(pool, action) : undefined;
  if (memory === undefined) {
    throw new TypeError(`${action}: the other pool must be a Pool, not ${show(pool)}`);
  }
  return memory;
}

export function fill(
  memory: Memory,
  pointer: Pointer,
  value: number | ArrayBufferView,
  length: Size,
): void {
  const action = "Cannot fill bytes";
  const bytes = bytesOf(length, action);
  const pattern = sequenceOf(value, action);
  if (typeof pointer !== "number") checkPointer(pointer, action);
  const status = typeof pattern === "number"
    ? native.fillByte(memory.handle, pointer, bytes, pattern)
    : native.fill(memory.handle, pointer, bytes, pattern, byteLengthOf(pattern));
  if (status !== 0) refuseSpan(memory, status, action, pointer, bytes);
}

export function compare(memory: Memory, a: Pointer, b: Pointer, length: Size): -1 | 0 | 1 {
  const action = "Cannot compare bytes";
  const bytes = bytesOf(length, action);
  const order = typeof a === "number" && typeof b === "number"
    ? native.compare(memory.handle, a, b, bytes)
    : -EFAULT;
  if (order >= 0) return order - 1 as -1 | 0 | 1;
  checkSpan(memory, action, a, bytes);
  refuseSpan(memory, order, action, b, bytes);
}

export function find(
  memory: Memory,
  pointer: Pointer,
  length: Size,
  wanted: number | string | ArrayBufferView,
): number {
  const action = "Cannot search bytes";
  const bytes = bytesOf(length, action);
  const sequence = sequenceOf(typeof wanted === "string" ? encode(wanted) : wanted, action);
  if (typeof pointer !== "number") checkPointer(pointer, action);
  const index = typeof sequence === "number"
    ? native.findByte(memory.handle, pointer, bytes, sequence)
    : native.find(memory.handle, pointer, bytes, sequence, byteLengthOf(sequence));
  if (index < 0) refuseSpan(memory, index, action, pointer, bytes);
  return index === bytes ? -1 : index;
}

/** A byte, or at least one of them. */
function sequenceOf(value: unknown, action: string): number | ArrayBufferView {
  if (typeof value === "number") {
    if ((value & 255) === value) return value;
    throw new RangeError(`${action}: a byte is a whole number from 0 to 255, not ${show(value)}`);
  }
  if (!ArrayBuffer.isView(value)) {
    throw new TypeError(
      `${action}: the value must be a number or a typed array, not ${show(value)}`,
    );
  }
  const view = arrayOf(value, action);
  if (viewLength(view, action) === 0) throw new RangeError(`${action}: the sequence is empty`);
  return view;
}
