/**
 * `deno task test:package`: packs the npm package, has it checked, installs its tarball into fresh projects of Bun and Deno, and
 * runs the libraries of other platforms under an emulator and under musl where those are. Its last line is
 * `N passed, N failed`; what cannot run here is named with its reason.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { bun, deno } from "./bun.ts";
import { execute } from "./execute.ts";
import { pack, packageFolder } from "./pack.ts";
import { targets } from "./platforms.ts";
import { root, zig, zigEnvironment } from "./zig.ts";

/** A check ends well, throws what is wrong, or returns why it cannot run here. */
interface Check {
  readonly name: string;
  readonly run: () => Promise<string | void>;
}

/** Where the emulator finds the C library of a platform, and the loader there. */
interface Machine {
  readonly emulator?: string;
  readonly sysroot: string;
  readonly loader: string;
  /** Debian packages that bring both. */
  readonly packages: string;
}

const machines: Readonly<Record<string, Machine>> = {
  "linux-x64": { sysroot: "/", loader: "lib64/ld-linux-x86-64.so.2", packages: "libc6" },
  "linux-x64-musl": { sysroot: "/", loader: "lib/ld-musl-x86_64.so.1", packages: "musl" },
  "linux-arm64": {
    emulator: "qemu-aarch64-static",
    sysroot: "/usr/aarch64-linux-gnu",
    loader: "lib/ld-linux-aarch64.so.1",
    packages: "qemu-user-static libc6-arm64-cross",
  },
  "linux-arm64-musl": {
    emulator: "qemu-aarch64-static",
    sysroot: "/",
    loader: "lib/ld-musl-aarch64.so.1",
    packages: "qemu-user-static musl:arm64",
  },
};

const work = mkdtempSync(join(tmpdir(), "vmem-package-"));
const tests = join(root, "tests", "package");

/** The first that has FFI without an option. */
const nodeVersion = "26.10.0";

async function run(
  words: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const { status, output } = await execute(words, { cwd, env, limit: 600 });
  if (status !== 0) throw new Error(`"${words.join(" ")}" ended with ${status}:\n${output}`);
  return output;
}

/** An empty project with these files of tests/package. */
function project(name: string, files: readonly string[]): string {
  const folder = join(work, name);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{ "name": "user", "private": true }\n');
  for (const file of files) copyFileSync(join(tests, file), join(folder, file));
  return folder;
}

async function expectLine(output: Promise<string>, line: string): Promise<void> {
  const text = await output;
  if (!text.split("\n").includes(line)) throw new Error(`"${line}" is missing in:\n${text}`);
}

/** The tarball, once it has been made. */
function tarball(): string {
  const name = readdirSync(work).find((each) => each.endsWith(".tgz"));
  if (name === undefined) throw new Error("there is no tarball");
  return join(work, name);
}

async function contents(): Promise<void> {
  await run(["npm", "pack", packageFolder, "--pack-destination", work], work);
  const held = new Set((await run(["tar", "-tzf", tarball()], work)).split("\n"));
  const libraries = ["libvmem.so.1", "libvmmalloc.so.1", "libmemkind.so.0"];
  const wanted = [
    ...["package.json", "README.md", "LICENSE", "CHANGELOG.md", "mod.js", "mod.d.ts"],
    ...["src/vmmalloc.js", "src/vmmalloc.d.ts"],
    ...Object.keys(targets).flatMap((platform) => [
      `lib/${platform}.so`,
      ...libraries.map((name) => `lib/${platform}/${name}`),
    ]),
  ];
  const missing = wanted.filter((name) => !held.has(`package/${name}`));
  if (missing.length > 0) throw new Error(`the tarball lacks ${missing.join(", ")}`);
  const foreign = [...held].filter((name) => /_test\.|(?<!\.d)\.ts$/.test(name));
  if (foreign.length > 0) throw new Error(`the tarball holds ${foreign.join(", ")}`);
}

/** Types as a user's compiler sees them, without what this repository's configuration allows. */
async function userTypes(): Promise<void> {
  const folder = project("types", []);
  await install(folder);
  writeFileSync(
    join(folder, "user.ts"),
    `import { Pool, type Pointer } from "vmem";
import { vmmallocEnv } from "vmem/vmmalloc";
using pool = Pool.create({ maxSize: "64MiB" });
const at: Pointer = pool.malloc(64);
pool.free(at);
const preload: string | undefined = vmmallocEnv({ dir: "/tmp", size: "64MiB" }).LD_PRELOAD;
// @ts-expect-error A size is no boolean.
Pool.create({ maxSize: true });
export { preload };
`,
  );
  const strict = ["--noEmit", "--strict", "--target", "esnext", "--lib", "esnext,dom"];
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  for (const modules of ["nodenext", "esnext --moduleResolution bundler"]) {
    await run(
      [deno(), "run", "-A", compiler, ...strict, "--module", ...modules.split(" "), "user.ts"],
      folder,
    );
  }
}

/** By npm, since Deno leaves out a dependency that is a tarball and says nothing. */
function install(folder: string): Promise<string> {
  return run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", tarball()], folder);
}

async function onBun(): Promise<void> {
  const folder = project("bun", ["example.mjs"]);
  await run([...bun(), "add", tarball()], folder);
  await expectLine(run([...bun(), "example.mjs"], folder), "the example ran");
}

/** Only the folder of packages may be opened as a library. */
async function onDeno(): Promise<void> {
  const folder = project("deno", ["example.mjs"]);
  await install(folder);
  const permissions = ["--allow-ffi=node_modules", "--allow-read", "--allow-env", "--allow-run"];
  await expectLine(
    run([deno(), "run", "--no-prompt", ...permissions, "example.mjs"], folder),
    "the example ran",
  );
}

/** A package that does not serve Node says so itself. */
async function onNode(): Promise<string | void> {
  const folder = project("node", ["example.mjs"]);
  await install(folder);
  const words = ["npx", "-y", `node@${nodeVersion}`, "example.mjs"];
  const { status, output } = await execute(words, { cwd: folder, limit: 600 });
  const refusal = /Node [\d.]+ is not supported yet/.exec(output);
  if (status !== 0 && refusal !== null) return refusal[0];
  if (status !== 0) throw new Error(`"${words.join(" ")}" ended with ${status}:\n${output}`);
  await expectLine(Promise.resolve(output), "the example ran");
}

/** The executable runs where nothing is installed. */
async function executable(): Promise<string | void> {
  if (process.arch !== "x64") return "the program names the library for x64";
  const folder = project("executable", ["executable.mjs"]);
  await install(folder);
  const program = join(work, "elsewhere", "program");
  await run([...bun(), "build", "--compile", "executable.mjs", `--outfile=${program}`], folder);
  rmSync(folder, { recursive: true });
  await expectLine(run([program], join(work, "elsewhere")), "the executable ran");
}

/** A program for the platform opens its libraries, and has its malloc served. */
async function smoke(platform: string, target: string): Promise<string | void> {
  const machine = machines[platform];
  if (machine === undefined) throw new Error(`no machine is known for "${platform}"`);
  const loader = join(machine.sysroot, machine.loader);
  if (!existsSync(loader)) return `there is no "${loader}" (Debian: ${machine.packages})`;
  const emulator = machine.emulator === undefined ? [] : [machine.emulator, "-L", machine.sysroot];
  if (emulator[0] !== undefined && !existsSync(join("/usr/bin", emulator[0]))) {
    return `there is no "${emulator[0]}" (Debian: ${machine.packages})`;
  }
  const program = join(work, `smoke-${platform}`);
  // Without optimisation Zig links its checks of undefined behaviour, which want a newer musl than Debian's.
  const flags = ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-lpthread", "-ldl"];
  const dynamic = target.endsWith("musl") ? ["-dynamic"] : [];
  await run(
    [zig(), "cc", "-target", target, ...dynamic, ...flags, join(tests, "smoke.c"), "-o", program],
    root,
    zigEnvironment(),
  );
  const folder = join(packageFolder, "lib", platform);
  const opened = join(work, `libraries-${platform}`);
  mkdirSync(opened);
  for (const name of readdirSync(folder)) copyFileSync(join(folder, name), join(opened, name));
  copyFileSync(`${folder}.so`, join(opened, "libvmem_ffi.so"));
  await run([...emulator, program, opened], work);
  const variables = {
    LD_PRELOAD: join(opened, "libvmmalloc.so.1"),
    VMMALLOC_POOL_DIR: "/tmp",
    VMMALLOC_POOL_SIZE: "67108864",
  };
  const given = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const words = emulator.length === 0
    ? ["env", ...given, program]
    : [emulator[0]!, ...given.flatMap((each) => ["-E", each]), ...emulator.slice(1), program];
  await run(words, work);
}

const checks: readonly Check[] = [
  { name: "deno task pack", run: () => pack(Object.keys(targets)) },
  { name: "what the tarball holds", run: contents },
  {
    name: "publint",
    run: async () => {
      await run(["npx", "-y", "publint@0.3.25", packageFolder, "--strict"], work);
    },
  },
  {
    name: "are the types wrong?",
    run: async () => {
      const words = ["npx", "-y", "@arethetypeswrong/cli@0.18.5", "--profile", "esm-only"];
      // What /lib/* names are no modules.
      await run([...words, "--entrypoints", ".", "vmmalloc", "--", tarball()], work);
    },
  },
  { name: "types as users see them", run: userTypes },
  { name: "installed, on Bun", run: onBun },
  { name: "installed, on Deno", run: onDeno },
  { name: "installed, on Node", run: onNode },
  { name: "an executable by Bun", run: executable },
  ...Object.entries(targets).map(([platform, target]) => ({
    name: `libraries for ${platform}`,
    run: () => smoke(platform, target),
  })),
];

async function main(): Promise<number> {
  let passed = 0, failed = 0, skipped = 0;
  for (const { name, run } of checks) {
    const begin = performance.now();
    const outcome = await run().catch((error: Error) => error);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    if (outcome instanceof Error) {
      failed++;
      console.log(`${name}: failed, ${seconds} s\n${outcome.message}`);
    } else if (typeof outcome === "string") {
      skipped++;
      console.log(`${name}: skipped: ${outcome}`);
    } else {
      passed++;
      console.log(`${name}: passed, ${seconds} s`);
    }
  }
  console.log(`\n${skipped} skipped\n${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    process.exitCode = await main();
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
