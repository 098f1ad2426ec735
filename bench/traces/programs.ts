/**
 * The programs whose allocations are recorded. The first set is what the heap's tables are chosen by, the second
 * one checks that they were not tuned to the first.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../tools/zig.ts";

export interface Program {
  readonly name: string;
  readonly set: 1 | 2;
  /** Debian's package. */
  readonly package: string;
  readonly command: string;
  readonly words: readonly string[];
}

const inputs = join(root, "bench", "traces", "inputs");

const input = (name: string): string => join(inputs, name);

export const programs: readonly Program[] = [
  {
    name: "sqlite3",
    set: 1,
    package: "sqlite3",
    command: "/usr/bin/sqlite3",
    words: [":memory:", `.read ${input("work.sql")}`],
  },
  {
    name: "python3",
    set: 1,
    package: "python3",
    command: "/usr/bin/python3",
    words: [input("work.py")],
  },
  {
    name: "g++",
    set: 1,
    package: "g++",
    command: "/usr/bin/g++",
    words: ["-O2", "-std=c++17", "-c", input("work.cc"), "-o", "work.o"],
  },
  {
    name: "redis-server",
    set: 1,
    package: "redis-server",
    command: "/usr/bin/redis-server",
    words: [],
  },
  { name: "perl", set: 1, package: "perl", command: "/usr/bin/perl", words: [input("work.pl")] },
  {
    name: "lua5.4",
    set: 2,
    package: "lua5.4",
    command: "/usr/bin/lua5.4",
    words: [input("work.lua")],
  },
  {
    name: "ruby",
    set: 2,
    package: "ruby",
    command: "/usr/bin/ruby",
    words: ["--disable-gems", input("work.rb")],
  },
  {
    name: "jq",
    set: 2,
    package: "jq",
    command: "/usr/bin/jq",
    words: ["-n", "-c", "-f", input("work.jq")],
  },
  { name: "node", set: 2, package: "nodejs", command: "/usr/bin/node", words: [input("work.js")] },
  { name: "z3", set: 2, package: "z3", command: "/usr/bin/z3", words: [input("work.smt2")] },
];

/** What is run for a program: it, or the script that starts it and keeps it busy. */
export function startOf(program: Program): { command: string; words: readonly string[] } {
  const script = input(`work-${program.name}.sh`);
  return existsSync(script) ? { command: "/bin/sh", words: [script] } : program;
}

/** Everything that the program is given to work on. */
export function inputsOf(program: Program): readonly string[] {
  return startOf(program).words.flatMap((word) => word.split(" ")).filter((word) =>
    word.startsWith(inputs)
  );
}

export function isInstalled(program: Program): boolean {
  return existsSync(program.command);
}

/** Installs Debian's packages of the missing ones; the result is undefined or why it did not work. */
export function install(missing: readonly Program[]): string | undefined {
  if (missing.length === 0) return undefined;
  const packages = missing.map((program) => program.package);
  console.error(`Installing ${packages.join(", ")} with apt-get`);
  const options = ["-y", "-qq", "--no-install-recommends"];
  for (const words of [["update", "-qq"], ["install", ...options, ...packages]]) {
    const run = spawnSync("apt-get", words, { stdio: ["ignore", "ignore", "pipe"] });
    if (run.status === 0) continue;
    return run.error?.message ?? run.stderr.toString().trim().split("\n").at(-1);
  }
  return undefined;
}
