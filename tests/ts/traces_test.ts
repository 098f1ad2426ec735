/** The recorder and the replayer of allocation traces, on a small program that is recorded here. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Replay, smallestPool } from "../../bench/traces/measure.ts";
import { buildSample } from "../../bench/traces/native.ts";
import { programs } from "../../bench/traces/programs.ts";
import { describe, recordAll } from "../../bench/traces/record.ts";

let folder = "";
let sample = "";
/** The traces of the sample's three processes, the largest first. */
let traces: string[] = [];

before(() => {
  folder = mkdtempSync(join(tmpdir(), "vmem-traces-"));
  sample = buildSample();
  traces = recordAll(sample, [], folder)
    .sort((a, b) => describe(b).events - describe(a).events);
});

after(() => rmSync(folder, { recursive: true, force: true }));

test("traces: what was recorded has the program's peak", () => {
  const own = Number(spawnSync(sample, { encoding: "utf8" }).stdout);
  const { events, peak } = describe(traces[0]!);
  assert(own > 15 * 2 ** 20, `the sample has only ${own} bytes in use`);
  // The C library allocates a little of its own, for the thread.
  assert(peak >= own && peak < own + 4096, `${peak} bytes were recorded, not ${own}`);
  assert(events > 6000 && events < 8000, `${events} events were recorded`);
});

test("traces: each process has its own, also after fork and exec", () => {
  assertEquals(traces.length, 3);
  const [, ...children] = traces.map(describe);
  for (const { events, peak } of children) {
    assert(events >= 1 && events < 20, `${events} events were recorded`);
    assert(peak >= 11 && peak <= 4096, `${peak} bytes were recorded`);
  }
});

test("traces: the smallest pool holds the peak and little more", { timeout: 60_000 }, async () => {
  const replay = Replay.onPool(traces[0]!);
  try {
    const { peak } = describe(traces[0]!);
    const rounded = await replay.askNumber(`round ${2 * peak}`);
    const pool = await smallestPool(replay, peak);
    assert(rounded >= peak && rounded < 1.25 * peak, `rounded up, ${peak} are ${rounded}`);
    assert(pool >= rounded && pool < 1.3 * rounded, `the pool has ${pool}, for ${rounded}`);
    assert(await replay.askNumber(`time ${2 * peak}`) > 0);
    const tight = Math.floor(peak / 4096) * 4096;
    const why = await replay.askLines(`why ${tight}`);
    assert(/^event \d+, [a-z]+, asks for \d+$/.test(why[0]!), why[0]);
    const causes = (why[1]!.match(/\d+/g) ?? []).map(Number);
    assert(causes.length === 5, why[1]);
    assert(causes.slice(0, 4).reduce((sum, bytes) => sum + bytes, 0) === tight, why[1]);
    assert(/^pages with blocks: \d+ of \d+$/.test(why.at(-1)!), why.at(-1));
  } finally {
    await replay.stop();
  }
});

test("traces: other allocators replay it, too", { timeout: 60_000 }, async () => {
  const { peak } = describe(traces[0]!);
  const replays = Replay.onPeers(traces[0]!);
  try {
    assert(replays.some(({ name }) => name === "C library"));
    for (const replay of replays) {
      const growth = await replay.askNumber("grow");
      assert(growth > 0.8 * peak && growth < 3 * peak, `"${replay.name}" grew by ${growth}`);
      assert(await replay.askNumber("time") > 0);
    }
  } finally {
    await Promise.all(replays.map((replay) => replay.stop()));
  }
});

test("traces: each set has five programs, each once", () => {
  for (const set of [1, 2]) {
    assertEquals(programs.filter((program) => program.set === set).length, 5);
  }
  assertEquals(new Set(programs.map(({ name }) => name)).size, programs.length);
});
