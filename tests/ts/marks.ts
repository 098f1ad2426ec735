/** Lines of a test file by marks: `pool.malloc(10); // malloc`. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import type { Leak } from "../../mod.ts";

export interface Marks {
  readonly file: string;
  /** The line, from 1, that ends in a mark. */
  readonly lineOf: (mark: string) => number;
  /** Blocks by the line of the file; those of other files fail. */
  readonly byLine: (leaks: readonly Leak[]) => Record<number, number>;
}

export function marksOf(url: string): Marks {
  const file = fileURLToPath(url);
  const lines = readFileSync(file, "utf8").split("\n");
  return {
    file,
    lineOf: (mark) => {
      const index = lines.findIndex((line) => line.endsWith(`// ${mark}`));
      assert(index >= 0, mark);
      return index + 1;
    },
    byLine: (leaks) =>
      Object.fromEntries(leaks.map(({ site, blocks }) => {
        const [, place, line] = /^(.*):(\d+):\d+$/.exec(site) ?? [];
        assertEquals(place, file);
        return [Number(line), blocks];
      })),
  };
}
