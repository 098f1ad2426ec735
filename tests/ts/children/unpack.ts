/** Run by unpack_test.ts: unpacks a file into a folder and prints its path. */
import process from "node:process";
import { unpackFile } from "../../../src/unpack.ts";

const [, , file = "", folder = ""] = process.argv;
console.log(unpackFile(file, folder));
