/**
 * `deno bench` without a file, which only Deno has: it finds the suites, and they run. This file is not named bench.ts,
 * because then it would be one of them.
 */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

test("deno bench measures the suites and the structures", { timeout: 120_000 }, () => {
  const names = ["two bare FFI calls, 1000 times", "sum, field functions"];
  const words = ["bench", "-A", "--no-check", "--json", `--filter=/^(${names.join("|")})$/`];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    encoding: "utf8",
  });
  assertEquals(status, 0, stderr);
  interface Bench {
    readonly name: string;
    readonly results: readonly { readonly ok?: { readonly avg: number } }[];
  }
  const { benches } = JSON.parse(stdout) as { readonly benches: readonly Bench[] };
  assertEquals(benches.map(({ name }) => name).sort(), names.toSorted());
  for (const { name, results } of benches) {
    const took = results[0]?.ok?.avg ?? 0;
    assert(took > 1000 && took < 1e8, `"${name}" takes ${took} ns`); // 1000 calls, 10 000 records
  }
});
