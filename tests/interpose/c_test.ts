/** The programs of this folder, each with libvmmalloc as its malloc: the release, and its twin for debugging. */
import { assertEquals } from "@std/assert";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { zig, zigEnvironment } from "../../tools/zig.ts";
import { root } from "../sources.ts";
import { findProgram, inFolder, library, type Outcome, pool, runProgram } from "./preload.ts";

const programs = join(root, "zig-out", "interpose");
const twin = join(root, "zig-out", "lib", "vmem_debug", "libvmmalloc.so.1");
/** By which a program says that it cannot run here; the reason is its last line. */
const skipStatus = 77;

interface Case {
  readonly name: string;
  /** A library of this folder that the program loads. */
  readonly loads?: string;
  /** Has the library by linking. */
  readonly linked?: boolean;
  /** Opens the library itself. */
  readonly opens?: boolean;
  /** What the twin for debugging adds and the program would take for wrong. */
  readonly without?: string;
}

const cases: readonly Case[] = [
  { name: "descriptors" },
  { name: "environment" },
  { name: "family", without: "redzone:false" },
  { name: "foreign", loads: "deep", without: "abort:false" },
  { name: "fork_contents" },
  { name: "fork_descriptors" },
  { name: "fork_full" },
  { name: "fork_handler" },
  { name: "fork_modes" },
  { name: "fork_often" },
  { name: "fork_stopped" },
  { name: "fork_stress" },
  { name: "fork_threads" },
  { name: "fork_unusual" },
  { name: "full", without: "redzone:false" },
  { name: "life", loads: "life" },
  { name: "linked", linked: true },
  { name: "numbers" },
  { name: "opened", opens: true },
  { name: "sandbox" },
  { name: "secure", linked: true },
  { name: "storage" },
  { name: "threads" },
];

const built = spawnSync(zig(), ["build", "interpose-programs"], {
  cwd: root,
  env: zigEnvironment(),
  encoding: "utf8",
});

/** Those that look at sizes to the byte, at what is touched, or at wrong use: with them the twin's additions would be the finding. */
const exact = new Set(["family", "foreign", "full", "storage"]);
const additionsOff = { VMEM_MALLOC_CONF: "abort:false,redzone:false,hardening:1,junk:false" };

function run(program: Case, malloc: string, more: Record<string, string> = {}): Outcome {
  const { LD_PRELOAD: _, ...variables } = { ...pool("64MiB"), ...more };
  const environment = program.linked === true
    ? variables
    : program.opens === true
    ? { ...variables, VMEM_TEST_LIBRARY: malloc }
    : { ...variables, LD_PRELOAD: malloc };
  const loads = program.loads === undefined
    ? {}
    : { VMEM_TEST_LIBRARY: join(programs, `lib${program.loads}.so`) };
  const off = program.without === undefined ? {} : { VMEM_MALLOC_CONF: program.without };
  // The linked ones find the library from the root.
  return runProgram([join(programs, program.name)], {
    cwd: root,
    environment: { ...environment, ...loads, ...off },
  });
}

test("interpose: the C programs build, and each has a row", () => {
  assertEquals(built.status, 0, built.stderr);
  const files = readdirSync(join(root, "tests", "interpose"))
    .filter((file) => file.endsWith(".c") && !file.startsWith("lib_"));
  assertEquals(files.sort(), cases.map(({ name }) => `${name}.c`));
});

for (const program of cases) {
  const first = run(program, library);
  const reason = first.stdout.trim().split("\n").at(-1)?.replace(/^skipped: /, "");
  const skip = first.status === skipStatus && reason;
  test(`interpose: ${program.name}.c`, { skip }, () => {
    assertEquals(first, { status: 0, stdout: first.stdout, stderr: "" });
  });
  if (program.linked === true) continue; // to the release
  test(`interpose: ${program.name}.c, the twin for debugging`, { skip }, () => {
    const { status, stdout } = run(program, twin, exact.has(program.name) ? additionsOff : {});
    assertEquals({ status, stdout }, { status: 0, stdout: first.stdout });
  });
}

const compiler = findProgram("g++") ?? findProgram("clang++");

test("interpose: new and delete of C++", {
  skip: compiler === undefined && "no C++ compiler is installed",
}, () =>
  inFolder((folder) => {
    const source = join(root, "tests", "interpose", "new_delete.cc");
    const program = join(folder, "new_delete");
    const options = ["-std=c++17", "-Wall", "-Wno-alloc-size-larger-than", "-o", program, source];
    const compiled = runProgram([compiler ?? "", ...options], { cwd: folder });
    assertEquals(compiled.status, 0, compiled.stderr);
    const outcome = runProgram([program], { cwd: folder, environment: pool("64MiB") });
    assertEquals(outcome, { status: 0, stdout: "", stderr: "" });
  }));
