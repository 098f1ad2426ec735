/**
 * Text in a pool's memory: UTF-8 through a window, each length by what is fastest for it.
 *
 * Engines take 45 to 250 ns to make or write text of any length, most of it spent on the way there, so short ASCII text
 * is done here byte by byte. Text is treated as `TextEncoder` and `TextDecoder` treat it: a lone surrogate is written as
 * U+FFFD, bytes that are no UTF-8 are read as U+FFFD. A byte order mark is text like any other.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { currentRuntime } from "./runtime.ts";
import { showBytes } from "./text.ts";

/** A window's bytes with the methods that all runtimes' Buffers have. Made once for each window. */
export interface TextBytes extends Uint8Array<ArrayBuffer> {
  utf8Slice(start: number, end: number): string;
  utf8Write(text: string, offset: number, length: number): number;
}

/** What {@linkcode encodeUtf8} says of a text with more bytes than there is room. */
export const tooLong = -1;
/** What {@linkcode encodeNulFree} says of a text with U+0000 inside. */
export const hasNul = -2;

/** Up to this many bytes are decoded by hand: 16 to 20 ns instead of 46 (Deno), the same (Bun). */
const decodedByHand = 8;
const { encodedByHand, writesBuffers } = currentRuntime();
const encoder = new TextEncoder();
const { fromCharCode } = String;

/** The bytes of a window. */
export function textBytes(window: ArrayBuffer): TextBytes {
  return Buffer.from(window) as unknown as TextBytes;
}

/** UTF-8 bytes of a text. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text);
}

/**
 * The text of the bytes from `start` to `end`, which are whole numbers in this order.
 *
 * @throws TypeError They are not all in the window, which has none when its pool was closed.
 */
export function decodeUtf8(bytes: TextBytes, start: number, end: number): string {
  if (end > bytes.length) throw outside("Cannot read text");
  return (end - start <= decodedByHand ? decodeShort(bytes, start, end - start) : undefined) ??
    bytes.utf8Slice(start, end);
}

/** Engines refuse longer strings than 2^29 to 2^31 characters, each in its own words. */
const hugeMin = 2 ** 28;

/** As {@linkcode decodeUtf8}. RangeError: it is more than a string holds. */
export function decodeAny(bytes: TextBytes, start: number, end: number, action: string): string {
  const length = end - start;
  if (length < hugeMin) return decodeUtf8(bytes, start, end);
  try {
    return decodeUtf8(bytes, start, end);
  } catch (cause) {
    throw new RangeError(
      `${action}: ${showBytes(length)} are more than a string of this runtime holds`,
      { cause },
    );
  }
}

/** The text of up to eight bytes; undefined if one of them is not ASCII. One call makes it: appending takes twice as long. */
function decodeShort(bytes: TextBytes, at: number, length: number): string | undefined {
  if (length === 0) return "";
  const a = bytes[at] ?? 0;
  const b = length > 1 ? bytes[at + 1] ?? 0 : 0;
  const c = length > 2 ? bytes[at + 2] ?? 0 : 0;
  const d = length > 3 ? bytes[at + 3] ?? 0 : 0;
  const e = length > 4 ? bytes[at + 4] ?? 0 : 0;
  const f = length > 5 ? bytes[at + 5] ?? 0 : 0;
  const g = length > 6 ? bytes[at + 6] ?? 0 : 0;
  const h = length > 7 ? bytes[at + 7] ?? 0 : 0;
  if ((a | b | c | d | e | f | g | h) > 127) return undefined;
  switch (length) {
    case 1:
      return fromCharCode(a);
    case 2:
      return fromCharCode(a, b);
    case 3:
      return fromCharCode(a, b, c);
    case 4:
      return fromCharCode(a, b, c, d);
    case 5:
      return fromCharCode(a, b, c, d, e);
    case 6:
      return fromCharCode(a, b, c, d, e, f);
    case 7:
      return fromCharCode(a, b, c, d, e, f, g);
    default:
      return fromCharCode(a, b, c, d, e, f, g, h);
  }
}

/**
 * Writes a text as UTF-8, without an end mark, or nothing at all.
 *
 * @param bytes A window.
 * @param at Where in it.
 * @param room Bytes that may be written.
 * @param text The text.
 * @returns Bytes written, or {@linkcode tooLong}.
 * @throws TypeError The room is not all in the window, which has none when its pool was closed.
 */
export function encodeUtf8(bytes: TextBytes, at: number, room: number, text: string): number {
  if (at + room > bytes.length) throw outside("Cannot write text");
  return text.length <= encodedByHand && isPlain(text)
    ? encodePlain(bytes, at, room, text)
    : encodeLong(bytes, at, room, text);
}

/** As {@linkcode encodeUtf8}, but of a text with U+0000 inside it writes nothing and says {@linkcode hasNul}. */
export function encodeNulFree(bytes: TextBytes, at: number, room: number, text: string): number {
  if (at + room > bytes.length) throw outside("Cannot write text");
  if (text.length <= encodedByHand && isPlain(text)) return encodePlain(bytes, at, room, text);
  return text.includes("\0") ? hasNul : encodeLong(bytes, at, room, text);
}

/** Bytes of a text that is short and has nothing but ASCII other than U+0000; -1 for any other. Quicker than asking the engine. */
export function plainLength(text: string): number {
  return text.length <= encodedByHand && isPlain(text) ? text.length : -1;
}

/** Whether all of it is ASCII other than U+0000. */
function isPlain(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) - 1 >>> 0 >= 127) return false;
  }
  return true;
}

/** Writes a text whose {@linkcode plainLength} is not -1. */
export function encodePlain(bytes: TextBytes, at: number, room: number, text: string): number {
  const { length } = text;
  if (length > room) return tooLong;
  for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index);
  return length;
}

function encodeLong(bytes: TextBytes, at: number, room: number, text: string): number {
  // The engines write what fits and stop. No character takes more than three bytes for each of its code units.
  if (text.length * 3 > room && (text.length > room || utf8Length(text) > room)) return tooLong;
  return encodeFitting(bytes, at, room, text);
}

/** As {@linkcode encodeUtf8} where the caller knows that the text fits. */
export function encodeFitting(bytes: TextBytes, at: number, room: number, text: string): number {
  return writesBuffers
    ? bytes.utf8Write(text, at, room)
    : encoder.encodeInto(text, bytes.subarray(at, at + room)).written;
}

/** Longer spans are searched by the engine, which costs 40 ns to begin with. */
const searchedByHand = 64;

/** Where the first zero byte is, or `end`. */
export function textEnd(bytes: TextBytes, start: number, end: number): number {
  if (end > bytes.length) throw outside("Cannot read text");
  if (end - start > searchedByHand) {
    const length = bytes.subarray(start, end).indexOf(0);
    return length < 0 ? end : start + length;
  }
  for (let at = start; at < end; at++) if (bytes[at] === 0) return at;
  return end;
}

function outside(action: string): TypeError {
  return new TypeError(`${action}: its place is not in the pool's memory, or the pool is closed`);
}
