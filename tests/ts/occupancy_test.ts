/** Pictures of a pool: that they show what is there, stay small, and are what they say they are. */
import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Pool, VmemError } from "../../mod.ts";
import { Mapping } from "./mapping.ts";
import { GiB, MiB, Random } from "./support.ts";

/** The places of the map. */
function mapOf(pool: Pool): string {
  return [...pool.occupancy().matchAll(/\|(.*)\|$/gm)].map(([, line]) => line).join("").trimEnd();
}

/** Throws unless the text is well-formed so far as these pictures go: tags that nest, attributes in quotes, no bare characters. */
function checkXml(text: string): void {
  const open: string[] = [];
  const rest = text.replaceAll(
    /<(\/?)([a-z]+)((?: [a-zA-Z-]+="[^"<&]*")*)(\/?)>/g,
    (_, closes: string, name: string, __, empty: string) => {
      if (closes !== "") assertEquals(open.pop(), name);
      else if (empty === "") open.push(name);
      return "";
    },
  );
  assertEquals(open, []);
  assert(!/[<>]|&(?!(amp|lt|gt);)/.test(rest), rest);
}

test("pool.occupancy() of an empty, a filled and an emptied pool", () => {
  using pool = Pool.create({ size: "4MiB" });
  assertEquals(mapOf(pool), "·".repeat(1024));
  assertStringIncludes(pool.occupancy(), "0 B in 0 blocks of a pool of 4.00 MiB");
  assertStringIncludes(pool.occupancy(), "no block was ever allocated");
  const half = pool.malloc(2 * MiB);
  assertEquals(mapOf(pool), `·${"█".repeat(512)}${"·".repeat(511)}`);
  const rest = pool.malloc(2 * MiB - 4096);
  assertEquals(mapOf(pool), `·${"█".repeat(1023)}`);
  assertStringIncludes(pool.occupancy(), "0 B available");
  pool.free(half);
  assertEquals(mapOf(pool), `${"·".repeat(513)}${"█".repeat(511)}`);
  pool.free(rest);
  assertEquals(mapOf(pool), "·".repeat(1024));
});

test("pool.occupancy() is darker where more is in use, and counts what is idle", () => {
  using pool = Pool.create({ size: "4MiB" });
  const blocks = [...pool.mallocMany(1024, 2048)].sort((a, b) => a - b);
  assertEquals(mapOf(pool).replaceAll(/·|█/g, ""), "");
  pool.freeMany(blocks.filter((_, index) => index % 4 !== 0) as never);
  const map = mapOf(pool);
  assert(/^·░{500,520}/.test(map), map);
  const text = pool.occupancy();
  assertStringIncludes(text, "512 KiB in 512 blocks");
  assert(/ 1\.00 KiB +512 +512 KiB +1\.50 MiB +█+░+$/m.test(text), text);
  assert(/^fragmentation: 7\d\.\d % of the pages in use/m.test(text), text);
});

test("pool.occupancy() sums up to what the statistics say", () => {
  using pool = Pool.create({ maxSize: "1GiB" });
  const random = new Random(5);
  for (let index = 0; index < 3000; index += 1) pool.malloc(1 + random.below(20_000));
  const text = pool.occupancy();
  const { allocated } = pool.stats();
  assertStringIncludes(text, `${(allocated / MiB).toFixed(1)} MiB in 3,000 blocks`);
  const rows = [...text.matchAll(/^ {0,4}\s*[\d.]+ K?i?B {2,}([\d,]+) {2,}[\d.]+ \S+ {2,}/gm)];
  assert(rows.length > 10, text);
  assert(/^and \d+ classes with fewer bytes$/m.test(text), text);
});

test("pictures have a bounded size, whatever the pool's", () => {
  using pool = Pool.create({ maxSize: "1TiB" });
  const random = new Random(9);
  const blocks = Array.from({ length: 100_000 }, () => pool.malloc(1 + random.below(3000)));
  for (let index = 0; index < 100; index += 1) blocks.push(pool.malloc(1 + random.below(3 * MiB)));
  pool.freeMany(blocks.filter(() => random.below(2) === 0));
  const text = pool.occupancy();
  const svg = pool.occupancySvg();
  assert(text.length < 8000 && text.split("\n").length <= 60, text);
  assert(text.split("\n").every((line) => line.length <= 100), text);
  assert(svg.length < 100_000, `${svg.length}`);
  assert(mapOf(pool).length <= 1024);
});

test("pool.occupancySvg() is one well-formed document with text, for light and dark", () => {
  using pool = Pool.create({ maxSize: "4GiB" });
  const draw = (): string => {
    const svg = pool.occupancySvg();
    checkXml(svg);
    return svg;
  };
  assertStringIncludes(draw(), "No block was ever allocated");
  for (let size = 16; size < 2 * MiB; size *= 1.3) {
    pool.mallocMany(Math.round(size), Math.ceil(300_000 / size));
  }
  const svg = draw();
  assert(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg" width="960" '), svg.slice(0, 80));
  assertStringIncludes(svg, "@media (prefers-color-scheme: dark)");
  assertStringIncludes(svg, "of a pool of 4.00 GiB</text>");
  assert(!/href|url\(|<script|<image/.test(svg));
  // In every colour there is a full cell.
  for (const kind of ["b0", "b1", "b2", "b3"]) assertStringIncludes(svg, `<path class="${kind}"`);
});

test("pictures of a region, whose pointers do not begin at 0", () => {
  using mapping = new Mapping(4 * MiB);
  using pool = Pool.inRegion(mapping.address, 4 * MiB);
  pool.malloc(2 * MiB);
  assertEquals(mapOf(pool), `·${"█".repeat(512)}${"·".repeat(511)}`);
  checkXml(pool.occupancySvg());
});

test("pictures at every level of hardening", () => {
  for (const hardening of [0, 1, 2, 3] as const) {
    using pool = Pool.create({ size: "2MiB", hardening });
    pool.freeMany(pool.mallocMany(100, 1000));
    pool.malloc(MiB);
    assertStringIncludes(pool.occupancy(), "1.00 MiB in 1 block of a pool of 2.00 MiB");
  }
});

test("pictures of a closed pool throw", () => {
  const pool = Pool.create({ maxSize: GiB });
  pool.close();
  assertThrows(() => pool.occupancy(), VmemError, "Cannot draw the occupancy: the pool is closed");
  assertThrows(() => pool.occupancySvg(), VmemError, "the pool is closed");
});

test("pool.stats() keeps the peak when blocks are freed, and across give-back and reset", () => {
  using pool = Pool.create({ maxSize: "256MiB", giveBack: "immediate" });
  assertEquals(pool.stats().peak, 0);
  const at = pool.malloc(32 * MiB);
  const { peak, active } = pool.stats();
  assert(peak === active && peak >= 32 * MiB && peak < 33 * MiB, `${peak}`);
  pool.free(at);
  pool.trim();
  assertEquals([pool.stats().peak, pool.stats().allocated], [peak, 0]);
  pool.malloc(10 * MiB);
  assertEquals(pool.stats().peak, peak);
  pool.reset();
  assertEquals([pool.stats().peak, pool.stats().active], [peak, 0]);
  pool.malloc(64 * MiB);
  assert(pool.stats().peak >= 64 * MiB);
});
