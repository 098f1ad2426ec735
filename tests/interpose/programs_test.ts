/**
 * Programs of the system do under libvmmalloc what they do without it: same output, same exit status. Their statistics, one
 * set for every process that ends in the usual way, show that their memory came from pools.
 */
import { assert, assertEquals } from "@std/assert";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bun, deno } from "../../tools/bun.ts";
import { root } from "../sources.ts";
import { ceilings, findProgram, inFolder, pool, runProgram } from "./preload.ts";
import { type Program, programs } from "./programs.ts";

/** An empty working directory but for the file "lines". */
function workplace(folder: string, name: string): string {
  const place = join(folder, name);
  mkdirSync(place);
  writeFileSync(join(place, "lines"), lines());
  return place;
}

/** Runs the program twice, in equal folders: alone, and with a pool. */
function compare(program: Program, start: readonly string[], folder: string, mode?: number): void {
  const command = [...start, ...program.words];
  const input = program.input ?? "";
  const alone = runProgram(command, { cwd: workplace(folder, "alone"), input });
  const statistics = join(folder, "statistics");
  const environment = {
    ...pool(program.pool ?? "512MiB"),
    VMMALLOC_LOG_STATS: "1",
    VMMALLOC_LOG_FILE: statistics,
    ...(mode === undefined ? {} : { VMMALLOC_FORK: String(mode) }),
  };
  const ours = runProgram(command, { cwd: workplace(folder, "ours"), input, environment });
  assertEquals(ours, alone);
  assertEquals(alone.status, program.status ?? 0);
  if (program.output !== undefined) assertEquals(alone.stdout, program.output);
  const least = program.captures;
  if (least === undefined) return;
  const most = Math.max(0, ...ceilings(statistics));
  assert(most >= least, `at most ${most} bytes were allocated in pools, not ${least}`);
}

/** 20 000 lines of text in no order. */
function lines(): string {
  let state = 1;
  return Array.from({ length: 20_000 }, () => {
    state = state * 48271 % 2147483647;
    return `${state % 1000} ${state.toString(36)} ${"x".repeat(state % 50)}\n`;
  }).join("");
}

/** What starts the program; undefined where it is not installed. */
function starting(command: string): readonly string[] | undefined {
  if (command === "deno") return [deno()];
  if (command === "bun") {
    // The program itself: what starts it may be another one.
    const found = runProgram([...bun(), "-p", "process.execPath"], { cwd: root });
    return [found.stdout.trim()];
  }
  const path = findProgram(command);
  return path === undefined ? undefined : [path];
}

for (const program of programs) {
  const start = starting(program.command);
  const skip = start === undefined && `${program.command} is not installed`;
  for (const mode of program.modes ?? [undefined]) {
    const name = mode === undefined ? program.name : `${program.name}, fork mode ${mode}`;
    test(`interpose: ${name}`, { skip }, () => {
      inFolder((folder) => compare(program, start ?? [], folder, mode));
    });
  }
}
