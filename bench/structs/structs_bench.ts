/** The workloads on structures for `deno bench`, with fewer records; run.ts compares, this is for a quick look. */
import { Pool } from "../../mod.ts";
import { plain, poolSize } from "./workload.ts";
import { workloads } from "./workloads.ts";

const count = 10_000;

for (const { name: group, create, alone } of workloads) {
  const pool = Pool.create({ maxSize: poolSize }); // closed by the end of the process
  for (const [name, candidate] of Object.entries({ ...alone?.(count), ...create(pool, count) })) {
    Deno.bench({ group, name: `${group}, ${name}`, baseline: name === plain }, () => {
      candidate.run();
      candidate.clean?.();
    });
  }
}
