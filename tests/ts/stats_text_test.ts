/** `pool.statsText()`: its numbers against a workload that is counted here, its names against jemalloc's own. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Pool, type StatisticsTextOptions, VmemError } from "../../mod.ts";

interface Bin {
  readonly curregs: number;
  readonly curslabs: number;
  readonly nmalloc: number;
  readonly ndalloc: number;
}
interface Arena {
  readonly small: {
    readonly allocated: number;
    readonly nmalloc: number;
    readonly ndalloc: number;
  };
  readonly bins: readonly Bin[];
}
interface Json {
  readonly jemalloc: {
    readonly arenas: {
      readonly bin: readonly { readonly size: number; readonly nregs: number }[];
      readonly lextent: readonly { readonly size: number }[];
    };
    readonly stats: { readonly allocated: number; readonly active: number };
    readonly "stats.arenas": {
      readonly merged: Arena & {
        readonly large: { readonly allocated: number };
        readonly lextents: readonly { readonly curlextents: number }[];
        readonly tcache_bytes: number;
      };
    } & { readonly [arena: `${number}`]: Arena };
  };
  readonly vmem: { readonly peak: number; readonly cached: number };
}

function read(pool: Pool): Json {
  return JSON.parse(pool.statsText({ json: true }));
}

/** Every path of an object, array indices left out. */
function paths(value: unknown, prefix = "", found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) {
    for (const element of value) paths(element, `${prefix}[]`, found);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, inner] of Object.entries(value)) paths(inner, `${prefix}/${name}`, found);
  } else found.add(prefix);
  return found;
}

test("pool.statsText() counts the live blocks of every class", () => {
  using pool = Pool.create({ maxSize: "1GiB" });
  const sizes = new Map([[16, 1000], [100, 37], [112, 5], [4096, 11], [14336, 3], [65536, 7]]);
  sizes.set(5 * 2 ** 20, 2);
  let bytes = 0;
  const blocks: ReturnType<Pool["malloc"]>[] = [];
  for (const [size, count] of sizes) {
    for (let i = 0; i < count; i += 1) {
      const pointer = pool.malloc(size);
      blocks.push(pointer);
      bytes += pool.usableSize(pointer);
      pool.free(pool.malloc(size)); // leaves a trace in the caches only
    }
  }
  const { jemalloc } = read(pool);
  const { merged } = jemalloc["stats.arenas"];
  assertEquals(jemalloc.stats.allocated, bytes);
  assertEquals(merged.small.allocated + merged.large.allocated, bytes);
  const ofSize = (size: number): Bin => {
    const index = jemalloc.arenas.bin.findIndex((bin) => bin.size === size);
    const bin = merged.bins[index];
    assert(bin !== undefined, `no bin of ${size} bytes`);
    return bin;
  };
  assertEquals(ofSize(16).curregs, 1000);
  assertEquals(ofSize(112).curregs, 37 + 5);
  assertEquals(ofSize(4096).curregs, 11);
  assertEquals(ofSize(14336).curregs, 3);
  assert(ofSize(16).nmalloc - ofSize(16).ndalloc >= 1000);
  const runs = (size: number): number | undefined =>
    merged.lextents[jemalloc.arenas.lextent.findIndex((group) => group.size === size)]?.curlextents;
  assertEquals([runs(65536), runs(5 * 2 ** 20), runs(2 ** 20)], [7, 2, 0]);
  const arenas = Object.entries(jemalloc["stats.arenas"]).filter(([name]) => name !== "merged");
  const sum = (name: "nmalloc" | "ndalloc"): number =>
    arenas.reduce((total, [, arena]) => total + arena.small[name], 0);
  assertEquals(sum("nmalloc"), merged.small.nmalloc);
  assertEquals(sum("ndalloc"), merged.small.ndalloc);

  for (const block of blocks) pool.free(block);
  const empty = read(pool).jemalloc;
  assertEquals(empty.stats.allocated, 0);
  assertEquals(empty["stats.arenas"].merged.small.allocated, 0);
  assertEquals(empty["stats.arenas"].merged.large.allocated, 0);
  for (const bin of empty["stats.arenas"].merged.bins) assertEquals(bin.curregs, 0);
  for (const group of empty["stats.arenas"].merged.lextents) assertEquals(group.curlextents, 0);
});

test("pool.statsText() shows what shrinks and grows in place under its new size", () => {
  using pool = Pool.create({ maxSize: "1GiB" });
  const block = pool.realloc(pool.malloc("8MiB"), "2MiB");
  const groups = (): Record<number, number> => {
    const { jemalloc } = read(pool);
    const { lextents } = jemalloc["stats.arenas"].merged;
    const used = jemalloc.arenas.lextent.map((
      { size },
      i,
    ) => [size, lextents[i]?.curlextents ?? 0]);
    return Object.fromEntries(used.filter(([, count]) => count !== 0));
  };
  assertEquals(groups(), { [2 * 2 ** 20]: 1 });
  pool.realloc(block, "3MiB");
  assertEquals(groups(), { [3 * 2 ** 20]: 1 });
});

test("pool.statsText() leaves sections out", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  pool.malloc(100_000);
  pool.malloc(100);
  const all = pool.statsText();
  assertMatch(all, /^___ Begin vmem statistics ___\n/);
  assertMatch(all, /\n--- End vmem statistics ---\n$/);
  const marks = {
    general: "Version: ",
    merged: "Merged arenas stats:",
    arenas: "arenas[0]:",
    bins: "bins: ",
    large: "curlextents",
  } as const;
  for (const [section, mark] of Object.entries(marks)) {
    assert(all.includes(mark), `no ${section}`);
    const omit = [section] as StatisticsTextOptions["omit"] & readonly unknown[];
    assert(!pool.statsText({ omit }).includes(mark), `${section} is not left out`);
    const json = paths(JSON.parse(pool.statsText({ omit, json: true })));
    assert(json.size < paths(read(pool)).size, `${section} is not left out of the JSON`);
  }
});

test("pool.statsText() refuses options that it does not know, and a closed pool", () => {
  const pool = Pool.create({ maxSize: "64MiB" });
  const wrong = (options: unknown): void => {
    pool.statsText(options as StatisticsTextOptions);
  };
  assertThrows(() => wrong({ omit: ["stuff"] }), TypeError, `"stuff" is not one of the sections`);
  assertThrows(() => wrong({ omit: ["toString"] }), TypeError, "is not one of the sections");
  assertThrows(() => wrong({ omit: "g" }), TypeError, "omit must be an array");
  assertThrows(() => wrong({ json: 1 }), TypeError, "json must be true or false");
  assertThrows(() => wrong(null), TypeError, "must be an object");
  pool.close();
  assertThrows(() => pool.statsText(), VmemError, "the pool is closed");
});

const preload = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
const missing = existsSync(preload) ? false : "Debian's libjemalloc2 is not installed";

test("pool.statsText() has no path that jemalloc lacks", { skip: missing }, () => {
  const theirs = spawnSync("python3", ["-c", "print(bytes(2 ** 20)[0])"], {
    env: {
      ...process.env,
      LD_PRELOAD: preload,
      MALLOC_CONF: "stats_print:true,stats_print_opts:J,narenas:3",
    },
  });
  // The sums have the same members as an arena, and jemalloc leaves them out where there is only one.
  const general = (path: string): string =>
    path.replace(/^(.jemalloc.stats.arenas.)(merged|\d+)/, "$10");
  // Whatever starts the program may have printed its own before.
  const printed = theirs.stderr.toString();
  const json = printed.slice(printed.lastIndexOf('{"jemalloc"'));
  const known = new Set([...paths(JSON.parse(json))].map(general));
  using pool = Pool.create({ maxSize: "1GiB" });
  pool.malloc(64);
  const ours = [...paths(read(pool))].map(general).filter((path) => !path.startsWith("/vmem/"));
  assert(ours.length > 40 && known.size > 100);
  assertEquals(ours.filter((path) => !known.has(path)), []);
});
