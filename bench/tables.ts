/**
 * `deno task bench:readme`: fills the tables in the documents from record.ndjson, between lines like
 * `<!-- table: NAME -->` and `<!-- end -->`. A test compares what they have with what this makes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../tools/zig.ts";
import { describeRun, type Latest, latestOf } from "./latest.ts";
import { type Entry, readEntries, type Row } from "./record.ts";
import { reportFigures } from "./report.ts";
import { goalTable, markdown } from "./markdown.ts";
import { forkTable, programTable } from "./programs_report.ts";
import { structRows } from "./plot/comparison.ts";
import type { Labelled } from "./plot/panels.ts";
import { report as reportStructs } from "./structs/report.ts";
import { cursor, functions, views } from "./structs/workload.ts";

/** The documents that have tables, by their paths from the root. */
export const documents: readonly string[] = ["README.md", "bench/README.md", "docs/guide.md"];

/** The text of each table, by the names that stand in the documents. */
export function tablesOf(entries: readonly Entry[]): Readonly<Record<string, string>> {
  const bench = latestOf(entries, "bench");
  const structs = latestOf(entries, "bench:structs");
  const kinds = latestOf(entries, "bench:kinds");
  const programs = latestOf(entries, "bench:programs");
  return {
    native: native(bench),
    typescript: typescript(bench),
    structs: structRatios(structs),
    "bench origin": describeRun(bench.entries),
    "bench goals": goalTable(bench.goals),
    "bench figures": fenced(reportFigures(bench.rows, bench.capacities)),
    "structs origin": describeRun(structs.entries),
    "structs goals": goalTable(structs.goals),
    "structs figures": fenced(reportStructs(structs.rows, structs.builds)),
    kinds: [describeRun(kinds.entries), kindTable(kinds), goalTable(kinds.goals)].join("\n\n"),
    programs: [
      describeRun(programs.entries),
      programTable(programs.rows),
      forkTable(programs.rows),
      goalTable(programs.goals),
    ].join("\n\n"),
  };
}

/** A document with its tables filled anew. Error: it names one that does not exist, or does not end one. */
export function fill(document: string, tables: Readonly<Record<string, string>>): string {
  return document.replace(
    /^<!-- table: (.+) -->\n([\s\S]*?)^(<!-- .*-->)$/gm,
    (_, name: string, _old: string, end: string) => {
      const table = tables[name];
      if (table === undefined || end !== "<!-- end -->") {
        const names = Object.keys(tables).join(", ");
        throw new Error(
          `Filling the table "${name}" failed: it has no end, or is none of ${names}`,
        );
      }
      return `<!-- table: ${name} -->\n\n${table}\n\n<!-- end -->`;
    },
  );
}

const nativeCandidates = [
  ["jemalloc", "jemalloc"],
  ["mimalloc", "mimalloc"],
  ["tcmalloc", "tcmalloc"],
  ["glibc", "C library"],
  ["vmem", "vmem, memory"],
  ["vmem, tmpfs", "vmem, tmpfs"],
] as const;

const nativeRows: readonly Labelled[] = [
  ["malloc and free, 64 B", "C: pair 64"],
  ["64 KiB", "C: pair 65536"],
  ["1 MiB", "C: pair 1048576"],
  ["16 to 1024 B in turn", "C: mixed pair 16..1024"],
  ["10 000 live blocks of such sizes, one replaced", "C: live 10000"],
  ["10 000 live blocks of 16 to 64 KiB", "C: large live 10000"],
  ["two threads, each frees the other's", "C: exchange 64, 2 threads"],
  ["one thread allocates, the other frees", "C: produce and consume 64"],
  ["realloc, 64 bytes more, to 64 KiB", "C: grow by 64"],
];

function native({ rows }: Latest): string {
  const heads = ["C, nanoseconds", ...nativeCandidates.map(([head]) => head)];
  return markdown(
    heads,
    present(nativeRows, rows).map(([label, row]) => [
      label,
      ...nativeCandidates.map(([, candidate]) => nanoseconds(row[candidate]?.ns)),
    ]),
  );
}

/** What a line has, the suite, and the candidate. */
const typescriptRows: readonly (readonly [label: string, suite: string, candidate: string])[] = [
  ["`malloc(64)` and `free`", "64 bytes", "malloc and free"],
  ["two FFI calls that do nothing", "64 bytes", "two bare FFI calls"],
  ["`new Uint8Array(64)`", "64 bytes", "new Uint8Array(64)"],
  ["an object of 8 numbers", "64 bytes", "object of 8 fields"],
  ["`view(Uint8Array, pointer, 64)`", "window on 64 bytes", "pool.view"],
  ["`alloc(Float64Array, 8)` and `free`", "array of 8 doubles", "alloc and free"],
  ["`new Float64Array(8)`", "array of 8 doubles", "new Float64Array(8)"],
  [
    "`Pool.create` up to 1 GiB and `close`, in `/dev/shm`",
    "a new pool on tmpfs",
    "create and close, up to 1 GiB",
  ],
];

const runtimes = ["Deno", "Bun"];

function typescript({ rows }: Latest): string {
  const lines = typescriptRows.map(([label, suite, candidate]) => [
    label,
    ...runtimes.map((runtime) => nanoseconds(rows.get(`${runtime}: ${suite}`)?.[candidate]?.ns)),
  ]);
  return markdown(["TypeScript, nanoseconds", ...runtimes], lines);
}

function structRatios({ rows }: Latest): string {
  const faces = [[views, "views"], [cursor, "moved view"], [functions, "functions"]] as const;
  const heads = runtimes.flatMap((runtime) =>
    faces.map(([, face], i) => i === 0 ? `${runtime}: ${face}` : face)
  );
  const lines = structRows.map(([label, workload]) => [
    label,
    ...runtimes.flatMap((runtime) =>
      faces.map(([face]) => rows.get(`${runtime}: ${workload}`)?.[face]?.ratio.toFixed(2) ?? "")
    ),
  ]);
  return markdown(["Ratio to plain objects", ...heads], lines);
}

function kindTable({ rows }: Latest): string {
  const candidates = ["vmem", "memkind", "jemalloc"];
  const lines = [...rows].map(([name, row]) => [
    name.replace("memkind: ", ""),
    ...candidates.map((candidate) => nanoseconds(row[candidate]?.ns)),
    row["vmem"]?.ratio.toFixed(3) ?? "",
  ]);
  return markdown(["Nanoseconds", "ours", "memkind", "jemalloc's malloc", "to memkind"], lines);
}

/** The rows that were measured. */
function present(
  labelled: readonly Labelled[],
  rows: ReadonlyMap<string, Row>,
): (readonly [label: string, row: Row])[] {
  return labelled.flatMap(([label, name]) => {
    const row = rows.get(name);
    return row === undefined ? [] : [[label, row] as const];
  });
}

/** Digits as far as they mean something, and in groups of three. */
function nanoseconds(value: number | undefined): string {
  if (value === undefined) return "";
  if (value < 100) return value.toFixed(1);
  return value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, " ");
}

function fenced(text: string): string {
  return `\`\`\`text\n${text}\`\`\``;
}

if (import.meta.main) {
  const tables = tablesOf(readEntries());
  for (const path of documents) {
    const file = join(root, path);
    const text = readFileSync(file, "utf8");
    const filled = fill(text, tables);
    writeFileSync(file, filled);
    console.log(`${path} ${filled === text ? "is as it was" : "has new figures"}`);
  }
}
