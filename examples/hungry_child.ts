// deno-lint-ignore-file no-console -- a program, not a library
/**
 * Another program's memory in a pool: `awk` keeps every line it read, and all of it lies on the file system of a
 * directory, not in memory of its own.
 *
 *     deno run --allow-ffi --allow-read --allow-write --allow-env --allow-run examples/hungry_child.ts [DIRECTORY] [NUMBERS]
 *     bun examples/hungry_child.ts [DIRECTORY] [NUMBERS]
 *
 * Deno lets a program set LD_PRELOAD for a child only with an `--allow-run` that names no programs.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { vmmallocEnv } from "@vmem/vmem/vmmalloc";

/** Keeps the lines by their numbers, and adds up what is in them. */
const program = '{ lines[NR] = $0 } END { for (i in lines) sum += lines[i]; printf "%.0f", sum }';

function main(): number {
  const dir = process.argv[2] ?? "/dev/shm";
  const count = Number(process.argv[3] ?? 500_000);
  if (!Number.isInteger(count) || count < 1) {
    console.error(`"${process.argv[3]}" is no number of numbers`);
    return 2;
  }
  const logs = mkdtempSync(join(tmpdir(), "hungry-child-"));
  const logFile = join(logs, "statistics");
  const child = vmmallocEnv({ dir, size: "128MiB", maxSize: "1GiB", logStats: true, logFile });
  const { status, stdout, stderr, error } = spawnSync("awk", [program], {
    env: { ...process.env, ...child },
    input: Array.from({ length: count }, (_, index) => index).join("\n"),
    encoding: "utf8",
  });
  if (status !== 0) {
    console.error(error?.message ?? stderr);
    return 1;
  }
  const sum = count * (count - 1) / 2;
  console.log(`The sum of ${count} numbers is ${Number(stdout)}, and ought to be ${sum}`);
  // One line of the statistics, which are jemalloc's.
  const allocated = /^Allocated: (\d+)/m.exec(readFileSync(logFile, "utf8"))?.[1];
  rmSync(logs, { recursive: true });
  if (allocated === undefined) {
    console.error("The child wrote no statistics");
    return 1;
  }
  console.log(`At its end awk had ${(Number(allocated) / 2 ** 20).toFixed(1)} MiB in ${dir}`);
  return Number(stdout) === sum ? 0 : 1;
}

process.exitCode = main();
