/**
 * Kinds of our libmemkind beside Debian's, by turns in one run: `deno task bench:kinds [--record] [DIRECTORY]`.
 * With MEMKIND_HOG_MEMORY=1 for Debian's where several threads work, since its kinds crash without.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { root, zig, zigEnvironment } from "../tools/zig.ts";
import { atMost, type Goal } from "./goal.ts";
import { append, type Row as Figures, rowOf } from "./record.ts";
import { median } from "./sampling.ts";

const libraries = "/usr/lib/x86_64-linux-gnu";
const ours = join(root, "zig-out", "lib", "libmemkind.so.0");
/** Debian's library. */
export const theirs: string = join(libraries, "libmemkind.so.0");
const jemalloc = join(libraries, "libjemalloc.so.2");

interface Row {
  readonly name: string;
  readonly work: string;
  readonly rounds: number;
  /** Rounds of the others, where they are slow. */
  readonly theirRounds?: number;
  readonly hog?: boolean;
  /** As a multiple of Debian's, of jemalloc's malloc, and in ns. */
  readonly limit?: number;
  readonly plainLimit?: number;
  readonly nanoseconds?: number;
}

const rows: readonly Row[] = [
  {
    name: "pair",
    work: "pair",
    rounds: 20_000_000,
    theirRounds: 1_000_000,
    limit: 0.05,
    plainLimit: 1,
  },
  {
    name: "pair, conservative",
    work: "frugal",
    rounds: 1_000_000,
    theirRounds: 10_000,
    nanoseconds: 500,
  },
  { name: "churn, 100 000 live", work: "churn", rounds: 2_000_000, hog: true, limit: 0.5 },
  { name: "churn of two threads", work: "churn of two", rounds: 2_000_000, hog: true, limit: 0.5 },
  { name: "frees of another thread", work: "crossing", rounds: 2_000_000, hog: true, limit: 0.5 },
  {
    name: "a failing malloc",
    work: "refusals",
    rounds: 1_000_000,
    theirRounds: 200_000,
    nanoseconds: 200,
  },
  { name: "400 kinds, made and ended", work: "kinds", rounds: 1, theirRounds: 1 },
];

/** Builds the program and gives its path. */
function program(): string {
  const folder = join(root, "zig-out", "bench");
  mkdirSync(folder, { recursive: true });
  const out = join(folder, "kinds");
  const source = join(root, "bench", "native", "kinds.c");
  const words = ["cc", "-O2", "-Wall", "-Wextra", "-o", out, source, "-lc", "-ldl", "-lpthread"];
  const built = spawnSync(zig(), words, { env: zigEnvironment(), encoding: "utf8" });
  if (built.status !== 0) {
    throw new Error(`Building the benchmark of kinds failed: ${built.stderr}`);
  }
  return out;
}

interface Sample {
  readonly ns: number;
  readonly proof: string;
}

function sample(path: string, library: string, directory: string, row: Row, divisor: number) {
  const own = library === ours;
  const rounds = Math.max(
    1,
    Math.ceil((own ? row.rounds : row.theirRounds ?? row.rounds) / divisor),
  );
  const env = {
    ...process.env,
    ...(row.hog && !own ? { MEMKIND_HOG_MEMORY: "1" } : {}),
    // It cannot be loaded later: its thread-local memory is reached the fast way.
    ...(library === jemalloc ? { LD_PRELOAD: jemalloc } : {}),
  };
  const { status, stdout, stderr } = spawnSync(
    path,
    [library, directory, row.work, `${rounds}`],
    { env, encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`Measuring "${row.name}" of "${library}" failed: ${stderr}`);
  const [ns = "", proof = ""] = stdout.trim().split(" ");
  return { ns: Number(ns), proof: rounds === row.rounds ? proof : "" } satisfies Sample;
}

/** Measures all rows and gives lines for the table and the goals. A divisor makes it short, for tests. */
export function measureKinds(
  { directory = "/dev/shm", turns = 5, divisor = 1 }: {
    directory?: string;
    turns?: number;
    divisor?: number;
  } = {},
): { lines: string[]; goals: Goal[]; figures: Record<string, Figures> } {
  const path = program();
  const lines: string[] = [];
  const figures: Record<string, Figures> = {};
  const goals: Goal[] = [];
  for (const row of rows) {
    const names = [ours, theirs, ...row.plainLimit === undefined ? [] : [jemalloc]]
      .filter((library) => existsSync(library));
    const all = names.map(() => [] as Sample[]);
    for (let turn = 0; turn < turns; turn++) {
      names.forEach((library, i) => all[i]?.push(sample(path, library, directory, row, divisor)));
    }
    const proofs = new Set(all.flat().map(({ proof }) => proof).filter((proof) => proof !== ""));
    if (proofs.size > 1) {
      throw new Error(`Comparing "${row.name}" failed: the libraries did other work`);
    }
    const [own = [], ...others] = all;
    const figure = (samples: readonly Sample[]) => median(samples.map(({ ns }) => ns));
    const to = (other: readonly Sample[]) =>
      median(own.map(({ ns }, i) => ns / (other[i]?.ns ?? Number.NaN)));
    const cells = others.map((other, i) =>
      `${names[i + 1] === theirs ? "memkind" : "jemalloc"} ${figure(other).toFixed(1)} (${
        to(other).toFixed(3)
      })`
    );
    lines.push(
      `${row.name.padEnd(28)}${figure(own).toFixed(1).padStart(12)} ns  ${cells.join("  ")}`,
    );
    // Where Debian's is not installed, nothing can be recorded that ratios are taken to.
    if (names.includes(theirs)) figures[`memkind: ${row.name}`] = figuresOf(names, all);
    const beside = (library: string) => others[names.indexOf(library) - 1];
    const debian = beside(theirs);
    const plain = beside(jemalloc);
    if (row.limit !== undefined && debian !== undefined) {
      goals.push(atMost(`${row.name}, to memkind`, to(debian), row.limit));
    }
    if (row.plainLimit !== undefined && plain !== undefined) {
      goals.push(atMost(`${row.name}, to jemalloc`, to(plain), row.plainLimit));
    }
    if (row.nanoseconds !== undefined) {
      goals.push(atMost(row.name, figure(own), row.nanoseconds, " ns"));
    }
  }
  return { lines, goals, figures };
}

/** What is recorded of a row: ratios to Debian's. */
function figuresOf(libraries: readonly string[], all: readonly (readonly Sample[])[]): Figures {
  const title = new Map([[ours, "vmem"], [theirs, "memkind"], [jemalloc, "jemalloc"]]);
  const measured = new Map(libraries.map((library, i) => {
    const samples = all[i]!.map(({ ns }) => ns);
    return [title.get(library)!, { ns: median(samples), samples }];
  }));
  return rowOf(measured, measured.get("memkind")!);
}

if (import.meta.main) {
  const words = process.argv.slice(2);
  const directory = words.find((word) => word !== "--record") ?? "/dev/shm";
  const { lines, goals, figures } = measureKinds({ directory });
  for (const line of lines) console.log(line);
  for (const { name, value, limit, reached } of goals) {
    console.log(`${reached ? "reached" : "MISSED "}  ${name}: ${value}, ${limit}`);
  }
  if (words.includes("--record")) append("bench:kinds", { rows: figures, goals });
}
