import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import process from "node:process";
import { platform } from "../src/library.ts";
import { declarations, forPackage, manifest, renamed, setModes } from "./pack.ts";
import { targets } from "./platforms.ts";

test("package.json has an entry with types for each of deno.json's", () => {
  const text = manifest({
    name: "@vmem/vmem",
    version: "1.2.3",
    license: "BSD-3-Clause",
    exports: { ".": "./mod.ts", "./vmmalloc": "./src/vmmalloc.ts" },
  });
  const { name, version, exports, scripts } = JSON.parse(text);
  assertEquals([name, version, scripts], ["vmem", "1.2.3", undefined]);
  assertEquals(exports, {
    ".": { types: "./mod.d.ts", default: "./mod.js" },
    "./vmmalloc": { types: "./src/vmmalloc.d.ts", default: "./src/vmmalloc.js" },
    "./include/*": "./include/*",
    "./lib/*": "./lib/*",
    "./package.json": "./package.json",
  });
});

test("declarations() names the files that are there, and leaves other text alone", () => {
  assertEquals(
    declarations('export { a } from "./src/a.ts"; type B = import("../b.ts").B; // "./c.ts"'),
    'export { a } from "./src/a.js"; type B = import("../b.js").B; // "./c.ts"',
  );
  assertEquals(declarations('import { x } from "other/x.ts";'), 'import { x } from "other/x.ts";');
});

test("renamed() gives examples the name of the npm package", () => {
  assertEquals(
    renamed('from "@vmem/vmem"; from "@vmem/vmem/vmmalloc"'),
    'from "vmem"; from "vmem/vmmalloc"',
  );
});

test("forPackage() leaves out what is about a clone, and links to files that are not there", () => {
  const held = new Set(["docs/guide.md", "include/libvmem.h"]);
  assertEquals(
    forPackage("a\n\n<!-- clone -->\nb\n\nc\n<!-- /clone -->\n\nd\n", "README.md", held),
    "a\n\nd\n",
  );
  assertEquals(
    forPackage(
      "[g](docs/guide.md#node) [b](bench/README.md) [w](https://a.b/) ![p](p.svg)",
      "README.md",
      held,
    ),
    "[g](docs/guide.md#node) b [w](https://a.b/) ",
  );
  assertEquals(
    forPackage(
      "[h](../include/libvmem.h) [e](../examples/graph.ts) [s](#structs)",
      "docs/x.md",
      held,
    ),
    "[h](../include/libvmem.h) e [s](#structs)",
  );
  assertEquals(
    forPackage(
      "- [a](docs/guide.md): b\n- [c](examples/): d,\n  [e](f.ts)\n- g\n",
      "README.md",
      held,
    ),
    "- [a](docs/guide.md): b\n- g\n",
  );
});

test("the platform of this machine is one that is packed", () => {
  assertEquals(Object.hasOwn(targets, platform()), true);
  assertEquals(platform(), `${process.platform}-${process.arch}`);
});

test("setModes() undoes what umask has done", () => {
  const dir = mkdtempSync(join(tmpdir(), "vmem-pack-"));
  try {
    mkdirSync(join(dir, "lib"), { mode: 0o700 });
    const modes = { "a.js": 0o644, "lib/x.so": 0o755, "lib/y.so.1": 0o755, "lib/so.txt": 0o644 };
    for (const name of Object.keys(modes)) writeFileSync(join(dir, name), "", { mode: 0o600 });
    setModes(dir);
    const found = (name: string) => statSync(join(dir, name)).mode & 0o777;
    assertEquals(found("lib"), 0o755);
    assertEquals(Object.keys(modes).map(found), Object.values(modes));
  } finally {
    rmSync(dir, { recursive: true });
  }
});
