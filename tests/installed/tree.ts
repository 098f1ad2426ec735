/**
 * A prefix that `zig build -p` has filled, as for a packager, and programs made against it.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root, zig, zigEnvironment } from "../../tools/zig.ts";

export interface Run {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a program to its end, at most as many seconds; both streams are kept. */
export function run(words: readonly string[], input = "", environment = {}, limit = 300): Run {
  const [program = "", ...rest] = words;
  const { status, stdout, stderr, error } = spawnSync(program, rest, {
    cwd: root,
    encoding: "utf8",
    input,
    timeout: limit * 1000,
    env: { ...zigEnvironment(), ...environment },
  });
  return { status, output: stdout ?? "", errors: `${stderr ?? ""}${error?.message ?? ""}` };
}

/** Runs a program that has to succeed; gives what it printed. */
export function need(words: readonly string[], input = "", environment = {}, limit = 300): string {
  const { status, output, errors } = run(words, input, environment, limit);
  if (status === 0) return output;
  throw new Error(`"${words.join(" ")}" ended with ${status}: ${output}${errors}`);
}

/** Zig's C compiler, which every machine that builds the libraries has. */
export function zigCompiler(language: "cc" | "c++" = "cc"): string[] {
  return [zig(), language];
}

/** Whether there is such a program; it is asked for its version. */
export function has(command: string): boolean {
  return run([command, "--version"]).status !== null;
}

/** An empty folder for the tests of one file, which the next run empties again. */
export function emptyFolder(name: string): string {
  const folder = join(root, "zig-out", "installed", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A new prefix with everything in it. */
export function install(): string {
  const prefix = join(emptyFolder("install"), "prefix");
  need([zig(), "build", "-p", prefix], "", {}, 900);
  return prefix;
}

/** What a `.pc` file says, with its variables put in; `pcfiledir` is where it lies. */
export function readPackage(prefix: string, name: string): Map<string, string> {
  const folder = join(prefix, "lib", "pkgconfig");
  const values = new Map([["pcfiledir", folder]]);
  for (const line of readFileSync(join(folder, `${name}.pc`), "utf8").split("\n")) {
    const [, key, value] = /^([\w.]+)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) continue;
    values.set(
      key,
      value.replace(/\$\{(\w+)\}/g, (_, variable: string) => {
        const known = values.get(variable);
        if (known === undefined) {
          throw new Error(`"${name}.pc" uses "${variable}" before it is set`);
        }
        return known;
      }),
    );
  }
  return values;
}

/** Words of the compiler's command line, as `pkg-config --cflags --libs` gives them. */
export function flags(
  prefix: string,
  name: string,
  linking: "shared" | "static" = "shared",
): string[] {
  const fields = ["Cflags", "Libs", ...(linking === "static" ? ["Libs.private"] : [])];
  const pkg = readPackage(prefix, name);
  return fields.flatMap((field) =>
    (pkg.get(field) ?? "").split(/\s+/).filter((word) => word !== "")
  );
}

export { root };
