/** What is Node's alone: how the library is refused, and what its buffers cannot do. The name keeps it from other runtimes. */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Pool } from "../../mod.ts";
import { type Ended, program, run } from "../ts/child.ts";
import { assertAllocated } from "../ts/support.ts";
import { ask, startWorker } from "../ts/workers.ts";

/** A program that makes a pool, with flags of Node's. */
function firstPool(...flags: string[]): Ended {
  const [command = "", ...rest] = program("children/library.ts");
  return run([command, ...flags, ...rest]);
}

test("a Node without node:ffi is a LibraryError that says which has it", () => {
  const { status, output } = firstPool("--no-experimental-ffi");
  assertEquals(status, 0, output);
  assert(output.startsWith("LibraryError: Cannot load the vmem library: Node "), output);
  assert(output.includes("has no node:ffi; use Node 26.10 or later"), output);
});

test("under --permission a pool needs --allow-ffi, and its arrays --allow-addons", () => {
  const flags = ["--permission", "--allow-fs-read=*"];
  const refused = firstPool(...flags);
  assert(refused.output.includes("LibraryError: Cannot load the vmem library"), refused.output);
  assert(refused.output.includes("--allow-ffi"), refused.output);
  const allowed = firstPool(...flags, "--allow-ffi", "--allow-addons");
  assert(allowed.output.includes("works"), allowed.output);
});

test("without --allow-addons all works but what gives arrays, and that says so", () => {
  const results = features("--allow-ffi");
  const refused = Object.entries(results).filter(([, result]) => result !== "works");
  assertEquals(refused.map(([name]) => name).sort(), ["arrays", "columns", "views"]);
  for (const [, result] of refused) {
    assert(result.startsWith("LibraryError: Cannot make arrays and views of a pool"), result);
    assert(result.includes("run it with --allow-addons"), result);
  }
});

test("with --allow-ffi and --allow-addons everything works, workers with --allow-worker", () => {
  const results = features("--allow-ffi", "--allow-addons", "--allow-worker");
  for (const [name, result] of Object.entries(results)) {
    assertEquals([name, result], [name, "works"]);
  }
});

/** What works under `--permission` with no more than the repository to read. */
function features(...flags: string[]): Record<string, string> {
  const [command = "", ...rest] = program("children/features.ts");
  const read = `--allow-fs-read=${fileURLToPath(new URL("../..", import.meta.url))}`;
  const words = flags.includes("--allow-worker") ? ["null"] : [];
  const { output } = run([command, "--permission", read, ...flags, ...rest, ...words]);
  const line = output.split("\n").find((each) => each.startsWith("{")) ?? output;
  return JSON.parse(line) as Record<string, string>;
}

test("the block of a freed array comes back in a later turn of the event loop", async () => {
  using pool = Pool.create({ maxSize: "8MiB" });
  const array = pool.alloc(Uint8Array, 1000);
  const { allocated } = pool.stats();
  pool.free(array);
  assertEquals([array.length, pool.stats().allocated], [0, allocated]);
  await assertAllocated(pool, 0);
});

test("a worker cannot post an array that it made, and keeps it whole", async () => {
  const worker = startWorker("post.ts");
  try {
    assertEquals(await ask(worker, "post"), ["DataCloneError", 1000, 7]);
  } finally {
    worker.terminate();
  }
});

test("workers that start after the first pool compile their code themselves", () => {
  const [command = "", ...rest] = program("../node/compiling.ts");
  const { status, output } = run([command, "--allow-natives-syntax", ...rest]);
  assertEquals([status, output], [0, "true false true\n"]);
});
