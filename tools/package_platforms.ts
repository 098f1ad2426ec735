/** Checks of the npm package's libraries for other platforms, by an emulator and under another C library. */
import { copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "./package_projects.ts";
import { root, zig, zigEnvironment } from "./zig.ts";

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

/** A program for the platform opens its libraries, and has its malloc served. */
export async function smoke(
  work: string,
  packageFolder: string,
  platform: string,
  target: string,
): Promise<string | void> {
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
    [
      zig(),
      "cc",
      "-target",
      target,
      ...dynamic,
      ...flags,
      join(root, "tests", "package", "smoke.c"),
      "-o",
      program,
    ],
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
