/** `deno task bench:plot`: draws the pictures of bench/ from record.ndjson, the same on every machine. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../tools/zig.ts";
import { latestOf } from "./latest.ts";
import { drawComparison, drawOthers } from "./plot/comparison.ts";
import { drawHistory } from "./plot/history.ts";
import { type Entry, readEntries } from "./record.ts";

/** The text of each picture, by its path from the root. */
export function draw(entries: readonly Entry[]): Readonly<Record<string, string>> {
  return {
    "bench/comparison.svg": drawComparison(
      latestOf(entries, "bench"),
      latestOf(entries, "bench:structs"),
    ),
    "bench/others.svg": drawOthers(
      latestOf(entries, "bench:kinds"),
      latestOf(entries, "bench:programs"),
    ),
    "bench/history.svg": drawHistory(entries),
  };
}

if (import.meta.main) {
  for (const [path, svg] of Object.entries(draw(readEntries()))) {
    writeFileSync(join(root, path), svg);
    console.log(path);
  }
}
