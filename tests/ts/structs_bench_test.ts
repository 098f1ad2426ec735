/** The benchmarks of structures, run tiny: what no longer works or no longer proves its work is noticed here. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { test } from "node:test";
import { builders, type Built, measureBuild } from "../../bench/structs/build.ts";
import { rowOf } from "../../bench/record.ts";
import { reportGoals } from "../../bench/report.ts";
import { structGoals } from "../../bench/structs/goals.ts";
import { measureWorkload } from "../../bench/structs/measure.ts";
import { report } from "../../bench/structs/report.ts";
import {
  byHand,
  cursor,
  functions,
  plain,
  poolSize,
  views,
  type Workload,
} from "../../bench/structs/workload.ts";
import { workloads } from "../../bench/structs/workloads.ts";
import { type Measured, median } from "../../bench/sampling.ts";
import { Pool } from "../../mod.ts";

const faces = [views, cursor, functions];

for (const workload of workloads) {
  test(`bench: all candidates of "${workload.name}" do the same and free what they allocate`, () => {
    using pool = Pool.create({ maxSize: poolSize });
    const candidates = { ...workload.alone?.(300), ...workload.create(pool, 300) };
    for (const name of [plain, byHand, ...faces]) assert(name in candidates, `${name} is missing`);
    const before = pool.stats().allocated;
    const proofs = Object.values(candidates).map(({ run, clean }) => {
      const proof = run();
      clean?.();
      return proof;
    });
    assert(proofs[0]! > 0);
    assertEquals(proofs, proofs.map(() => proofs[0]!));
    assertEquals(pool.stats().allocated, before);
  });
}

test("bench: candidates are measured by turns, and one with another proof is refused", () => {
  using pool = Pool.create({ maxSize: poolSize });
  const turns: string[] = [];
  const candidate = (name: string, proof: number) => ({
    run: () => {
      turns.push(name);
      return proof;
    },
  });
  const workload: Workload = {
    name: "nothing",
    size: 10,
    allocates: false,
    create: (_pool, size) => ({ one: candidate("one", size), other: candidate("other", 10) }),
  };
  const { samples, proof } = measureWorkload(workload, workload.create(pool, 10), 10, {
    warm: 1,
    samples: 2,
  });
  assertEquals(proof, 10);
  assertEquals(Object.values(samples).map(({ length }) => length), [2, 2]);
  assertEquals(turns, ["one", "other", "one", "other", "one", "other"]);
  const candidates = workload.create(pool, 9);
  const wrong = () => measureWorkload(workload, candidates, 9, { warm: 0, samples: 1 });
  assertThrows(wrong, Error, `Comparing "nothing" failed: "other" got 10, not 9`);
});

test("bench: records are built by every candidate", () => {
  for (const name of Object.keys(builders)) {
    using pool = Pool.create({ maxSize: poolSize });
    const { ns, longestStep, heap, resident } = measureBuild(pool, name, 2500);
    assert(ns > 0 && longestStep > 0 && heap > 0 && resident > heap);
  }
});

function measured(figures: Record<string, number[]>): Map<string, Measured> {
  return new Map(
    Object.entries(figures).map(([name, samples]) => [name, { ns: median(samples), samples }]),
  );
}

test("bench: the goals of structures are those of the best face that may reach them", () => {
  const table = new Map([
    [
      "Deno: sum",
      measured({ [plain]: [10, 20], [byHand]: [2, 4], [views]: [4, 8], [cursor]: [2.4, 4.8] }),
    ],
    ["Bun: tree", measured({ [plain]: [100], [views]: [190], [functions]: [99] })],
    ["Deno: longest step", measured({ [plain]: [200], [views]: [19] })],
    ["Bun: longest step", measured({ [plain]: [10], [views]: [10] })],
  ]);
  assertEquals(
    structGoals(table).map(({ name, value, reached }) => `${name}: ${value} ${reached}`),
    [
      "Deno: sum, moved view to plain objects: 0.24 true",
      "Deno: sum, moved view to DataView by hand: 1.20 false",
      "Bun: tree, field functions to plain objects: 0.99 false",
      "Bun: tree, views to plain objects: 1.90 true",
      "Deno: longest step, views to plain objects: 0.10 true",
    ],
  );
});

test("bench: the report of structures shows every figure", () => {
  const table = new Map([
    ["Deno: sum", measured({ [plain]: [8, 8], [byHand]: [2, 2], [views]: [3, 3] })],
    ["Bun: sum", measured({ [plain]: [8, 8], [views]: [4, 4] })],
  ]);
  const built: Built = {
    ns: 20,
    longestStep: 1.25,
    collection: 5,
    heap: 2 ** 22,
    resident: 2 ** 28,
  };
  const rows = new Map([...table].map(([name, all]) => [name, rowOf(all, all.get(plain)!)]));
  const text = report(rows, { Deno: { [views]: [built, built] } }) +
    reportGoals(structGoals(table));
  assertMatch(text, /views +3\.0 +0\.38 +1\.50 +4\.0 +0\.50 +-\n/);
  assertMatch(text, /DataView by hand +2\.0 +0\.25 +1\.00 +- +- +-\n/);
  assertMatch(text, /Deno\n +views +20\.0 +1\.3 +5\.0 +4 +256\n/);
  assertMatch(text, /MISSED +0\.38 +at most 0\.3 +Deno: sum, views to plain objects\n/);
});
