import { assert, assertEquals, assertMatch } from "@std/assert";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { pinned, root, zig } from "./zig.ts";

/** What the program says in a fresh copy of the repository's frame, with nothing but `environment`. */
function runFresh(environment: Record<string, string>): { status: number | null; lines: string[] } {
  const folder = mkdtempSync(join(tmpdir(), "vmem-tools-"));
  try {
    mkdirSync(join(folder, "tools"));
    cpSync(join(root, "tools", "zig.ts"), join(folder, "tools", "zig.ts"));
    cpSync(join(root, "build.zig.zon"), join(folder, "build.zig.zon"));
    const first = process.versions.deno === undefined ? [] : ["run", "-A"];
    const run = spawnSync(
      process.execPath,
      [...first, join(folder, "tools", "zig.ts"), "version"],
      {
        encoding: "utf8",
        env: { HOME: folder, NO_COLOR: "1", ...environment },
      },
    );
    const tools = join(folder, ".tools");
    const left = readdirSync(folder).includes(".tools") ? readdirSync(tools) : [];
    assertEquals(left, [], "a half-fetched Zig is left behind");
    return { status: run.status, lines: run.stderr.trim().split("\n") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("zig.ts refuses what ZIG names if it is not the pinned Zig", () => {
  const { status, lines } = runFresh({ ZIG: "/bin/true", PATH: "/nowhere" });
  assertEquals(status, 1);
  assertEquals(lines, [
    `ZIG names "/bin/true", which is not Zig: ${pinned} is needed; correct or unset it`,
  ]);
  const missing = runFresh({ ZIG: "/nowhere/zig", PATH: "/nowhere" });
  assertMatch(missing.lines[0] ?? "", /^ZIG names "\/nowhere\/zig", which is not Zig: /);
});

test("zig.ts says in one line what to install where there is no Python", () => {
  const { status, lines } = runFresh({ PATH: "/nowhere" });
  assertEquals(status, 1);
  assertMatch(lines.at(-1) ?? "", /could not be fetched: Python 3 was not found; install /);
});

test("zig.ts takes the Zig that ZIG names if it is the pinned one", () => {
  const { status, lines } = runFresh({ ZIG: zig(), PATH: process.env.PATH ?? "" });
  assertEquals([status, lines], [0, [""]]);
});

test("build.zig.zon pins one version", () => assert(/^\d+\.\d+\.\d+$/.test(pinned)));
