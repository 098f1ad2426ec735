/** The benchmarks, run tiny: what no longer works or no longer proves its work is noticed here. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { measureCapacities } from "../../bench/capacities.ts";
import { evaluateGoals, goalRow } from "../../bench/goals.ts";
import { countInstructions, instructionsOf } from "../../bench/instructions.ts";
import { buildDriver, hasValgrind, nativeStarts } from "../../bench/peers.ts";
import { measure, type Measured, median, ratio, Worker } from "../../bench/sampling.ts";
import { createSuites } from "../../bench/suites.ts";
import { Pool } from "../../mod.ts";
import { assertAllocated } from "./support.ts";

const tiny = { samples: 3, milliseconds: 0 };

test("bench: every candidate of a suite proves the same work and leaves no block behind", async () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const suites = createSuites(pool);
  const before = pool.stats().allocated;
  for (const [suite, candidates] of Object.entries(suites)) {
    const proofs = Object.values(candidates).map((run) => run(10));
    assert(proofs[0]! > 0, `"${suite}" proves nothing`);
    assertEquals(proofs, proofs.map(() => proofs[0]!), `the proofs of "${suite}" differ`);
  }
  await assertAllocated(pool, before);
});

test(
  "bench: every allocator of the C driver proves the same work",
  { timeout: 120_000 },
  async () => {
    const workers = await Promise.all(
      nativeStarts(buildDriver(), 64).map((start) => Worker.start(start)),
    );
    try {
      const pools = workers.filter((worker) => worker.can("capacity 14 MiB 64"));
      assert(pools.length > 0, "libvmem.so.1 is not measured");
      for (const work of new Set(workers.flatMap((worker) => worker.works))) {
        const candidates = workers
          .filter((worker) => worker.can(work))
          .map((worker) => ({ name: worker.name, worker, work }));
        if (/^(capacity|usable) /.test(work)) continue;
        const measured = await measure(candidates, tiny); // throws if proofs differ
        assertEquals(measured.size, candidates.length);
      }
      const capacities = await measureCapacities(workers);
      for (const { size, pool, usable } of capacities) {
        const lost = 1 - usable - size / (14 * 2 ** 20);
        assert(lost < 0.1 && usable <= 1, `${pool} has ${usable} of its bytes for ${size} B each`);
      }
      const goals = evaluateGoals(new Map(), capacities);
      assertEquals(goals.filter(({ reached }) => !reached), []);
      assert(goals.length >= 6 * pools.length);
      assertEquals(goalRow(workers, []).candidates.map(({ name }) => name), ["C"]);
    } finally {
      await Promise.all(workers.map((worker) => worker.stop()));
    }
  },
);

test("bench: several processes of each candidate measure", async () => {
  const starts = nativeStarts(buildDriver(), 64).filter(({ name }) => name === "C library");
  const worker = await Worker.start(starts[0]!);
  try {
    const candidates = [{ name: worker.name, worker, work: "live 1000" }];
    const measured = await measure(candidates, { samples: 2, milliseconds: 0, processes: 3 });
    assertEquals(measured.get(worker.name)!.samples.length, 6);
    assert((await worker.run("live 1000", 1)).proof > 0);
  } finally {
    await worker.stop();
  }
});

test("bench: goals are computed from the ratios within the rounds", () => {
  const row = (figures: Record<string, number[]>) =>
    new Map(
      Object.entries(figures).map(([name, samples]): [string, Measured] => [
        name,
        { ns: median(samples), samples },
      ]),
    );
  const table = new Map([
    [
      "C: pair 64",
      row({
        jemalloc: [4, 50, 4],
        tcmalloc: [5, 40, 4],
        "no work": [2, 20, 2],
        "vmem, memory": [3, 30, 5],
      }),
    ],
    ["C: check 1 GiB, empty", row({ "vmem, memory": [90_000, 110_000, 120_000] })],
    [
      "Goal: malloc and free from TypeScript",
      row({
        "Bun, malloc and free": [10, 10, 10],
        "Bun, two bare FFI calls": [4, 4, 4],
        C: [2, 2, 2],
      }),
    ],
  ]);
  const capacity = { size: 64, pool: "a pool", mebibytes: 14, count: 9, part: 0.5, usable: 0.5 };
  const goals = evaluateGoals(table, [capacity], 42.5);
  assertEquals(goals.map(({ value, reached }) => ({ value, reached })), [
    { value: "0.75", reached: true },
    { value: "0.50", reached: true },
    { value: "110.00 us", reached: false },
    { value: "42.50", reached: false },
    { value: "1.43", reached: false },
    { value: "50.00 %", reached: false },
  ]);
});

test("bench: a profile's instructions are those of the library's own functions", () => {
  const profile = [
    "ob=(1) /lib/libvmem.so.1.0.0",
    "fn=(7) vmem_malloc",
    "16 10",
    "cob=(2) /lib/libc.so.6",
    "cfn=(8) memset",
    "calls=3 0",
    "+2 3000",
    "* 5",
    "ob=(2)",
    "16 1000",
    "ob=(1)",
    "-1 7",
  ];
  assertEquals(instructionsOf(profile.join("\n"), "libvmem.so.1"), 22);
});

test(
  "bench: instructions of a pair are counted where valgrind is installed",
  { timeout: 60_000 },
  () => {
    const count = countInstructions(buildDriver());
    assertEquals(count !== undefined, hasValgrind());
    assert(count === undefined || (count > 10 && count < 100), `${count} instructions`);
  },
);

test("bench: a median is the middle of the sorted values", () => {
  assertEquals(median([3, 1, 2]), 2);
  assertEquals(median([10, 9]), 9.5);
  const [a, b] = [{ ns: 0, samples: [1, 10, 100] }, { ns: 0, samples: [2, 10, 50] }];
  assertEquals(ratio(a, b), 1);
});
