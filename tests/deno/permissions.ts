/** Deno's permissions: what is enough, and what the error says when it is not. */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { dirname } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Pool } from "../../mod.ts";
import { openLibrary } from "../../src/library.ts";
import { run } from "../ts/child.ts";

// The programs below find the library by themselves, so this one must, too.
delete process.env.VMEM_LIBRARY;
Pool.create().close();
const library = openLibrary().path;
const child = fileURLToPath(new URL("children/everything.ts", import.meta.url));

/** Runs a program that uses every kind of memory, with these permissions and no others. */
function withFlags(...flags: string[]): { status: number | null; output: string } {
  return run([process.execPath, "run", "--no-prompt", ...flags, child], { VMEM_LIBRARY: "" });
}

test("--allow-ffi for the library alone is enough, arrays and views included", () => {
  for (const path of [library, dirname(library)]) {
    const { status, output } = withFlags(`--allow-ffi=${path}`);
    assertEquals([status, output.trim()], [0, "everything works"], output);
  }
});

test("--allow-ffi is enough", () => {
  const { status, output } = withFlags("--allow-ffi");
  assertEquals([status, output.trim()], [0, "everything works"], output);
});

test("without --allow-ffi the error names it", () => {
  const { status, output } = withFlags("--allow-read");
  assertEquals(status, 1);
  assert(
    output.includes(
      "LibraryError: Cannot load the vmem library for linux-x64 on Deno: it is not permitted; " +
        `run Deno with --allow-ffi=${library}, or with --allow-ffi.`,
    ),
    output,
  );
});

test("VMEM_LIBRARY is ignored without --allow-env, and read with it", () => {
  const words = [process.execPath, "run", "--no-prompt", "--allow-ffi"];
  const wrong = { VMEM_LIBRARY: "/no/such.so" };
  assertEquals(run([...words, child], wrong).output.trim(), "everything works");
  const { output } = run([...words, "--allow-env=VMEM_LIBRARY", child], wrong);
  assert(output.includes(`"/no/such.so", from VMEM_LIBRARY`), output);
});

test("TMPDIR is ignored without --allow-env, and read with it", () => {
  const program = fileURLToPath(new URL("../ts/children/features.ts", import.meta.url));
  const words = [process.execPath, "run", "--no-prompt", "--allow-ffi"];
  const wrong = { TMPDIR: "/no/such/folder" };
  assertEquals(run([...words, program], wrong).status, 0);
  const { output } = run([...words, "--allow-env=TMPDIR", program], wrong);
  assert(output.includes("/no/such/folder"), output);
});

test("what Deno does not show is not taken for absent", () => {
  const program = fileURLToPath(new URL("children/shm.ts", import.meta.url));
  const { status, output } = run(
    [process.execPath, "run", "--no-prompt", "--allow-read", program],
    {},
  );
  assertEquals([status, output.trim()], [0, "/dev/shm"], output);
});
