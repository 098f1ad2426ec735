/** The documents lead where they say: files that exist, and headings that are in them. */
import { assert, assertEquals } from "@std/assert";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { root, sourceFiles } from "../sources.ts";

const documents = sourceFiles().filter((file) => file.endsWith(".md"));

/** Text without blocks of code, in which brackets are no links. */
function prose(file: string): string {
  return readFileSync(join(root, file), "utf8")
    .replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "code");
}

/** Headings as the names that links have for them. */
function anchors(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8").replace(/^```[\s\S]*?^```$/gm, "");
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/ /g, "-")
  );
}

test("documents: links lead to files and headings that exist", () => {
  let links = 0;
  const wrong = documents.flatMap((file) =>
    [...prose(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target)
      .filter((target) => !/^\w+:/.test(target))
      .filter((target) => {
        links += 1;
        const [path = "", heading] = target.split("#");
        const found = path === "" ? file : normalize(join(dirname(file), path));
        if (!existsSync(join(root, found))) return true;
        return heading !== undefined && !anchors(found).includes(heading);
      }).map((target) => `${file} leads to ${target}`)
  );
  assertEquals(wrong, []);
  assert(links > 50, `There are only ${links} links`);
});
