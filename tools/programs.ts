/**
 * `deno task test:programs [NAME …]`: real programs at work under libvmmalloc (tests/interpose/long_programs.ts), each once
 * without it and once in each fork mode. Prints a table, and ends with status 1 if one did something else than without it.
 * Only programs whose name contains one of the given words are run.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { longPrograms } from "../tests/interpose/long_programs.ts";
import {
  ceilings,
  findProgram,
  inFolder,
  library,
  type Outcome,
  pool,
  poolDirectory,
} from "../tests/interpose/preload.ts";
import type { Program } from "../tests/interpose/programs.ts";
import { watch, type Watched } from "../tests/interpose/watched.ts";
import { starting, workplace } from "../tests/interpose/workplace.ts";
import { root } from "./zig.ts";

/** Seconds for one run, on a busy machine. */
const limit = 300;

/** What one mode did. */
interface Run {
  /** Undefined where the program does not fork for itself. */
  readonly mode: number | undefined;
  /** What it did otherwise than without the library; undefined if nothing. */
  readonly difference: string | undefined;
  readonly watched: Watched;
  /** Most bytes of blocks in a pool of one process. */
  readonly ceiling: number;
}

/** Variables of an outer run do not reach the programs. */
function environment(snapshot: string, more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) =>
    !/^(VMMALLOC_|LD_PRELOAD$|GIT_)/.test(name)
  );
  const same = { NO_COLOR: "1", LC_ALL: "C", REPOSITORY: snapshot };
  return { ...Object.fromEntries(inherited), ...same, ...more };
}

/** Why it cannot run here. */
function missing(program: Program): string | undefined {
  const absent = (program.needs ?? []).find((name) => findProgram(name) === undefined);
  if (absent !== undefined) return `${absent} is not installed`;
  if (program.history === true && !existsSync(join(root, ".git"))) return "no history of git here";
  return undefined;
}

/** Copies what the programs read, which must not change while they are compared. */
function takeSnapshot(folder: string): void {
  for (const name of ["bench", "docs", "include", "src", "tests", "zig"]) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  if (!existsSync(join(root, ".git"))) return;
  const words = ["-c", "safe.directory=*", "clone", "-q", "--bare", root, join(folder, "history")];
  const clone = spawnSync("git", words, { encoding: "utf8" });
  if (clone.status !== 0) throw new Error(`Cloning the repository failed: ${clone.stderr}`);
}

async function runAll(
  program: Program,
  start: readonly string[],
  snapshot: string,
): Promise<Run[]> {
  return await inFolder(async (folder) => {
    const pools = mkdtempSync(join(poolDirectory, "vmem-programs-"));
    const statistics = join(folder, "statistics");
    const run = (more: Readonly<Record<string, string>>) =>
      watch([...start, ...program.words], {
        cwd: workplace(folder, "work"), // The same for all, since some print it.
        environment: environment(snapshot, more),
        input: program.input ?? "",
        pools,
        process: program.process,
        limit,
      });
    try {
      const alone = await run({});
      const runs: Run[] = [];
      for (const mode of program.modes ?? [undefined]) {
        rmSync(statistics, { force: true });
        mkdirSync(pools, { recursive: true });
        const watched = await run({
          ...pool(program.pool ?? "1GiB"),
          VMMALLOC_POOL_DIR: pools,
          VMMALLOC_LOG_STATS: "1",
          VMMALLOC_LOG_FILE: statistics,
          ...(mode === undefined ? {} : { VMMALLOC_FORK: String(mode) }),
        });
        const difference = differs(alone.outcome, watched.outcome, program.status ?? 0);
        runs.push({ mode, difference, watched, ceiling: Math.max(0, ...ceilings(statistics)) });
      }
      return runs;
    } finally {
      rmSync(pools, { recursive: true, force: true });
    }
  });
}

function differs(alone: Outcome, ours: Outcome, status: number): string | undefined {
  if (alone.status !== status) {
    return `without the library it ended with ${alone.status}, not ${status}: ${tail(alone)}`;
  }
  if (ours.status !== alone.status) {
    return `it ended with ${ours.status}, without the library with ${alone.status}: ${tail(ours)}`;
  }
  for (const stream of ["stdout", "stderr"] as const) {
    const lines = ours[stream].split("\n");
    const expected = alone[stream].split("\n");
    const at = lines.findIndex((line, index) => line !== expected[index]);
    if (at >= 0 || lines.length !== expected.length) {
      return `line ${at + 1} of its ${stream} is "${lines[at]}", alone it is "${expected[at]}"`;
    }
  }
  return undefined;
}

function tail(outcome: Outcome): string {
  return `${outcome.stdout}\n${outcome.stderr}`.trim().split("\n").slice(-3).join(" / ");
}

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

/** One line of the table for all modes of a program; figures are those of the mode that held most. */
function row(name: string, runs: readonly Run[]): string {
  const modes = runs.map((run) => run.mode ?? "-").join(", ");
  const equal = runs.every((run) => run.difference === undefined) ? "yes" : "**no**";
  const total = ({ watched: { largest } }: Run) => largest.pools + largest.other;
  const most = runs.reduce((best, run) => total(run) > total(best) ? run : best);
  const { pools, name: process } = most.watched.largest;
  const share = total(most) === 0 ? "-" : `${Math.round(100 * pools / total(most))} %`;
  const ceiling = Math.max(...runs.map((run) => run.ceiling));
  const blocks = ceiling === 0 ? "not said" : mib(ceiling);
  return `| ${[name, modes, equal, blocks, process, mib(pools), share].join(" | ")} |`;
}

async function main(words: readonly string[], snapshot: string): Promise<void> {
  if (!existsSync(library)) throw new Error(`"${library}" is not there; build it: deno task build`);
  const chosen = longPrograms.filter(({ name }) =>
    words.length === 0 || words.some((word) => name.toLowerCase().includes(word.toLowerCase()))
  );
  if (chosen.length === 0) throw new Error(`No program's name contains "${words.join('" or "')}"`);
  takeSnapshot(snapshot);
  const skipped: string[] = [];
  const differences: string[] = [];
  console.log(
    "| program | fork modes | equal | MiB of blocks | process | MiB in its pool | share |",
  );
  console.log("|---|---|---|---:|---|---:|---:|");
  for (const program of chosen) {
    const start = starting(program.command);
    const reason = start === undefined ? `${program.command} is not installed` : missing(program);
    if (start === undefined || reason !== undefined) {
      skipped.push(`${program.name}: skipped, ${reason}`);
      continue;
    }
    const runs = await runAll(program, start, snapshot);
    console.log(row(program.name, runs));
    for (const { mode, difference } of runs) {
      if (difference === undefined) continue;
      differences.push(`${program.name}${mode ? `, mode ${mode}` : ""}: ${difference}`);
    }
  }
  for (const line of [...skipped, ...differences]) console.log(line);
  if (differences.length > 0) process.exitCode = 1;
}

if (import.meta.main) {
  try {
    await inFolder((snapshot) => main(process.argv.slice(2), snapshot));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
