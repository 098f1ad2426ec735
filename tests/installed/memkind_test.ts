/** Programs that were compiled against Debian's memkind.h run with our library, and the benchmark of kinds works. */
import { assert, assertEquals } from "@std/assert";
import { existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { measureKinds, theirs as theirLibrary } from "../../bench/kinds.ts";
import { emptyFolder, need, root, run, zigCompiler } from "./tree.ts";

const theirs = "/usr/include";
const headers = ["memkind.h", "memkind_deprecated.h", "hbwmalloc.h", "memkind_memtier.h"];
const without = headers.every((name) => existsSync(join(theirs, name)))
  ? false
  : "libmemkind-dev is not installed";
const library = join(root, "zig-out", "lib");

for (
  const name of ["creation", "family", "statistics", "settings", "forked", "tiers", "variables"]
) {
  test(`memkind: ${name}.c, compiled against Debian's header`, { skip: without }, () => {
    const folder = emptyFolder(`memkind ${name}`);
    // Beside it in /usr/include lie the headers of another C library than Zig's.
    for (const header of headers) symlinkSync(join(theirs, header), join(folder, header));
    const out = join(folder, name);
    const source = join(root, "tests", "memkind", `${name}.c`);
    const options = ["-std=c11", "-D_GNU_SOURCE", "-Wno-deprecated-declarations", `-I${folder}`];
    const link = [join(library, "libmemkind.so"), "-lpthread"];
    need([...zigCompiler(), ...options, "-o", out, source, ...link]);
    const { status, output } = run([out], "", { LD_LIBRARY_PATH: library });
    assertEquals({ status, output }, { status: 0, output: "" });
  });
}

const compiler = "/usr/bin/cc"; // Zig's makes no code that depends on its position
const needsCompiler = existsSync(compiler) ? false : "there is no C compiler";

test("memkind: variables.c as a program that copies the library's variables", {
  skip: needsCompiler,
}, () => {
  const out = join(emptyFolder("memkind copies"), "variables");
  const source = join(root, "tests", "memkind", "variables.c");
  const options = ["-std=c11", "-D_GNU_SOURCE", "-no-pie", "-fno-pic"];
  const header = `-I${join(root, "include")}`;
  need([compiler, ...options, header, "-o", out, source, join(library, "libmemkind.so")]);
  const { status, output } = run([out], "", { LD_LIBRARY_PATH: library });
  assertEquals({ status, output }, { status: 0, output: "" });
});

test("memkind: the benchmark of kinds measures every row, and all libraries do the same work", () => {
  const { lines, figures } = measureKinds({ turns: 1, divisor: 10_000 });
  assertEquals(lines.length, 7);
  if (existsSync(theirLibrary)) {
    assertEquals(Object.keys(figures).length, 7);
    for (const row of Object.values(figures)) {
      assert(row["vmem"]!.ns > 0 && row["vmem"]!.ratio > 0);
      assertEquals(row["memkind"]!.ratio, 1);
    }
  } else assertEquals(figures, {});
  assert(lines.every((line) => / \d+\.\d ns/.test(line)));
});
