/**
 * `deno task pack [PLATFORM…]` writes the npm package into `npm/`: JavaScript and declarations by tsc, the libraries of each platform by
 * Zig, and a package.json made from deno.json. `npm pack ./npm` makes the tarball.
 */
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, normalize } from "node:path";
import process from "node:process";
import { deno } from "./bun.ts";
import { execute } from "./execute.ts";
import { buildLibraries, targets } from "./platforms.ts";
import { announceFirstBuild, root } from "./zig.ts";

/** Where the package is written; ignored by git. */
export const packageFolder: string = join(root, "npm");

/** The name on JSR, which sources and examples import, and the one on npm. */
const names = { jsr: "@vmem/vmem", npm: "vmem" };

/** The C libraries of a platform, under the names that programs load. */
export const libraries = ["libvmem.so.1", "libvmmalloc.so.1", "libmemkind.so.0"] as const;

/** Of `docs/`, what users read; the rest is about the repository. */
export const docs: readonly string[] = [
  "backings.md",
  "controls.md",
  "debug.md",
  "guide.md",
  "packages.md",
  "stats.md",
  "tuning.md",
  "vmmalloc.md",
  "workers.md",
];

interface Configuration {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
}

/** Runs a program; throws what it printed if it fails. */
async function run(words: readonly string[]): Promise<void> {
  const { status, output } = await execute(words, { cwd: root, limit: 1800 });
  if (status !== 0) throw new Error(`Running "${words.join(" ")}" failed:\n${output}`);
}

/** One entry of the package's `exports`, from one of deno.json's. */
function entry(source: string): { types: string; default: string } {
  const stem = source.replace(/\.ts$/, "");
  return { types: `${stem}.d.ts`, default: `${stem}.js` };
}

/** The text of package.json. */
export function manifest(configuration: Configuration): string {
  const { version, license, exports } = configuration;
  const entries = Object.entries(exports).map(([name, source]) => [name, entry(source)] as const);
  return JSON.stringify(
    {
      name: names.npm,
      version,
      description:
        "Memory pools on files, for Deno, Bun and Node: typed arrays, structs and pointers outside the JavaScript heap",
      license,
      type: "module",
      sideEffects: false,
      os: ["linux"],
      cpu: ["x64", "arm64"],
      engines: { deno: ">=2.8", bun: ">=1.4", node: ">=26.10" },
      exports: {
        ...Object.fromEntries(entries),
        "./include/*": "./include/*",
        "./lib/*": "./lib/*",
        "./package.json": "./package.json",
      },
    },
    null,
    2,
  ) + "\n";
}

/** What users of the npm package read: its own name, and files that are there. */
export function renamed(text: string): string {
  return text.replaceAll(`"${names.jsr}`, `"${names.npm}`);
}

/** tsc rewrites the suffixes of imports in JavaScript only. */
export function declarations(text: string): string {
  return text.replace(/((?:from |import\()"\.{1,2}\/[^"]+)\.ts"/g, '$1.js"');
}

async function emit(folder: string): Promise<void> {
  const compiler = [deno(), "run", "-A", "node_modules/typescript/bin/tsc"];
  await run([...compiler, "-p", "tsconfig.npm.json", "--outDir", folder]);
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!/\.(js|d\.ts)$/.test(name)) continue;
    const file = join(folder, name);
    const text = renamed(readFileSync(file, "utf8"));
    writeFileSync(file, name.endsWith(".d.ts") ? declarations(text) : text);
  }
}

/** What concerns only a clone of the repository stands between these in the README. */
const cloneOnly = /<!-- clone -->\n[^]*?<!-- \/clone -->\n\n?/g;

/** An item of a list that is about one file, which it begins with, and its further lines. */
const item = /^- \[[^\]]*\]\(([^)#\s]+)(#[^)]*)?\): .*\n( .*\n)*/gm;

const link = /(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)]*)?\)/g;

/**
 * A text of a package: without what is about a clone, and about files that are not in the package. What remains of links to them is
 * their words, and of pictures nothing.
 *
 * @param text As it is in the repository.
 * @param file Its path in the package.
 * @param held Paths of the package's files.
 */
export function withoutClone(text: string, file: string, held: ReadonlySet<string>): string {
  const leadsSomewhere = (target: string): boolean =>
    target.includes("://") || held.has(normalize(join(dirname(file), target)));
  return text
    .replaceAll(cloneOnly, "")
    .replaceAll(item, (whole: string, target: string) => leadsSomewhere(target) ? whole : "")
    .replaceAll(
      link,
      (whole: string, picture: string, words: string, target: string) => {
        if (leadsSomewhere(target)) return whole;
        return picture === "" ? words : "";
      },
    );
}

/** A text of the npm package, as {@linkcode withoutClone} and under its name. */
export function forPackage(text: string, file: string, held: ReadonlySet<string>): string {
  return withoutClone(renamed(text), file, held);
}

/** `lib/PLATFORM.so` is what TypeScript opens; `lib/PLATFORM/` has the C libraries. */
function addLibraries(folder: string, platform: string, built: string): void {
  const place = join(folder, "lib", platform);
  mkdirSync(place, { recursive: true });
  copyFileSync(join(built, "libvmem_ffi.so"), `${place}.so`);
  for (const name of libraries) copyFileSync(join(built, name), join(place, name));
}

/** Headers, manual pages, and texts with the links between them. */
function addTexts(folder: string): void {
  const texts = ["README.md", "CHANGELOG.md", ...docs.map((name) => `docs/${name}`)];
  const copied = ["LICENSE", "bench/comparison.svg"];
  mkdirSync(join(folder, "bench"));
  for (const name of ["include", "docs/man"]) {
    mkdirSync(join(folder, name), { recursive: true });
    for (const each of readdirSync(join(root, name))) copied.push(`${name}/${each}`);
  }
  const held = new Set([...texts, ...copied]);
  for (const name of copied) copyFileSync(join(root, name), join(folder, name));
  for (const name of texts) {
    const text = readFileSync(join(root, name), "utf8");
    writeFileSync(join(folder, name), forPackage(text, name, held));
  }
}

/** Gives the files the rights that they have on any machine: npm puts them into the tarball, and umask differs. */
export function setModes(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const isProgram = entry.isDirectory() || /\.so(\.\d+)?$/.test(entry.name);
    chmodSync(join(entry.parentPath, entry.name), isProgram ? 0o755 : 0o644);
  }
}

/**
 * Writes the package.
 *
 * @param platforms Those whose libraries it has.
 * @param folder Where it is written; what is there goes.
 * @param built Folders of libraries that are there already, by platform; the others are built.
 */
export async function pack(
  platforms: readonly string[],
  folder: string = packageFolder,
  built: Readonly<Record<string, string>> = {},
): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  console.error("Compiling the TypeScript sources");
  await emit(folder);
  for (const platform of platforms) {
    let libraries = built[platform];
    if (libraries === undefined) {
      announceFirstBuild();
      console.error(`Building the libraries for ${platform} (a first time takes minutes)`);
      libraries = await buildLibraries(platform);
    }
    addLibraries(folder, platform, libraries);
  }
  const configuration = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
  writeFileSync(join(folder, "package.json"), manifest(configuration));
  addTexts(folder);
  setModes(folder);
}

if (import.meta.main) {
  const words = process.argv.slice(2);
  try {
    await pack(words.length > 0 ? words : Object.keys(targets));
    console.log(`The package is in "${packageFolder}"; "npm pack ./npm" makes its tarball`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
