/**
 * Checks of the npm package as its users get it: what is in the tarball, and fresh projects of Deno, Bun and Node that install it
 * without a network.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import process from "node:process";
import { bun, deno } from "./bun.ts";
import { execute } from "./execute.ts";
import { nodePath } from "./node.ts";
import { libraries } from "./pack.ts";
import { root } from "./zig.ts";

const tests = join(root, "tests", "package");

/** Runs a program; returns what it printed, or throws it if it fails. */
export async function run(
  words: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const { status, output } = await execute(words, { cwd, env, limit: 600 });
  if (status !== 0) throw new Error(`"${words.join(" ")}" ended with ${status}:\n${output}`);
  return output;
}

async function expectLine(output: Promise<string>, line: string): Promise<void> {
  const text = await output;
  if (!text.split("\n").includes(line)) throw new Error(`"${line}" is missing in:\n${text}`);
}

/** An empty project with these files of tests/package. */
function project(work: string, name: string, files: readonly string[]): string {
  const folder = join(work, name);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  for (const file of files) copyFileSync(join(tests, file), join(folder, file));
  return folder;
}

/** The tarball, once it has been made. */
export function tarball(work: string): string {
  const name = readdirSync(work).find((each) => each.endsWith(".tgz"));
  if (name === undefined) throw new Error("there is no tarball");
  return join(work, name);
}

/** Makes the tarball of a package and looks at what it holds. */
export async function contents(
  work: string,
  folder: string,
  platforms: readonly string[],
): Promise<void> {
  await run(["npm", "pack", folder, "--pack-destination", work], work);
  const held = (await run(["tar", "-tzf", tarball(work)], work)).trim().split("\n")
    .map((name) => name.replace(/^package\//, ""));
  const wanted = [
    ...["package.json", "README.md", "LICENSE", "CHANGELOG.md", "mod.js", "mod.d.ts"],
    ...["src/vmmalloc.js", "src/vmmalloc.d.ts", "include/libvmem.h", "include/memkind.h"],
    ...platforms.flatMap((platform) => [
      `lib/${platform}.so`,
      ...libraries.map((name) => `lib/${platform}/${name}`),
    ]),
  ];
  const missing = wanted.filter((name) => !held.includes(name));
  if (missing.length > 0) throw new Error(`the tarball lacks ${missing.join(", ")}`);
  const known = /^(package\.json|LICENSE|lib\/|include\/|docs\/man\/|.*(\.js|\.d\.ts|\.md|\.svg)$)/;
  const foreign = held.filter((name) => !known.test(name) || /_test\./.test(name));
  if (foreign.length > 0) throw new Error(`the tarball holds ${foreign.join(", ")}`);
  const wrong = held.flatMap((name) => defects(folder, name, held));
  if (wrong.length > 0) throw new Error(wrong.join("\n"));
}

/** Traces of the machine that made the package, and what leads to files that are not there. */
function defects(folder: string, name: string, held: readonly string[]): string[] {
  const bytes = readFileSync(join(folder, name));
  const found: string[] = [];
  if (bytes.includes(root.replace(/\/$/, ""))) {
    found.push(`"${name}" names the folder of its sources`);
  }
  const text = /\.(js|ts|md)$/.test(name) ? bytes.toString() : "";
  const targets = name.endsWith(".md")
    ? text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)
    : text.matchAll(/(?:from |import\(?)"(\.[^"]+)"/g);
  for (const [, target = ""] of targets) {
    const path = normalize(join(dirname(name), target));
    if (!held.includes(path)) found.push(`"${name}" leads to "${target}", which is not there`);
  }
  return found;
}

/** By npm, since Deno leaves out a dependency that is a tarball and says nothing. */
async function install(work: string, folder: string): Promise<void> {
  const flags = ["--ignore-scripts", "--offline", "--no-audit", "--no-fund"];
  await run(["npm", "install", ...flags, tarball(work)], folder);
}

/** Types as a user's compiler sees them, without what this repository's configuration allows. */
export async function userTypes(work: string): Promise<void> {
  const folder = project(work, "types", ["typed.ts"]);
  await install(work, folder);
  const words = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "esnext"];
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  for (const modules of ["nodenext", "esnext --moduleResolution bundler"]) {
    const all = [...words, "--module", ...modules.split(" "), "typed.ts"];
    await run([deno(), "run", "-A", compiler, ...all], folder);
  }
  await run([deno(), "check", "typed.ts"], folder);
}

const example = ["example.ts", "typed.ts"];

export async function onBun(work: string): Promise<void> {
  const folder = project(work, "bun", example);
  await run([...bun(), "add", tarball(work)], folder);
  await expectLine(run([...bun(), "example.ts"], folder), "the example ran");
}

const permissions = ["--no-prompt", "--allow-ffi=node_modules", "--allow-read", "--allow-env"];

/** Only the folder of packages may be opened as a library; `--allow-run` is for the child with `LD_PRELOAD`. */
export async function onDeno(work: string): Promise<void> {
  const folder = project(work, "deno", example);
  await install(work, folder);
  await expectLine(
    run([deno(), "run", ...permissions, "--allow-run", "example.ts"], folder),
    "the example ran",
  );
}

/** Without npm: the tarball's folder is linked, and imported as a package of npm. */
export async function onDenoLinked(work: string): Promise<void> {
  const folder = project(work, "linked", example);
  rmSync(join(folder, "package.json"));
  await run(["tar", "-xzf", tarball(work)], folder);
  const { version } = JSON.parse(readFileSync(join(folder, "package", "package.json"), "utf8"));
  const configuration = {
    links: ["./package"],
    nodeModulesDir: "auto",
    imports: { vmem: `npm:vmem@${version}`, "vmem/vmmalloc": `npm:vmem@${version}/vmmalloc` },
  };
  writeFileSync(join(folder, "deno.json"), JSON.stringify(configuration));
  await expectLine(
    run([deno(), "run", ...permissions, "--allow-run", "example.ts"], folder),
    "the example ran",
  );
}

export async function onNode(work: string): Promise<void> {
  const folder = project(work, "node", example);
  await install(work, folder);
  await expectLine(run([nodePath(), "example.ts"], folder), "the example ran");
}

/** The executable runs where nothing is installed. */
export async function executable(work: string): Promise<string | void> {
  if (process.arch !== "x64") return "the program names the library for x64";
  const folder = project(work, "executable", ["executable.mjs"]);
  await install(work, folder);
  const program = join(work, "elsewhere", "program");
  await run([...bun(), "build", "--compile", "executable.mjs", `--outfile=${program}`], folder);
  rmSync(folder, { recursive: true });
  await expectLine(run([program], join(work, "elsewhere")), "the executable ran");
}

/** A C program with the package's headers and its libraries, by the machine's compiler. */
export async function inC(work: string, platform: string): Promise<string | void> {
  const folder = project(work, "c", ["headers.c"]);
  await install(work, folder);
  const has = (await execute(["cc", "--version"], { cwd: folder, limit: 60 })).status === 0;
  if (!has) return 'there is no "cc"';
  const headers = join(folder, "node_modules", "vmem", "include");
  const place = join(folder, "node_modules", "vmem", "lib", platform);
  const used = ["libvmem.so.1", "libmemkind.so.0"].map((name) => join(place, name));
  const flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-I", headers, `-Wl,-rpath,${place}`];
  await run(["cc", ...flags, "headers.c", ...used, "-o", "program"], folder);
  await expectLine(run(["./program"], folder), "the C program ran");
}
