/**
 * A throw-away machine: QEMU with emulated DAX memory, this machine's files, and one command to run.
 *
 * The guest's root is the host's own (9p, read-only) under an overlay in memory: the command, its libraries, the project
 * are there at their paths, and what the guest writes is gone afterwards. Job, output and status go through a second share.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { archive, drivers, findKernel, type Kernel, modulesWith } from "./kernel.ts";

/** Sizes are MiB; 0: none of it. `memory`, `node` and `reserved` are at most 3584 together. */
export interface Hardware {
  readonly memory: number;
  /** Memory of a second NUMA node without processors, as CXL memory has one. */
  readonly node: number;
  /** Memory of a device of DAX, a multiple of 16, on an emulated NVDIMM; and its alignment in bytes. */
  readonly dax: number;
  readonly daxAlignment: number;
  /** Memory of the file system that is mounted with `-o dax`, a multiple of 16. */
  readonly fsdax: number;
  readonly fsdaxKind: "ext4" | "xfs";
  /** Memory of a second device of DAX, on the last NUMA node: what firmware reserves, as for CXL or high-bandwidth memory. */
  readonly reserved: number;
  /** Pages of 2 MiB for hugetlbfs. */
  readonly hugePages: number;
  /** More kernel parameters. */
  readonly append: string;
}

export const usual: Hardware = {
  memory: 2048,
  node: 0,
  dax: 128,
  daxAlignment: 2 ** 21,
  fsdax: 256,
  fsdaxKind: "ext4",
  reserved: 0,
  hugePages: 64,
  append: "",
};

const qemu = "qemu-system-x86_64";

function isThere(program: string): boolean {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"];
  return folders.some((folder) => existsSync(join(folder, program)));
}

/** A busybox that needs no libraries. */
function busybox(): string | undefined {
  return ["/bin/busybox", "/usr/bin/busybox"].find((path) =>
    existsSync(path) && spawnSync("ldd", [path]).status !== 0
  );
}

/** The packages of Debian and Ubuntu that are missing for a machine. */
export function missingPackages({ fsdax, fsdaxKind }: Hardware): string[] {
  const maker = fsdaxKind === "ext4" ? "e2fsprogs" : "xfsprogs";
  return [
    ...isThere(qemu) ? [] : ["qemu-system-x86"],
    ...busybox() === undefined ? ["busybox-static"] : [],
    ...fsdax === 0 || isThere(`mkfs.${fsdaxKind}`) ? [] : [maker],
  ];
}

/** Why no machine can be had here; undefined: it can. */
export function obstacle(hardware: Hardware): string | undefined {
  if (process.arch !== "x64") return `the machine is one of x86-64, this is ${process.arch}`;
  const packages = missingPackages(hardware);
  if (packages.length > 0) return `not installed: ${packages.join(", ")}`;
  return findKernel() === undefined ? "no kernel with DAX drivers" : undefined;
}

/** There are hosts whose /dev/kvm opens though the processor has nothing of it: a guest hangs there. */
function kvmWorks(): boolean {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    closeSync(openSync("/dev/kvm", "r+"));
    return /\b(vmx|svm)\b/.test(readFileSync("/proc/cpuinfo", "utf8"));
  } catch {
    return false;
  }
}

function initramfs(kernel: Kernel, hardware: Hardware): Uint8Array {
  const here = fileURLToPath(new URL(".", import.meta.url));
  const modules = modulesWith(kernel.modules, [
    ...drivers,
    ...hardware.fsdax > 0 ? [hardware.fsdaxKind] : [],
    ...hardware.reserved > 0 ? ["dax_hmem"] : [],
  ]);
  const files = new Map<string, Uint8Array>();
  for (const folder of ["bin", "dev", "proc", "sys", "modules", "job", "host", "over", "root"]) {
    files.set(`${folder}/`, new Uint8Array());
  }
  files.set("bin/busybox", readFileSync(busybox() ?? ""));
  files.set("init", readFileSync(join(here, "init.sh")));
  files.set("guest.sh", readFileSync(join(here, "guest.sh")));
  for (const [name, bytes] of modules) files.set(`modules/${name}.ko`, bytes);
  // Not loaded: newer kernels would then take reserved memory for the system's at once.
  for (const [name, bytes] of modulesWith(kernel.modules, ["kmem"])) {
    files.set(`modules/${name}.ko`, bytes);
  }
  files.set("modules/order", new TextEncoder().encode([...modules.keys()].join("\n") + "\n"));
  return archive(files);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function assignments(values: Readonly<Record<string, string | number>>, first = ""): string {
  return Object.entries(values).map(([name, value]) => `${first}${name}=${quote(String(value))}\n`)
    .join("");
}

const passedOn = ["HOME", "LANG", "PATH", "DENO_DIR", "BUN_INSTALL", "NO_COLOR"];

function writeJob(folder: string, hardware: Hardware, job: Job): void {
  const own = passedOn.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  writeFileSync(
    join(folder, "parameters"),
    assignments({
      DAX: hardware.dax,
      DAX_ALIGNMENT: hardware.daxAlignment,
      FSDAX: hardware.fsdax,
      FSDAX_KIND: hardware.fsdaxKind,
      // Aligned extents, so that files get pages of 2 MiB.
      FSDAX_OPTIONS: hardware.fsdaxKind === "ext4"
        ? "-q -F -b 4096 -E stride=512,stripe_width=512"
        : "-q -f",
      RESERVED: hardware.reserved,
      HUGE_PAGES: hardware.hugePages,
      FOLDER: job.cwd,
    }),
  );
  const environment = { ...Object.fromEntries(own), ...job.environment };
  writeFileSync(join(folder, "environment"), assignments(environment, "export "));
  writeFileSync(join(folder, "command"), `exec ${job.words.map(quote).join(" ")}\n`);
}

function qemuWords(kernel: Kernel, folder: string, hardware: Hardware, kvm: boolean): string[] {
  const nvdimm = (name: string, size: number): string[] =>
    size === 0 ? [] : [
      ["-object", `memory-backend-ram,id=${name},share=on,size=${size}M`],
      ["-device", `nvdimm,memdev=${name}`],
    ].flat();
  const share = (tag: string, path: string, more: string): string[] => [
    "-fsdev",
    `local,id=${tag},path=${path},security_model=none,multidevs=remap${more}`,
    "-device",
    `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`,
  ];
  const { memory, node, reserved } = hardware;
  const total = memory + node + reserved;
  const nodes = node === 0
    ? []
    : [["cpus=0-1", memory], ["", node + reserved]].flatMap(([processors, size], index) => [
      "-object",
      `memory-backend-ram,id=node${index},size=${size}M`,
      "-numa",
      [`node,nodeid=${index},memdev=node${index}`, processors].filter((each) => each !== "").join(),
    ]);
  const append = [
    "console=ttyS0 panic=-1 rdinit=/init nokaslr mitigations=off random.trust_cpu=on",
    `hugepages=${hardware.hugePages}`,
    // Memory of the map's type 1 (usable) becomes 0xefffffff, Linux's own mark for what is reserved for special purposes.
    // Not at the end of memory, where the firmware has tables.
    ...reserved === 0 ? [] : [`memmap=${reserved}M%${node === 0 ? 1024 : memory}M-1+0xefffffff`],
    hardware.append,
  ].join(" ");
  return [
    ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-monitor", "none"],
    ["-machine", "pc,nvdimm=on", "-accel", kvm ? "kvm" : "tcg,thread=multi"],
    ["-cpu", kvm ? "host" : "max", "-smp", "2"],
    ["-m", `${total}M,slots=4,maxmem=${total + 8192}M`, ...nodes],
    ["-kernel", kernel.image, "-initrd", join(folder, "initramfs"), "-append", append],
    ["-serial", `file:${join(folder, "console")}`],
    nvdimm("dax", hardware.dax),
    nvdimm("fsdax", hardware.fsdax),
    share("host", "/", ",readonly=on"),
    share("job", join(folder, "share"), ""),
    ["-object", "rng-random,id=random,filename=/dev/urandom"],
    ["-device", "virtio-rng-pci,rng=random"],
  ].flat();
}

export interface Job {
  readonly words: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Seconds for all of it, the guest's start included. */
  readonly limit: number;
  /** Receives the command's output, both streams, as it comes. */
  readonly output: (text: string) => void;
}

/** What the guest has said so far, in a file that grows. */
class Growing {
  readonly #path: string;
  readonly #decoder = new TextDecoder();
  #read = 0;

  constructor(path: string) {
    this.#path = path;
  }

  more(): string {
    if (!existsSync(this.#path)) return "";
    const descriptor = openSync(this.#path, "r");
    try {
      let text = "";
      const buffer = new Uint8Array(65536);
      while (true) {
        const count = readSync(descriptor, buffer, 0, buffer.length, this.#read);
        if (count === 0) return text;
        this.#read += count;
        text += this.#decoder.decode(buffer.subarray(0, count), { stream: true });
      }
    } finally {
      closeSync(descriptor);
    }
  }
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

function lastLines(path: string, count: number): string {
  return existsSync(path)
    ? readFileSync(path, "utf8").replaceAll("\r", "").trim().split("\n").slice(-count).join("\n")
    : "";
}

/** One guest, from its start to its end. Null: it never got to running the command. */
async function runGuest(
  words: readonly string[],
  folder: string,
  job: Job,
  bootLimit: number,
): Promise<number | null> {
  const share = join(folder, "share");
  const output = new Growing(join(share, "output"));
  const begin = performance.now();
  const guest: ChildProcess = spawn(qemu, words, { stdio: ["ignore", "inherit", "inherit"] });
  const seconds = (): number => (performance.now() - begin) / 1000;
  const runs = (): boolean => guest.exitCode === null && guest.signalCode === null;
  const end = (): void => void guest.kill("SIGKILL");
  process.on("exit", end);
  try {
    while (runs() && !existsSync(join(share, "status"))) {
      await pause(0.1);
      job.output(output.more());
      const started = existsSync(join(share, "output"));
      if (!started && seconds() > bootLimit) return null;
      if (seconds() > job.limit) throw new Error(`The guest took longer than ${job.limit} s`);
    }
    job.output(output.more());
    if (existsSync(join(share, "status"))) {
      return Number(readFileSync(join(share, "status"), "utf8"));
    }
    const reason = lastLines(join(share, "error"), 10) || lastLines(join(folder, "console"), 15);
    if (existsSync(join(share, "output")) || reason !== "") {
      throw new Error(`The guest ended without a result:\n${reason}`);
    }
    return null;
  } finally {
    end();
    process.off("exit", end);
  }
}

/** Runs a command in a guest; the result is its exit status. Throws where no guest can be had. */
export async function runIn(hardware: Hardware, job: Job): Promise<number> {
  const kernel = findKernel();
  if (kernel === undefined) throw new Error("Starting a guest failed: no kernel with DAX drivers");
  const folder = mkdtempSync(join(tmpdir(), "vmem-vm-"));
  try {
    writeFileSync(join(folder, "initramfs"), initramfs(kernel, hardware));
    for (const kvm of kvmWorks() ? [true, false] : [false]) {
      rmSync(join(folder, "share"), { recursive: true, force: true });
      mkdirSync(join(folder, "share"));
      writeJob(join(folder, "share"), hardware, job);
      const words = qemuWords(kernel, folder, hardware, kvm);
      const status = await runGuest(words, folder, job, kvm ? 60 : 300);
      if (status !== null) return status;
    }
    const said = lastLines(join(folder, "console"), 15);
    throw new Error(`The guest did not start:\n${said}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
