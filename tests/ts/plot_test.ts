/** The record of the benchmarks, and what is made of it: pictures and tables. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { latestOf, runsOf } from "../../bench/latest.ts";
import { draw } from "../../bench/plot.ts";
import { axisOf, place } from "../../bench/plot/svg.ts";
import { programGoals, programTable } from "../../bench/programs_report.ts";
import { append, type Entry, readEntries, rowOf } from "../../bench/record.ts";
import { documents, fill, tablesOf } from "../../bench/tables.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

test("bench: the pictures are those that the record gives (deno task bench:plot)", () => {
  for (const [path, svg] of Object.entries(draw(readEntries()))) {
    assert(svg === read(path), `"${path}" is not what deno task bench:plot draws`);
  }
});

test("bench: the tables in the documents are those of the record (deno task bench:readme)", () => {
  const tables = tablesOf(readEntries());
  for (const path of documents) {
    const text = read(path);
    assert(fill(text, tables) === text, `"${path}" is not what deno task bench:readme writes`);
  }
  const used = documents.flatMap((path) =>
    [...read(path).matchAll(/^<!-- table: (.+) -->$/gm)].map(([, name]) => name)
  );
  assertEquals(Object.keys(tables).filter((name) => !used.includes(name)), []);
});

test("bench: every picture has a colour for each part, by day and by night, and no part outside", () => {
  for (const [path, svg] of Object.entries(draw(readEntries()))) {
    const [, light = "", dark = ""] =
      /<style>(.*)@media \(prefers-color-scheme:dark\)\{(.*)\}<\/style>/.exec(svg) ?? [];
    const used = new Set(
      [...svg.matchAll(/ class="([^"]*)"/g)].flatMap(([, classes = ""]) => classes.split(" ")),
    );
    const named = (rules: string): string[] =>
      [...rules.matchAll(/\.([\w-]+)\{/g)].map(([, n]) => n!);
    const coloured = (rules: string): string[] =>
      [...rules.matchAll(/\.([\w-]+)\{(?:fill|stroke):#/g)].map(([, name]) => name!);
    assertEquals([...used].filter((name) => !named(light).includes(name)), []);
    assertEquals(coloured(dark), coloured(light));
    assert(coloured(light).length > 10);
    const [, width = 0, height = 0] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)?.map(Number) ?? [];
    assertEquals(width, 800);
    for (const [, axis, value] of svg.matchAll(/ (c?[xy])[12]?="([\d.-]+)"/g)) {
      const most = axis!.endsWith("x") ? width : height;
      assert(Number(value) >= 0 && Number(value) <= most, `"${path}": ${axis} is ${value}`);
    }
    const open: string[] = [];
    for (const [, ends, tag = "", alone] of svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
      if (ends !== "") assertEquals(open.pop(), tag);
      else if (alone === "") open.push(tag);
    }
    assertEquals(open, []);
  }
});

function entry(date: string, command: string, parts: Partial<Entry>): Entry {
  const commit = `${date}+`;
  return { date, commit, command, machine: "M", versions: {}, rows: {}, goals: [], ...parts };
}

const goal = (name: string, value: string) => ({ name, value, limit: "at most 1", reached: true });
const row = (ns: number) => ({ a: { ns, ratio: 1 } });

test("bench: the newest figures are those of the last complete run, and of parts measured later", () => {
  const entries = [
    entry("1", "deno task bench --full --record", { rows: { gone: row(1) }, goals: [] }),
    entry("2", "deno task bench --full --record", {
      rows: { "C: x": row(2), "C: y": row(3) },
      goals: [goal("x", "2"), goal("y", "3")],
    }),
    entry("3", "deno task bench:structs --record", { rows: { "Deno: sum": row(9) } }),
    entry("4", "deno task bench C: y --record", {
      rows: { "C: y": row(4) },
      goals: [goal("y", "4")],
    }),
    entry("5", "deno task bench --quick --record", { rows: { "C: y": row(5) } }),
  ];
  const { rows, goals, entries: used } = latestOf(entries, "bench");
  assertEquals([...rows], [["C: x", row(2)], ["C: y", row(4)]]);
  assertEquals(goals.map(({ name, value }) => `${name} ${value}`), ["x 2", "y 4"]);
  assertEquals(used.map(({ date }) => date), ["2", "4"]);
  assertEquals(runsOf(entries, "bench").length, 3);
  assertEquals([...latestOf(entries, "bench:structs").rows.keys()], ["Deno: sum"]);
  assertEquals(latestOf(entries, "bench:programs").entries, []);
});

test("bench: a goal of structures replaces the one of another face", () => {
  const of = (face: string, value: string) => goal(`Deno: sum, ${face} to plain objects`, value);
  const entries = [
    entry("1", "deno task bench:structs --record", { goals: [of("views", "0.5")] }),
    entry("2", "deno task bench:structs sum --record", { goals: [of("moved view", "0.4")] }),
  ];
  assertEquals(latestOf(entries, "bench:structs").goals, [of("moved view", "0.4")]);
});

test("bench: a document's tables are replaced, and one that is unknown or has no end is refused", () => {
  const text = "a\n<!-- table: t -->\nold\n<!-- end -->\nb\n<!-- table: t -->\n<!-- end -->\n";
  const filled = fill(text, { t: "| new |" });
  const table = "<!-- table: t -->\n\n| new |\n\n<!-- end -->\n";
  assertEquals(filled, `a\n${table}b\n${table}`);
  assertEquals(fill(filled, { t: "| new |" }), filled);
  assertThrows(() => fill(text, { other: "" }), Error, 'Filling the table "t" failed');
  assertThrows(() => fill(text.replace("<!-- end -->", ""), { t: "" }), Error, "it has no end");
});

test("bench: a row that is recorded has medians, and ratios within the turns", () => {
  const own = { ns: 10, samples: [10, 20, 30] };
  const other = { ns: 4, samples: [40, 4, 3] };
  assertEquals(rowOf(new Map([["own", own], ["other", other]]), own), {
    own: { ns: 10, ratio: 1 },
    other: { ns: 4, ratio: 0.2 },
  });
});

test("bench: an axis has room for its values and for 1, and equal steps for equal ratios", () => {
  for (const values of [[0.01, 3], [0.7, 1.3], [2, 50], [1], []]) {
    const axis = axisOf(values);
    for (const value of [1, ...values]) {
      const x = place(axis, [100, 200], value);
      assert(x > 100 && x < 200, `${value} lies at ${x}`);
    }
    assert(axis.ticks.includes(1), "1 has no tick");
    assertEquals(axis.ticks, axis.ticks.toSorted((a, b) => a - b));
  }
  const axis = axisOf([0.1, 10]);
  const [a = 0, b = 0, c = 0] = [0.1, 1, 10].map((value) => place(axis, [0, 100], value));
  assertMatch((b - a - (c - b)).toFixed(6), /^-?0\.000000$/);
});

test("bench: means of programs are geometric, and goals only where all were measured", () => {
  const times = (tmpfs: number) => ({
    jemalloc: { ns: 1e9, ratio: 1 },
    glibc: { ns: 2e9, ratio: 2 },
    tmpfs: { ns: 1e9 * tmpfs, ratio: tmpfs },
  });
  const forked = { parent: { ns: 4e6, ratio: 0.1 }, child: { ns: 6e7, ratio: 1.6 } };
  const rows = new Map(Object.entries({
    "program, user: a": times(0.5),
    "program, user: b": times(2),
    "program, elapsed: a": times(1),
    "program, elapsed: b": times(1.21),
    "first fork: mode 1": forked,
    "first fork: mode 2": forked,
  }));
  assertMatch(
    programTable(rows),
    /\| geometric mean \| +\| +\| +2\.000 \| +2\.000 \| +1\.000 \| +1\.100 \|/,
  );
  const all = programGoals(rows, true).map(({ name, value, reached }) =>
    `${name}: ${value} ${reached}`
  );
  assertEquals(all, [
    "programs' user time to jemalloc, tmpfs: 1.00 false",
    "programs' elapsed time to jemalloc, tmpfs: 1.10 true",
    "first fork, mode 1: 4.00 ms true",
    "first fork, mode 2, to the copy: 1.60 false",
  ]);
  assertEquals(programGoals(rows, false).length, 2);
});

test("bench: a run is recorded with its command, commit, machine and versions", () => {
  const folder = mkdtempSync(join(tmpdir(), "vmem-record-"));
  try {
    const file = join(folder, "record.ndjson");
    const results = { rows: { "C: x": row(2) }, goals: [goal("x", "2")] };
    append("bench", results, ["--record", "C:"], file);
    append("bench:kinds", { rows: {}, goals: [] }, [], file);
    const [first, second] = readEntries(readFileSync(file, "utf8"));
    assertEquals([first!.rows, first!.goals], [results.rows, results.goals]);
    assertEquals(first!.command, "deno task bench --record C:");
    assertEquals(second!.command, "deno task bench:kinds");
    assertMatch(first!.date, /^20\d\d-\d\d-\d\dT/);
    assertMatch(first!.commit, /^([\da-f]{7,}\+?|\+)?$/); // none where there is no git
    assert(first!.load!.length === 3 && first!.machine.includes("GiB"));
    assertMatch(first!.versions["bun"]!, /^\d+\./);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
