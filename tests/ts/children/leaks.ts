/** Run by leaks_test.ts: a pool that is closed with something in it, or with nothing. */
import process from "node:process";
import { Pool } from "../../../mod.ts";

function forgetful(pool: Pool): void {
  for (let index = 0; index < 3; index += 1) pool.malloc(100);
}

function inScope(pool: Pool): void {
  pool.scope().malloc(10);
}

using pool = Pool.create({ maxSize: "16MiB", trace: true });
if (process.argv[2] === "left") {
  forgetful(pool);
  inScope(pool);
}
