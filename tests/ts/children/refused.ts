/** Run by refused_test.ts: makes a pool with each of the libraries in turn, and prints how that went as JSON. */
import process from "node:process";
import { Pool, setLibrary } from "../../../mod.ts";

function firstPool(library: string): string {
  try {
    setLibrary(library);
    Pool.create({ maxSize: "8MiB" }).close();
    return "works";
  } catch (error) {
    return String(error);
  }
}

console.log(JSON.stringify(process.argv.slice(2).map(firstPool)));
