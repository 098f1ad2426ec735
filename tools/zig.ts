/**
 * Finds the pinned Zig, or fetches it: `deno run -A tools/zig.ts build …` runs `zig build …` with it.
 *
 * Order: the file that `ZIG` names, `zig` on PATH, the copy in `.tools`. Whatever is found must be exactly the version
 * that `build.zig.zon` pins, since Zig changes its build interface with every release. The copy comes from
 * PyPI's `ziglang` by pip's `--target`, which needs no virtual environment and is allowed on externally managed
 * systems; once it is there neither Python nor a network is needed. It runs on Deno and on Bun.
 */
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The repository's folder. */
export const root: string = fileURLToPath(new URL("..", import.meta.url));

/** The version that `build.zig.zon` pins. */
export const pinned: string = pinnedVersion();

function pinnedVersion(): string {
  const text = readFileSync(join(root, "build.zig.zon"), "utf8");
  const version = /minimum_zig_version = "([^"]+)"/.exec(text)?.[1];
  if (version === undefined) throw new Error(`"build.zig.zon" names no minimum_zig_version`);
  return version;
}

/** Path of the pinned Zig, fetched on first use. Throws an Error of one line that says what to do. */
export function zig(): string {
  const given = process.env.ZIG;
  if (given !== undefined && given !== "") {
    const version = versionOf(given);
    if (version === pinned) return given;
    const found = version === undefined ? "is not Zig" : `is version ${version}`;
    throw new Error(
      `ZIG names "${given}", which ${found}: ${pinned} is needed; correct or unset it`,
    );
  }
  if (versionOf("zig") === pinned) return "zig";
  const folder = join(root, ".tools", `zig-${pinned}`);
  const path = join(folder, "ziglang", process.platform === "win32" ? "zig.exe" : "zig");
  if (!existsSync(path)) fetchZig(folder);
  return path;
}

function versionOf(command: string): string | undefined {
  const run = spawnSync(command, ["version"], { encoding: "utf8" });
  return run.status === 0 && run.stdout !== "" ? run.stdout.trim() : undefined;
}

function fetchZig(folder: string): void {
  const tools = join(root, ".tools");
  mkdirSync(tools, { recursive: true });
  removeAbandoned(tools);
  console.error(`Fetching Zig ${pinned} from PyPI into .tools (once, 100 MB)`);
  const partial = mkdtempSync(join(tools, "partial-"));
  const reason = install(partial);
  // Only a whole copy gets the final name; another process may have been faster.
  if (reason === undefined && !existsSync(folder)) return renameSync(partial, folder);
  rmSync(partial, { recursive: true, force: true });
  if (reason === undefined) return;
  throw new Error(
    `Zig ${pinned} was not found and could not be fetched: ${reason}; ` +
      `or put Zig ${pinned} on PATH, or set ZIG to its path`,
  );
}

/** Removes what interrupted fetches left behind; a young folder may be another process's. */
function removeAbandoned(tools: string): void {
  const hourAgo = Date.now() - 3_600_000;
  for (const name of readdirSync(tools)) {
    const path = join(tools, name);
    if (name.startsWith("partial-") && statSync(path).mtimeMs < hourAgo) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

/** Fetches Zig into `folder`; the result is undefined, or what is in the way and what helps. */
function install(folder: string): string | undefined {
  const options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-input"];
  const patience = ["--retries", "2", "--timeout", "60"];
  for (const python of ["python3", "python"]) {
    const run = spawnSync(
      python,
      ["-m", "pip", "install", ...options, ...patience, "--target", folder, `ziglang==${pinned}`],
      { encoding: "utf8", env: { ...process.env, PIP_ROOT_USER_ACTION: "ignore" } },
    );
    if (run.status === 0) return undefined;
    if (run.error === undefined) return reasonOf(python, run);
  }
  return "Python 3 was not found; install Python 3 with pip";
}

function reasonOf(python: string, run: SpawnSyncReturns<string>): string {
  const text = run.stderr.trim();
  if (text.includes("No module named pip")) {
    return `"${python}" has no pip; install it (on Debian the package python3-pip)`;
  }
  if (/No space left on device/.test(text)) {
    return "the disk is full; 420 MB are needed in .tools";
  }
  if (/CERTIFICATE_VERIFY_FAILED/.test(text)) {
    return "PyPI's certificate was refused; behind a proxy set PIP_CERT to its authority's file";
  }
  if (/NewConnectionError|ConnectTimeout|name resolution|unreachable|ProxyError/.test(text)) {
    return "PyPI could not be reached; connect to the network once";
  }
  if (/No matching distribution/.test(text)) {
    return `PyPI has no Zig ${pinned} for ${process.platform} on ${process.arch}`;
  }
  return `pip said "${text.split("\n").at(-1) ?? ""}"`;
}

/** Environment for Zig: it needs a folder for its cache, which a service account's HOME may not be. */
export function zigEnvironment(): NodeJS.ProcessEnv {
  if (globalCache() !== undefined) return process.env;
  return { ...process.env, ZIG_GLOBAL_CACHE_DIR: join(root, ".zig-cache", "global") };
}

/** Where Zig keeps what all projects share, or undefined where it could not write. */
function globalCache(): string | undefined {
  const { ZIG_GLOBAL_CACHE_DIR, XDG_CACHE_HOME, HOME } = process.env;
  if (ZIG_GLOBAL_CACHE_DIR) return ZIG_GLOBAL_CACHE_DIR;
  if (process.platform === "win32") return process.env.LOCALAPPDATA;
  const base = XDG_CACHE_HOME || HOME;
  if (!base || !writable(base)) return undefined;
  return XDG_CACHE_HOME ? join(base, "zig") : join(base, ".cache", "zig");
}

function writable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Says that the next build takes its time, if it does. */
export function announceFirstBuild(): void {
  const cache = globalCache() ?? join(root, ".zig-cache", "global");
  if (existsSync(join(cache, "o")) || existsSync(join(cache, "b"))) return;
  console.error("Building with an empty Zig cache: Zig compiles its own parts first (about 90 s)");
}

function main(): void {
  try {
    const command = zig();
    const words = process.argv.slice(2);
    if (words[0] === "build") {
      announceFirstBuild();
      if (words.length === 1) console.error(`Building the native libraries with Zig ${pinned}`);
    }
    const options = { cwd: root, env: zigEnvironment(), stdio: "inherit" } as const;
    process.exitCode = spawnSync(command, words, options).status ?? 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

if (import.meta.main) main();
