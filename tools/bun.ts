/**
 * Finds the pinned Bun: `deno run -A tools/bun.ts test …` runs `bun test …` with it.
 *
 * A `bun` of that version on PATH is used; otherwise Deno fetches it from npm (once) and runs it.
 */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { root } from "./zig.ts";

/** The version the tests run on. */
export const pinned = "1.4.5";

/** Program and first arguments that run Bun. */
export function bun(): readonly [string, ...string[]] {
  const found = spawnSync("bun", ["--version"], { encoding: "utf8" });
  if (found.status === 0 && found.stdout.trim() === pinned) return ["bun"];
  return [deno(), "x", "-y", `npm:bun@${pinned}`];
}

/** The Deno that runs this program, or the one on PATH when this is none. */
export function deno(): string {
  return process.versions.deno === undefined ? "deno" : process.execPath;
}

/** Runs a program with the words of this one's command line, and ends as it ends. */
export function passOn([program, ...first]: readonly [string, ...string[]]): void {
  const run = spawnSync(program, [...first, ...process.argv.slice(2)], {
    cwd: root,
    stdio: "inherit",
  });
  if (run.error !== undefined) console.error(`Starting "${program}" failed: ${run.error.message}`);
  process.exitCode = run.status ?? 1;
}

if (import.meta.main) passOn(bun());
