/** How many instructions of the library a malloc with its free takes, counted by valgrind's callgrind. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { atMost, type Goal } from "./goal.ts";
import { hasValgrind, libvmem } from "./peers.ts";

/** Instructions of a pair of 64 bytes inside the library; undefined where valgrind is not installed. */
export function countInstructions(driver: string): number | undefined {
  if (!hasValgrind()) return undefined;
  const [few, many] = [1000, 11_000];
  // The difference of two runs is without what happens once.
  return (run(driver, many) - run(driver, few)) / (many - few);
}

export function instructionGoals(instructions: number | undefined): Goal[] {
  if (instructions === undefined) return [];
  return [atMost("instructions of a 64 B pair in the library", instructions, 42)];
}

function run(driver: string, rounds: number): number {
  const folder = mkdtempSync(join(tmpdir(), "vmem-bench-"));
  try {
    const file = join(folder, "callgrind");
    const words = ["--tool=callgrind", `--callgrind-out-file=${file}`, driver, "region", libvmem];
    const result = spawnSync("valgrind", words, { input: `pair 64 ${rounds}\n`, encoding: "utf8" });
    if (result.status !== 0) throw new Error(`Counting instructions failed: ${result.stderr}`);
    return instructionsOf(readFileSync(file, "utf8"), basename(libvmem));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Instructions that a profile of callgrind has for a shared object. "ob=(ID) PATH" begins an object's functions, later
 * ones say "ob=(ID)"; a line "POSITION COUNT" is their own, except behind "calls=", where it is that of the called.
 */
export function instructionsOf(profile: string, object: string): number {
  const names = new Map<string, string>();
  let inside = false;
  let called = false;
  let sum = 0;
  for (const line of profile.split("\n")) {
    const [, kind, id, name] = /^(c?ob)=(\(\d+\))(?: (.+))?$/.exec(line) ?? [];
    if (id !== undefined) {
      if (name !== undefined) names.set(id, name);
      if (kind === "ob") inside = basename(names.get(id) ?? "").startsWith(object);
    } else if (line.startsWith("calls=")) called = true;
    else if (/^[+\-*\d]\S* \d+$/.test(line)) {
      if (inside && !called) sum += Number(line.slice(line.indexOf(" ")));
      called = false;
    }
  }
  return sum;
}
