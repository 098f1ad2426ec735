/** The recorder and the replayer, built where their sources are newer. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { root, zig, zigEnvironment } from "../../tools/zig.ts";

const folder = join(root, "bench", "traces");

/** What is loaded into a program to record it. */
export function buildRecorder(): string {
  // A block of thread-local memory that is there from the start: asking for it must not allocate.
  const flags = ["-shared", "-fPIC", "-ftls-model=initial-exec", "-fvisibility=hidden"];
  return build("recorder.so", ["recorder.c", "format.h"], [...flags, "-fno-builtin"]);
}

export function buildReplay(): string {
  return build("replay", ["replay.c", "format.h"], []);
}

/** A program that allocates in every way the recorder knows, for the tests. */
export function buildSample(): string {
  return build("sample", ["sample.c"], ["-fno-builtin", "-pthread"]);
}

function build(name: string, sources: readonly string[], flags: readonly string[]): string {
  const result = join(root, "zig-out", "bench", name);
  const changed = sources.map((file) => statSync(join(folder, file)).mtimeMs);
  if (existsSync(result) && statSync(result).mtimeMs > Math.max(...changed)) return result;
  mkdirSync(dirname(result), { recursive: true });
  const partial = `${result}.${process.pid}`; // another process may be building the same
  const options = ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror", ...flags, "-o", partial];
  const run = spawnSync(zig(), ["cc", ...options, join(folder, sources[0]!)], {
    env: zigEnvironment(),
    encoding: "utf8",
  });
  if (run.status !== 0) throw new Error(`Building "${name}" failed: ${run.stderr}`);
  renameSync(partial, result);
  return result;
}
