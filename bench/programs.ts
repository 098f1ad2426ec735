/**
 * `deno task bench:programs [--rounds N] [--record] [NAME …]`: what programs take under libvmmalloc and under jemalloc, and what
 * the first fork takes. Candidates take turns; figures are medians, ratios medians of those within the turns.
 *
 * As root it runs itself again in a mount namespace, with a tmpfs of huge pages. See README.md beside this file.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { root } from "../tools/zig.ts";
import { buildFirstFork } from "./peers.ts";
import { goalTable } from "./markdown.ts";
import { elapsed, fork, forkTable, programGoals, programTable, user } from "./programs_report.ts";
import { append, type Row, rowOf } from "./record.ts";
import { median } from "./sampling.ts";

interface Candidate {
  readonly name: string;
  readonly variables: readonly string[];
}

/** Seconds of one run. */
interface Took {
  readonly elapsed: number;
  readonly user: number;
}

const jemalloc = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"]
  .map((folder) => join(folder, "libjemalloc.so.2")).find(existsSync);
const ours = join(root, "zig-out", "lib", "libvmmalloc.so.1");
const plainTmpfs = "/dev/shm";

/** Where a tmpfs with huge pages is mounted, in the process that was started for it. */
const hugeTmpfs = process.env["VMEM_BENCH_HUGE"];

const python = `
import json
rows = [{"key": i, "text": "x%d" % i * (i % 30), "list": list(range(i % 25))} for i in range(40000)]
for i in range(3):
    assert json.loads(json.dumps(rows)) == rows
`;

const perl = `
my %words; for my $turn (1..5) { open(my $file, "<", "lines") or die;
while (<$file>) { my @parts = split; push @{$words{$parts[0]}}, map { "$parts[1]$_" } 1..5; } }
my @all = map { join ",", sort @{$words{$_}}[0..50] } keys %words; print scalar @all;
`;

const sql = `
create table t(id integer primary key, name text, value real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 150000)
  insert into t select i, hex(i * 7919) || printf('%040d', i), i * 0.5 from n;
create index names on t(name); select count(*), sum(length(name)) from t;
select substr(name, 1, 3) as k, count(*), group_concat(id) from t group by k order by 2 desc, 1 limit 5;
`;

const shell = `
declare -A n; for i in {1..60000}; do n[k$((i % 3000))]+=$i; t="\${n[k$((i % 777))]}"; done
for i in {1..60}; do x=$( (echo $i) ); done; echo \${#n[@]}
`;

const javascript = `
const words = new Map(); for (let i = 0; i < 1e6; i++) words.set("k" + i % 50000, "v" + i);
for (let i = 0; i < 300; i++) new Uint8Array(200000).fill(i);
for (let i = 0; i < 5; i++) JSON.parse(JSON.stringify([...words]));
`;

const source = Array.from(
  { length: 250 },
  (_, i) =>
    `static int f${i}(int x) { int n = x; for (int i = 0; i < ${i % 90 + 3}; i++) ` +
    `{ n = n * ${i * 2 + 3} + i; if (n % 3 == 0) n ^= i << ${
      i % 20
    }; else n -= ${i}; } return n; }`,
)
  .join("\n") +
  "\nint all(void) { return " +
  Array.from({ length: 250 }, (_, i) => `f${i}(${i})`).join(" + ") + "; }\n";

/** Each is one program, so that what it takes is told by its malloc, not by what starts it. */
const works: readonly (readonly [name: string, command: readonly string[]])[] = [
  ["python3, json", ["python3", "-c", python]],
  ["perl, hashes", ["perl", "-e", perl]],
  ["gcc -O2", ["gcc", "-O2", "-c", "-o", "large.o", "large.c"]],
  ["sqlite3", ["sqlite3", ":memory:", ".read sql"]],
  ["git log -p", ["git", "-C", root, "log", "-p", "-100"]],
  ["sort", ["sort", "--parallel=2", "-k3", "more"]],
  ["xz -2", ["xz", "-2", "-T1", "-k", "-c", "more"]],
  ["bash, arrays and subshells", ["bash", "-c", shell]],
  ["node", ["node", "-e", javascript]],
];

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

/** A folder with what the programs read. */
function prepare(): string {
  const folder = mkdtempSync(join(tmpdir(), "vmem-bench-"));
  let state = 1;
  const lines = Array.from({ length: 20_000 }, () => {
    state = state * 48271 % 2147483647;
    return `${state % 1000} ${state.toString(36)} ${"x".repeat(state % 50)}\n`;
  }).join("");
  writeFileSync(join(folder, "lines"), lines);
  writeFileSync(join(folder, "more"), lines.repeat(12));
  writeFileSync(join(folder, "large.c"), source);
  writeFileSync(join(folder, "sql"), sql);
  return folder;
}

/** What bash measures of a program and all its children; throws if it failed. */
function run(command: readonly string[], candidate: Candidate, folder: string): Took {
  const script = 'TIMEFORMAT="%3R %3U"; time env "$@" > /dev/null 2> errors';
  const result = spawnSync("bash", ["-c", script, "bash", ...candidate.variables, ...command], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  if (result.status !== 0) {
    throw new Error(`"${command[0]}" ended with ${result.status} with ${candidate.name}`);
  }
  const [elapsed = NaN, user = NaN] = result.stderr.trim().split("\n").at(-1)!.split(" ").map(
    Number,
  );
  return { elapsed, user };
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

/** What is recorded: user and elapsed time, with ratios to jemalloc. */
function rowsOf(
  name: string,
  took: ReadonlyMap<string, readonly Took[]>,
): [string, Row][] {
  return (["user", "elapsed"] as const).map((what) => {
    const measured = new Map([...took].map(([candidate, turns]) => {
      const samples = turns.map((each) => each[what] * 1e9);
      return [candidate, { ns: median(samples), samples }];
    }));
    return [(what === "user" ? user : elapsed) + name, rowOf(measured, measured.get("jemalloc")!)];
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

function main(): void {
  const words = process.argv.slice(2);
  const at = words.indexOf("--rounds");
  const text = at < 0 ? "7" : words.splice(at, 2)[1] ?? "";
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--rounds is "${text}"; it must be a number`);
  const rounds = Number(text);
  const record = words.includes("--record");
  if (runBesideHugePages()) return;
  if (hugeTmpfs === undefined) console.log("No tmpfs with huge pages: mounting one needs root");
  const load = () => loadavg().map((value) => value.toFixed(1)).join(", ");
  console.log(`Load average at the begin: ${load()}; ${rounds} rounds\n`);
  const folder = prepare();
  try {
    const names = words.filter((word) => word !== "fork" && word !== "--record");
    const unknown = names.find((word) => !works.some(([name]) => name.includes(word)));
    if (unknown !== undefined) throw new Error(`No program's name contains "${unknown}"`);
    const all = words.every((word) => word === "--record");
    const programs = names.length > 0 || all ? measureWorks(rounds, names, folder) : [];
    const forks = words.includes("fork") || all ? measureForks(rounds) : [];
    const rows = new Map([...programs, ...forks]);
    const goals = programGoals(rows, programs.length === 2 * works.length);
    const tables = [
      ...programs.length > 0 ? [programTable(rows)] : [],
      ...forks.length > 0 ? [forkTable(rows)] : [],
      ...goals.length > 0 ? [goalTable(goals)] : [],
    ];
    console.log(tables.join("\n\n"));
    if (record) append("bench:programs", { rows: Object.fromEntries(rows), goals });
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
