/** Run by refused_test.ts: loads copies of the library until there is no room for thread-local data, then makes a pool. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Pool, setLibrary } from "../../../mod.ts";
import { currentRuntime } from "../../../src/runtime.ts";
import { table } from "../../../src/symbols.ts";

const [, , library = "", folder = ""] = process.argv;

/** How many copies the loader takes, at most 200. */
function fill(): number {
  for (let count = 0; count < 200; count += 1) {
    const copy = join(folder, `${count}.so`);
    copyFileSync(library, copy);
    try {
      currentRuntime().open(copy, { vmem_ffi_abi: table.vmem_ffi_abi });
    } catch {
      return count;
    }
  }
  return 200;
}

const count = fill();
setLibrary(library);
try {
  Pool.create({ maxSize: "8MiB" }).close();
  console.log(`works after ${count}`);
} catch (error) {
  console.log(`after ${count} ${error}`);
}
