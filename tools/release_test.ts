import { assertEquals, assertThrows } from "@std/assert";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { expectSame, hashes, obstacles, type State, sums } from "./release.ts";
import { releases } from "./versions.ts";

const ready: State = {
  changes: [],
  tags: ["v1.2.3"],
  places: [["deno.json", "1.2.3"], ["build.zig.zon", "1.2.3"]],
  releases: ["1.2.3", "1.2.2"],
  version: "1.2.3",
  tested: true,
};

test("obstacles() has nothing against a clean tree of one version with its tag", () => {
  assertEquals(obstacles(ready), { building: [], publishing: [] });
});

test("obstacles() does not let a changed tree or two versions be built", () => {
  assertEquals(obstacles({ ...ready, changes: [" M mod.ts"] }), {
    building: ["the tree has changes that are not committed:\n   M mod.ts"],
    publishing: [],
  });
  const places = [["deno.json", "1.2.3"], ["README.md", "1.2.2"], ["x", undefined]] as const;
  assertEquals(obstacles({ ...ready, places }).building, [
    `"README.md" has version 1.2.2, "deno.json" has 1.2.3`,
    `"x" has version none, "deno.json" has 1.2.3`,
  ]);
});

test("obstacles() lets nothing be published without tag, changelog or tests", () => {
  const refused = (changed: Partial<State>) => obstacles({ ...ready, ...changed }).publishing;
  assertEquals(refused({ tags: ["v1.2.2"] }).length, 1);
  assertEquals(refused({ releases: ["1.2.2"] }), [
    `"CHANGELOG.md" has 1.2.2 as its newest release, not 1.2.3`,
  ]);
  assertEquals(refused({ releases: [] }).length, 1);
  assertEquals(refused({ tested: false }), ["the tests are left out"]);
});

test("releases() finds the versions with a date", () => {
  const text = "## [Unreleased]\n\n## [1.2.3] - 2026-11-21\n\n- x [1.0.0]\n\n## [1.2.2] - soon\n";
  assertEquals(releases(text), ["1.2.3"]);
});

test("hashes(), sums() and expectSame() tell what differs", () => {
  const folder = mkdtempSync(join(tmpdir(), "vmem-release-"));
  try {
    mkdirSync(join(folder, "b"));
    writeFileSync(join(folder, "b", "c"), "abc");
    writeFileSync(join(folder, "a"), "");
    const list = hashes(folder);
    assertEquals(
      sums(list),
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n" +
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  b/c\n",
    );
    expectSame("It", list, hashes(folder));
    writeFileSync(join(folder, "b", "c"), "abd");
    writeFileSync(join(folder, "d"), "");
    assertThrows(
      () => expectSame("It", list, hashes(folder)),
      Error,
      "It cannot be reproduced: b/c, d",
    );
    assertThrows(() => expectSame("It", new Map(), new Map()), Error, "there is nothing");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
