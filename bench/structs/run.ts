/**
 * Structures in a pool beside plain objects: `deno task bench:structs [--quick] [--record] [WORKLOAD …]`.
 *
 * Prints what an operation takes in nanoseconds and as a ratio to plain objects, on Deno and Bun, then the goals. See
 * README.md beside this folder.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { bun, deno } from "../../tools/bun.ts";
import { root } from "../../tools/zig.ts";
import { append, rowOf } from "../record.ts";
import { reportGoals } from "../report.ts";
import { type Measured, median } from "../sampling.ts";
import { builders, type Built } from "./build.ts";
import { v8Flags } from "./collector.ts";
import { structGoals } from "./goals.ts";
import type { Effort, Run, Samples } from "./measure.ts";
import { report } from "./report.ts";
import { plain, type Workload } from "./workload.ts";
import { workloads } from "./workloads.ts";

interface Options {
  readonly effort: Effort;
  /** How often records are built by each candidate. */
  readonly builds: number;
  readonly record: boolean;
  readonly words: readonly string[];
}

function parse(args: readonly string[]): Options {
  const known = ["--quick", "--record"];
  const unknown = args.find((word) => word.startsWith("--") && !known.includes(word));
  if (unknown !== undefined) {
    throw new Error(`"${unknown}" is no option; there are ${known.join(" and ")}`);
  }
  const names = ["build", ...workloads.map(({ name }) => name)];
  const words = args.filter((word) => !word.startsWith("--"));
  const strange = words.find((word) => !names.includes(word));
  if (strange !== undefined) {
    throw new Error(`"${strange}" is no workload; there are ${names.join(", ")}`);
  }
  const quick = args.includes("--quick");
  return {
    effort: quick ? { warm: 3, samples: 3 } : { warm: 4, samples: 15 },
    builds: quick ? 1 : 3,
    record: args.includes("--record"),
    words: words.length > 0 ? words : names,
  };
}

/** Program and first words of both runtimes. */
function runtimes(): ReadonlyMap<string, readonly string[]> {
  return new Map([["Deno", [deno(), "run", "-A", v8Flags]], ["Bun", bun()]]);
}

function main(): void {
  const options = parse(process.argv.slice(2));
  const table = new Map<string, ReadonlyMap<string, Measured>>();
  const builds: Record<string, Record<string, Built[]>> = {};
  for (const workload of workloads.filter(({ name }) => options.words.includes(name))) {
    for (const [runtime, command] of runtimes()) {
      note(`Measuring ${workload.name} on ${runtime}`);
      table.set(
        `${runtime}: ${workload.name}`,
        toMeasured(workloadBy(command, workload, options.effort)),
      );
    }
  }
  if (options.words.includes("build")) {
    for (const [runtime, command] of runtimes()) {
      note(`Building records on ${runtime}`);
      builds[runtime] = buildByTurns(command, options.builds);
    }
    for (const [runtime, built] of Object.entries(builds)) {
      table.set(`${runtime}: longest step`, longestSteps(built));
    }
  }
  note("");
  const rows = new Map([...table].map(([name, all]) => [name, rowOf(all, all.get(plain)!)]));
  const goals = structGoals(table);
  const text = [report(rows, builds), reportGoals(goals)].filter((part) => part !== "");
  process.stdout.write(text.join("\n"));
  if (options.record) append("bench:structs", { rows: Object.fromEntries(rows), builds, goals });
}

/** The samples of all candidates of a workload. */
function workloadBy(
  command: readonly string[],
  { name, alone }: Workload,
  { warm, samples }: Effort,
): Samples {
  const words = [name, `${warm}`, `${samples}`];
  const others = work(command, words) as Run;
  if (alone === undefined) return others.samples;
  const without = work(command, [...words, "alone"]) as Run;
  if (without.proof !== others.proof) {
    throw new Error(`Comparing "${name}" failed: ${without.proof} and ${others.proof}`);
  }
  return { ...without.samples, ...others.samples };
}

/** Runs worker.ts in a process of its own. */
function work([program = "", ...first]: readonly string[], words: readonly string[]): unknown {
  const file = join(root, "bench", "structs", "worker.ts");
  const run = spawnSync(program, [...first, file, ...words], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (run.status !== 0) throw new Error(`Measuring "${words.join(" ")}" failed: see above`);
  return JSON.parse(run.stdout);
}

function buildByTurns(command: readonly string[], turns: number): Record<string, Built[]> {
  const built = Object.fromEntries(
    Object.keys(builders).map((name): [string, Built[]] => [name, []]),
  );
  for (let turn = 0; turn < turns; turn++) {
    for (const [name, times] of Object.entries(built)) {
      times.push(work(command, ["build", name]) as Built);
    }
  }
  return built;
}

function toMeasured(samples: Samples): Map<string, Measured> {
  return new Map(
    Object.entries(samples).map(([name, each]) => [name, { ns: median(each), samples: each }]),
  );
}

/** The longest steps as a workload of the table, for its goal. */
function longestSteps(built: Readonly<Record<string, readonly Built[]>>): Map<string, Measured> {
  return new Map(
    Object.entries(built).map(([name, times]) => {
      const samples = times.map(({ longestStep }) => longestStep * 1e6);
      return [name, { ns: median(samples), samples }];
    }),
  );
}

/** A line on a terminal that the next one replaces. */
function note(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}

if (import.meta.main) {
  try {
    main();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
