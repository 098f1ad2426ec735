/**
 * `deno task pack:jsr [PLATFORM…]` writes the JSR package into `jsr/`: the sources as they are, but for the two modules that carry
 * the libraries, whose tables are empty in git and come from JSON files there; the same libraries as files, for JSR's npm mirror,
 * where the package has files; the documents for users; and a deno.json without what only this repository needs.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import type { EmbeddedLibrary } from "../src/embedded.ts";
import { docs, withoutClone } from "./pack.ts";
import { buildLibraries, targets } from "./platforms.ts";
import { announceFirstBuild, root } from "./zig.ts";

/** Where the package is written; ignored by git. */
export const jsrFolder: string = join(root, "jsr");

/** JSR refuses packages whose files, or one of them, have more. */
export const jsrBytesMax = 20_000_000;

/** What the package opens by itself: the module that carries it, and its place as a file. */
const carried = [
  {
    library: "libvmem_ffi.so",
    module: "src/embedded.ts",
    place: (platform: string) => `lib/${platform}.so`,
  },
  {
    library: "libvmmalloc.so.1",
    module: "src/embedded_vmmalloc.ts",
    place: (platform: string) => `lib/${platform}/libvmmalloc.so.1`,
  },
] as const;

interface Configuration {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly compilerOptions: unknown;
  readonly publish: { readonly include: readonly string[] };
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A library as a module carries it. */
export function embed(bytes: Uint8Array): EmbeddedLibrary {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return {
    sha256: hashOf(bytes),
    brotli: brotliCompressSync(bytes, { params }).toString("base64"),
  };
}

/** The module's text with its table taken from a JSON file; in git the table is empty. */
export function filled(text: string, data: string): string {
  const empty = /= \{\};\n$/;
  const beginning = " */\n";
  if (!empty.test(text) || !text.includes(beginning)) {
    throw new Error("Packing for JSR failed: a module has no comment or no empty table");
  }
  return text.replace(
    beginning,
    `${beginning}import data from "./${data}" with { type: "json" };\n`,
  )
    .replace(empty, "= data;\n");
}

/** The text of the package's deno.json. */
export function jsrManifest(configuration: Configuration): string {
  const { name, version, license, exports, compilerOptions, publish } = configuration;
  return JSON.stringify(
    {
      name,
      version,
      license,
      exports,
      compilerOptions,
      publish: { include: [...publish.include, "docs/"] },
    },
    null,
    2,
  ) + "\n";
}

/**
 * Writes the package.
 *
 * @param libraries Folders as {@linkcode buildLibraries} gives them, by platform.
 * @param into The folder that becomes the package; what was in it is removed.
 */
export function packJsr(
  libraries: Readonly<Record<string, string>>,
  into: string = jsrFolder,
): void {
  const configuration: Configuration = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
  for (const name of configuration.publish.include.filter((each) => each !== "lib/")) {
    cpSync(join(root, name), join(into, name), {
      recursive: true,
      filter: (source) => !source.endsWith("_test.ts"),
    });
  }
  mkdirSync(join(into, "docs"));
  for (const name of docs) cpSync(join(root, "docs", name), join(into, "docs", name));
  for (const { library, module, place } of carried) {
    const table: Record<string, EmbeddedLibrary> = {};
    for (const [platform, folder] of Object.entries(libraries)) {
      const bytes = readFileSync(join(folder, library));
      table[platform] = embed(bytes);
      const file = join(into, place(platform));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
    }
    // Deno compiles a module of that length anew into each isolate (4 ms); JSON costs nothing to speak of.
    const data = module.replace(/ts$/, "json");
    writeFileSync(join(into, data), JSON.stringify(table));
    const text = readFileSync(join(root, module), "utf8");
    writeFileSync(join(into, module), filled(text, basename(data)));
  }
  writeFileSync(join(into, "deno.json"), jsrManifest(configuration));
  rewriteTexts(into);
}

/** Texts link to what the package has. */
function rewriteTexts(folder: string): void {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  for (const name of names.filter((each) => each.endsWith(".md"))) {
    const text = readFileSync(join(folder, name), "utf8");
    writeFileSync(join(folder, name), withoutClone(text, name, new Set(names)));
  }
}

/** Throws unless what the modules of a package carry are its files in `lib/`. */
export function expectCarried(folder: string): void {
  for (const { module, place } of carried) {
    const data = readFileSync(join(folder, module.replace(/ts$/, "json")), "utf8");
    const table: Record<string, EmbeddedLibrary> = JSON.parse(data);
    for (const [platform, { sha256, brotli }] of Object.entries(table)) {
      const bytes = brotliDecompressSync(Buffer.from(brotli, "base64"));
      const file = readFileSync(join(folder, place(platform)));
      if (file.equals(bytes) && hashOf(bytes) === sha256) continue;
      throw new Error(`The package carries another library than its "${place(platform)}"`);
    }
  }
}

if (import.meta.main) {
  const words = process.argv.slice(2);
  try {
    announceFirstBuild();
    const libraries: Record<string, string> = {};
    for (const platform of words.length > 0 ? words : Object.keys(targets)) {
      console.error(`Building the libraries for ${platform} (a first time takes minutes)`);
      libraries[platform] = await buildLibraries(platform);
    }
    packJsr(libraries);
    console.log(`The package is in "${jsrFolder}"`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
