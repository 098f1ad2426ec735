import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { hostProblem, loaderAdvice, platformProblem } from "./refusals.ts";

test("hostProblem() knows what bundlers put in place of a runtime", () => {
  assertEquals(hostProblem({ node: "26.10.0" }), undefined);
  for (const versions of [undefined, {}]) {
    assert(hostProblem(versions)?.includes("neither Deno nor Bun nor Node"));
  }
});

test("platformProblem() takes the platforms of the package and no others", () => {
  for (const processor of ["x64", "arm64"]) {
    assertEquals(platformProblem("linux", processor), undefined);
  }
  const others = [["darwin", "arm64"], ["win32", "x64"], ["freebsd", "x64"], ["linux", "ia32"]];
  for (const [system = "", processor = ""] of others) {
    assert(platformProblem(system, processor)?.startsWith("the package "));
  }
});

test("loaderAdvice() understands the loaders of glibc and musl", () => {
  const known = [
    ["/a.so: cannot allocate memory in static TLS block", "make a pool before they are loaded"],
    ["/a.so: failed to map segment from shared object", "noexec"],
    ["/a.so: cannot open shared object file: Permission denied", "may not read"],
    ["/lib/libc.so: invalid ELF header", "it is for musl"],
    ["libc.so: cannot open shared object file: No such file or directory", "it is for musl"],
    [
      "Error relocating /a.so: abort: initial-exec TLS resolves to dynamic definition in /a.so",
      "it is for glibc",
    ],
    [
      "/lib/libc.so.6: version `GLIBC_2.38' not found (required by /a.so)",
      "built for a newer glibc",
    ],
    ["/a.so: undefined symbol: vmem_ffi_trim", "of another version"],
    ['Symbol "vmem_ffi_abi" not found in "/a.so"', "of another version"],
  ];
  for (const [answer = "", advice = ""] of known) {
    assert(loaderAdvice(answer)?.includes(advice), answer);
  }
  assertEquals(loaderAdvice("/a.so: No such file or directory"), undefined);
});
