/** The demo: both indexes agree on any text, and the program ends as it says. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { linesOfAll } from "../../examples/demo/index.ts";
import { drawMap } from "../../examples/demo/occupancy.ts";
import { PlainIndex } from "../../examples/demo/plain_index.ts";
import { createPoolIndex } from "../../examples/demo/pool_index.ts";
import { placeOf, readText, WORD } from "../../examples/demo/text.ts";
import { Pool } from "../../mod.ts";
import { permitted } from "./child.ts";

/** A folder with `files`, removed when its user is done. */
function folderOf(files: Record<string, string | Uint8Array>): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "vmem-demo-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, name, ".."), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** Text in which some words are on nearly every line and many are seen once. */
function randomText(lines: number): string {
  let state = 12345;
  const next = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
  const line = () => Array.from({ length: 6 }, () => `w${next(2 ** next(14))}`).join(" ");
  return Array.from({ length: lines }, line).join("\n");
}

test("demo: the pool's index gives the same answers as the one of objects", () => {
  using folder = folderOf({ "a.txt": randomText(20_000), "b/c.txt": randomText(3000) });
  const text = readText(folder.path);
  using pool = Pool.create({ maxSize: "256MiB" });
  const before = pool.stats().allocated;
  {
    using inPool = createPoolIndex(pool);
    const plain = new PlainIndex();
    inPool.insert(text, 0, text.words.length / WORD);
    plain.insert(text, 0, text.words.length / WORD);
    assert(plain.size > 5000);
    assertEquals(inPool.size, plain.size);
    for (const word of plain.words()) {
      assertEquals(Array.from(inPool.lines(word)), Array.from(plain.lines(word)));
    }
    assertEquals(linesOfAll(inPool, ["w0", "w1"]), linesOfAll(plain, ["w0", "w1"]));
    assertEquals(inPool.startingWith("w1"), plain.startingWith("w1"));
    assertEquals(inPool.lines("absent").length, 0);
    assertMatch(drawMap(pool, inPool.blocks()), /W/);
  }
  assertEquals(pool.stats().allocated, before); // the index freed all of its blocks
  assert(pool.check());
});

test("demo: text is cut into words, lines and places as a reader would", () => {
  using folder = folderOf({
    "a.txt": "one two\ntwo Grüße",
    "b.txt": `three\n\n${"x".repeat(65)} end_2`,
    "c.bin": new Uint8Array([65, 66, 0, 67]),
  });
  const text = readText(folder.path);
  const words = Array.from({ length: text.words.length / WORD }, (_, i) => {
    const [start, end, line] = text.words.subarray(i * WORD, i * WORD + WORD);
    const word = new TextDecoder().decode(text.bytes.subarray(start, end));
    return `${word} ${placeOf(text, line!)}`;
  });
  assertEquals(words, [
    "one a.txt:1",
    "two a.txt:1",
    "two a.txt:2",
    "Grüße a.txt:2",
    "three b.txt:1",
    "end_2 b.txt:3",
  ]);
});

test("demo: the program compares the indexes and shows the pool", { timeout: 60_000 }, () => {
  using folder = folderOf({ "a.txt": randomText(5000) });
  const { status, stdout, stderr } = demo(folder.path);
  assertEquals(status, 0, stderr);
  assertMatch(stdout, /30000 words, \d+ queries: all answers are equal/);
  assertMatch(stdout, /JavaScript heap +-?[0-9.]+ MiB +[0-9.]+ MiB/);
  assertMatch(stdout, /one character: \d+ KiB/);
  assertMatch(stderr, /Building in a pool/);
});

test("demo: a folder that is none or has no words is refused", { timeout: 60_000 }, () => {
  using folder = folderOf({ "a.txt": " \n" });
  const empty = demo(folder.path);
  assertEquals(empty.status, 2);
  assertMatch(empty.stderr, /there are no words in it/);
  const absent = demo(join(folder.path, "absent"));
  assertEquals(absent.status, 2);
  assertMatch(absent.stderr, /it is not a folder/);
});

/** Runs the demo on the runtime of the test, with the permissions that the task gives. */
function demo(folder: string): { status: number | null; stdout: string; stderr: string } {
  const [command = "", ...rest] = permitted([], "examples/demo.ts", folder);
  return spawnSync(command, rest, { encoding: "utf8" });
}
