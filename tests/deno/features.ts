/** What each feature needs in Deno (the table in docs/guide.md), and that nothing ever waits at a prompt. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Pool } from "../../mod.ts";
import { openLibrary } from "../../src/library.ts";
import { run } from "../ts/child.ts";

// As in permissions.ts.
delete process.env.VMEM_LIBRARY;
Pool.create().close();
const library = openLibrary().path;
const root = fileURLToPath(new URL("../..", import.meta.url));
const child = join(root, "tests/ts/children/features.ts");
const ffi = `--allow-ffi=${library}`;

/** The groups of features that did not work, with why; runs as a user would, without a file as standard input. */
function failing(flags: readonly string[], words: readonly string[] = []): Record<string, string> {
  const { output } = run([process.execPath, "run", "--no-prompt", ...flags, child, ...words]);
  const results = JSON.parse(output.split("\n").find((line) => line.startsWith("{")) ?? output);
  return Object.fromEntries(
    Object.entries(results as Record<string, string>).filter(([, result]) => result !== "works"),
  );
}

test("with --allow-ffi for the library everything works but finding libvmmalloc", () => {
  const { programs = "", ...others } = failing([ffi]);
  assertEquals(others, {});
  assert(programs.startsWith("LibraryError: "), programs);
  assert(programs.includes("not permitted without --allow-read="), programs);
});

test("vmmallocEnv() needs to read the library's folder", () => {
  assertEquals(failing([ffi, `--allow-read=${dirname(library)}`]), {});
});

test("workers need to read their program, and in their own permissions the library", () => {
  const read = `--allow-read=${root}`;
  const own = (permissions: unknown) =>
    failing([ffi, read, "--unstable-worker-options"], [JSON.stringify(permissions)]);
  assertEquals(failing([ffi, read], ["null"]), {});
  assertEquals(own({ ffi: [library], read: [root] }), {});
  const { workers = "" } = own({ read: [root] });
  assert(workers.includes("LibraryError"), workers);
  assert(workers.includes(`run Deno with ${ffi}`), workers);
});

test("permissions that are not granted are not even looked at", () => {
  const dir = mkdtempSync(join(tmpdir(), "vmem-audit-"));
  try {
    const audit = join(dir, "audit");
    const words = [process.execPath, "run", "--no-prompt", ffi, child];
    const { status, output } = run(words, { DENO_AUDIT_PERMISSIONS: audit });
    assertEquals(status, 0, output);
    const asked = readFileSync(audit, "utf8").trim().split("\n").map((line) => {
      const { permission, value } = JSON.parse(line) as Record<string, string>;
      return `${permission} ${value}`;
    });
    assertEquals([...new Set(asked)], [`ffi ${library}`]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

const hasTerminals = spawnSync("script", ["--version"]).status === 0;
test("on a terminal nobody is asked, whatever is granted", {
  skip: !hasTerminals && "there is no script(1) to make a terminal with",
}, () => {
  const everything = [[ffi], [ffi, "--allow-env"], [ffi, `--allow-read=${root}`]];
  for (const flags of [[], ["--allow-read"], ...everything]) {
    const command = [process.execPath, "run", ...flags, child].join(" ");
    const { stdout } = spawnSync("script", ["-qec", command, "/dev/null"], {
      encoding: "utf8",
      input: "",
      timeout: 20_000,
      env: { ...process.env, NO_COLOR: "1" },
    });
    assert(!stdout.includes("Deno requests"), stdout);
    const granted = flags.includes(ffi);
    assert(stdout.includes(granted ? '"errors":"works"' : "LibraryError: Cannot load"), stdout);
  }
});
