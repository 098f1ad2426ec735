/**
 * What each library that `zig build` installs promises to the dynamic linker. The structure tests compare every one
 * with its row, and refuse a library that has none.
 */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { functions, kinds, tables } from "./memkind/symbols.ts";
import { read, root } from "./sources.ts";

export interface Promised {
  /** By which programs find it, below `zig-out/lib`. */
  readonly file: string;
  /** Undefined for one that is loaded by its path. */
  readonly soname: string | undefined;
  /** The names it exports by their version; "" stands for none. Nothing else is exported. */
  readonly exports: Readonly<Record<string, readonly string[]>>;
  /** Names that the program which loads it has or lacks: they have to be weak. */
  readonly host?: RegExp;
}

export const folder: string = join(root, "zig-out", "lib");

/** The names that libvmmalloc takes, without a version: one with a version would not take the place of the C library's. */
const mallocFamily: readonly string[] = [
  ...["malloc", "calloc", "realloc", "reallocarray"],
  ...["free", "cfree", "free_sized", "free_aligned_sized"],
  ...["aligned_alloc", "memalign", "posix_memalign", "valloc", "pvalloc"],
  ...["malloc_usable_size", "malloc_trim", "mallopt"],
  ...["mallinfo", "mallinfo2", "malloc_info", "malloc_stats"],
  ...["__malloc_hook", "__realloc_hook", "__memalign_hook", "__free_hook"],
];

export const promised: readonly Promised[] = [
  ...withTwin({
    file: "libvmem.so.1",
    soname: "libvmem.so.1",
    exports: {
      "LIBVMEM_1.0": declared("libvmem.h", /^vmem_/),
      "VMEM_EXT_1.0": declared("libvmem_ext.h", /^vmemx_/),
    },
  }),
  {
    file: "libvmem_ffi.so",
    soname: "libvmem_ffi.so",
    exports: { "": [...ffiFunctions(), "napi_register_module_v1"] },
    host: /^napi_/,
  },
  ...withTwin({
    file: "libvmmalloc.so.1",
    soname: "libvmmalloc.so.1",
    exports: { "": mallocFamily },
    // musl has none of them.
    host: /^(__libc_(free|realloc)|gnu_get_libc_version)$/,
  }),
  ...withTwin({
    file: "libmemkind.so.0",
    soname: "libmemkind.so.0",
    exports: { "": [...functions, ...kinds, ...tables] },
  }),
];

/** The library and its twin for debugging, which promises the same. */
function withTwin(library: Promised): Promised[] {
  return [library, { ...library, file: `vmem_debug/${library.file}` }];
}

/** Libraries that a program of the C library alone has anyway. */
export const cLibrary = /^(libc\.so\.6|libpthread\.so\.0|libdl\.so\.2|ld-linux-.*)$/;

/** Functions that a public header declares and whose names match. */
export function declared(header: string, names: RegExp): string[] {
  const text = read(`include/${header}`).replace(/\/\*[\s\S]*?\*\//g, "");
  return [...text.matchAll(/\b(\w+)\s*\(/g)].map(([, name = ""]) => name)
    .filter((name) => names.test(name));
}

function ffiFunctions(): string[] {
  return [...read("src/symbols.ts").matchAll(/\b(vmem_ffi_\w+)"?: \{/g)].map(([, name = ""]) =>
    name
  );
}

/** Paths of all shared libraries below the folder, links left out. */
export function installed(): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.so(\.\d+)*$/.test(name) && lstatSync(join(folder, name)).isFile()).sort();
}
