/** What a pool tells of itself: statistics in full, live blocks, values by name. */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Controls, type ControlValue, Pool, type Statistics, VmemError } from "../../mod.ts";
import { MiB, Random } from "./support.ts";
import { attached, tell } from "./workers.ts";

const small = { maxSize: "256MiB", giveBack: "never" } as const;

test("pool.stats() counts what is in use, cached and ever used", () => {
  using pool = Pool.create(small);
  const empty = pool.stats();
  assertEquals([empty.allocated, empty.cached, empty.peak], [0, 0, 0]);
  const blocks = pool.mallocMany(1000, 100);
  const large = pool.malloc(8 * MiB);
  const full = pool.stats();
  assertEquals(full.allocated, 100 * 1024 + 8 * MiB);
  pool.free(large);
  pool.freeMany(blocks);
  const after = pool.stats();
  assert(after.cached > 0 && after.allocated === 0, JSON.stringify(after));
  assert(after.peak >= full.active && after.peak >= 8 * MiB, JSON.stringify(after));
  assertEquals([after.arenas >= 1, after.threads], [true, 1]);
  assertEquals([after.purges, after.purged], [0, 0]);
  assert(pool.trim() > 0);
  assert(pool.stats().purged > 0);
});

test("pool.stats({ detail: true }) has every class and arena, and they add up", () => {
  using pool = Pool.create({ maxSize: "1GiB" });
  const random = new Random(7);
  const expected = new Map<number, number>();
  for (let index = 0; index < 5000; index += 1) {
    const at = pool.malloc(1 + random.below(random.below(10) === 0 ? 3 * MiB / 8 : 2000));
    const size = pool.usableSize(at);
    expected.set(size, (expected.get(size) ?? 0) + 1);
  }
  const { classes, byArena, allocated, arenas, threads } = pool.stats({ detail: true });
  let bytes = 0;
  for (const { size, live, cached, taken, given, slabs, fills } of classes) {
    // The groups of the largest have several sizes in one; those here have not.
    if (live > 0) assertEquals(live, expected.get(size), `blocks of ${size}`);
    assertEquals(taken - given, live + cached);
    assert(taken === 0 ? slabs === 0 : fills > 0);
    bytes += live * size;
  }
  assertEquals(bytes, allocated);
  assertEquals(
    classes.map(({ size }) => size),
    classes.map(({ size }) => size).sort((a, b) => a - b),
  );
  assertEquals(byArena.length, arenas);
  assertEquals(byArena.reduce((sum, arena) => sum + arena.threads, 0), threads);
  const taken = byArena.reduce((sum, arena) => sum + arena.taken, 0);
  const inSlabs = classes.filter(({ slabs }) => slabs > 0);
  assertEquals(taken, inSlabs.reduce((sum, each) => sum + each.taken, 0));
});

test("pool.stats() refuses what is no option, and a closed pool", () => {
  const pool = Pool.create(small);
  for (const wrong of [null, 1, "detail", { detail: 1 }, { detail: "true" }]) {
    assertThrows(() => pool.stats(wrong as never), TypeError, "Cannot read statistics");
  }
  assertEquals(Object.keys(pool.stats({ detail: false } as never)), Object.keys(pool.stats()));
  pool.close();
  assertThrows(() => pool.stats({ detail: true }), VmemError, "the pool is closed");
});

test("pool.blocks() finds each live block once, and no other", () => {
  for (const hardening of [0, 1, 2, 3] as const) {
    using pool = Pool.create({ ...small, hardening });
    assertEquals([...pool.blocks()], []);
    const random = new Random(hardening + 1);
    const live = new Map<number, number>();
    for (let index = 0; index < 20_000; index += 1) {
      const at = pool.malloc(1 + random.below(random.below(50) === 0 ? MiB / 4 : 300));
      live.set(at, pool.usableSize(at));
      if (index % 3 !== 0) continue;
      const [first] = live.keys();
      if (first === undefined) continue;
      live.delete(first);
      pool.free(first as never);
    }
    const array = pool.alloc(Uint8Array, 100_000);
    const found = [...pool.blocks()];
    assertEquals(found.length, live.size + 1);
    let before = 0;
    for (const { pointer, size } of found) {
      assert(pointer > before);
      before = pointer;
      const expected = live.get(pointer);
      if (expected === undefined) assertEquals([size >= 100_000, array.length], [true, 100_000]);
      else assertEquals(size, expected);
    }
  }
});

test("pool.blocks() goes on while blocks come and go, in this thread and another", async () => {
  using pool = Pool.create(small);
  const kept = new Set<number>(pool.mallocMany(64, 10_000));
  const worker = await attached(pool);
  const at = pool.calloc(1, 8);
  kept.add(at);
  const working = tell(worker, { do: "lock", at, rounds: 2000 });
  let found = 0;
  for (const { pointer } of pool.blocks()) {
    found += Number(kept.delete(pointer));
    pool.free(pool.malloc(64));
  }
  assertEquals([found, kept.size], [10_001, 0]);
  await working;
  worker.terminate();
});

test("pool.blocks() of a pool that is closed meanwhile throws", () => {
  const pool = Pool.create(small);
  pool.mallocMany(64, 10_000);
  const blocks = pool.blocks();
  assert(blocks.next().done === false);
  pool.close();
  assertThrows(() => [...blocks], VmemError, "the pool is closed");
  assertThrows(() => [...pool.blocks()], VmemError, "the pool is closed");
});

test("pool.ctl() reads numbers, truths and texts, sets, and does", () => {
  using pool = Pool.create(small);
  const pairs: [keyof Controls, keyof Statistics][] = [
    ["stats.allocated", "allocated"],
    ["stats.mapped", "mapped"],
    ["vmem.available", "available"],
    ["vmem.largest_free", "largestFree"],
    ["vmem.cached", "cached"],
    ["arenas.narenas", "arenas"],
  ];
  pool.malloc(100_000);
  for (const [name, field] of pairs) assertEquals(pool.ctl(name), pool.stats()[field], name);
  const version: string = pool.ctl("version");
  assert(/^\d+\.\d+/.test(version), version);
  const address: number = pool.ctl("vmem.base");
  assertEquals(address, pool.address(4096 as never) - 4096);
  const keeps: boolean = pool.ctl("thread.tcache.enabled");
  assertEquals(keeps, true);
  assertEquals(pool.ctl("thread.tcache.enabled", false), undefined);
  assertEquals(pool.ctl("thread.tcache.enabled"), false);
  pool.free(pool.malloc(64));
  pool.ctl("thread.tcache.enabled", true);
  pool.free(pool.malloc(64));
  assert(pool.stats().cached > 0);
  const nothing: undefined = pool.ctl("thread.tcache.flush");
  assertEquals(nothing, undefined);
  assertEquals(pool.ctl("arenas.dirty_decay_ms", 500), undefined);
  assertEquals([pool.ctl("arenas.dirty_decay_ms"), pool.ctl("arena.0.dirty_decay_ms")], [500, 500]);
  assertEquals(pool.ctl("opt.junk"), "false");
  const any: ControlValue = pool.ctl("stats.arenas.0.nthreads");
  assertEquals(any, 1);
  assertEquals(pool.ctl("arenas.bin.0.size"), pool.stats({ detail: true }).classes[0]?.size);
});

test("pool.ctl() refuses what is no name and no value, with the reason", () => {
  const pool = Pool.create(small);
  const code = (use: () => unknown): string => assertThrows(use, VmemError).code;
  assertEquals(code(() => pool.ctl("no.such.name")), "ENOENT");
  assertEquals(code(() => pool.ctl("arenas.bin.5000.size")), "ENOENT");
  assertEquals(code(() => pool.ctl("stats.allocated", 5)), "EPERM");
  assertEquals(code(() => pool.ctl("arenas.lookup")), "EPERM");
  assertEquals(code(() => pool.ctl("arenas.dirty_decay_ms", -2)), "EFAULT");
  assertEquals(code(() => pool.ctl("thread.arena", 100_000)), "EFAULT");
  assertThrows(() => pool.ctl("stats.x"), VmemError, `"stats.x" failed: there is no such name`);
  for (const wrong of [undefined, 5, "", null]) {
    assertThrows(() => pool.ctl(wrong as never), TypeError, "is not a name");
  }
  for (const wrong of ["1", null, {}, 5n]) {
    assertThrows(() => pool.ctl("epoch", wrong as never), TypeError, `Cannot set "epoch"`);
  }
  for (const wrong of [NaN, 0.5, Infinity, 2 ** 60]) {
    assertThrows(() => pool.ctl("epoch", wrong), RangeError, "is not a whole number");
  }
  pool.close();
  assertThrows(() => pool.ctl("epoch"), VmemError, "the pool is closed");
  assertThrows(() => pool.ctl("epoch", 1), VmemError, "the pool is closed");
});
