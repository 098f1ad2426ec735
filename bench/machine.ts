/** Where and with what the figures were made. */
import { spawnSync } from "node:child_process";
import { cpus, loadavg, release, totalmem } from "node:os";
import process from "node:process";
import { pinned as bunVersion } from "../tools/bun.ts";
import { pinned as zigVersion, root } from "../tools/zig.ts";

export interface Machine {
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
  /** Load averages over 1, 5 and 15 minutes; older lines have none. */
  readonly load?: readonly number[];
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
    load: loadavg().map((each) => Number(each.toFixed(1))),
    versions: {
      deno: process.versions.deno ?? "",
      bun: bunVersion,
      zig: zigVersion,
      ...packageVersions(),
    },
  };
}

/** Debian's packages that are measured, and what they are called in the tables. */
const packages = new Map([
  ["libjemalloc2", "jemalloc"],
  ["libmimalloc2.0", "mimalloc"],
  ["libtcmalloc-minimal4", "tcmalloc"],
  ["libmemkind0", "memkind"],
  ["libc6", "glibc"],
]);

/** Versions of the packages that are installed, without Debian's revision; none where there is no dpkg. */
function packageVersions(): Record<string, string> {
  const words = ["-W", "-f", "${Package} ${Version} ${db:Status-Status}\\n", ...packages.keys()];
  const { stdout } = spawnSync("dpkg-query", words, { encoding: "utf8" });
  const found = (stdout ?? "").split("\n").map((line) => line.split(" "))
    .filter(([, , status]) => status === "installed");
  return Object.fromEntries(
    found.map((
      [name = "", version = ""],
    ) => [packages.get(name) ?? name, version.split(/[-+]/)[0]!]),
  );
}

/** The commit, with a plus sign if something but the record is not committed. */
function commit(): string {
  const git = (...words: string[]): string =>
    spawnSync("git", words, { cwd: root, encoding: "utf8" }).stdout?.trim() ?? "";
  const record = ":!bench/record.ndjson"; // which earlier benchmarks of the same session have written
  const changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", record) !== "";
  return `${git("rev-parse", "--short", "HEAD")}${changed ? "+" : ""}`;
}
