import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { type Check, Report, script } from "./checks.ts";

const checks: readonly Check[] = [
  { name: "good", command: "echo fine" },
  { name: "bad", command: "printf 'no end of line'; exit 3" },
  { name: "skipped", command: "echo why; exit 77" },
  { name: "killed", command: "kill -9 $$" },
  { name: "late", command: "true" },
];

test("checks: what passes, fails, is skipped, and never ends", () => {
  const { stdout } = spawnSync("sh", ["-c", script(checks)], { encoding: "utf8" });
  const said: string[] = [];
  const report = new Report(checks, (line) => said.push(line.replace(/, [\d.]+ s$/, "")));
  // As it comes from a pipe: in pieces.
  for (const piece of stdout.match(/[^]{1,7}/g) ?? []) report.add(piece);
  assertEquals(report.finish(), {
    passed: 1,
    failed: 3,
    skipped: [{ name: "skipped", where: "" }],
  });
  assertEquals(said, [
    "good: passed",
    "bad: failed with 3",
    "no end of line",
    "skipped: skipped",
    "why",
    "killed: not run",
    "late: not run",
  ]);
});
