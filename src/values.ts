/**
 * Checks of what callers give. Each throws an error that says what was wanted and what came.
 *
 * @module
 */
import type { ArrayType, TypedArray } from "./array.ts";
import { bufferOf, byteLengthOf, bytesOfView, isDetached, kindOf } from "./intrinsics.ts";
import { show, showBytes } from "./text.ts";

/** The class that all classes of typed arrays extend; it has no name of its own in the language. */
const anyTypedArray = Object.getPrototypeOf(Uint8Array) as abstract new () => TypedArray;

/** Throws unless `type` is a class of typed arrays. */
export function checkType(type: unknown, action: string): asserts type is ArrayType<TypedArray> {
  if (typeof type !== "function" || !(type.prototype instanceof anyTypedArray)) {
    throw new TypeError(`${action}: the type must be a class like Uint8Array, not ${show(type)}`);
  }
}

/** Throws unless `value` is a whole number from 1 to 2^53 - 1. */
export function checkLength(value: unknown, name: string, action: string): void {
  if (typeof value !== "number") {
    throw new TypeError(`${action}: the ${name} must be a number, not ${show(value)}`);
  }
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(
      `${action}: the ${name} must be a whole number from 1, not ${show(value)}`,
    );
  }
}

/** Bytes of an array. */
export function bytesOf(type: ArrayType<TypedArray>, length: number, action: string): number {
  checkLength(length, "length", action);
  const bytes = length * type.BYTES_PER_ELEMENT;
  if (bytes > Number.MAX_SAFE_INTEGER) {
    throw new RangeError(`${action}: ${showBytes(bytes)} are more than 2^53 - 1`);
  }
  return bytes;
}

/**
 * The typed array for the bytes of a `DataView`, which the FFIs do not all take; anything else as it is, for
 * {@linkcode viewLength} to judge.
 */
export function arrayOf(view: unknown, action: string): ArrayBufferView {
  if (!(view instanceof DataView)) return view as ArrayBufferView;
  try {
    return bytesOfView(view);
  } catch {
    return refuseView(view, action);
  }
}

/** Bytes that a typed array has. TypeError: it is none, or has no memory any more. */
export function viewLength(view: unknown, action: string): number {
  try {
    const bytes = byteLengthOf(view);
    if (bytes !== 0 || !isDetached(bufferOf(view))) return bytes;
  } catch {
    // No typed array.
  }
  return refuseView(view, action);
}

function refuseView(view: unknown, action: string): never {
  if (kindOf(view) !== undefined || ArrayBuffer.isView(view) && view instanceof DataView) {
    throw new TypeError(`${action}: the array was detached, it has no bytes any more`);
  }
  throw new TypeError(
    `${action}: the bytes must be a typed array or a DataView, not ${show(view)}`,
  );
}

/** Pointers as doubles; null pointers and wrong ones included, for the native side to judge. */
export function pointerList(value: unknown, action: string): Float64Array {
  if (kindOf(value) === "Float64Array") {
    if (byteLengthOf(value) === 0 && isDetached(bufferOf(value))) {
      throw new TypeError(`${action}: the array of pointers was detached`);
    }
    return value as Float64Array;
  }
  if (!Array.isArray(value)) {
    throw new TypeError(
      `${action}: the pointers must be a Float64Array or an array, not ${show(value)}`,
    );
  }
  const list = new Float64Array(value.length);
  for (const [index, pointer] of (value as unknown[]).entries()) {
    if (typeof pointer !== "number") {
      throw new TypeError(`${action}: pointer ${index} is ${show(pointer)}, not a number`);
    }
    list[index] = pointer;
  }
  return list;
}
