/**
 * The benchmarks: `deno task bench [--quick] [--record] [--install] [WORK …]`.
 *
 * Prints what every candidate takes in nanoseconds and as a ratio to the first of its row, then the goals. Only
 * rows whose name contains one of the given words are run. See README.md beside this file.
 */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { bun, deno } from "../tools/bun.ts";
import { root } from "../tools/zig.ts";
import { evaluateGoals, type Goal, goalRow } from "./goals.ts";
import { describeMachine } from "./machine.ts";
import { buildDriver, installPeers, missingPeers, nativeStarts, type Start } from "./peers.ts";
import { type Candidate, type Effort, measure, type Measured, ratio, Worker } from "./sampling.ts";

/** What was measured: row, then candidate. The first candidate is what the others are compared with. */
export type Table = Map<string, ReadonlyMap<string, Measured>>;

interface Options {
  readonly effort: Effort;
  readonly record: boolean;
  readonly install: boolean;
  readonly words: readonly string[];
}

function parse(args: readonly string[]): Options {
  const known = ["--quick", "--record", "--install"];
  const unknown = args.find((word) => word.startsWith("--") && !known.includes(word));
  if (unknown !== undefined) {
    throw new Error(`"${unknown}" is no option; there are ${known.join(", ")}`);
  }
  const quick = args.includes("--quick");
  return {
    effort: quick ? { samples: 7, milliseconds: 1 } : { samples: 31, milliseconds: 2 },
    record: args.includes("--record"),
    install: args.includes("--install"),
    words: args.filter((word) => !word.startsWith("--")),
  };
}

async function main(): Promise<void> {
  const options = parse(process.argv.slice(2));
  if (options.install) {
    const reason = installPeers();
    if (reason !== undefined) throw new Error(`Installing the peers failed: ${reason}`);
  }
  const native = await startAll(nativeStarts(buildDriver()));
  const runtimes = await startAll(runtimeStarts());
  try {
    const rows = [
      ...nativeRows(native),
      ...runtimes.flatMap(runtimeRows),
      goalRow(native, runtimes),
    ]
      .filter((row) => row.candidates.length > 0)
      .filter((row) =>
        options.words.length === 0 || options.words.some((w) => row.name.includes(w))
      );
    const table: Table = new Map();
    for (const { name, candidates } of rows) {
      note(`Measuring ${name}`);
      table.set(name, await measure(candidates, options.effort));
    }
    note("");
    const goals = await evaluateGoals(table, native);
    print(table, goals);
    if (options.record) record(table, goals);
  } finally {
    await Promise.all([...native, ...runtimes].map((worker) => worker.stop()));
  }
}

function startAll(starts: readonly Start[]): Promise<Worker[]> {
  return Promise.all(starts.map((start) => Worker.start(start)));
}

/** The same program on both runtimes. */
function runtimeStarts(): readonly Start[] {
  const file = join(root, "bench", "worker.ts");
  const [bunProgram, ...bunWords] = bun();
  return [
    { name: "Deno", command: deno(), words: ["run", "-A", file], environment: {} },
    { name: "Bun", command: bunProgram, words: [...bunWords, file], environment: {} },
  ];
}

export interface Row {
  readonly name: string;
  readonly candidates: readonly Candidate[];
}

/** A row for every work that all allocators do; capacity is a goal of its own, and creating has no peer. */
function nativeRows(workers: readonly Worker[]): Row[] {
  const works = [...new Set(workers.flatMap((worker) => worker.works))];
  return works
    .filter((work) => !work.startsWith("capacity"))
    .map((work) => ({
      name: `C: ${work}`,
      candidates: workers
        .filter((worker) => worker.can(work))
        .map((worker) => ({ name: worker.name, worker, work })),
    }));
}

/** A row for every suite. */
function runtimeRows(worker: Worker): Row[] {
  const suites = [...new Set(worker.works.map((work) => work.split("/")[0]!))];
  return suites.map((suite) => ({
    name: `${worker.name}: ${suite}`,
    candidates: worker.works
      .filter((work) => work.startsWith(`${suite}/`))
      .map((work) => ({ name: work.slice(suite.length + 1), worker, work })),
  }));
}

function print(table: Table, goals: readonly Goal[]): void {
  const lines: string[] = ["Nanoseconds (ratio to the first of the row)", ""];
  for (const [row, measured] of table) {
    lines.push(row);
    const first = [...measured.values()][0]!;
    for (const [name, figures] of measured) {
      const ns = figures.ns.toFixed(figures.ns < 100 ? 2 : 0).padStart(12);
      lines.push(`${ns}  (${ratio(figures, first).toFixed(2).padStart(6)})  ${name}`);
    }
  }
  if (goals.length > 0) lines.push("", "Goals");
  for (const { name, value, limit, reached } of goals) {
    lines.push(`${reached ? "reached" : "MISSED "}  ${value}  (${limit})  ${name}`);
  }
  const missing = missingPeers();
  if (missing.length > 0) {
    const packages = missing.map((peer) => `${peer.name} (${peer.package})`).join(", ");
    lines.push("", `Not installed, so not measured: ${packages}; --install gets them on Debian`);
  }
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** One line of JSON, so that a file of them is easily compared. */
function record(table: Table, goals: readonly Goal[]): void {
  const rows = Object.fromEntries(
    [...table].map(([row, measured]) => {
      const first = [...measured.values()][0]!;
      const figures = [...measured].map(([name, value]) =>
        [name, { ns: round(value.ns), ratio: round(ratio(value, first)) }] as const
      );
      return [row, Object.fromEntries(figures)];
    }),
  );
  const command = ["deno task bench", ...process.argv.slice(2)].join(" ");
  const line = JSON.stringify({ ...describeMachine(), command, rows, goals });
  appendFileSync(join(root, "bench", "record.ndjson"), `${line}\n`);
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** A line on a terminal that the next one replaces. */
function note(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
