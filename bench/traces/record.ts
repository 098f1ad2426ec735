/** Records programs; their traces stay in `zig-out/traces`, which is not in git. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { root } from "../../tools/zig.ts";
import { buildRecorder, buildReplay } from "./native.ts";
import { inputsOf, type Program, startOf } from "./programs.ts";

const cache = join(root, "zig-out", "traces");

/** Path of a program's trace: that of the process that had the most in use. Recorded if what it depends on is newer. */
export function traceOf(program: Program, again: boolean): string {
  const result = join(cache, `${program.name}.trace`);
  const recorder = buildRecorder();
  const newest = Math.max(
    ...[recorder, ...inputsOf(program)].map((path) => statSync(path).mtimeMs),
  );
  if (!again && existsSync(result) && statSync(result).mtimeMs > newest) return result;
  mkdirSync(cache, { recursive: true });
  console.error(`Recording ${program.name}`);
  const folder = mkdtempSync(join(cache, "partial-"));
  try {
    const { command, words } = startOf(program);
    // Without PYTHONMALLOC, Python asks for pages only and shares them out itself.
    const settings = { PYTHONMALLOC: "malloc", PYTHONHASHSEED: "0" };
    const traces = recordAll(command, words, folder, settings);
    const peaks = traces.map((path) => describe(path).peak);
    renameSync(traces[peaks.indexOf(Math.max(...peaks))]!, result);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return result;
}

/** Runs a command in `folder`, in whose `traces` each of its processes leaves one; their paths. */
export function recordAll(
  command: string,
  words: readonly string[],
  folder: string,
  settings: Readonly<Record<string, string>> = {},
): string[] {
  const directory = join(folder, "traces");
  mkdirSync(directory);
  const recording = { LD_PRELOAD: buildRecorder(), TRACE_DIRECTORY: directory };
  const run = spawnSync(command, words, {
    cwd: folder,
    env: { ...process.env, ...settings, ...recording },
    encoding: "utf8",
  });
  if (run.status !== 0) {
    throw new Error(`Recording "${command}" failed: ${run.error?.message ?? run.stderr}`);
  }
  const traces = readdirSync(directory).map((name) => join(directory, name));
  if (traces.length === 0) throw new Error(`Recording "${command}" failed: it left no trace`);
  return traces;
}

export interface Description {
  readonly events: number;
  /** The most bytes that were requested and live at once. */
  readonly peak: number;
}

export function describe(trace: string): Description {
  const run = spawnSync(buildReplay(), [trace, "malloc"], { input: "trace\n", encoding: "utf8" });
  const [events, peak] = run.stdout.split(" ").map(Number);
  if (run.status !== 0 || events === undefined || peak === undefined) {
    throw new Error(`Reading the trace "${trace}" failed: ${run.stderr}`);
  }
  return { events, peak };
}
