/**
 * The package as JSR serves it: the files that `deno publish` would send, over http on this machine, loaded once into an empty cache of
 * Deno's. Then the server is gone, and programs run on what is cached, with no more permissions than the README names.
 */
import { after, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { EmbeddedLibrary } from "../../src/embedded.ts";
import { platform } from "../../src/library.ts";
import { execute } from "../../tools/execute.ts";
import { packJsr } from "../../tools/jsr.ts";
import { type Ended, run } from "../ts/child.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "vmem-jsr-"));
after(() => rmSync(work, { recursive: true }));
const environment = {
  DENO_DIR: join(work, "deno"),
  HOME: join(work, "home"),
  NO_PROXY: "127.0.0.1",
  VMEM_LIBRARY: "",
};

/** The package, one whose libraries are damaged, and one that has none for this machine. */
const packages = ["whole", "damaged", "foreign"] as const;
type Package = typeof packages[number];

function stage(): void {
  packJsr({ [platform()]: join(root, "zig-out", "lib") }, join(work, "whole"));
  changed("damaged", ([name, library]) => [name, { ...library, sha256: "0".repeat(64) }]);
  changed("foreign", ([_, library]) => ["linux-riscv64", library]);
}

type Entry = [string, EmbeddedLibrary];

/** The whole package, but for the libraries that it carries. */
function changed(name: Package, change: (entry: Entry) => Entry): void {
  cpSync(join(work, "whole"), join(work, name), { recursive: true });
  const data = join(work, name, "src", "embedded.json");
  const entries: Entry[] = Object.entries(JSON.parse(readFileSync(data, "utf8")));
  writeFileSync(data, JSON.stringify(Object.fromEntries(entries.map(change))));
}

/** What `deno publish` would send of a folder, by path. */
async function published(folder: string): Promise<string[]> {
  const words = [process.execPath, "publish", "--dry-run", "--allow-dirty"];
  const { status, output } = await execute(words, { cwd: folder, limit: 120 });
  assertEquals(status, 0, output);
  return [...output.matchAll(/^ +(file:\S+) \(/gm)]
    .map((match) => relative(folder, fileURLToPath(match[1] ?? "")));
}

function serve(files: ReadonlySet<string>): Promise<Server> {
  const types: Readonly<Record<string, string>> = {
    ts: "application/typescript",
    json: "application/json",
  };
  const server = createServer(({ url = "" }, response) => {
    const file = url.slice(1);
    if (!files.has(file)) return void response.writeHead(404).end();
    const type = types[file.split(".").at(-1) ?? ""] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type }).end(readFileSync(join(work, file)));
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

/** A project that knows the package by the names that users write; returns where the package is. */
function project(name: Package, host: string): string {
  const base = `http://${host}/${name}/`;
  const folder = join(work, "projects", name);
  mkdirSync(folder, { recursive: true });
  const imports = {
    "@vmem/vmem": `${base}mod.ts`,
    "@vmem/vmem/vmmalloc": `${base}src/vmmalloc.ts`,
  };
  writeFileSync(join(folder, "deno.json"), JSON.stringify({ imports }));
  copyFileSync(join(root, "tests/deno/children/carried.ts"), join(folder, "carried.ts"));
  cpSync(join(root, "examples"), join(folder, "examples"), { recursive: true });
  return base;
}

interface Graph {
  readonly modules: readonly { readonly specifier: string; readonly error?: string }[];
}

type Loaded = Record<Package, { readonly base: string; readonly graph: Graph }>;

/** The modules that a program of each project reaches; loads them. */
async function load(): Promise<Loaded> {
  stage();
  const names = await published(join(work, "whole"));
  const files = new Set(packages.flatMap((name) => names.map((file) => `${name}/${file}`)));
  const server = await serve(files);
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const result: Partial<Loaded> = {};
  for (const name of packages) {
    const base = project(name, host);
    const env = { ...process.env, ...environment };
    const options = { cwd: join(work, "projects", name), env, limit: 120 };
    const deno = (command: string, ...words: string[]) =>
      execute([process.execPath, command, `--allow-import=${host}`, ...words], options);
    const example = ["examples/shared_queue.ts", "examples/shared_queue/worker.ts"];
    const cached = await deno("cache", "carried.ts", ...example);
    assertEquals(cached.status, 0, cached.output);
    const { output } = await deno("info", "--json", "carried.ts");
    result[name] = { base, graph: JSON.parse(output) };
  }
  await new Promise((resolve) => server.close(resolve));
  return result as Loaded;
}

const loaded = await load();

/** The words that run a program of a project with these permissions and no others. */
function words(name: Package, flags: readonly string[], file: string, ...rest: string[]): string[] {
  const folder = join(work, "projects", name);
  return [
    process.execPath,
    "run",
    "--no-prompt",
    "--cached-only",
    `--config=${join(folder, "deno.json")}`,
    // Where programs may import from; packages of JSR need no such permission.
    `--allow-import=${new URL(loaded[name].base).host}`,
    ...flags,
    join(folder, file),
    ...rest,
  ];
}

function program(
  name: Package,
  flags: readonly string[],
  env: Record<string, string>,
  file = "carried.ts",
  ...rest: string[]
): Ended {
  return run(words(name, flags, file, ...rest), { ...environment, ...env });
}

/** An empty place for libraries, and the flags that let a program use it. */
function cache(
  name: string,
): { home: string; folder: string; env: Record<string, string>; may: string[] } {
  const home = join(work, "caches", name);
  const folder = join(home, "vmem");
  return {
    home,
    folder,
    env: { XDG_CACHE_HOME: home },
    may: ["ffi", "read", "write"].map((kind) => `--allow-${kind}=${folder}`)
      .concat("--allow-env=XDG_CACHE_HOME,HOME"),
  };
}

const works = [0, "everything works"];

function ended({ status, output }: { status: number | null; output: string }): unknown[] {
  return [status, output.trim()];
}

test("what is published reaches only itself and the runtime", () => {
  const { base, graph } = loaded.whole;
  const modules = graph.modules.filter(({ specifier }) => !specifier.endsWith("/carried.ts"));
  assertEquals(modules.filter(({ error }) => error !== undefined), []);
  assertEquals(modules.filter(({ specifier }) => !/^(node|http):/.test(specifier)), []);
  const own = modules.filter(({ specifier }) => specifier.startsWith(base));
  assert(own.length > 40, `${own.length} modules`);
  assertEquals(
    modules.length,
    own.length + modules.filter(({ specifier }) => specifier.startsWith("node:")).length,
  );
  assertEquals(
    JSON.parse(readFileSync(join(work, "whole", "deno.json"), "utf8")).imports,
    undefined,
  );
});

test("a program runs with its folder of the cache, then without writing", () => {
  const { folder, env, may } = cache("narrow");
  assertEquals(ended(program("whole", may, env)), works);
  const [file = "", ...others] = readdirSync(folder);
  assertEquals(others, []);
  assertEquals(
    readFileSync(join(folder, file)),
    readFileSync(join(root, "zig-out", "lib", "libvmem_ffi.so")),
  );
  assertEquals(statSync(folder).mode & 0o777, 0o700);
  const before = statSync(join(folder, file));
  const reading = may.filter((flag) => !flag.includes("write"));
  assertEquals(ended(program("whole", reading, env)), works);
  assertEquals(statSync(join(folder, file)).mtimeMs, before.mtimeMs);
});

test("a program that may not know its home has a folder in /tmp", () => {
  const folder = "/tmp/vmem-cache";
  const before = existsSync(folder);
  const flags = ["ffi", "read", "write"].map((kind) => `--allow-${kind}=${folder}`);
  assertEquals(ended(program("whole", flags, {})), works);
  // Anybody could have made it, so its owner is found out by writing.
  const { output } = program("whole", flags.slice(0, 2), {});
  assert(
    output.includes(`"${folder}": it is not permitted; run Deno with ${flags.slice(1).join(" ")}`),
    output,
  );
  if (!before) rmSync(folder, { recursive: true });
});

test("an example with workers runs as users run it", () => {
  const { folder, env, may } = cache("example");
  const flags = [...may.filter((flag) => !flag.includes("read")), "--allow-read"];
  const { status, output } = program("whole", flags, env, "examples/shared_queue.ts");
  assertEquals(status, 0, output);
  assertEquals(readdirSync(folder).length, 1);
});

test("a changed file in the cache is replaced, or refused where it cannot be", () => {
  const { folder, env, may } = cache("changed");
  program("whole", may, env);
  const file = join(folder, readdirSync(folder)[0]!);
  // A library that would load all the same.
  const { length } = readFileSync(file);
  appendFileSync(file, "changed");
  const reading = may.filter((flag) => !flag.includes("write"));
  const { status, output } = program("whole", reading, env);
  assertEquals(status, 1, output);
  assert(output.includes("LibraryError: Cannot unpack the vmem library"), output);
  assert(
    output.includes("its file there was changed, and to replace it is not permitted"),
    output,
  );
  assert(!output.includes("everything works"), output);
  assertEquals(ended(program("whole", may, env)), works);
  assertEquals(readFileSync(file).length, length);
});

test("a damaged package is refused, and leaves nothing", () => {
  const { folder, env, may } = cache("damaged");
  const { status, output } = program("damaged", may, env);
  assertEquals(status, 1, output);
  assert(output.includes("LibraryError: Cannot unpack the vmem library"), output);
  assert(output.includes("the package is damaged: its hash does not match"), output);
  assertEquals(readdirSync(folder), []);
});

test("permissions that lack are named", () => {
  const { folder, env, may } = cache("lacking");
  const [ffi = "", read = "", write = "", home = ""] = may;
  const { output } = program("whole", [ffi, read, home], env);
  const failed =
    `LibraryError: Cannot unpack the vmem library into "${folder}": it is not permitted`;
  assert(
    output.includes(`${failed}; run Deno with ${read} ${write} ${ffi} (write only once)`),
    output,
  );
  const opened = program("whole", [read, write, home], env).output;
  assert(opened.includes("LibraryError: Cannot load the vmem library"), opened);
  assert(opened.includes(`it is not permitted; run Deno with --allow-ffi=${folder}`), opened);
});

test("a platform that the package does not serve is named", () => {
  const { env, may } = cache("foreign");
  const { status, output } = program("foreign", may, env);
  assertEquals(status, 1, output);
  assert(output.includes(`LibraryError: Cannot load the vmem library for ${platform()}`), output);
});

test("vmmallocEnv() takes its library from the package, too", () => {
  const { folder, env, may } = cache("child");
  const flags = [...may.slice(0, 3), "--allow-env", "--allow-run"];
  assertEquals(ended(program("whole", flags, env, "carried.ts", "child")), works);
  assertEquals(
    readFileSync(join(folder, readdirSync(folder)[0]!)),
    readFileSync(join(root, "zig-out", "lib", "libvmmalloc.so.1")),
  );
});
