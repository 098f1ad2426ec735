/** The native side of the benchmarks: the driver program and the allocators it is run with. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, statfsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { root, zig, zigEnvironment } from "../tools/zig.ts";

/** An allocator that is loaded in place of the C library's. */
export interface Peer {
  readonly name: string;
  /** Debian's package. */
  readonly package: string;
  readonly file: string;
}

const peers: readonly Peer[] = [
  { name: "jemalloc", package: "libjemalloc2", file: "libjemalloc.so.2" },
  { name: "mimalloc", package: "libmimalloc2.0", file: "libmimalloc.so.2" },
  { name: "tcmalloc", package: "libtcmalloc-minimal4", file: "libtcmalloc_minimal.so.4" },
];

const architecture = process.arch === "arm64" ? "aarch64" : "x86_64";
const folders = [`/usr/lib/${architecture}-linux-gnu`, "/usr/lib64", "/usr/lib", "/usr/local/lib"];

/** The library that `zig build` makes for C programs. */
export const libvmem: string = join(root, "zig-out", "lib", "libvmem.so.1");

/** The library of the TypeScript package, whose pools are lazy. */
const libvmemFfi: string = join(root, "zig-out", "lib", "libvmem_ffi.so");

/** The library that takes malloc's place. */
const libvmmalloc: string = join(root, "zig-out", "lib", "libvmmalloc.so.1");

/** Path of a peer's library, or undefined where it is not installed. */
function find(peer: Peer): string | undefined {
  return folders.map((folder) => join(folder, peer.file)).find((path) => existsSync(path));
}

/** Peers that are not installed. */
export function missingPeers(): readonly Peer[] {
  return peers.filter((peer) => find(peer) === undefined);
}

/** What is not installed and would be used, with its Debian package. */
export function missingPrograms(): readonly string[] {
  const names = missingPeers().map((peer) => `${peer.name} (${peer.package})`);
  return hasValgrind() ? names : [...names, "valgrind (valgrind), which counts instructions"];
}

export function hasValgrind(): boolean {
  return spawnSync("valgrind", ["--version"]).error === undefined;
}

/** Installs Debian's packages of the missing peers and of valgrind; the result is undefined or why it did not work. */
export function installPeers(): string | undefined {
  const packages = missingPeers().map((peer) => peer.package);
  if (!hasValgrind()) packages.push("valgrind");
  if (packages.length === 0) return undefined;
  console.error(`Installing ${packages.join(", ")} with apt-get`);
  for (const words of [["update", "-qq"], ["install", "-y", "-qq", ...packages]]) {
    const run = spawnSync("apt-get", words, { stdio: ["ignore", "ignore", "pipe"] });
    if (run.status === 0) continue;
    return run.error?.message ?? run.stderr.toString().trim().split("\n").at(-1);
  }
  return undefined;
}

/** The program that runs loops in C; built if its sources are newer. */
export function buildDriver(): string {
  return build("driver", ["driver.c"], ["loops.h", "team.h"], ["-pthread"]);
}

/** The library of functions that do nothing; built if its source is newer. */
export function buildBareLibrary(): string {
  return build("libbare.so", ["bare.c"], [], ["-shared", "-fPIC"]);
}

/** Builds the clock that the benchmarks of structures use. */
export function buildClockLibrary(): string {
  return build("libclock.so", ["clock.c"], [], ["-shared", "-fPIC"]);
}

/** The program that measures the first fork of a large process. */
export function buildFirstFork(): string {
  return build("first_fork", ["first_fork.c"], [], []);
}

/** The program that runs another one and measures it. */
export function buildTimed(): string {
  return build("timed", ["timed.c"], [], []);
}

function build(
  name: string,
  sources: readonly string[],
  headers: readonly string[],
  flags: readonly string[],
): string {
  const folder = join(root, "bench", "native");
  const result = join(root, "zig-out", "bench", name);
  const changed = [...sources, ...headers].map((file) => statSync(join(folder, file)).mtimeMs);
  if (existsSync(result) && statSync(result).mtimeMs > Math.max(...changed)) return result;
  mkdirSync(dirname(result), { recursive: true });
  const partial = `${result}.${process.pid}`; // another process may be building the same
  const options = ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror", ...flags, "-o", partial];
  const files = sources.map((file) => join(folder, file));
  const run = spawnSync(zig(), ["cc", ...options, ...files], {
    env: zigEnvironment(),
    encoding: "utf8",
  });
  if (run.status !== 0) throw new Error(`Building "${name}" failed: ${run.stderr}`);
  renameSync(partial, result);
  return result;
}

/** How to start the driver for a candidate. */
export interface Start {
  readonly name: string;
  readonly command: string;
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** A directory in main memory, for pools in files without a disk behind them. */
export const memoryDirectory = "/dev/shm";

/** Mebibytes of the pool there: containers often have no more than 64 in that directory. */
const memoryPool = "32";

/** Name of the candidate whose figures the goals in C are held against. */
export const ours = "vmem, memory";

/** Name of the candidate whose malloc is the process's. */
export const preloaded = "vmmalloc, tmpfs";

/** Names of the candidates that the goals compare with. */
export const rivals: readonly string[] = peers.map((peer) => peer.name);

/**
 * Everything the driver can be run with on this machine; the first is the one ratios refer to. Numbers of live
 * blocks and the pool that is checked are divided by `divisor`, for tests.
 */
export function nativeStarts(driver: string, divisor = 1): readonly Start[] {
  return allStarts(driver).map((start) => ({
    ...start,
    environment: { ...start.environment, VMEM_BENCH_DIVISOR: String(divisor) },
  }));
}

/** Whether a directory has a gibibyte to spare; in containers it often has not. */
function hasRoom(directory: string): boolean {
  if (!existsSync(directory)) return false;
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize >= 2 ** 30;
}

function allStarts(driver: string): readonly Start[] {
  const starts: Start[] = [];
  for (const peer of peers) {
    const path = find(peer);
    if (path === undefined) continue;
    const environment = { LD_PRELOAD: path };
    starts.push({ name: peer.name, command: driver, words: ["malloc"], environment });
  }
  starts.push({ name: "C library", command: driver, words: ["malloc"], environment: {} });
  starts.push({ name: "no work", command: driver, words: ["empty"], environment: {} });
  if (existsSync(libvmmalloc) && hasRoom(memoryDirectory)) {
    const environment = {
      LD_PRELOAD: libvmmalloc,
      VMMALLOC_POOL_DIR: memoryDirectory,
      VMMALLOC_POOL_MAX_SIZE: "8GiB",
    };
    starts.push({ name: preloaded, command: driver, words: ["malloc"], environment });
  }
  if (!existsSync(libvmem)) return starts;
  const region = ["region", libvmem];
  starts.push({ name: ours, command: driver, words: region, environment: {} });
  if (existsSync(memoryDirectory)) {
    const ffi = existsSync(libvmemFfi) ? [libvmemFfi] : [];
    const words = ["file", libvmem, memoryDirectory, memoryPool, ...ffi];
    starts.push({ name: "vmem, tmpfs", command: driver, words, environment: {} });
  }
  return starts;
}
