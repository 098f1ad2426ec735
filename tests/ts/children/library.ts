/** Run by library_test.ts: makes a pool with the library of its argument and prints how that went. */
import process from "node:process";
import { Pool, setLibrary } from "../../../mod.ts";

const chosen = process.argv[2] ?? "";

try {
  if (chosen !== "") setLibrary(chosen);
  using pool = Pool.create({ maxSize: "8MiB" });
  pool.free(pool.malloc(1));
  console.log("works");
} catch (error) {
  const { name, message } = error as Error;
  console.log(`${name}: ${message}`);
}
