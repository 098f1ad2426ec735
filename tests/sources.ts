/** The repository's files, for the tests that look at the sources themselves. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("..", import.meta.url));

// What builds, fetches and reports leave behind; git ignores the same.
const generated = new Set(["node_modules", "zig-out", "zig-pkg", "coverage", "npm", "lib"]);
const hidden = new Set([".ci"]);

/** Paths from the root of every source file, sorted. */
export function sourceFiles(folder = ""): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.name.startsWith(".") && !hidden.has(entry.name)) return [];
    if (generated.has(entry.name)) return [];
    if (entry.isDirectory()) return sourceFiles(path);
    return entry.isFile() ? [path] : [];
  }).sort();
}

export function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** The text without comments; `marker` starts one that ends with its line. Its line breaks stay. */
export function code(path: string): string {
  const text = read(path);
  const blocks = path.endsWith(".ts") ? /\/\*[\s\S]*?\*\//g : /(?!)/g;
  return text.replace(blocks, (block) => block.replace(/[^\n]/g, ""))
    .replace(/(^|[\s;,{}()])\/\/.*$/gm, "$1");
}

/** Names of a Zig file's `@import`s: packages as they stand, files by their path from the root. */
export function zigImports(path: string, text: string = code(path)): string[] {
  return [...text.matchAll(/@import\("([^"]+)"\)/g)].map(([, name = ""]) =>
    /\.z(ig|on)$/.test(name) ? normalize(join(dirname(path), name)) : name
  );
}

/** The files that a Zig file's `test` blocks name, by import or by the constant that holds one. */
export function testedFiles(path: string): string[] {
  const text = code(path);
  const blocks = [...text.matchAll(/^test (?:"[^"\n]*" )?\{([\s\S]*?)^\}/gm)]
    .map(([, body = ""]) => body).join("\n");
  const constants = [...blocks.matchAll(/^\s*_ = (\w+);/gm)].flatMap(([, name = ""]) => {
    const declared = new RegExp(`\\bconst ${name} = @import\\("([^"]+)"\\)`).exec(text)?.[0];
    return declared === undefined ? [] : zigImports(path, declared);
  });
  return [...zigImports(path, blocks), ...constants].filter((file) => file.endsWith(".zig"));
}

/** The code of a Zig file without its `test` blocks; its line breaks stay. */
export function shippedCode(path: string): string {
  return code(path).replace(
    /^test (?:"[^"\n]*" )?\{[\s\S]*?^\}/gm,
    (block) => block.replace(/[^\n]/g, ""),
  );
}

/**
 * The Zig files that end up in a library: what its root imports outside `test` blocks, and so on. What tests share has
 * the name `testing.zig`; a file may import it at its top for its tests.
 */
export function shippedFiles(roots: readonly string[]): Set<string> {
  const found = new Set(roots);
  for (const file of found) {
    zigImports(file, shippedCode(file))
      .filter((name) => name.endsWith(".zig") && !/(_test|\/testing)\.zig$/.test(name)).forEach((
        name,
      ) => found.add(name));
  }
  return found;
}
