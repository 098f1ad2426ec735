/** `zig build -p PREFIX`: what lies where, and that a program can be made from nothing but that. */
import { assert, assertEquals } from "@std/assert";
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { readLibrary } from "../elf.ts";
import { cLibrary, declared } from "../libraries.ts";
import {
  emptyFolder,
  flags,
  has,
  install,
  need,
  readPackage,
  root,
  run,
  zigCompiler,
} from "./tree.ts";

interface Package {
  readonly name: string;
  readonly headers: readonly string[];
  /** What its functions begin with; each has a manual page. */
  readonly names: RegExp;
  /** As its files begin. */
  readonly library: string;
  readonly version: string;
  readonly archive: boolean;
  /** Prints `hello, world`. */
  readonly program: string;
  readonly environment?: Record<string, string>;
}

/** A program with the block of a call in it. It is used: linkers leave out libraries that are not needed. */
function greeting(header: string, call: string): string {
  const source = join(emptyFolder(`greeting ${header}`), "greeting.c");
  writeFileSync(
    source,
    `#include <stdio.h>
#include <stdlib.h>
#include <${header}>
int main(void)
{
    char *volatile block = ${call};
    sprintf(block, "hello, world");
    puts(block);
    return 0;
}
`,
  );
  return source;
}

const packages: readonly Package[] = [
  {
    name: "libvmem",
    headers: ["libvmem.h", "libvmem_ext.h"],
    names: /^vmemx?_/,
    library: "libvmem",
    version: "1.0.0",
    archive: true,
    program: "tests/abi/example.c",
  },
  {
    name: "libvmmalloc",
    headers: ["libvmmalloc.h"],
    names: /(?!)/,
    library: "libvmmalloc",
    version: "1.0.0",
    archive: false,
    program: greeting("libvmmalloc.h", "malloc(100)"),
    environment: { VMMALLOC_POOL_DIR: "/tmp", VMMALLOC_POOL_SIZE: `${14 << 20}` },
  },
  {
    name: "memkind",
    headers: ["hbwmalloc.h", "memkind.h", "memkind_memtier.h"],
    names: /(?!)/,
    library: "libmemkind",
    version: "0.0.1",
    archive: false,
    program: greeting("memkind.h", "memkind_malloc(MEMKIND_DEFAULT, 100)"),
  },
];

let prefix = install();

/** `cc` of the system, with the archives of its C library. */
const systemLinksStatically = existsSync("/usr/bin/cc") &&
  existsSync(run(["cc", "-print-file-name=libc.a"]).output.trim());
const withoutPkgConfig = has("pkg-config") ? false : "pkg-config is not installed";

test("install: every package has a row here", () => {
  const files = readdirSync(join(prefix, "lib", "pkgconfig")).sort();
  assertEquals(files, packages.map(({ name }) => `${name}.pc`).sort());
});

test("install: a program made with libvmmalloc.pc has its malloc", () => {
  const out = join(prefix, "linked");
  const source = join(root, "tests", "interpose", "linked.c");
  const compiler = [...zigCompiler(), "-D_GNU_SOURCE", "-fno-sanitize=undefined"];
  need([...compiler, "-o", out, source, ...flags(prefix, "libvmmalloc")]);
  need([out], "", {
    LD_LIBRARY_PATH: join(prefix, "lib"),
    VMMALLOC_POOL_DIR: "/tmp",
    VMMALLOC_POOL_SIZE: "64MiB",
  });
  assert(readLibrary(out).needed.includes("libvmmalloc.so.1"));
  assert(existsSync(join(prefix, "share", "man", "man7", "libvmmalloc.7")));
});

for (const each of packages) {
  const { name, headers, names, library, version, archive } = each;
  const program = resolve(root, each.program);

  /** Compiles the program into `out` with words of a compiler before and after, runs it, and gives what it printed. */
  const made = (
    compiler: readonly string[],
    words: readonly string[],
    environment = {},
  ): string => {
    const out = join(prefix, "program");
    need([...compiler, "-o", out, program, ...words]);
    return need([out], "", { ...each.environment, ...environment });
  };

  test(`install: ${name} has its library with its links, archive, header, and a page for each function`, () => {
    const major = version.split(".")[0];
    assertEquals(readlinkSync(join(prefix, "lib", `${library}.so`)), `${library}.so.${major}`);
    assertEquals(
      readlinkSync(join(prefix, "lib", `${library}.so.${major}`)),
      `${library}.so.${version}`,
    );
    assert(existsSync(join(prefix, "lib", `${library}.so.${version}`)));
    assertEquals(existsSync(join(prefix, "lib", `${library}.a`)), archive);
    for (const header of headers) {
      assertEquals(
        readFileSync(join(prefix, "include", header), "utf8"),
        readFileSync(join(root, "include", header), "utf8"),
      );
    }
    const pages = readdirSync(join(prefix, "share", "man", "man3"));
    const missing = headers.flatMap((header) => declared(header, names)).filter((each) =>
      !pages.includes(`${each}.3`)
    );
    assertEquals(missing, []);
  });

  test(`install: ${name}.pc names the prefix, wherever it is moved`, () => {
    const before = prefix;
    prefix = `${prefix}-moved`;
    renameSync(before, prefix);
    const pkg = readPackage(prefix, name);
    assertEquals(pkg.get("Name"), name);
    assert(/^\d+\.\d+(\.\d+)?$/.test(pkg.get("Version") ?? ""));
    assert(existsSync(join((pkg.get("Cflags") ?? "").replace("-I", ""), headers[0] ?? "")));
    assert(existsSync(join(pkg.get("libdir") ?? "", `${library}.so`)));
  });

  test(`install: a program made with ${name}.pc finds the shared library`, () => {
    const words = flags(prefix, name);
    const output = made(zigCompiler(), words, { LD_LIBRARY_PATH: join(prefix, "lib") });
    assertEquals(output, "hello, world\n");
    const soname = `${library}.so.${version.split(".")[0]}`;
    assert(readLibrary(join(prefix, "program")).needed.includes(soname));
  });

  test(`install: pkg-config reads ${name}.pc as this test does`, { skip: withoutPkgConfig }, () => {
    const environment = { PKG_CONFIG_PATH: join(prefix, "lib", "pkgconfig") };
    for (const linking of ["shared", "static"] as const) {
      const options = linking === "static" ? ["--static"] : [];
      const output = need(["pkg-config", ...options, "--cflags", "--libs", name], "", environment);
      assertEquals(output.trim().split(/\s+/), flags(prefix, name, linking));
    }
    need(["pkg-config", "--atleast-version=1.4", name], "", environment);
  });

  if (!archive) continue;
  test(`install: a program made with the archive of ${name} needs no library of ours`, () => {
    const archive = join(prefix, "lib", `${library}.a`);
    const words = flags(prefix, name, "static").map((word) =>
      word.startsWith("-l") ? archive : word
    );
    assertEquals(made(zigCompiler(), words), "hello, world\n");
    const { needed } = readLibrary(join(prefix, "program"));
    assertEquals(needed.filter((each) => !cLibrary.test(each)), []);
  });

  test(`install: a program with the archive of ${name} is static with musl`, () => {
    const words = flags(prefix, name, "static");
    const compiler = [...zigCompiler(), "-target", "x86_64-linux-musl", "-static"];
    assertEquals(made(compiler, words), "hello, world\n");
  });

  test(
    `install: a program with the archive of ${name} is static with the system's C library`,
    { skip: systemLinksStatically ? false : "cc with a static C library is not installed" },
    () => {
      const { errors } = run([
        "cc",
        "-static",
        program,
        "-o",
        join(prefix, "program"),
        ...flags(prefix, name, "static"),
      ]);
      assertEquals(errors, "");
      assertEquals(need([join(prefix, "program")]), "hello, world\n");
    },
  );
}
