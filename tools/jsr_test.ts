import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { brotliDecompressSync } from "node:zlib";
import { expectCarried, filled, packJsr } from "./jsr.ts";
import { targets } from "./platforms.ts";

const names = ["libvmem_ffi.so", "libvmmalloc.so.1"] as const;

function withFolder(work: (dir: string) => void): void {
  const dir = mkdtempSync(join(tmpdir(), "vmem-jsr-"));
  try {
    work(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** A folder of files for each platform. */
function libraries(dir: string): Record<string, string> {
  return Object.fromEntries(
    Object.keys(targets).map((platform) => {
      const folder = join(dir, "built", platform);
      mkdirSync(folder, { recursive: true });
      for (const name of names) writeFileSync(join(folder, name), randomBytes(1000));
      return [platform, folder];
    }),
  );
}

test("packJsr() carries each library of each platform, as a file and as text", () => {
  withFolder((dir) => {
    const built = libraries(dir);
    const into = join(dir, "package");
    packJsr(built, into);
    const modules = ["src/embedded", "src/embedded_vmmalloc"];
    for (const [index, name] of names.entries()) {
      const table = JSON.parse(readFileSync(join(into, `${modules[index]}.json`), "utf8"));
      for (const [platform, folder] of Object.entries(built)) {
        const bytes = readFileSync(join(folder, name));
        const place = index === 0 ? `lib/${platform}.so` : `lib/${platform}/${name}`;
        assertEquals(readFileSync(join(into, place)), bytes);
        assertEquals(brotliDecompressSync(Buffer.from(table[platform].brotli, "base64")), bytes);
      }
      const text = readFileSync(join(into, `${modules[index]}.ts`), "utf8");
      assert(text.includes(`import data from "./${modules[index]!.slice(4)}.json" with`), text);
    }
    expectCarried(into);
    writeFileSync(join(into, "lib", "linux-arm64.so"), "other");
    assertThrows(() => expectCarried(into), Error, "linux-arm64.so");
  });
});

test("packJsr() leaves out tests and what only the repository needs", () => {
  withFolder((dir) => {
    packJsr(libraries(dir), join(dir, "package"));
    assertThrows(() => readFileSync(join(dir, "package", "src", "unpack_test.ts")));
    const manifest = JSON.parse(readFileSync(join(dir, "package", "deno.json"), "utf8"));
    assertEquals(Object.keys(manifest), [
      "name",
      "version",
      "license",
      "exports",
      "compilerOptions",
      "publish",
    ]);
  });
});

test("packJsr() leaves no link that leads nowhere", () => {
  withFolder((dir) => {
    const into = join(dir, "package");
    packJsr(libraries(dir), into);
    const text = readFileSync(join(into, "README.md"), "utf8");
    const links = [...text.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map((match) => match[1]!);
    const dead = links.filter((link) => !link.includes("://") && !existsSync(join(into, link)));
    assertEquals(dead, []);
    assert(text.includes("@vmem/vmem"), text);
  });
});

test("filled() wants a comment and an empty table", () => {
  assertEquals(
    filled("/**\n * A.\n */\nexport const a = {};\n", "a.json"),
    '/**\n * A.\n */\nimport data from "./a.json" with { type: "json" };\nexport const a = data;\n',
  );
  for (const text of ["export const a = {};\n", "/**\n * A.\n */\nexport const a = { b: 1 };\n"]) {
    assertThrows(() => filled(text, "a.json"), Error, "no comment or no empty table");
  }
});
