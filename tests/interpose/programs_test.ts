/**
 * Programs of the system do under libvmmalloc what they do without it: same output, same exit status. Their statistics, one
 * set for every process that ends in the usual way, show that their memory came from pools.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { test } from "node:test";
import { ceilings, inFolder, pool, runProgram } from "./preload.ts";
import { type Program, programs } from "./programs.ts";
import { heldIn } from "./watched.ts";
import { starting, workplace } from "./workplace.ts";

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

test("interpose: what a process holds is told by its list of mappings", () => {
  const smaps = [
    "7f00-7f10 rw-s 00000000 00:1a 77                       /dev/shm/pools/#77 (deleted)",
    "Rss:                 100 kB",
    "Anonymous:            20 kB",
    "7f20-7f30 rw-p 00000000 00:00 0                        [heap]",
    "Rss:                   8 kB",
    "Anonymous:             4 kB",
    "7f30-7f40 rw-p 00000000 00:00 0 ",
    "Anonymous:             1 kB",
  ].join("\n");
  assertEquals(heldIn(smaps, "/dev/shm/pools"), { pools: 100 * 1024, other: 5 * 1024 });
});
