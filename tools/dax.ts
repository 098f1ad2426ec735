/**
 * `deno task test:dax`: pools on device DAX, on a file system mounted with `-o dax`, on hugetlbfs, on reserved memory as a NUMA node, and
 * under strict overcommit, in a virtual machine. Without QEMU and a kernel it says so in one line and ends well;
 * `deno task vm --install` gets both.
 *
 * C programs and unit tests are built here and run there; the last line is `N passed, N failed`.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { bun, deno } from "./bun.ts";
import { type Check, Report, script } from "./checks.ts";
import { execute } from "./execute.ts";
import { advice } from "./vm.ts";
import { runIn } from "./vm/guest.ts";
import { type Hardware, obstacle, usual } from "./vm/machine.ts";
import { announceFirstBuild, root, zig, zigEnvironment } from "./zig.ts";

/** Small pages on the device proper, huge ones on the reserved memory. */
const hardware: Hardware = {
  ...usual,
  daxAlignment: 4096,
  node: 256,
  reserved: 256,
  fsdax: 1200,
  hugePages: 160,
};

/** Unit tests that mean something on another machine; all of them would take minutes there. */
const unitTests = ["device", "hugetlbfs", "charged ahead"];

function programs(where: string, folder: string, names: readonly string[]): Check[] {
  return names.map((name) => ({
    name: `${name} on ${where}`,
    command: `TMPDIR=${folder} zig-out/abi/${name}`,
  }));
}

const basic = ["vmem_malloc", "vmem_calloc", "vmem_realloc", "vmem_aligned_alloc", "vmem_check"];

function smoke(name: string, words: readonly string[]): Check {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  return {
    name: `Pool.create({ device }) on ${name}`,
    command: `${quoted} tests/ts/device_test.ts`,
  };
}

// Reserved memory becomes the second node's own at the end: what becomes of CXL memory that the system uses.
const becomeMemory = `
  PATH=$PATH:/run/busybox; name=\${VMEM_TEST_DAX_RESERVED##*/}; drivers=/sys/bus/dax/drivers
  insmod /run/busybox/kmem.ko; echo $name > $drivers/device_dax/unbind; echo $name > $drivers/kmem/new_id || exit 1
  for block in /sys/devices/system/memory/memory*; do
    [ $(cat $block/state) = online ] || echo online_movable > $block/state
  done
  mkdir -p /mnt/node && mount -t tmpfs -o mpol=bind:1,size=128m none /mnt/node`;

/** Kinds of libmemkind in a folder that the first words make. */
function kinds(where: string, folder: string, make = ":"): Check {
  const command =
    `PATH=$PATH:/usr/sbin:/sbin; mkdir -p ${folder}; ${make} || exit 1; zig-out/memkind/filesystems ${folder}`;
  return { name: `kinds on ${where}`, command };
}

/** One in a file, that kinds can fill. */
function kindsInFile(where: string, mib: number, mkfs: string): Check {
  const file = `/run/${where}.image`;
  const make =
    `truncate -s ${mib}M ${file} && ${mkfs} ${file} && mount -o loop ${file} /mnt/${where}`;
  return kinds(where, `/mnt/${where}`, make);
}

// Its free memory is mostly huge pages at first, and who is bound to a full node gets killed.
const emptied = "echo 0 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages";
const secondNode = "MEMKIND_HBW_NODES=1 MEMKIND_DAX_KMEM_NODES=1";

const xfsWithDax = `device=$(grep -o '/dev/pmem[0-9]*' /proc/mounts) && umount /mnt/fsdax &&
  mkfs.xfs -q -f -m reflink=0 $device && mount -o dax $device /mnt/fsdax`;

/** With libvmmalloc as malloc. */
function preloaded(
  where: string,
  folder: string,
  size: string,
  names: readonly string[],
  mode?: string,
): Check[] {
  const fork = mode === undefined ? "" : ` VMMALLOC_FORK=${mode}`;
  const environment = `LD_PRELOAD=$PWD/zig-out/lib/libvmmalloc.so.1 VMMALLOC_POOL_DIR=${folder} ` +
    `VMMALLOC_POOL_SIZE=${size}${fork}`;
  return names.map((name) => ({
    name: `${name} on ${where}, preloaded${mode === undefined ? "" : `, fork mode ${mode}`}`,
    command: `env ${environment} zig-out/interpose/${name}`,
  }));
}

const checks: readonly Check[] = [
  { name: "unit tests of regions", command: "zig-out/test/unit" },
  { name: "device_dax", command: "zig-out/abi/device_dax" },
  {
    name: "device_dax on reserved memory",
    command: "VMEM_TEST_DAX=$VMEM_TEST_DAX_RESERVED zig-out/abi/device_dax",
  },
  {
    name: "device_removed",
    command: "VMEM_TEST_DAX_REMOVABLE=$VMEM_TEST_DAX zig-out/abi/device_removed",
  },
  smoke("Deno", [deno(), "test", "-A", "--no-check"]),
  smoke("Bun", [...bun(), "test", "--timeout=300000"]),
  ...programs("a file system with dax", "/mnt/fsdax", ["vmem_create", "vmem_delete", ...basic]),
  { name: "hugetlbfs", command: "zig-out/abi/hugetlbfs" },
  kinds("hugetlbfs", "/dev/hugepages"),
  kinds("a small tmpfs", "/mnt/small", "mount -t tmpfs -o size=80m none /mnt/small"),
  kinds(
    "ramfs, which neither allocates ahead nor punches holes",
    "/mnt/ram",
    "mount -t ramfs none /mnt/ram",
  ),
  kindsInFile("ext4", 80, "mkfs.ext4 -q"),
  kindsInFile("ext2", 80, "mkfs.ext2 -q"),
  kindsInFile("xfs", 310, "mkfs.xfs -q"),
  kinds("ext4 with dax", "/mnt/fsdax"),
  ...preloaded("a device", "$VMEM_TEST_DAX", "64MiB", ["family", "threads"]),
  ...preloaded("a device of huge pages", "$VMEM_TEST_DAX_RESERVED", "64MiB", [
    "family",
    "threads",
    "fork_contents",
  ]),
  ...["1", "2", "3"].flatMap((mode) =>
    preloaded("a device", "$VMEM_TEST_DAX", "64MiB", ["fork_contents", "fork_stress"], mode)
  ),
  ...preloaded("a file system with dax", "/mnt/fsdax", "64MiB", ["family", "full", "fork_modes"]),
  ...preloaded("hugetlbfs", "/dev/hugepages", "64MiB", [
    "family",
    "fork_contents",
    "fork_stress",
    "fork_stopped",
  ]),
  ...programs("hugetlbfs", "/dev/hugepages", basic),
  ...programs("an overlay", "/tmp", ["vmem_malloc"]),
  kinds("xfs with dax", "/mnt/fsdax", xfsWithDax),
  { name: "kinds of named nodes", command: `${emptied}; ${secondNode} zig-out/memkind/nodes` },
  { name: "reserved memory becomes a node's", command: becomeMemory },
  {
    name: "kinds of a device's node, which nobody names",
    command: "VMEM_TEST_KMEM_NODE=1 zig-out/memkind/nodes",
  },
  {
    name: "memory_node",
    command: "VMEM_TEST_NODE_DIR=/mnt/node VMEM_TEST_NODE=1 zig-out/abi/memory_node",
  },
  ...["vmem_malloc", "vmem_delete", "vmem_create_in_region"].map((name) => ({
    name: `${name} under strict overcommit`,
    command: `echo 2 > /proc/sys/vm/overcommit_memory; TMPDIR=/dev/shm zig-out/abi/${name}`,
  })),
  {
    name: "kinds of named nodes under strict overcommit",
    command: `echo 2 > /proc/sys/vm/overcommit_memory; ${secondNode} zig-out/memkind/nodes`,
  },
  // Where memory that takes the file's place has to be charged for.
  ...preloaded("strict overcommit", "/dev/shm", "64MiB", ["descriptors", "sandbox"]),
];

async function build(): Promise<void> {
  const command = zig();
  announceFirstBuild();
  const filters = unitTests.map((name) => `-Dtest-filter=${name}`);
  for (
    const words of [["abi-programs"], ["interpose-programs"], [
      "test-program",
      "-Dtest-root=zig/region.zig",
      ...filters,
    ]]
  ) {
    const options = { cwd: root, env: zigEnvironment(), limit: 900 };
    const { status, output } = await execute([command, "build", ...words], options);
    if (status !== 0) throw new Error(output);
  }
}

async function main(): Promise<number> {
  const missing = obstacle(hardware);
  if (missing !== undefined) {
    console.log(`skipped: no virtual machine here: ${missing} (${advice})`);
    return 0;
  }
  for (const folder of ["abi", "memkind"]) {
    rmSync(join(root, "zig-out", folder), { recursive: true, force: true });
  }
  await build();
  const report = new Report(checks, (line) => console.log(line));
  try {
    await runIn(hardware, {
      words: ["sh", "-c", script(checks)],
      cwd: root,
      environment: { VMEM_LOG_LEVEL: "0" },
      limit: 1800,
      output: (text) => report.add(text),
    });
  } catch (error) {
    console.log(error instanceof Error ? error.message : error);
  }
  const { passed, failed, skipped } = report.finish();
  console.log(`\n${skipped.length} skipped\n${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
