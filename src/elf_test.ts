import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { elfProblem, fileProblem } from "./elf.ts";

/** The start of a library with one piece that is loaded, which ends at `end`. */
function header(processor: number, end: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(64 + 56);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(18, processor, true);
  view.setBigUint64(32, 64n, true); // where the program header is
  view.setUint16(56, 1, true); // its entries
  view.setUint32(64, 1, true); // PT_LOAD
  view.setBigUint64(64 + 8, 0n, true);
  view.setBigUint64(64 + 32, BigInt(end), true);
  return bytes;
}

test("elfProblem() takes a whole library of this processor", () => {
  assertEquals(elfProblem(header(62, 1000), 1000, "x64"), undefined);
  assertEquals(elfProblem(header(183, 1000), 5000, "arm64"), undefined);
});

test("elfProblem() tells what else it is", () => {
  const text = new TextEncoder().encode("#!/bin/sh\n".padEnd(200, " "));
  assertEquals(elfProblem(text, 200, "x64"), "it is not a library (an ELF file)");
  assertEquals(elfProblem(new Uint8Array(0), 0, "x64"), "it is empty");
  assertEquals(
    elfProblem(header(62, 1000).subarray(0, 63), 63, "x64"),
    "it is not a library (an ELF file)",
  );
  assertEquals(
    elfProblem(header(3, 1000), 1000, "x64"),
    "it is for processors of the kind ia32, not for x64",
  );
  assertEquals(
    elfProblem(header(999, 1000), 1000, "x64"),
    "it is for processors of the kind 999, not for x64",
  );
});

test("elfProblem() notices each missing byte, also of its headers", () => {
  assertEquals(
    elfProblem(header(62, 1000), 999, "x64"),
    "it is cut off: it has 999 bytes of at least 1000",
  );
  assertEquals(
    elfProblem(header(62, 1000).subarray(0, 119), 119, "x64"),
    "it is cut off: it has 119 bytes of at least 120",
  );
});

test("fileProblem() leaves to the loader what cannot be read", () => {
  assertEquals(fileProblem("/no/such/file.so", "x64"), undefined);
  assertEquals(fileProblem("/", "x64"), "it is not a file");
});
