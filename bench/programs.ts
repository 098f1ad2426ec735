/**
 * `deno task bench:programs [--rounds N | --quick] [--record] [NAME …]`: what programs take under libvmmalloc and under
 * jemalloc, and what the first fork takes. Candidates take turns; figures are medians, ratios medians of those within the turns.
 *
 * As root it runs itself again in a mount namespace, with a tmpfs of huge pages. See README.md beside this file.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { root } from "../tools/zig.ts";
import { goalTable } from "./markdown.ts";
import { buildFirstFork, buildTimed } from "./peers.ts";
import { prepare, works } from "./program_works.ts";
import {
  elapsed,
  fork,
  forkTable,
  memory,
  programGoals,
  programTable,
  user,
} from "./programs_report.ts";
import { append, type Row, rowOf } from "./record.ts";
import { median } from "./sampling.ts";

interface Candidate {
  readonly name: string;
  readonly variables: readonly string[];
}

/** What one run took: nanoseconds, and the most bytes in main memory of its largest process. */
interface Took {
  readonly user: number;
  readonly elapsed: number;
  readonly memory: number;
}

const jemalloc = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"]
  .map((folder) => join(folder, "libjemalloc.so.2")).find(existsSync);
const ours = join(root, "zig-out", "lib", "libvmmalloc.so.1");
const plainTmpfs = "/dev/shm";

/** Where a tmpfs with huge pages is mounted, in the process that was started for it. */
const hugeTmpfs = process.env["VMEM_BENCH_HUGE"];

function candidates(): Candidate[] {
  if (jemalloc === undefined) {
    throw new Error("libjemalloc.so.2 is not installed, nothing to compare with");
  }
  return [
    { name: "jemalloc", variables: [`LD_PRELOAD=${jemalloc}`] },
    { name: "glibc", variables: [] },
    { name: "tmpfs", variables: inPool(plainTmpfs) },
    ...hugeTmpfs === undefined ? [] : [{ name: "huge", variables: inPool(hugeTmpfs) }],
  ];
}

function inPool(folder: string, mode = 1): string[] {
  return [
    `LD_PRELOAD=${ours}`,
    `VMMALLOC_POOL_DIR=${folder}`,
    "VMMALLOC_POOL_SIZE=1GiB",
    `VMMALLOC_FORK=${mode}`,
  ];
}

/** What a program takes; throws if it failed. */
function run(command: readonly string[], candidate: Candidate, folder: string): Took {
  const result = spawnSync(buildTimed(), [...candidate.variables, ...command], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  if (result.status !== 0) {
    const about = `"${command[0]}" ended with ${result.status} with ${candidate.name}`;
    throw new Error(`${about}: ${result.stderr}`);
  }
  const [elapsed = NaN, user = NaN, kibibytes = NaN] = result.stdout.trim().split(" ").map(Number);
  return { user: user * 1e3, elapsed: elapsed * 1e3, memory: kibibytes * 1024 };
}

function measure(
  command: readonly string[],
  rounds: number,
  folder: string,
): Map<string, readonly Took[]> {
  const took = new Map<string, Took[]>(candidates().map(({ name }) => [name, []]));
  for (const candidate of candidates()) run(command, candidate, folder); // Files are read once before.
  for (let round = 0; round < rounds; round++) {
    for (const candidate of candidates()) {
      took.get(candidate.name)!.push(run(command, candidate, folder));
    }
  }
  return took;
}

/** What is recorded, with ratios to jemalloc. */
function rowsOf(
  name: string,
  took: ReadonlyMap<string, readonly Took[]>,
): [string, Row][] {
  const prefixes = { user, elapsed, memory };
  return (["user", "elapsed", "memory"] as const).map((what) => {
    const measured = new Map([...took].map(([candidate, turns]) => {
      const samples = turns.map((each) => each[what]);
      return [candidate, { ns: median(samples), samples }];
    }));
    return [prefixes[what] + name, rowOf(measured, measured.get("jemalloc")!)];
  });
}

function measureWorks(rounds: number, words: readonly string[], folder: string): [string, Row][] {
  const chosen = words.length === 0
    ? works
    : works.filter(([name]) => words.some((word) => name.includes(word)));
  return chosen.flatMap(([name, command]) => rowsOf(name, measure(command, rounds, folder)));
}

/** What the first fork takes, and what copying the same memory takes in the same process. */
function measureForks(rounds: number): [string, Row][] {
  const program = buildFirstFork();
  const cases = [
    { name: "without the library", variables: [], folder: plainTmpfs },
    ...[1, 2].flatMap((mode) =>
      [plainTmpfs, ...hugeTmpfs === undefined ? [] : [hugeTmpfs]].map((folder) => ({
        name: `mode ${mode}${folder === hugeTmpfs ? ", huge pages" : ""}`,
        variables: inPool(folder, mode),
        folder,
      }))
    ),
  ];
  const figures = cases.map((): number[][] => []);
  for (let round = 0; round < rounds; round++) {
    cases.forEach(({ name, variables, folder }, index) => {
      const words = [...variables, program, folder];
      const result = spawnSync("env", words, { encoding: "utf8" });
      if (result.status !== 0) throw new Error(`The fork, ${name}, failed: ${result.stderr}`);
      figures[index]!.push(result.stdout.trim().split(" ").map(Number));
    });
  }
  return cases.map(({ name }, index) => {
    const measured = new Map(["parent", "child", "copy"].map((part, at) => {
      const samples = figures[index]!.map((row) => row[at]!);
      return [part, { ns: median(samples), samples }];
    }));
    return [fork + name, rowOf(measured, measured.get("copy")!)];
  });
}

/** Runs this program once more, beside a tmpfs with huge pages; false where that cannot be mounted. */
function runBesideHugePages(): boolean {
  if (hugeTmpfs !== undefined) return false;
  const folder = mkdtempSync(join(tmpdir(), "vmem-huge-"));
  const mount = 'mount -t tmpfs -o huge=always,size=4g tmpfs "$VMEM_BENCH_HUGE"';
  const begin = (script: string, words: readonly string[], visible: boolean) =>
    spawnSync("unshare", ["-m", "sh", "-c", script, "sh", ...words], {
      env: { ...process.env, VMEM_BENCH_HUGE: folder },
      stdio: visible ? "inherit" : "ignore",
    });
  try {
    if (begin(mount, [], false).status !== 0) return false;
    const self = [process.execPath, "run", "-A", join(root, "bench", "programs.ts")];
    const result = begin(`${mount} && exec "$@"`, [...self, ...process.argv.slice(2)], true);
    process.exitCode = result.status ?? 1;
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Options {
  readonly rounds: number;
  /** One turn of one program, to see that this works. */
  readonly quick: boolean;
  readonly record: boolean;
  /** The first fork is measured. */
  readonly fork: boolean;
  /** Parts of programs' names, none for all of them; undefined: none is measured. */
  readonly programs: readonly string[] | undefined;
}

function parse(args: readonly string[]): Options {
  const words = [...args];
  const at = words.indexOf("--rounds");
  const text = at < 0 ? "7" : words.splice(at, 2)[1] ?? "";
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--rounds is "${text}"; it must be a number`);
  const quick = words.includes("--quick");
  const names = words.filter((word) => !["fork", "--record", "--quick"].includes(word));
  const unknown = names.find((word) => !works.some(([name]) => name.includes(word)));
  if (unknown !== undefined) throw new Error(`No program's name contains "${unknown}"`);
  const named = names.length > 0 || words.includes("fork");
  return {
    rounds: quick ? 1 : Number(text),
    quick,
    record: words.includes("--record"),
    fork: words.includes("fork") || !named && !quick,
    programs: named ? (names.length > 0 ? names : undefined) : quick ? ["xz"] : [],
  };
}

function main(): void {
  const options = parse(process.argv.slice(2));
  if (!options.quick && runBesideHugePages()) return;
  if (!options.quick && hugeTmpfs === undefined) {
    console.log("No tmpfs with huge pages: mounting one needs root");
  }
  const load = () => loadavg().map((value) => value.toFixed(1)).join(", ");
  console.log(`Load average at the begin: ${load()}; ${options.rounds} rounds\n`);
  const folder = prepare();
  try {
    const { rounds, programs: words } = options;
    const programs = words === undefined ? [] : measureWorks(rounds, words, folder);
    const forks = options.fork ? measureForks(rounds) : [];
    const rows = new Map([...programs, ...forks]);
    const goals = programGoals(rows, words?.length === 0);
    const tables = [
      ...programs.length > 0 ? [programTable(rows)] : [],
      ...forks.length > 0 ? [forkTable(rows)] : [],
      ...goals.length > 0 ? [goalTable(goals)] : [],
    ];
    console.log(tables.join("\n\n"));
    if (options.record) append("bench:programs", { rows: Object.fromEntries(rows), goals });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`\nLoad average at the end: ${load()}`);
}

if (import.meta.main) {
  try {
    main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
