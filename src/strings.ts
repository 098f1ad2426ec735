/**
 * C strings and other text by pointer: what `strdup`, `readText`, `writeText` and `textLength` of a pool do.
 *
 * @module
 */
import type { Memory } from "./memory.ts";
import * as native from "./native.ts";
import { checkPointer, type Pointer } from "./pointer.ts";
import { parseSize, type Size } from "./size.ts";
import { show, showBytes } from "./text.ts";
import {
  decodeAny,
  encodeFitting,
  encodeNulFree,
  encodePlain,
  hasNul,
  plainLength,
  textBytes,
  utf8Length,
} from "./utf8.ts";

/** A text's end mark is looked for up to the pool's end. */
const anywhere = Number.MAX_SAFE_INTEGER;

/**
 * Makes `memory.text` the bytes of a window that covers a span, and says where in it the span begins. One window serves
 * text after text, so that this costs nothing as a rule.
 */
function aim(memory: Memory, action: string, pointer: number, length: number): number {
  if (typeof pointer !== "number") checkPointer(pointer, action);
  const distance = pointer - memory.textStart;
  const at = distance | 0;
  const fits = at === distance && at >= memory.textLow && at + length <= memory.text.length;
  return fits ? at : aimFar(memory, action, pointer, length);
}

function aimFar(memory: Memory, action: string, pointer: unknown, length: number): number {
  checkPointer(pointer, action);
  memory.checkSpan(action, pointer, length);
  const window = memory.windows.cover(pointer, length);
  if (window === undefined) {
    throw new RangeError(
      `${action}: ${showBytes(length)} are more than this runtime's ArrayBuffers hold`,
    );
  }
  if (typeof window === "number") memory.refuse(window, action, pointer);
  const { start } = memory.windows;
  memory.text = textBytes(window);
  memory.textStart = start;
  memory.textLow = memory.lowOf(start);
  return pointer - start;
}

/** Bytes before the end mark, of which `maximum` are looked at. */
function lengthUpTo(memory: Memory, action: string, pointer: Pointer, maximum: number): number {
  if (typeof pointer !== "number") checkPointer(pointer, action);
  const length = native.textLength(memory.handle, pointer, maximum);
  if (length < 0) {
    checkPointer(pointer, action);
    memory.checkSpan(action, pointer, 1);
    memory.refuse(length, action, pointer);
  }
  if (pointer + length === memory.size && length < maximum) {
    throw new RangeError(`${action}: there is no end mark between ${pointer} and the pool's end`);
  }
  return length;
}

export function textLength(memory: Memory, pointer: Pointer, maximum: Size | undefined): number {
  const action = "Cannot tell the length of a text";
  const limit = maximum === undefined ? anywhere : parseSize(maximum, action, 0);
  return lengthUpTo(memory, action, pointer, limit);
}

export function readText(memory: Memory, pointer: Pointer, length: Size | undefined): string {
  const action = "Cannot read text";
  if (length === undefined) {
    const found = lengthUpTo(memory, action, pointer, anywhere);
    return found === 0 ? "" : decode(memory, action, pointer, found);
  }
  const bytes = parseSize(length, action, 0);
  if (bytes > 0) return decode(memory, action, pointer, bytes);
  checkPointer(pointer, action);
  memory.checkSpan(action, pointer, 0);
  return "";
}

function decode(memory: Memory, action: string, pointer: Pointer, length: number): string {
  if (!native.mayMakeBuffers) return decodeCopy(memory, action, pointer, length);
  const at = aim(memory, action, pointer, length);
  return decodeAny(memory.text, at, at + length, action);
}

/** As `decode`, where there are no buffers of the pool's memory. */
function decodeCopy(memory: Memory, action: string, pointer: Pointer, length: number): string {
  checkPointer(pointer, action);
  memory.checkSpan(action, pointer, length);
  const copy = textBytes(new ArrayBuffer(length));
  const status = native.read(memory.handle, pointer, copy, length);
  if (status !== 0) memory.refuse(status, action, pointer);
  return decodeAny(copy, 0, length, action);
}

/** Stores bytes where there are no buffers of the pool's memory. */
function store(memory: Memory, action: string, pointer: Pointer, bytes: Uint8Array): void {
  const status = native.write(memory.handle, pointer, bytes, bytes.length);
  if (status !== 0) memory.refuse(status, action, pointer);
}

export function writeText(memory: Memory, pointer: Pointer, text: string, room: Size): number {
  const action = "Cannot write text";
  checkText(text, action);
  const bytes = parseSize(room, action);
  if (typeof pointer !== "number" || !(pointer + bytes <= memory.size)) {
    checkPointer(pointer, action);
    memory.checkSpan(action, pointer, bytes);
  }
  // What a text may take at most; a window need not cover a room that is larger.
  const used = Math.min(bytes, text.length * 3 + 1);
  const direct = native.mayMakeBuffers;
  const at = direct ? aim(memory, action, pointer, used) : 0;
  const target = direct ? memory.text : textBytes(new ArrayBuffer(used));
  const written = encodeNulFree(target, at, used - 1, text);
  if (written < 0) refuseText(text, written, action, bytes);
  target[at + written] = 0;
  if (!direct) store(memory, action, pointer, target.subarray(0, written + 1));
  return written;
}

function refuseText(text: string, reason: number, action: string, room: number): never {
  if (reason === hasNul) throw withNul(text, action);
  throw new RangeError(
    `${action}: with its end mark it has ${showBytes(utf8Length(text) + 1)}, ` +
      `there is room for ${showBytes(room)}`,
  );
}

function withNul(text: string, action: string): RangeError {
  return new RangeError(`${action}: ${show(text)} contains U+0000, where a C string ends`);
}

function checkText(text: unknown, action: string): asserts text is string {
  if (typeof text !== "string") {
    throw new TypeError(`${action}: the text must be a string, not ${show(text)}`);
  }
}

export function duplicate(memory: Memory, text: string): Pointer {
  const action = "Cannot copy text into the pool";
  checkText(text, action);
  const plain = plainLength(text);
  if (plain < 0 && text.includes("\0")) throw withNul(text, action);
  const length = plain < 0 ? utf8Length(text) : plain;
  const pointer = native.malloc(memory.handle, length + 1);
  if (pointer < 0) memory.refuse(pointer, `${action}, ${showBytes(length + 1)}`);
  try {
    const direct = native.mayMakeBuffers;
    const at = direct ? aim(memory, action, pointer, length + 1) : 0;
    const target = direct ? memory.text : textBytes(new ArrayBuffer(length + 1));
    const encode = plain < 0 ? encodeFitting : encodePlain;
    encode(target, at, length, text);
    target[at + length] = 0;
    if (!direct) store(memory, action, pointer as Pointer, target);
  } catch (error) {
    native.free(memory.handle, pointer);
    throw error;
  }
  return pointer as Pointer;
}
