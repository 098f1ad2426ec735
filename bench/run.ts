/**
 * The benchmarks: `deno task bench [--quick | --full] [--record] [--install] [WORK …]`.
 *
 * Prints what every candidate takes in nanoseconds and as a ratio to the first of its row, then the goals. Only
 * rows whose name contains one of the given words are run. See README.md beside this file.
 */
import { join } from "node:path";
import process from "node:process";
import { bun, deno } from "../tools/bun.ts";
import { root } from "../tools/zig.ts";
import { measureCapacities } from "./capacities.ts";
import { evaluateGoals, goalRow } from "./goals.ts";
import { countInstructions } from "./instructions.ts";
import {
  buildDriver,
  installPeers,
  missingPrograms,
  nativeStarts,
  ours,
  rivals,
  type Start,
} from "./peers.ts";
import { append, rowOf } from "./record.ts";
import { report, type Table } from "./report.ts";
import { type Candidate, type Effort, measure, type Measured, Worker } from "./sampling.ts";

interface Options {
  readonly effort: Effort;
  /** Also what takes gigabytes of memory. */
  readonly full: boolean;
  readonly record: boolean;
  readonly install: boolean;
  readonly words: readonly string[];
}

function parse(args: readonly string[]): Options {
  const known = ["--quick", "--full", "--record", "--install"];
  const unknown = args.find((word) => word.startsWith("--") && !known.includes(word));
  if (unknown !== undefined) {
    throw new Error(`"${unknown}" is no option; there are ${known.join(", ")}`);
  }
  return {
    effort: chooseEffort(args),
    full: args.includes("--full"),
    record: args.includes("--record"),
    install: args.includes("--install"),
    words: args.filter((word) => !word.startsWith("--")),
  };
}

function chooseEffort(args: readonly string[]): Effort {
  if (args.includes("--quick")) return { samples: 7, milliseconds: 1, processes: 1 };
  if (args.includes("--full")) return { samples: 21, milliseconds: 3, processes: 5 };
  return { samples: 11, milliseconds: 2, processes: 3 };
}

async function main(): Promise<void> {
  const options = parse(process.argv.slice(2));
  if (options.install) {
    const reason = installPeers();
    if (reason !== undefined) throw new Error(`Installing the peers failed: ${reason}`);
  }
  const started: Worker[] = [];
  try {
    const driver = buildDriver();
    const native = await startAll(nativeStarts(driver), started);
    const runtimes = await startAll(runtimeStarts(), started);
    const works = [
      ...nativeRows(native, options.full),
      ...runtimes.flatMap(runtimeRows),
      goalRow(native, runtimes),
    ]
      .filter((row) => row.candidates.length > 0)
      .filter((row) =>
        options.words.length === 0 || options.words.some((w) => row.name.includes(w))
      );
    const table = new Map<string, ReadonlyMap<string, Measured>>();
    for (const { name, candidates } of works) {
      note(`Measuring ${name}`);
      const effort = HUGE.test(name) ? { ...options.effort, processes: 2 } : options.effort;
      table.set(name, await measure(candidates, effort));
    }
    note("Filling pools and counting instructions");
    const capacities = await measureCapacities(native);
    const instructions = countInstructions(driver);
    note("");
    const goals = evaluateGoals(table, capacities, instructions);
    const rows = rowsOf(table);
    process.stdout.write(report(rows, capacities, goals, missingPrograms()));
    if (options.record) append("bench", { rows: Object.fromEntries(rows), capacities, goals });
  } finally {
    await Promise.all(started.map((worker) => worker.stop()));
  }
}

/** Starts workers and adds them to those that must be stopped, also when a later one fails. */
async function startAll(starts: readonly Start[], started: Worker[]): Promise<Worker[]> {
  const workers: Worker[] = [];
  for (const start of starts) {
    const worker = await Worker.start(start);
    workers.push(worker);
    started.push(worker);
  }
  return workers;
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

/** Works that take 4 GiB in each process. */
const HUGE = /\blarge live 100000/;

/** A row for every work; how much pools hold is no row, and creating and checking have no peer. */
function nativeRows(workers: readonly Worker[], full: boolean): Row[] {
  const works = [...new Set(workers.flatMap((worker) => worker.works))];
  return works
    .filter((work) => !/^(capacity|usable) /.test(work))
    .flatMap((work) =>
      HUGE.test(work) ? full ? pairRows(workers, work) : [] : [row(workers, work)]
    );
}

function row(workers: readonly Worker[], work: string): Row {
  const able = workers.filter((worker) => worker.can(work));
  return {
    name: `C: ${work}`,
    candidates: able.map((worker) => ({ name: worker.name, worker, work })),
  };
}

/** What only two processes have memory for at once: ours beside each of the peers. */
function pairRows(workers: readonly Worker[], work: string): Row[] {
  return workers
    .filter((worker) => rivals.includes(worker.name))
    .map((rival) => {
      const two = workers.filter((worker) => worker === rival || worker.name === ours);
      return { ...row(two, work), name: `C: ${work}, beside ${rival.name}` };
    });
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

/** Ratios are those to the first candidate of a row. */
function rowsOf(table: ReadonlyMap<string, ReadonlyMap<string, Measured>>): Table {
  return new Map(
    [...table].map(([name, measured]) => [name, rowOf(measured, [...measured.values()][0]!)]),
  );
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
