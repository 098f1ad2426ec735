/** The levels at which wrong use is looked for, as an option and by the conf string. */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Pointer, Pool } from "../../mod.ts";
import { program, run } from "./child.ts";
import { Random, withPool } from "./support.ts";

const levels = [0, 1, 2, 3] as const;

test("pools of every level serve blocks and arrays and end empty", () => {
  for (const hardening of levels) {
    withPool({ maxSize: "64MiB", hardening }, (pool) => {
      const random = new Random(hardening + 1);
      const blocks: [Pointer, number][] = [];
      for (let step = 0; step < 2000; step += 1) {
        if (blocks.length < 100 && random.below(2) === 0) {
          const size = 1 + random.below(random.below(10) === 0 ? 100_000 : 200);
          const at = pool.malloc(size);
          pool.view(Uint8Array, at, size).fill(size % 256);
          blocks.push([at, size]);
        } else {
          const [block] = blocks.splice(random.below(blocks.length), 1);
          if (block === undefined) continue;
          const [at, size] = block;
          assert(pool.view(Uint8Array, at, size).every((byte) => byte === size % 256));
          pool.free(at);
        }
      }
      pool.freeMany(blocks.map(([at]) => at));
      const array = pool.resize(pool.alloc(Float64Array, 100).fill(1), 20_000);
      assertEquals([array[99], array[100], array[19_999]], [1, 0, 0]);
      pool.free(array);
      assert(pool.check()); // empties the quarantine of level 3
    });
  }
});

test("free a, free b, free a: levels 2 and 3 notice at once, and no block is given twice", () => {
  for (const hardening of [2, 3] as const) {
    using pool = Pool.create({ maxSize: "64MiB", hardening });
    for (const size of [1, 16, 64, 1000, 5000, 20_000, 300_000, 5_000_000]) {
      const a = pool.malloc(size);
      const b = pool.malloc(size);
      pool.free(a);
      pool.free(b);
      assertThrows(() => pool.free(a), RangeError, "", `level ${hardening}, ${size} bytes`);
      const next = Array.from({ length: 4 }, () => pool.malloc(size));
      assertEquals(new Set(next).size, 4);
      pool.freeMany(next);
    }
    assert(pool.check());
  }
});

test("level 1 takes a second free for good, and the pool stays whole", () => {
  using pool = Pool.create({ maxSize: "64MiB", hardening: 1 });
  const a = pool.malloc(64);
  const b = pool.malloc(64);
  for (const at of [a, b, a]) pool.free(at);
  assert(pool.check());
  const next = Array.from({ length: 1000 }, () => pool.malloc(64));
  assertEquals(new Set(next).size, 1000);
  pool.freeMany(next);
  assertEquals(pool.stats().allocated, 0);
});

test("level 3 logs a write to a freed block, level 2 does not", () => {
  for (const hardening of [2, 3]) {
    const { status, output } = run(program("children/hardening.ts", "write", String(hardening)), {
      VMEM_LOG_LEVEL: "1",
    });
    assertEquals(status, 0, output);
    assertEquals(/was written after it was freed/.test(output), hardening === 3, output);
  }
});

test("the conf string sets the level of pools that were given none", () => {
  const word = (conf: string, ...level: string[]): string => {
    const { status, output } = run(program("children/hardening.ts", "reuse", ...level), {
      VMEM_MALLOC_CONF: conf,
      VMEM_LOG_LEVEL: "1",
    });
    assertEquals(status, 0, output);
    return output.split("\n").filter((line) => !line.includes("> Freeing ")).sort().join("\n")
      .trim();
  };
  assertEquals(word(""), "reused, notices");
  assertEquals(word("hardening:3"), "held back, notices");
  assertEquals(word("hardening:1"), "reused, does not notice");
  assertEquals(word("hardening:3", "1"), "reused, does not notice");
  assertEquals(
    word("hardening:9"),
    `<libvmem>: <1> Setting "hardening:9" of VMEM_MALLOC_CONF ignored: allowed are 0 to 3\nreused, notices`,
  );
});

test("with abort:true in the conf string a second free ends the process", () => {
  const { status, signal, output } = run(program("children/hardening.ts", "reuse"), {
    VMEM_MALLOC_CONF: "abort:true",
  });
  assert(signal === "SIGABRT" || status === 134, `${status} ${signal} ${output}`);
  assert(/ignored: the block was freed before/.test(output), output);
});
