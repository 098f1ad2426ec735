/**
 * Records real programs and replays what they allocate: `deno task bench:traces [--install] [--again] [--quick] [--why]
 * [PROGRAM …]`.
 *
 * Prints for each program the smallest pool that serves it, in relation to the most bytes it had in use, and what an
 * event takes in nanoseconds in a pool and in other allocators. --quick leaves the times out, --again records anew,
 * --why says what a pool is full of that is just too small.
 */
import process from "node:process";
import { installPeers, missingPeers } from "../peers.ts";
import { type Figures, measureTrace, Replay } from "./measure.ts";
import { install, isInstalled, type Program, programs } from "./programs.ts";
import { traceOf } from "./record.ts";

const MiB = 2 ** 20;
const MEAN_GOAL = 1.12;
const EACH_GOAL = 1.15;
const ROUNDING_GOAL = 1.05;
const ROUNDS = 5;

function parse(args: readonly string[]): { flags: ReadonlySet<string>; chosen: Program[] } {
  const known = ["--install", "--again", "--quick", "--why"];
  const flags = args.filter((word) => word.startsWith("--"));
  const names = args.filter((word) => !word.startsWith("--"));
  const unknown = flags.find((word) => !known.includes(word));
  if (unknown !== undefined) {
    throw new Error(`"${unknown}" is no option; there are ${known.join(", ")}`);
  }
  const stranger = names.find((name) => !programs.some((program) => program.name === name));
  if (stranger !== undefined) {
    const all = programs.map(({ name }) => name).join(", ");
    throw new Error(`"${stranger}" is no program; there are ${all}`);
  }
  const chosen = programs.filter(({ name }) => names.length === 0 || names.includes(name));
  return { flags: new Set(flags), chosen };
}

async function main(): Promise<void> {
  const { flags, chosen } = parse(process.argv.slice(2));
  if (flags.has("--install")) {
    const reason = install(chosen.filter((program) => !isInstalled(program))) ?? installPeers();
    if (reason !== undefined) throw new Error(`Installing failed: ${reason}`);
  }
  const all: Figures[] = [];
  for (const program of chosen.filter(isInstalled)) {
    const trace = traceOf(program, flags.has("--again"));
    console.error(`Replaying ${program.name}`);
    const figures = await measureTrace(program.name, trace, flags.has("--quick") ? 0 : ROUNDS);
    all.push(figures);
    if (flags.has("--why")) await explain(trace, figures);
  }
  if (all.length > 0) console.log(report(all).join("\n"));
  const missing = [
    ...chosen.filter((program) => !isInstalled(program)),
    ...missingPeers(),
  ];
  if (missing.length > 0) {
    const names = missing.map((one) => `${one.name} (${one.package})`).join(", ");
    console.log(`\nNot installed, so not measured: ${names}; --install gets them on Debian`);
  }
}

/** A pool that is a hundredth of the peak too small. */
async function explain(trace: string, { program, pool, peak }: Figures): Promise<void> {
  const replay = Replay.onPool(trace);
  try {
    const size = Math.floor((pool - peak / 100) / 4096) * 4096;
    const lines = await replay.askLines(`why ${size}`);
    console.log([`${program}, a pool of ${size} bytes`, ...lines, ""].join("\n"));
  } finally {
    await replay.stop();
  }
}

/** The table, and the goals. */
function report(all: readonly Figures[]): string[] {
  const sets = new Map(programs.map(({ name, set }) => [name, `${set}`]));
  const columns = ["set", "events", "peak MiB", "pool / peak", "rounded / peak", "pool / rounded"];
  const lines = [line("", columns)];
  for (const figures of all) {
    const { program, events, peak, pool, rounded } = figures;
    const ratios = [pool / peak, rounded / peak, pool / rounded].map((ratio) => ratio.toFixed(3));
    const cells = [sets.get(program) ?? "", `${events}`, (peak / MiB).toFixed(1), ...ratios];
    lines.push(line(program, cells) + (reached(figures) ? "" : "  MISSED"));
  }
  for (const set of new Set(all.map(({ program }) => sets.get(program)!))) {
    const members = all.filter(({ program }) => sets.get(program) === set);
    lines.push(`Mean of set ${set}: ${meanRatio(members).toFixed(3)}`);
  }
  const mean = meanRatio(all);
  const verdict = mean <= MEAN_GOAL ? "reached" : "MISSED";
  lines.push(
    `Mean: ${mean.toFixed(3)}, at most ${MEAN_GOAL}: ${verdict}`,
    `Each: at most ${EACH_GOAL}, or ${ROUNDING_GOAL} times what rounding up to classes costs`,
  );
  const [first] = all;
  if (first === undefined || first.times.length === 0) return lines;
  const names = first.times.map(({ name }) => name);
  lines.push("", "Nanoseconds for an event", line("", names));
  for (const { program, times } of all) {
    lines.push(line(program, times.map(({ ns }) => ns.toFixed(1))));
  }
  lines.push("", "Growth of resident memory / peak", line("", names));
  for (const { program, times, peak } of all) {
    const cells = times.map(({ growth }) => growth === undefined ? "" : (growth / peak).toFixed(3));
    lines.push(line(program, cells));
  }
  return lines;
}

function reached({ peak, pool, rounded }: Figures): boolean {
  return pool <= Math.max(EACH_GOAL * peak, ROUNDING_GOAL * rounded);
}

function meanRatio(all: readonly Figures[]): number {
  return all.reduce((sum, { pool, peak }) => sum + pool / peak, 0) / all.length;
}

function line(name: string, cells: readonly string[]): string {
  return name.padEnd(14) + cells.map((cell) => cell.padStart(15)).join("");
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
