/**
 * Text in structs: in the struct itself (`text`), or in a block that it owns (`string`): the number of its bytes, the
 * bytes, and a zero byte for C.
 *
 * @module
 */
import { requireOwn } from "../memory.ts";
import * as native from "../native.ts";
import type { Pointer } from "../pointer.ts";
import { show, showBytes } from "../text.ts";
import {
  decodeAny,
  decodeUtf8,
  encodeNulFree,
  encodeUtf8,
  hasNul,
  type TextBytes,
  textBytes,
  textEnd,
  tooLong,
  utf8Length,
} from "../utf8.ts";
import type { Slot } from "./layout.ts";
import { readPointer, writePointer } from "./pointers.ts";
import { cannotSet } from "./scalars.ts";
import type { Window } from "./window.ts";

const lengthMax = 2 ** 32 - 1;
const prefix = 4;
const extra = prefix + 1;

/** The text at a place: up to the first zero byte, or all of `capacity` bytes. */
export function readText(window: Window, at: number, capacity: number): string {
  const { bytes } = window;
  if (bytes !== undefined && at >= 0) {
    return decodeUtf8(bytes, at, textEnd(bytes, at, at + capacity));
  }
  const copy = window.copy(at, capacity);
  return decodeUtf8(copy, 0, textEnd(copy, 0, capacity));
}

/** Puts text at a place, with zero bytes behind it. TypeError or RangeError: nothing was written. */
export function writeText(
  window: Window,
  at: number,
  capacity: number,
  text: string,
  slot: Slot,
): void {
  checkText(text, slot);
  const { bytes } = window;
  if (bytes !== undefined && at >= 0) {
    const end = at + fits(encodeNulFree(bytes, at, capacity, text), text, capacity, slot);
    if (end < at + capacity) bytes.fill(0, end, at + capacity);
    return;
  }
  const copy = textBytes(new ArrayBuffer(capacity));
  fits(encodeNulFree(copy, 0, capacity, text), text, capacity, slot);
  window.store(at, copy);
}

/** Bytes that were written. */
function fits(written: number, text: string, capacity: number, slot: Slot): number {
  if (written === tooLong) {
    throw new RangeError(
      `${cannotSet(slot)}: the text has ${showBytes(utf8Length(text))}, ` +
        `and there is room for ${capacity}`,
    );
  }
  if (written === hasNul) {
    throw new RangeError(`${cannotSet(slot)}: text with U+0000 in it would end there`);
  }
  return written;
}

/** The text that the address at a place points to. */
export function readString(window: Window, at: number, slot: Slot): string | null {
  const pointer = readPointer(window, at, slot);
  if (pointer === 0) return null;
  const { space } = window;
  const action = `Cannot get "${slot.name}"`;
  const there = space.find(pointer, extra, action);
  const place = pointer - there.start | 0;
  const length = there.getUint32(place, true);
  const { bytes } = there;
  if (bytes !== undefined && place + length <= there.limit - extra) {
    return decodeAny(bytes, place + prefix, place + prefix + length, action);
  }
  if (pointer + length > space.size - extra) {
    throw new RangeError(`${action}: what it points to is no text`);
  }
  if (length === 0) return "";
  requireOwn(space.memory, action);
  const copy = copyMade(length, action);
  const status = native.read(space.memory.handle, pointer + prefix, copy, length);
  if (status !== 0) space.memory.refuse(status, action, pointer);
  return decodeAny(copy, 0, length, action);
}

function copyMade(length: number, action: string): TextBytes {
  try {
    return textBytes(new ArrayBuffer(length));
  } catch (cause) {
    throw new RangeError(`${action}: there is no memory for its ${showBytes(length)}`, { cause });
  }
}

/** Puts text into a block of its own, and frees the block of the text that was there. */
export function writeString(window: Window, at: number, text: string | null, slot: Slot): void {
  const { memory } = window.space;
  requireOwn(memory, cannotSet(slot));
  const old = readPointer(window, at, slot);
  const made = text === null ? 0 : allocateString(window, text, slot);
  if (old !== 0) {
    const status = native.free(memory.handle, old);
    if (status !== 0) {
      if (made !== 0) native.free(memory.handle, made);
      memory.refuse(status, `${cannotSet(slot)}: cannot free its old text`, old);
    }
  }
  writePointer(window, at, made, slot);
}

function allocateString({ space }: Window, text: string, slot: Slot): Pointer {
  checkText(text, slot);
  const length = utf8Length(text);
  const action = cannotSet(slot);
  if (length > lengthMax) throw new RangeError(`${action}: ${showBytes(length)} are too much text`);
  const { memory } = space;
  const pointer = memory.number(native.malloc(memory.handle, length + extra), action);
  const there = space.find(pointer, extra, action);
  const place = pointer - there.start | 0;
  const { bytes } = there;
  if (bytes !== undefined && place + length <= there.limit - extra) {
    put(bytes, place, text, length);
  } else {
    const copy = textBytes(new ArrayBuffer(length + extra));
    put(copy, 0, text, length);
    native.write(memory.handle, pointer, copy, copy.length);
  }
  memory.trace?.note(pointer, allocateString);
  return pointer as Pointer;
}

function put(bytes: TextBytes, at: number, text: string, length: number): void {
  bytes[at] = length;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length >>> 16;
  bytes[at + 3] = length >>> 24;
  encodeUtf8(bytes, at + prefix, length, text);
  bytes[at + prefix + length] = 0;
}

function checkText(text: unknown, slot: Slot): void {
  if (typeof text !== "string") {
    throw new TypeError(`${cannotSet(slot)}: the text must be a string, not ${show(text)}`);
  }
}
