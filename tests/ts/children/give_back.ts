/** Run by conf_test.ts: MiB that a growing pool keeps a tenth of a second after all was freed. */
import process from "node:process";
import { Pool, type PoolOptions } from "../../../mod.ts";

const giveBack = process.argv[2] as PoolOptions["giveBack"];
using pool = Pool.create({ maxSize: "256MiB", ...(giveBack === undefined ? {} : { giveBack }) });
pool.free(pool.malloc(300_000)); // the time runs from here on
pool.freeMany(pool.mallocMany(20_000, 3000));
await new Promise((resolve) => setTimeout(resolve, 100));
console.log(Math.round(pool.stats().committed / 2 ** 20));
