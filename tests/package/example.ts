/** A program of a user of the npm package: no paths of this repository, only what was installed. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { environment, tour } from "./typed.ts";

tour();

const preload = environment.LD_PRELOAD ?? "";
assert.match(preload, /node_modules.*libvmmalloc\.so\.1/);
assert.ok(existsSync(preload.split(":")[0] ?? ""));
const child = spawnSync("sort", ["-n"], {
  env: { ...process.env, ...environment },
  input: "10\n9\n",
  encoding: "utf8",
});
assert.deepEqual([child.status, child.stdout], [0, "9\n10\n"]);
assert.match(readFileSync("statistics", "utf8"), /Begin vmem statistics/);
console.log("the example ran");
