/**
 * `deno task test:package`: packs the npm package, has it checked, installs its tarball into fresh projects of Bun, Deno and Node, and
 * runs the libraries of other platforms under an emulator and under musl where those are. Its last line is
 * `N passed, N failed`; what cannot run here is named with its reason. The step `package` of `deno task test` is the part of
 * it that takes seconds.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { platform } from "../src/library.ts";
import { pack, packageFolder } from "./pack.ts";
import { smoke } from "./package_platforms.ts";
import * as projects from "./package_projects.ts";
import { targets } from "./platforms.ts";
import type { Outcome } from "./steps.ts";
import { root } from "./zig.ts";

/** A check ends well, throws what is wrong, or returns why it cannot run here. */
interface Check {
  readonly name: string;
  /** @param work A folder for all checks of one run, which begins empty. */
  readonly run: (work: string) => Promise<string | void>;
}

const { run, tarball } = projects;

/** What a user does with the tarball; needs no network. */
const installed: readonly Check[] = [
  { name: "types as users see them", run: projects.userTypes },
  { name: "installed, on Bun", run: projects.onBun },
  { name: "installed, on Deno", run: projects.onDeno },
  { name: "installed, on Node", run: projects.onNode },
];

/** With the libraries of this machine alone, as `deno task build` left them. */
const shortChecks: readonly Check[] = [
  {
    name: "pack for this machine",
    run: (work) =>
      pack([platform()], join(work, "package"), { [platform()]: join(root, "zig-out", "lib") }),
  },
  {
    name: "what the tarball holds",
    run: (work) => projects.contents(work, join(work, "package"), [platform()]),
  },
  ...installed,
];

const checks: readonly Check[] = [
  { name: "deno task pack", run: () => pack(Object.keys(targets)) },
  {
    name: "what the tarball holds",
    run: (work) => projects.contents(work, packageFolder, Object.keys(targets)),
  },
  {
    name: "publint",
    run: async (work) => {
      await run(["npx", "-y", "publint@0.3.25", packageFolder, "--strict"], work);
    },
  },
  {
    name: "are the types wrong?",
    run: async (work) => {
      const words = ["npx", "-y", "@arethetypeswrong/cli@0.18.5", "--profile", "esm-only"];
      // What /lib/* and /include/* name are no modules.
      await run([...words, "--entrypoints", ".", "vmmalloc", "--", tarball(work)], work);
    },
  },
  ...installed,
  { name: "linked, on Deno", run: projects.onDenoLinked },
  { name: "an executable by Bun", run: projects.executable },
  { name: "headers and libraries, in C", run: (work) => projects.inC(work, platform()) },
  ...Object.entries(targets).map(([name, target]) => ({
    name: `libraries for ${name}`,
    run: (work: string) => smoke(work, packageFolder, name, target),
  })),
];

interface Done {
  passed: number;
  readonly failed: string[];
  /** Names with their reasons. */
  readonly skipped: string[];
}

/** Runs checks one after the other in a folder that they leave; `say` hears of each. */
async function runChecks(
  all: readonly Check[],
  say: (line: string) => void,
): Promise<Done> {
  const work = mkdtempSync(join(tmpdir(), "vmem-package-"));
  const done: Done = { passed: 0, failed: [], skipped: [] };
  try {
    for (const { name, run } of all) {
      const begin = performance.now();
      const outcome = await run(work).catch((error: Error) => error);
      const seconds = ((performance.now() - begin) / 1000).toFixed(1);
      if (outcome instanceof Error) {
        done.failed.push(name);
        say(`${name}: failed, ${seconds} s\n${outcome.message}`);
      } else if (typeof outcome === "string") {
        done.skipped.push(`${name}: ${outcome}`);
        say(`${name}: skipped: ${outcome}`);
      } else {
        done.passed++;
        say(`${name}: passed, ${seconds} s`);
      }
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return done;
}

/** The short ones, as a step of `deno task test`. */
export async function npmPackage(): Promise<Outcome> {
  let output = "";
  const { passed, failed, skipped } = await runChecks(shortChecks, (line) => {
    output += `${line}\n`;
  });
  return {
    counts: {
      passed,
      failed: failed.length,
      skipped: skipped.map((name) => ({ name, where: "" })),
    },
    output: failed.length > 0 ? output : "",
  };
}

if (import.meta.main) {
  const { passed, failed, skipped } = await runChecks(checks, (line) => console.log(line));
  console.log(`\n${skipped.length} skipped\n${passed} passed, ${failed.length} failed`);
  if (failed.length > 0) process.exitCode = 1;
}
