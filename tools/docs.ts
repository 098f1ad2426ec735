/**
 * The pages of the API: `deno task docs` writes them to coverage/docs. Made by `deno doc`, whose pages name modules by
 * the paths of the exports and lead from `Pool.alloc` nowhere; both is mended here.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { deno } from "./bun.ts";
import { execute } from "./execute.ts";
import { root } from "./zig.ts";

interface Package {
  readonly name: string;
  readonly exports: Readonly<Record<string, string>>;
}

/** Writes the pages into a folder, which is emptied before, and gives their paths in it. */
export async function writePages(folder: string): Promise<string[]> {
  const { name, exports } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8")) as Package;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  const words = ["doc", "--html", "--name=vmem", `--output=${folder}`, ...Object.values(exports)];
  const { status, output } = await execute([deno(), ...words], { cwd: root, limit: 120 });
  if (status !== 0) throw new Error(`Writing the pages failed: ${output}`);
  const modules = new Map(
    Object.keys(exports).map((path) => [path.replace("./", ""), path.replace(".", name)]),
  );
  const pages = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((page) => page.endsWith(".html"));
  for (const page of pages) {
    const file = join(folder, page);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, withMembers(withModules(text, modules), file, folder));
  }
  return pages;
}

/** "Usage" with the names by which modules are imported. */
function withModules(page: string, modules: ReadonlyMap<string, string>): string {
  return page.replace(/ from &quot;([^&]+)&quot;/g, (found, path: string) => {
    const name = modules.get(path);
    return name === undefined ? found : ` from &quot;${name}&quot;`;
  });
}

/** Members of classes lead to their pages, where there is one. */
function withMembers(text: string, file: string, folder: string): string {
  return text.replace(
    /(<a [^>]*>)?<code>([A-Z]\w+)\.(\w+)<\/code>/g,
    (found, link, type, member) => {
      const page = join(folder, "~", `${type}.prototype.${member}.html`);
      if (link !== undefined || !existsSync(page)) return found;
      return `<a href="${relative(dirname(file), page)}">${found}</a>`;
    },
  );
}

if (import.meta.main) {
  const folder = join(root, "coverage", "docs");
  const pages = await writePages(folder);
  console.log(`${pages.length} pages, which begin with ${join(folder, "index.html")}`);
}
