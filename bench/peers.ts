/** The native side of the benchmarks: the driver program and the allocators it is run with. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
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

/** Path of a peer's library, or undefined where it is not installed. */
function find(peer: Peer): string | undefined {
  return folders.map((folder) => join(folder, peer.file)).find((path) => existsSync(path));
}

/** Peers that are not installed. */
export function missingPeers(): readonly Peer[] {
  return peers.filter((peer) => find(peer) === undefined);
}

/** Installs Debian's packages of the missing peers; the result is undefined or why it did not work. */
export function installPeers(): string | undefined {
  const packages = missingPeers().map((peer) => peer.package);
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
  return build("driver", ["driver.c"], ["loops.h"], []);
}

/** The library of functions that do nothing; built if its source is newer. */
export function buildBareLibrary(): string {
  return build("libbare.so", ["bare.c"], [], ["-shared", "-fPIC"]);
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

/** Everything the driver can be run with on this machine; the first is the one ratios refer to. */
export function nativeStarts(driver: string): readonly Start[] {
  const starts: Start[] = [];
  for (const peer of peers) {
    const path = find(peer);
    if (path === undefined) continue;
    const environment = { LD_PRELOAD: path };
    starts.push({ name: peer.name, command: driver, words: ["malloc"], environment });
  }
  starts.push({ name: "C library", command: driver, words: ["malloc"], environment: {} });
  starts.push({ name: "no work", command: driver, words: ["empty"], environment: {} });
  if (!existsSync(libvmem)) return starts;
  const region = ["region", libvmem];
  starts.push({ name: "vmem, memory", command: driver, words: region, environment: {} });
  if (existsSync(memoryDirectory)) {
    const words = ["file", libvmem, memoryDirectory, memoryPool];
    starts.push({ name: "vmem, tmpfs", command: driver, words, environment: {} });
  }
  return starts;
}
