/**
 * What views stand on: a window over a part of a pool, and an offset in it that fits 32 bits.
 *
 * A window is a `DataView`, because an engine checks its bounds and throws by itself once the memory was taken away, at
 * the price of an array's access. Its own fields say where in the pool it begins, so that a pointer read from memory is
 * an offset again after one subtraction.
 *
 * @module
 */
import { type TextBytes, textBytes } from "../utf8.ts";
import type { Space } from "./space.ts";

// Constants of this module; exported ones are loaded anew at every use.
const nowhere = -(2 ** 31);
/** The first page, which is never handed out. */
const page = 4096;

/** The offset of a view whose struct was freed: every access is out of bounds. */
export const freed = nowhere;

const word = 2 ** 32;

/** Bytes from one window's start to the next one's. */
export const span: number = 2 ** 30;

/**
 * The bits of an offset that is not below `span`. One in the overlap with the next window may be behind the end of 4 GiB,
 * where the low word of an address begins anew.
 */
export const beyond: number = -(2 ** 30);

/**
 * A view, as this package sees it: it has no other properties. Fields cannot have names with `$$`. Not symbols: where many
 * structs share a function, engines find a symbol's place in an object anew each time, five times as slow in both.
 */
export interface Placed {
  $$window: Window;
  $$offset: number;
}

/** The methods of a `DataView`. */
export type Access = Pick<
  DataView<ArrayBuffer>,
  | "getUint8"
  | "getInt8"
  | "getUint16"
  | "getInt16"
  | "getUint32"
  | "getInt32"
  | "getFloat16"
  | "getFloat32"
  | "getFloat64"
  | "getBigUint64"
  | "getBigInt64"
  | "setUint8"
  | "setInt8"
  | "setUint16"
  | "setInt16"
  | "setUint32"
  | "setInt32"
  | "setFloat16"
  | "setFloat32"
  | "setFloat64"
  | "setBigUint64"
  | "setBigInt64"
>;

/** A window; see space.ts for the kinds that are no `DataView`. */
export interface Window extends Access {
  /** What it is a window of. */
  readonly space: Space;
  /** Where in the pool it begins. */
  readonly start: number;
  /** The first byte that a struct may have. */
  readonly low: number;
  /** Bytes; -1 if every pointer has to be looked up. */
  readonly limit: number;
  /** The same without the overlap with the next window, for addresses: behind the end of 4 GiB their low word begins anew. */
  readonly reach: number;
  /** The address of the window's first byte, in two words; both as signed numbers. */
  readonly word: number;
  readonly high: number;
  /** The multiple of 4 GiB at or below its begin, as an offset in the pool. */
  readonly origin: number;
  /** Low words of addresses from 1 to below it are the pool's, where the high word is `high`. */
  readonly end: number;
  /** All bytes, for text; undefined if they are not in a buffer. */
  readonly bytes: TextBytes | undefined;
  /** Copies bytes out. */
  copy(offset: number, length: number): TextBytes;
  /** Copies bytes in. */
  store(offset: number, bytes: TextBytes): void;
}

/** The multiple of 4 GiB at or below a place; the usual 0 must be an integer for V8, which a difference is not. */
export function originOf(start: number): number {
  return start < word ? 0 : start - start % word;
}

/** `end` of a window; below 2^31, so that it is an integer to V8. */
export function endOf(space: Space, start: number): number {
  return Math.min(space.size - originOf(start), 2 ** 31 - 1) | 0;
}

/** A window over a buffer. Its fields are declared only: V8 takes a field that was undefined first for one of any kind. */
export class BufferWindow extends DataView<ArrayBuffer> implements Window {
  declare readonly space: Space;
  declare readonly start: number;
  declare readonly low: number;
  declare readonly limit: number;
  declare readonly reach: number;
  declare readonly word: number;
  declare readonly high: number;
  declare readonly origin: number;
  declare readonly end: number;
  declare readonly bytes: TextBytes;

  /**
   * @param space What it is a window of.
   * @param buffer The bytes.
   * @param start Where in the pool they are.
   */
  constructor(space: Space, buffer: ArrayBuffer, start: number) {
    super(buffer);
    this.space = space;
    this.start = start;
    this.low = Math.max(0, space.low - start);
    this.limit = buffer.byteLength;
    this.reach = Math.min(this.limit, span);
    this.word = start | 0;
    this.high = space.highOf(start);
    this.origin = originOf(start);
    this.end = endOf(space, start);
    this.bytes = textBytes(buffer);
  }

  copy(offset: number, length: number): TextBytes {
    checkOffset(offset);
    return textBytes(this.buffer.slice(offset, offset + length));
  }

  store(offset: number, bytes: TextBytes): void {
    checkOffset(offset);
    this.bytes.set(bytes, offset);
  }
}

/** What the functions of one field reach it by. */
export interface FieldWindow {
  /** Where to read and write the field of the struct at a pointer. */
  at(pointer: number): Access;
  /** The place there; below 0 if there is none. */
  offset(pointer: number): number;
  /** Whether an address that the field has is one that `pointer` understands. */
  knows(low: number, high: number): boolean;
  pointer(low: number, high: number): number;
  /** Whether a number is a pointer that the field may be set to, 0 for none. */
  reaches(pointer: number): boolean;
  /** The high word of its address. */
  highOf(pointer: number): number;
}

/**
 * A field of the structs in a pool's first window. It begins where that of the first possible struct does, and ends with that
 * of the last one, so that the check of bounds is all that a pointer needs: 0 is before it.
 */
export class NearField extends DataView<ArrayBuffer> implements FieldWindow {
  declare readonly high: number;
  /** The first pointer that is not in the pool, or not a small number. */
  declare readonly end: number;

  /**
   * @param window The first window.
   * @param at Where in a struct the field begins.
   * @param width Its bytes.
   * @param size Those of the struct.
   */
  constructor(
    { buffer, space, limit, high }: BufferWindow,
    at: number,
    width: number,
    size: number,
  ) {
    super(buffer, page + at, Math.max(0, limit - page - size + width));
    this.high = high;
    this.end = Math.min(space.size, -nowhere);
  }

  at(_pointer: number): this {
    return this;
  }

  offset(pointer: number): number {
    const place = pointer | 0;
    return place === pointer ? place - page : nowhere;
  }

  knows(low: number, high: number): boolean {
    const isNull = (low | high) === 0;
    return isNull || high === this.high && low > 0 && low < this.end;
  }

  pointer(low: number, _high: number): number {
    return low;
  }

  reaches(pointer: number): boolean {
    return pointer === 0 || (pointer | 0) === pointer && pointer >= page && pointer < this.end;
  }

  highOf(pointer: number): number {
    return pointer === 0 ? 0 : this.high;
  }
}

/** A field in a pool of which more than the first window is in use. */
export class FarField implements FieldWindow {
  readonly #space: Space;
  readonly #place: number;
  readonly #size: number;
  #window: Window;

  /** As those of {@linkcode NearField}. */
  constructor(window: Window, place: number, size: number) {
    this.#space = window.space;
    this.#window = window;
    this.#place = place;
    this.#size = size;
  }

  at(pointer: number): Window {
    const window = this.#window;
    const offset = pointer - window.start;
    if ((offset | 0) === offset && offset >= window.low && offset <= window.limit - this.#size) {
      return window;
    }
    return this.#window = this.#space.aim(pointer, this.#size, "Cannot reach a struct");
  }

  offset(pointer: number): number {
    return pointer - this.#window.start + this.#place | 0;
  }

  knows(low: number, high: number): boolean {
    return (low | high) === 0 || this.#space.offsetOf(low, high) !== undefined;
  }

  pointer(low: number, high: number): number {
    return this.#space.offsetOf(low, high) ?? 0;
  }

  reaches(pointer: number): boolean {
    const { low, size } = this.#space;
    return pointer === 0 || Number.isSafeInteger(pointer) && pointer >= low && pointer < size;
  }

  highOf(pointer: number): number {
    return pointer === 0 ? 0 : this.#space.highOf(pointer);
  }
}

/** Throws for the offset of a view whose struct was freed; it may not be below the pool, but is below every window. */
export function checkOffset(offset: number): void {
  if (offset < 0) throw new RangeError("Cannot reach a struct: it was freed");
}
