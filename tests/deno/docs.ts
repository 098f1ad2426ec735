/** The pages of the API, which only Deno makes: they can be made, lead somewhere, and begin with what programs begin with. */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writePages } from "../../tools/docs.ts";

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

test("deno task docs makes pages whose links lead to pages", { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "vmem-docs-"));
  try {
    const pages = await writePages(join(folder, "docs"));
    assert(pages.length > 200, `There are ${pages.length} pages`);
    // Deno takes the dots in names like "arenas.page" for members, which have no pages.
    const dead = pages.filter((page) => !page.startsWith("~/Controls.")).flatMap((page) => {
      const text = readFileSync(join(folder, "docs", page), "utf8");
      return [...text.matchAll(/href="([^"]+)"/g)]
        .map(([, target = ""]) => decoded(target).replace(/#.*/, ""))
        .filter((target) => target !== "" && !/^\w+:/.test(target))
        .filter((target) => !existsSync(join(folder, "docs", dirname(page), target)))
        .map((target) => `${page} leads to ${target}`);
    });
    assertEquals(dead, []);

    const index = readFileSync(join(folder, "docs", "index.html"), "utf8");
    const wanted = [
      ...readFileSync(join(root, "mod.ts"), "utf8").matchAll(
        /\{@linkcode (\S+?)(?: (\S+))?\}/g,
      ),
    ].map(([, name, shown]) => shown ?? name);
    assert(wanted.length > 15);
    for (const shown of wanted) {
      assert(new RegExp(`<a [^>]*><code>${shown}</code></a>`).test(index), `"${shown}" is no link`);
    }
    const pool = readFileSync(join(folder, "docs", "~", "Pool.html"), "utf8");
    assert(pool.includes("import { Pool } from &quot;@vmem/vmem&quot;;\n</code>"));
    assert(pool.includes('<a href="Pool.prototype.malloc.html"><code>Pool.malloc</code></a>'));
    const environment = join(folder, "docs", "vmmalloc", "~", "vmmallocEnv.html");
    assert(
      readFileSync(environment, "utf8").includes("from &quot;@vmem/vmem/vmmalloc&quot;;\n</code>"),
    );
    assert(index.indexOf("Pool") < index.indexOf("AnyColumns") || !index.includes("AnyColumns"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
