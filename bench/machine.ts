/** Where and with what the figures were made. */
import { spawnSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import process from "node:process";
import { pinned as bunVersion } from "../tools/bun.ts";
import { pinned as zigVersion, root } from "../tools/zig.ts";

export interface Machine {
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
}

export function describeMachine(): Machine {
  const processors = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return {
    date: new Date().toISOString(),
    commit: commit(),
    machine: `${processors.length} x ${processors[0]?.model ?? "CPU"}, ${memory} GiB, ` +
      `${process.platform} ${release()} ${process.arch}`,
    versions: { deno: process.versions.deno ?? "", bun: bunVersion, zig: zigVersion },
  };
}

/** The commit, with a plus sign if something but the record is not committed. */
function commit(): string {
  const git = (...words: string[]): string =>
    spawnSync("git", words, { cwd: root, encoding: "utf8" }).stdout?.trim() ?? "";
  const record = ":!bench/record.ndjson"; // which earlier benchmarks of the same session have written
  const changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", record) !== "";
  return `${git("rev-parse", "--short", "HEAD")}${changed ? "+" : ""}`;
}
