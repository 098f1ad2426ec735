/**
 * Runs a program on the runtime of one's choice: `deno run -A tools/run.ts FILE [--runtime deno|bun|node] …`.
 *
 * On Deno the program gets the permissions that the package and the demo need, not all of them, so that a task shows what
 * a user has to grant.
 */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { commandFor, option } from "./runtimes.ts";

const permissions = ["--allow-ffi", "--allow-read", "--allow-env"];

function main(): void {
  const words = process.argv.slice(2);
  const runtime = option(words, "runtime") ?? "deno";
  try {
    const [program, ...first] = commandFor(runtime, permissions);
    const run = spawnSync(program, [...first, ...words], { stdio: "inherit" });
    if (run.error !== undefined) {
      throw new Error(`Starting "${program}" failed: ${run.error.message}`);
    }
    process.exitCode = run.status ?? 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

if (import.meta.main) main();
