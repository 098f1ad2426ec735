import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { archive } from "./kernel.ts";

test("archive() is what a kernel takes for an initramfs", () => {
  const bytes = archive(
    new Map([["bin/", new Uint8Array()], ["bin/five", new TextEncoder().encode("12345")]]),
  );
  // Read back as the kernel does: 110 digits, a name, padding to 4, the contents, padding to 4.
  const text = new TextDecoder("latin1").decode(bytes);
  const entries: string[] = [];
  let at = 0;
  while (at < text.length) {
    assertEquals(text.slice(at, at + 6), "070701");
    const field = (index: number): number =>
      parseInt(text.slice(at + 6 + index * 8, at + 14 + index * 8), 16);
    const [mode, size, nameSize] = [field(1), field(6), field(11)];
    const name = text.slice(at + 110, at + 110 + nameSize - 1);
    const start = (at + 110 + nameSize + 3) & ~3;
    entries.push(`${name} ${mode.toString(8)} ${text.slice(start, start + size)}`);
    at = (start + size + 3) & ~3;
  }
  assertEquals(entries, ["bin 40755 ", "bin/five 100755 12345", "TRAILER!!! 0 "]);
});
