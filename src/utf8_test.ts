import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import {
  decodeUtf8,
  encodeNulFree,
  encodeUtf8,
  hasNul,
  textBytes,
  textEnd,
  tooLong,
  utf8Length,
} from "./utf8.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const untouched = 0xaa;

/** Every length around the ones where another way is taken; each kind of character first, last and alone. */
function texts(): string[] {
  const lengths = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 1000];
  const characters = ["a", "\x7f", "\x80", "é", "€", "😀", "\ud800", "\udc00", "\ufeff", "\0"];
  return lengths.flatMap((length) => {
    const plain = "0123456789abcdef".repeat(63).slice(0, length);
    return [
      plain,
      ...characters.flatMap((c) => [c + plain, plain + c, c + plain + c, c.repeat(3)]),
    ];
  });
}

test("text is written and read as TextEncoder and TextDecoder do it", () => {
  const window = new ArrayBuffer(4096);
  const bytes = textBytes(window);
  for (const text of texts()) {
    const expected = encoder.encode(text);
    const what = JSON.stringify(text);
    assertEquals(utf8Length(text), expected.length, what);
    for (const spare of [0, 1, 3000]) {
      bytes.fill(untouched);
      assertEquals(encodeUtf8(bytes, 7, expected.length + spare, text), expected.length, what);
      assertEquals(new Uint8Array(window, 7, expected.length), expected, what);
      assertEquals([bytes[6], bytes[7 + expected.length]], [untouched, untouched], what);
      assertEquals(decodeUtf8(bytes, 7, 7 + expected.length), decoder.decode(expected), what);
    }
  }
});

test("text that does not fit, or has a zero where none may be, writes nothing", () => {
  const bytes = textBytes(new ArrayBuffer(4096)).fill(untouched);
  for (const text of texts()) {
    const what = JSON.stringify(text);
    const length = utf8Length(text);
    for (const room of [length - 1, length >> 1, 0]) {
      if (room < 0 || room >= length) continue;
      assertEquals(encodeUtf8(bytes, 7, room, text), tooLong, what);
      assertEquals(
        encodeNulFree(bytes, 7, room, text),
        text.includes("\0") ? hasNul : tooLong,
        what,
      );
    }
    if (text.includes("\0")) assertEquals(encodeNulFree(bytes, 7, 4000, text), hasNul, what);
    assertEquals(bytes.findIndex((byte) => byte !== untouched), -1, what);
    if (!text.includes("\0")) {
      assertEquals(encodeNulFree(bytes, 7, length, text), length, what);
      bytes.fill(untouched);
    }
  }
});

test("bytes that are no UTF-8 are read as TextDecoder reads them", () => {
  const bytes = textBytes(new ArrayBuffer(64));
  const pieces = [0x41, 0x80, 0xc0, 0xe2, 0x82, 0xed, 0xa0, 0xf0, 0x9f, 0xf4, 0xff];
  for (let seed = 0; seed < 2000; seed++) {
    const length = seed % 12;
    for (let i = 0; i < length; i++) {
      bytes[3 + i] = pieces[(seed * 31 + i * i * 7 + (seed >> i)) % 11]!;
    }
    const expected = decoder.decode(bytes.subarray(3, 3 + length));
    assertEquals(decodeUtf8(bytes, 3, 3 + length), expected);
  }
});

test("textEnd() finds the first zero byte within its bounds", () => {
  const bytes = textBytes(new ArrayBuffer(256)).fill(1);
  for (const length of [0, 1, 8, 63, 64, 65, 200]) {
    for (const zero of [0, 1, length >> 1, length - 1, length]) {
      if (zero < 0) continue;
      bytes.fill(1);
      bytes[9] = 0;
      bytes[10 + zero] = 0;
      assertEquals(textEnd(bytes, 10, 10 + length), 10 + Math.min(zero, length));
    }
  }
});

test("places outside the window and closed windows are refused", () => {
  const window = new ArrayBuffer(64);
  const bytes = textBytes(window);
  const calls = [
    () => decodeUtf8(bytes, 60, 65),
    () => textEnd(bytes, 60, 65),
    () => encodeUtf8(bytes, 60, 5, "a"),
    () => encodeNulFree(bytes, 60, 5, "a"),
  ];
  for (const call of calls) assertThrows(call, TypeError, "not in the pool's memory");
  window.transfer(0);
  const dead = [
    () => decodeUtf8(bytes, 0, 1),
    () => textEnd(bytes, 0, 1),
    () => encodeUtf8(bytes, 0, 1, "a"),
    () => encodeNulFree(bytes, 0, 1, "a"),
  ];
  for (const call of dead) assertThrows(call, TypeError, "the pool is closed");
});
