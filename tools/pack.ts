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
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { deno } from "./bun.ts";
import { execute } from "./execute.ts";
import { buildLibraries, targets } from "./platforms.ts";
import { announceFirstBuild, root } from "./zig.ts";

/** Where the package is written; ignored by git. */
export const packageFolder: string = join(root, "npm");

/** The name on JSR, which sources and examples import, and the one on npm. */
const names = { jsr: "@vmem/vmem", npm: "vmem" };

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
        "Memory pools on files, for Deno and Bun: typed arrays, structs and pointers outside the JavaScript heap",
      license,
      type: "module",
      sideEffects: false,
      os: ["linux"],
      cpu: ["x64", "arm64"],
      engines: { deno: ">=2.8", bun: ">=1.4" },
      exports: {
        ...Object.fromEntries(entries),
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

async function emit(): Promise<void> {
  await run([deno(), "run", "-A", "node_modules/typescript/bin/tsc", "-p", "tsconfig.npm.json"]);
  for (const name of readdirSync(packageFolder, { recursive: true, encoding: "utf8" })) {
    if (!/\.(js|d\.ts)$/.test(name)) continue;
    const file = join(packageFolder, name);
    const text = renamed(readFileSync(file, "utf8"));
    writeFileSync(file, name.endsWith(".d.ts") ? declarations(text) : text);
  }
}

/** `lib/PLATFORM.so` is what TypeScript opens; `lib/PLATFORM/` has the C libraries. */
async function addLibraries(platform: string): Promise<void> {
  const built = await buildLibraries(platform);
  const folder = join(packageFolder, "lib", platform);
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(built)) copyFileSync(join(built, name), join(folder, name));
  renameSync(join(folder, "libvmem_ffi.so"), `${folder}.so`);
}

/** Gives the files the rights that they have on any machine: npm puts them into the tarball, and umask differs. */
export function setModes(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const isProgram = entry.isDirectory() || /\.so(\.\d+)?$/.test(entry.name);
    chmodSync(join(entry.parentPath, entry.name), isProgram ? 0o755 : 0o644);
  }
}

/** Writes the package with the libraries of these platforms. */
export async function pack(platforms: readonly string[]): Promise<void> {
  rmSync(packageFolder, { recursive: true, force: true });
  console.error("Compiling the TypeScript sources");
  await emit();
  announceFirstBuild();
  for (const platform of platforms) {
    console.error(`Building the libraries for ${platform} (a first time takes minutes)`);
    await addLibraries(platform);
  }
  const configuration = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
  writeFileSync(join(packageFolder, "package.json"), manifest(configuration));
  const readme = readFileSync(join(root, "README.md"), "utf8");
  writeFileSync(join(packageFolder, "README.md"), renamed(readme));
  for (const name of ["LICENSE", "CHANGELOG.md"]) {
    copyFileSync(join(root, name), join(packageFolder, name));
  }
  setModes(packageFolder);
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
