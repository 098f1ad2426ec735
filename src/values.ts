/**
 * Checks of what callers give. Each throws an error that says what was wanted and what came.
 *
 * @module
 */
import type { ArrayType, TypedArray } from "./array.ts";
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

/** The typed array for the bytes of a view; the FFIs do not all take a DataView. */
export function checkView(view: unknown, action: string): ArrayBufferView {
  if (!ArrayBuffer.isView(view)) {
    throw new TypeError(
      `${action}: the bytes must be a typed array or a DataView, not ${show(view)}`,
    );
  }
  const { buffer } = view;
  if (buffer instanceof ArrayBuffer && buffer.detached) {
    throw new TypeError(`${action}: the array was detached, it has no bytes any more`);
  }
  if (view instanceof DataView) return new Uint8Array(buffer, view.byteOffset, view.byteLength);
  return view;
}

/** Pointers as doubles; null pointers and wrong ones included, for the native side to judge. */
export function pointerList(value: unknown, action: string): Float64Array {
  if (value instanceof Float64Array) {
    const { buffer } = value;
    if (buffer instanceof ArrayBuffer && buffer.detached) {
      throw new TypeError(`${action}: the array of pointers was detached`);
    }
    return value;
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
