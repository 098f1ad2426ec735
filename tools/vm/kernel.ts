/**
 * The guest's kernel: finds one with DAX drivers, or unpacks the distribution's package into a cache, and makes the
 * initramfs from its modules. Nothing is installed by this.
 */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { Buffer } from "node:buffer";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";

export interface Kernel {
  readonly image: string;
  /** Folder of its modules. */
  readonly modules: string;
}

/** What every guest loads. */
export const drivers: readonly string[] = [
  ["virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_rng", "loop", "crc32c_generic"],
  ["crc32c_intel", "libnvdimm", "nfit", "nd_pmem", "device_dax", "dax_pmem"],
].flat();
/** What some load. */
const onDemand = ["ext4", "xfs", "dax_hmem", "kmem"];

/** Where kernels are unpacked: `VMEM_VM_CACHE`, or a folder of the user's cache. */
export function cache(): string {
  const { VMEM_VM_CACHE: named, XDG_CACHE_HOME: home } = process.env;
  return named ?? join(home ?? join(homedir(), ".cache"), "vmem", "vm");
}

function kernelsIn(folder: string): Kernel[] {
  const boot = join(folder, "boot");
  if (!existsSync(boot)) return [];
  return readdirSync(boot).filter((name) => name.startsWith("vmlinuz-")).map((name) => ({
    image: join(boot, name),
    modules: join(folder, "lib", "modules", name.slice("vmlinuz-".length)),
  }));
}

function newestFirst(one: string, other: string): number {
  return other.localeCompare(one, "en", { numeric: true });
}

/** The newest kernel in the cache or of this machine whose modules have the DAX drivers. */
export function findKernel(): Kernel | undefined {
  const unpacked = existsSync(cache())
    ? readdirSync(cache()).sort(newestFirst).map((name) => join(cache(), name))
    : [];
  return [...unpacked, "/"].flatMap(kernelsIn).find(({ modules }) => {
    if (!existsSync(modules)) return false;
    const names = new Set(moduleFiles(modules).keys());
    return names.has("nd_pmem") && names.has("device_dax");
  });
}

/** Runs a program that tells its troubles on standard error. */
function run(program: string, words: readonly string[], cwd?: string): void {
  const { status, error } = spawnSync(program, words, {
    stdio: ["ignore", 2, 2],
    ...cwd === undefined ? {} : { cwd },
  });
  if (status !== 0) {
    const reason = error?.message ?? `it ended with ${status}`;
    throw new Error(`Running "${program} ${words.join(" ")}" failed: ${reason}`);
  }
}

/** Unpacks the distribution's kernel (70 MB to load, 20 MB on disk); its packages are not installed. */
export function fetchKernel(): void {
  const meta = process.env["VMEM_VM_KERNEL_PACKAGE"] ?? "linux-image-amd64";
  const words = ["depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts"];
  const found = spawnSync("apt-cache", [
    ...words,
    "--no-breaks",
    "--no-replaces",
    "--no-enhances",
    meta,
  ], {
    encoding: "utf8",
  });
  const packages = [...new Set(found.stdout?.match(/\blinux-(image|modules|binary)-\d\S*/g) ?? [])]
    .filter((name) => !name.includes(":"));
  if (packages.length === 0) {
    throw new Error(`Fetching a kernel failed: apt knows no package "${meta}" (apt-get update)`);
  }
  mkdirSync(cache(), { recursive: true });
  const folder = mkdtempSync(join(cache(), ".fetch-"));
  try {
    run("apt-get", ["-q", "download", ...packages], folder);
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".deb"))) {
      run("dpkg-deb", ["-x", file, "root"], folder);
    }
    const [kernel] = kernelsIn(join(folder, "root"));
    if (kernel === undefined) {
      throw new Error(`Fetching a kernel failed: there is none in ${packages.join(", ")}`);
    }
    const useful = modulesWith(kernel.modules, [...drivers, ...onDemand]);
    for (const [name, file] of moduleFiles(kernel.modules)) {
      if (!useful.has(name)) rmSync(file);
    }
    for (const folders of ["usr", join("boot", `System.map-${basename(kernel.modules)}`)]) {
      rmSync(join(folder, "root", folders), { recursive: true, force: true });
    }
    const place = join(cache(), basename(kernel.modules));
    rmSync(place, { recursive: true, force: true });
    renameSync(join(folder, "root"), place);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A module's file by its name, with `_` for `-`. */
function moduleFiles(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return new Map(
    files.filter((file) => /\.ko(\.\w+)?$/.test(file)).map((
      file,
    ) => [basename(file).replace(/\.ko.*$/, "").replaceAll("-", "_"), join(folder, file)]),
  );
}

const unpackers: Readonly<Record<string, readonly string[]>> = {
  ".xz": ["xz", "-dc"],
  ".zst": ["zstd", "-dqc"],
  ".gz": ["gzip", "-dc"],
};

function readModule(file: string): Uint8Array {
  const [program, ...words] = unpackers[/\.\w+$/.exec(file)?.[0] ?? ""] ?? [];
  if (program === undefined) return readFileSync(file);
  const { stdout, status, error } = spawnSync(program, [...words, file], { maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`Unpacking "${file}" failed: ${error?.message ?? status}`);
  return stdout;
}

/** What a module needs, by the line `depends=` in it. */
function needs(module: Uint8Array): string[] {
  const text = new TextDecoder("latin1").decode(module);
  const list = /\0depends=([^\0]*)\0/.exec(text)?.[1] ?? "";
  return list.split(",").filter((name) => name !== "").map((name) => name.replaceAll("-", "_"));
}

/** Modules by name, each after those it needs. What the kernel has built in is left out. */
export function modulesWith(folder: string, wanted: readonly string[]): Map<string, Uint8Array> {
  const files = moduleFiles(folder);
  const result = new Map<string, Uint8Array>();
  const visited = new Set<string>();
  const add = (name: string): void => {
    const file = files.get(name);
    if (visited.has(name) || file === undefined) return;
    visited.add(name);
    const module = readModule(file);
    needs(module).forEach(add);
    result.set(name, module);
  };
  wanted.forEach(add);
  return result;
}

/** An archive of the format that kernels take as initramfs ("newc"). A name that ends in a slash is a folder. */
export function archive(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [];
  const pad = (size: number): Uint8Array => new Uint8Array(-size & 3);
  const add = (name: string, mode: number, bytes: Uint8Array): void => {
    const ending = new TextEncoder().encode(`${name}\0`);
    const numbers = [0, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, ending.length, 0];
    const hex = numbers.map((number) => number.toString(16).padStart(8, "0")).join("");
    const head = new TextEncoder().encode(`070701${hex}`);
    parts.push(head, ending, pad(head.length + ending.length), bytes, pad(bytes.length));
  };
  for (const [name, bytes] of files) {
    if (name.endsWith("/")) add(name.slice(0, -1), 0o040755, new Uint8Array());
    else add(name, 0o100755, bytes);
  }
  add("TRAILER!!!", 0, new Uint8Array());
  return Buffer.concat(parts);
}
