/**
 * The steps of `deno task test`, in their order. Each says what it does, runs, and counts what it ran.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { bun, deno } from "./bun.ts";
import { type Counts, fromJunit, fromZig, one, settle, sum } from "./counts.ts";
import { execute, type Result } from "./execute.ts";
import { nodePath, testing } from "./node.ts";
import { npmPackage } from "./package.ts";
import { announceFirstBuild, root, zig, zigEnvironment } from "./zig.ts";

export interface Outcome {
  readonly counts: Counts;
  readonly output: string;
}

export interface Step {
  readonly name: string;
  /** What it does, shown before it starts. */
  readonly about: string;
  /** Names of steps that must have passed before, since it uses what they make. */
  readonly needs: readonly string[];
  readonly run: () => Promise<Outcome>;
}

/** Reports of the last run; ignored by git. */
export const reports: string = join(root, "coverage", "test");

/** Exit status by which a C program says that it cannot run here; its last line is the reason. */
const skipStatus = 77;

const minute = 60;

function step(
  name: string,
  about: string,
  run: () => Promise<Outcome>,
  needs: string[] = [],
): Step {
  return { name, about, needs, run };
}

export const steps: readonly Step[] = [
  step("fmt", "format of the TypeScript files", () => checks(["fmt", "--check"])),
  step("lint", "lint, and documentation of every public symbol", lint),
  step("types", "types, by Deno and by tsc", types),
  step("build", "the native libraries", build),
  step("zig", "format and unit tests of the Zig files", zigTests),
  step("fuzz", "the heap's seeded fuzzer, briefly", fuzz),
  step("stress", "the heap's stress program, briefly, and with defects planted", stress),
  step("symbols", "src/symbols.ts against the native library", () => zigChecks(["check-symbols"])),
  step("abi", "C programs against the libraries", abi, ["build"]),
  step("interpose", "programs whose malloc is libvmmalloc's", interpose, ["build"]),
  step("structure", "layers, file lengths and exported symbols", structure, ["build"]),
  step("installed", "headers, manual pages, and programs against an installed tree", installed, [
    "build",
  ]),
  step("deno", "the TypeScript suite on Deno", denoSuite, ["build"]),
  step("bun", "the TypeScript suite on Bun", bunSuite, ["build"]),
  step("node", "the TypeScript suite on Node", nodeSuite, ["build"]),
  step("doc", "the examples in the documentation", docExamples, ["build"]),
  step(
    "publish",
    "what the package would hold",
    () => checks(["publish", "--dry-run", "--allow-dirty"]),
  ),
  step("package", "the npm package, in fresh projects on each runtime", npmPackage, ["build"]),
];

/** Runs Deno once for each command; each is one check. */
async function checks(...commands: readonly string[][]): Promise<Outcome> {
  const results: Result[] = [];
  for (const words of commands) {
    results.push(await execute([deno(), ...words], { cwd: root, limit: 5 * minute }));
  }
  return outcomeOf(results);
}

/** One check each, and what the failed ones printed. */
function outcomeOf(results: readonly Result[]): Outcome {
  const failed = results.filter((result) => result.status !== 0);
  return {
    counts: sum(results.map((result) => one(result.status === 0))),
    output: failed.map((result) => result.output).join("\n"),
  };
}

function lint(): Promise<Outcome> {
  const { exports } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
  return checks(["lint"], ["doc", "--lint", ...Object.values<string>(exports)]);
}

function types(): Promise<Outcome> {
  return checks(["check"], ["run", "-A", "node_modules/typescript/bin/tsc", "--noEmit"]);
}

/** Zig with its cache; a first build takes its time. */
function runZig(words: readonly string[], limit = 15 * minute): Promise<Result> {
  const command = zig();
  announceFirstBuild();
  return execute([command, ...words], { cwd: root, env: zigEnvironment(), limit });
}

/** Runs `zig build` once for each list of words; each is one check. */
async function zigChecks(...commands: readonly string[][]): Promise<Outcome> {
  const results: Result[] = [];
  for (const words of commands) results.push(await runZig(["build", ...words]));
  return outcomeOf(results);
}

function build(): Promise<Outcome> {
  return zigChecks([]);
}

async function zigTests(): Promise<Outcome> {
  const words = ["build", "test", "--summary", "all", "--test-timeout", "120s"];
  const { status, output } = await runZig(words);
  return { counts: settle(fromZig(output), status), output };
}

/** Defects planted in the heap show that the fuzzer would notice one. */
function fuzz(): Promise<Outcome> {
  const words = ["fuzz", "-Dcanary", "--"];
  return zigChecks([...words, "smoke"], [...words, "canary"]);
}

function stress(): Promise<Outcome> {
  const words = ["stress", "-Dcanary", "-Doptimize=safe", "--"];
  return zigChecks([...words, "smoke"], [...words, "canaries"]);
}

/** Folders of C programs below `tests`, which the build puts below `zig-out`. */
const programFolders = ["abi", "memkind"];

/**
 * Programs that are run with the library for debugging as well, if they are quick; those that count blocks to the last, or look
 * at what is wrong use, with its additions off.
 */
const alsoDebugged =
  /^(abi\/(vmem_\w+|vmemx_(?!jemalloc$)\w+|example|fork|hand_over|thread_lives)|memkind\/(creation|forked))$/;
const debuggedInFull =
  /^abi\/(vmem_(aligned_alloc|errormsg|set_funcs\w*)|vmemx_(create|owner|example)|example|hand_over|thread_lives)$/;
const additionsOff = "abort:false,redzone:false,hardening:1,junk:false";

/** Each C file is one program and one test; what did not build has failed. */
async function abi(): Promise<Outcome> {
  for (const folder of programFolders) {
    rmSync(join(root, "zig-out", folder), { recursive: true, force: true });
  }
  const built = await runZig(["build", "abi-programs"]);
  let output = built.output;
  const names = programFolders.flatMap(programsIn);
  const all: Counts[] = [];
  const run = async (name: string, env: NodeJS.ProcessEnv, about: string) => {
    const program = join(root, "zig-out", name);
    if (!existsSync(program)) return one(false);
    const result = await execute([program], { cwd: root, env, limit: 5 * minute });
    if (result.status === skipStatus) {
      const reason = (result.output.trim().split("\n").at(-1) ?? "").replace(/^skipped: /, "");
      return { passed: 0, failed: 0, skipped: [{ name: `${name}: ${reason}`, where: "" }] };
    }
    if (result.status !== 0) {
      output += `tests/${name}.c${about} ended with ${result.status}\n${result.output}`;
    }
    return one(result.status === 0);
  };
  const debugged = { ...process.env, LD_LIBRARY_PATH: join(root, "zig-out", "lib", "vmem_debug") };
  for (const name of names) all.push(await run(name, process.env, ""));
  for (const name of names.filter((each) => alsoDebugged.test(each))) {
    const env = debuggedInFull.test(name)
      ? debugged
      : { ...debugged, VMEM_MALLOC_CONF: additionsOff };
    all.push(await run(name, env, " with the library for debugging"));
  }
  return { counts: settle(sum(all), built.status), output };
}

/** `abi/vmem_malloc` for each C file of `tests/abi`. */
function programsIn(folder: string): string[] {
  return readdirSync(join(root, "tests", folder))
    .filter((file) => file.endsWith(".c")).map((file) => `${folder}/${file.slice(0, -".c".length)}`)
    .sort();
}

/** Runs a program that writes a JUnit file to `report`, and counts by that file. */
async function counted(
  report: string,
  words: readonly string[],
  limit = 15 * minute,
): Promise<Outcome> {
  mkdirSync(reports, { recursive: true });
  rmSync(report, { force: true });
  const { status, output } = await execute(words, { cwd: root, limit });
  const xml = existsSync(report) ? readFileSync(report, "utf8") : "";
  // Among hundreds of tests that passed nobody finds the one that failed.
  const passed = /^.+ \.\.\. (ok|ignored) \([\d.]+\S{1,2}\)\n/gm;
  return { counts: settle(fromJunit(xml), status), output: output.replaceAll(passed, "") };
}

function denoTest(name: string, words: readonly string[]): Promise<Outcome> {
  const report = join(reports, `${name}.xml`);
  return counted(report, [deno(), "test", "-A", `--junit-path=${report}`, ...words]);
}

function structure(): Promise<Outcome> {
  return denoTest("structure", ["--no-check", "tests/structure_test.ts"]);
}

/** What compiles C by the dozen runs once, not on each runtime. */
function installed(): Promise<Outcome> {
  const suite = filesIn("tests/installed", (name) => name.endsWith("_test.ts"));
  return denoTest("installed", ["--no-check", ...suite]);
}

/** Programs are the same whichever runtime starts them. */
function interpose(): Promise<Outcome> {
  const suite = filesIn("tests/interpose", (name) => name.endsWith("_test.ts"));
  return denoTest("interpose", ["--no-check", ...suite]);
}

/** The files that every runtime runs. */
function suiteFiles(): string[] {
  return ["src", "tests", "tools", "bench", "examples"]
    .flatMap((folder) => filesIn(folder, (name) => name.endsWith("_test.ts")))
    .filter((file) =>
      file !== "tests/structure_test.ts" && !/^tests\/(installed|interpose)\//.test(file)
    );
}

function denoSuite(): Promise<Outcome> {
  // File by file: given a folder, Deno would also take tools/test.ts for a test, and start all over again.
  const suite = suiteFiles();
  // Matters of Deno alone, such as its permissions; their names keep Bun from collecting them.
  const own = filesIn("tests/deno", (name) => /^[^/]+\.ts$/.test(name));
  return denoTest("deno", ["--no-check", ...suite, ...own]);
}

function bunSuite(): Promise<Outcome> {
  const report = join(reports, "bun.xml");
  return counted(report, [
    ...bun(),
    "test",
    "--timeout=300000",
    "--only-failures",
    "--path-ignore-patterns=tests/structure_test.ts",
    "--path-ignore-patterns=tests/installed/**",
    "--path-ignore-patterns=tests/interpose/**",
    "--reporter=junit",
    `--reporter-outfile=${report}`,
  ]);
}

/** A run for each file, since Node limits no file that hangs. */
async function nodeSuite(): Promise<Outcome> {
  const own = ["tests/node/runtime.ts"]; // as in Deno
  const program = nodePath();
  const outcomes: Outcome[] = [];
  for (const [index, file] of [...suiteFiles(), ...own].entries()) {
    const report = join(reports, `node-${index}.xml`);
    outcomes.push(await counted(report, testing(program, report, file), 2 * minute));
  }
  const failed = outcomes.filter(({ counts }) => counts.failed > 0);
  return {
    counts: sum(outcomes.map(({ counts }) => counts)),
    output: failed.map(({ output }) => output).join("\n"),
  };
}

function docExamples(): Promise<Outcome> {
  const sources = filesIn("src", (name) => name.endsWith(".ts") && !name.endsWith("_test.ts"));
  return denoTest("doc", [
    "--doc",
    "mod.ts",
    "README.md",
    "docs/workers.md",
    "docs/guide.md",
    ...sources,
  ]);
}

/** Files below a folder of the repository, by their path from the root. */
function filesIn(folder: string, wanted: (name: string) => boolean): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => wanted(name)).map((name) => join(folder, name)).sort();
}

/** The suites are run by the runtime that runs this program, so it has to be Deno. */
export function refuseOtherRuntimes(): void {
  if (process.versions.bun !== undefined) {
    throw new Error("Running the checks failed: they are started by Deno, as `deno task test`");
  }
}
