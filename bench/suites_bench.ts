/** The suites of suites.ts for `deno bench`; run.ts interleaves and compares, this is for a quick look. */
import { Pool } from "../mod.ts";
import { createSuites } from "./suites.ts";

const pool = Pool.create({ maxSize: "1GiB" }); // closed by the end of the process
for (const [group, candidates] of Object.entries(createSuites(pool))) {
  let baseline = true;
  for (const [name, run] of Object.entries(candidates)) {
    Deno.bench({ group, name: `${name}, 1000 times`, baseline }, () => void run(1000));
    baseline = false;
  }
}
