/** The pages of the API, which only Deno makes: they can be made, lead somewhere, and begin with what programs begin with. */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** An attribute's text. */
function decoded(text: string): string {
  const entities = text.replace(
    /&#x([\dA-F]+);/gi,
    (_, hex) => String.fromCharCode(parseInt(hex, 16)),
  )
    .replaceAll("&amp;", "&");
  return decodeURIComponent(entities);
}

test("deno task docs makes pages whose links lead to pages", { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "vmem-docs-"));
  try {
    const { tasks } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
    const command: string = tasks.docs.command;
    const made = /&& deno (doc .*)--output=\S+ (.*)$/.exec(command);
    assert(made !== null, `The task docs is "${command}"`);
    const [, options = "", files = ""] = made;
    const words = [...options.trim().split(" "), `--output=${folder}`, ...files.split(" ")];
    const { status, stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: "utf8" });
    assertEquals(status, 0, stderr);

    const pages = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".html"));
    assert(pages.length > 200, `There are ${pages.length} pages`);
    // Deno takes the dots in names like "arenas.page" for members, which have no pages.
    const dead = pages.filter((page) => !page.startsWith("~/Controls.")).flatMap((page) => {
      const text = readFileSync(join(folder, page), "utf8");
      return [...text.matchAll(/href="([^"]+)"/g)]
        .map(([, target = ""]) => decoded(target).replace(/#.*/, ""))
        .filter((target) => target !== "" && !/^\w+:/.test(target))
        .filter((target) => !existsSync(join(folder, dirname(page), target)))
        .map((target) => `${page} leads to ${target}`);
    });
    assertEquals(dead, []);

    const index = readFileSync(join(folder, "index.html"), "utf8");
    const wanted = [
      ...readFileSync(join(root, "mod.ts"), "utf8").matchAll(
        /\{@linkcode (\S+?)(?: (\S+))?\}/g,
      ),
    ].map(([, name, shown]) => shown ?? name);
    assert(wanted.length > 15);
    for (const shown of wanted) {
      assert(new RegExp(`<a [^>]*><code>${shown}</code></a>`).test(index), `"${shown}" is no link`);
    }
    assert(index.indexOf("Pool") < index.indexOf("AnyColumns") || !index.includes("AnyColumns"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
