/** What the close of a traced pool tells, and what workers have to do with it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type Leak, type LeakListener, type Pointer, Pool, VmemError } from "../../mod.ts";
import { program, run } from "./child.ts";
import { marksOf } from "./marks.ts";
import { runtime, turn } from "./support.ts";
import { attached, startWorker, tell } from "./workers.ts";

const { file: here, lineOf, byLine } = marksOf(import.meta.url);
const traced = { maxSize: "256MiB", trace: true } as const;

test("close() tells once what was left, and nothing when nothing was", () => {
  const told: [readonly Leak[], string][] = [];
  const trace: LeakListener = (...given) => told.push(given);
  Pool.create({ ...traced, trace }).close();
  assertEquals(told, []);
  const pool = Pool.create({ ...traced, trace }); // made here
  pool.mallocMany(1000, 1234);
  pool.malloc(10);
  const leaks = pool.leaks();
  pool.close();
  assertThrows(() => pool.close(), VmemError);
  pool[Symbol.dispose]();
  assertEquals(told.length, 1);
  const [[seen, table] = [[], ""]] = told;
  assertEquals(seen, leaks);
  assertStringIncludes(table, `vmem: 1,235 blocks were in use when the pool made at ${here}:`);
  assertStringIncludes(table, `${here}:${lineOf("made here")}:`);
  const rows = table.split("\n").slice(1);
  assertEquals(rows.length, 3);
  assertEquals(rows[0]?.trim(), "bytes  blocks  allocated at");
  assert(/^ {2}1\.21 MiB {3}1,234 {2}\S/.test(rows[1] ?? ""), table);
  assert(/^ {6}16 B {7}1 {2}\S/.test(rows[2] ?? ""), table);
});

test("what a listener throws comes out of close() and using, and the pool is closed", () => {
  let pool: Pool | undefined;
  const trace = (_: unknown, table: string): void => {
    throw new Error(table);
  };
  assertThrows(
    () => {
      using mine = pool = Pool.create({ ...traced, trace });
      mine.malloc(10);
    },
    Error,
    "1 block was in use",
  );
  assertThrows(() => pool?.malloc(1), VmemError, "the pool is closed");
});

test("without a listener close() writes the table to standard error", () => {
  const { status, output } = run(program("children/leaks.ts", "left"));
  assertEquals([status, output.match(/vmem: /g)?.length], [0, 1], output);
  assertStringIncludes(output, "vmem: 4 blocks were in use when the pool made at");
  assertStringIncludes(output, "(forgetful)");
  assertEquals(run(program("children/leaks.ts", "clean")).output, "");
});

test("workers tell of what they allocate, and the owner's close knows it when they are gone", async () => {
  let seen: readonly Leak[] = [];
  const pool = Pool.create({ ...traced, trace: (leaks) => seen = leaks });
  const worker = startWorker("leaks_worker.ts");
  const at = await new Promise<Pointer>((resolve) => {
    worker.onmessage = ({ data }): void => resolve(data as Pointer);
    worker.postMessage({ token: pool.token });
  });
  assert(pool.owns(at));
  worker.terminate();
  await turn(50);
  pool.malloc(16); // the owner's
  pool.close();
  assertEquals(seen.map(({ caller, blocks }) => [caller, blocks]), [["inTheWorker", 5], ["", 1]]);
  assertStringIncludes(seen[0]?.site ?? "", "leaks_worker.ts:");
});

test("what another worker frees is not told, and its close tells nothing", async () => {
  let told = 0;
  const pool = Pool.create({ ...traced, trace: () => told += 1 });
  const worker = await attached(pool);
  const at = pool.calloc(1, 64);
  await tell(worker, { do: "free", pointers: [at] });
  assertEquals(pool.leaks(), []);
  // The worker gets its block back from its cache, and is the one to be named.
  assertEquals(await tell(worker, { do: "allocate", count: 1 }), [at]);
  const [{ site, blocks } = { site: "", blocks: 0 }, ...others] = pool.leaks();
  assertStringIncludes(site, "sharing.ts:");
  assertEquals([blocks, others.length], [1, 0]);
  await tell(worker, { do: "detach" });
  worker.terminate();
  {
    using same = Pool.attach(pool.token);
    same.malloc(10); // by an attachment
    same.free(at);
    assertEquals(byLine(pool.leaks()), { [lineOf("by an attachment")]: 1 });
  }
  assertEquals(told, 0);
  pool.close();
  assertEquals(told, 1);
});

const skip = runtime === "bun" ? false : "only Bun has a bundler";

test("in a bundle, where all files are one, places are still the program's", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "vmem-bundle-"));
  try {
    const bundle = join(folder, "leaks.js");
    const [command = "", file = "", ...rest] = program("children/leaks.ts");
    assertEquals([
      rest,
      run([command, "build", "--target=bun", `--outfile=${bundle}`, file]).status,
    ], [[], 0]);
    const library = fileURLToPath(new URL("../../zig-out/lib/libvmem_ffi.so", import.meta.url));
    const { status, output } = run([command, bundle, "left"], { VMEM_LIBRARY: library });
    assertEquals(status, 0, output);
    assertStringIncludes(output, "(forgetful)");
    assertStringIncludes(output, "(inScope)");
    assertEquals(output.match(/leaks\.js:/g)?.length, 3, output);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
