/**
 * The virtual machine: its hardware, what it needs here, and QEMU's words for it.
 */
import { spawnSync } from "node:child_process";
import { accessSync, closeSync, constants, existsSync, openSync, readFileSync } from "node:fs";
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

export const qemu = "qemu-system-x86_64";

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
export function kvmWorks(): boolean {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    closeSync(openSync("/dev/kvm", "r+"));
    return /\b(vmx|svm)\b/.test(readFileSync("/proc/cpuinfo", "utf8"));
  } catch {
    return false;
  }
}

/** The guest's first files: busybox, the drivers, what to do with them. */
export function initramfs(kernel: Kernel, hardware: Hardware): Uint8Array {
  const here = fileURLToPath(new URL(".", import.meta.url));
  const modules = modulesWith(kernel.modules, [
    ...drivers,
    ...hardware.fsdax > 0 ? ["ext4", "xfs"] : [],
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

export function qemuWords(
  kernel: Kernel,
  folder: string,
  hardware: Hardware,
  kvm: boolean,
): string[] {
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
