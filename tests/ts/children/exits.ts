/** Run by lives_test.ts and sharing_test.ts: ends in one of the ways a program can end while it has pools. */
import { writeFile } from "node:fs";
import process from "node:process";
import { deflate } from "node:zlib";
import { Pool } from "../../../mod.ts";

const pool = Pool.create({ maxSize: "1GiB" });
const array = pool.alloc(Uint8Array, 32 * 2 ** 20).fill(1);
pool.view(Uint8Array, pool.malloc(100), 100).fill(2);

const ends: Readonly<Record<string, () => void>> = {
  "return": () => {},
  "exit": () => process.exit(0),
  "throw": () => {
    throw new Error("thrown on purpose");
  },
  "close": () => pool.close(),
  "print a token": () => console.log(pool.token),
  "exit with input and output": () => {
    deflate(array, () => {});
    writeFile("/dev/null", array, () => {});
    process.exit(0);
  },
  // Without zlib: in Deno it throws uncaught when its input is detached before it starts.
  "close with input and output": () => {
    writeFile("/dev/null", array, () => {});
    crypto.subtle.digest("SHA-256", array).then(() => {}, () => {});
    pool.close();
  },
  "terminated": () => {
    process.kill(process.pid, "SIGTERM");
    setTimeout(() => {}, 10_000);
  },
};

ends[process.argv[2] ?? ""]?.();
