/** The benchmarks, run tiny: what no longer works or no longer proves its work is noticed here. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { evaluateGoals, goalRow, measureCapacities } from "../../bench/goals.ts";
import { buildDriver, nativeStarts } from "../../bench/peers.ts";
import { measure, type Measured, median, ratio, Worker } from "../../bench/sampling.ts";
import { createSuites } from "../../bench/suites.ts";
import { Pool } from "../../mod.ts";

const tiny = { samples: 3, milliseconds: 0 };

test("bench: every candidate of a suite proves the same work and leaves no block behind", () => {
  using pool = Pool.create({ maxSize: "64MiB" });
  const suites = createSuites(pool);
  const before = pool.stats().allocated;
  for (const [suite, candidates] of Object.entries(suites)) {
    const proofs = Object.values(candidates).map((run) => run(10));
    assert(proofs[0]! > 0, `"${suite}" proves nothing`);
    assertEquals(proofs, proofs.map(() => proofs[0]!), `the proofs of "${suite}" differ`);
  }
  assertEquals(pool.stats().allocated, before);
});

test(
  "bench: every allocator of the C driver proves the same work",
  { timeout: 120_000 },
  async () => {
    const workers = await Promise.all(
      nativeStarts(buildDriver()).map((start) => Worker.start(start)),
    );
    try {
      assert(workers.some((worker) => worker.can("capacity 64")), "libvmem.so.1 is not measured");
      for (const work of new Set(workers.flatMap((worker) => worker.works))) {
        const candidates = workers
          .filter((worker) => worker.can(work))
          .map((worker) => ({ name: worker.name, worker, work }));
        if (work.startsWith("capacity")) continue;
        const measured = await measure(candidates, tiny); // throws if proofs differ
        assertEquals(measured.size, candidates.length);
      }
      const capacities = await measureCapacities(workers);
      for (const { size, pool, part } of capacities) {
        assert(part > 0.9 && part <= 1, `${pool} has ${part} of its bytes for blocks of ${size} B`);
      }
      const pools = workers.filter((worker) => worker.can("capacity 64"));
      assertEquals(evaluateGoals(new Map(), capacities).length, pools.length);
      assertEquals(goalRow(workers, []).candidates.map(({ name }) => name), ["C"]);
    } finally {
      await Promise.all(workers.map((worker) => worker.stop()));
    }
  },
);

test("bench: goals are computed from the ratios within the rounds", () => {
  const row = (figures: Record<string, number[]>) =>
    new Map(
      Object.entries(figures).map(([name, samples]): [string, Measured] => [
        name,
        { ns: median(samples), samples },
      ]),
    );
  const table = new Map([
    ["C: pair 64", row({ jemalloc: [4, 40, 4], "vmem, memory": [3, 30, 5] })],
    [
      "Goal: malloc and free from TypeScript",
      row({
        "Bun, malloc and free": [10, 10, 10],
        "Bun, two bare FFI calls": [4, 4, 4],
        C: [2, 2, 2],
      }),
    ],
  ]);
  const goals = evaluateGoals(table, [{ size: 64, pool: "a pool", part: 0.5 }]);
  assertEquals(goals.map(({ value, reached }) => ({ value, reached })), [
    { value: "0.75", reached: true },
    { value: "1.43", reached: false },
    { value: "50.00 %", reached: false },
  ]);
});

test("bench: a median is the middle of the sorted values", () => {
  assertEquals(median([3, 1, 2]), 2);
  assertEquals(median([10, 9]), 9.5);
  const [a, b] = [{ ns: 0, samples: [1, 10, 100] }, { ns: 0, samples: [2, 10, 50] }];
  assertEquals(ratio(a, b), 1);
});
