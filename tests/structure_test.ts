/** The rules of the house that a reader would otherwise have to watch: layers, lengths, exports, leftovers. */
import { assert, assertEquals } from "@std/assert";
import { readFileSync, realpathSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { Pool } from "../mod.ts";
import { packageVersion, releases, versionPlaces } from "../tools/versions.ts";
import { readLibrary } from "./elf.ts";
import { cLibrary, folder, installed, promised } from "./libraries.ts";
import {
  code,
  read,
  shippedCode,
  shippedFiles,
  sourceFiles,
  testedFiles,
  zigImports,
} from "./sources.ts";

const files = sourceFiles();
const zigFiles = files.filter((file) => file.startsWith("zig/") && file.endsWith(".zig"));
const typescriptFiles = files.filter((file) => file.endsWith(".ts"));

/** Lowest first: a file sees the facades of the layers before its own. */
const layers = ["base", "os", "region", "heap", "pool", "abi"];
const packages = ["std", "builtin", "options"];
/** Programs over the layers; they see facades and the faces. */
const programs = ["unit_tests", "fuzz", "stress", "bench", "tidy"];

/** `zig/heap/Runs.zig` and the facade `zig/heap.zig` are of the layer heap; roots and programs of none. */
function layerOf(file: string): string | undefined {
  const name = /^zig\/(\w+)(?:\/.+)?\.zig$/.exec(file)?.[1];
  return name !== undefined && layers.includes(name) ? name : undefined;
}

function isFacade(file: string): boolean {
  return layers.some((layer) => file === `zig/${layer}.zig`);
}

function isLibraryRoot(file: string): boolean {
  return /^zig\/lib\w+\.zig$/.test(file);
}

const shipped = shippedFiles(zigFiles.filter(isLibraryRoot));

/** Lines of the file that match, as `file:line: text`. */
function matches(file: string, text: string, pattern: RegExp): string[] {
  return text.split("\n").flatMap((line, index) =>
    pattern.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : []
  );
}

test("layers: a Zig file imports its own folder and the facades of lower layers", () => {
  const wrong = zigFiles.filter((file) => layerOf(file) !== undefined).flatMap((file) => {
    const layer = layerOf(file) ?? "";
    const lower = layers.slice(0, layers.indexOf(layer)).map((name) => `zig/${name}.zig`);
    return zigImports(file)
      .filter((name) =>
        !packages.includes(name) && !lower.includes(name) &&
        // A test file uses its layer as others do, through the facade.
        !name.startsWith(`zig/${layer}/`) && !(!shipped.has(file) && name === `zig/${layer}.zig`)
      )
      .map((name) => `${file} imports ${name}`);
  });
  assertEquals(wrong, []);
});

test("layers: roots and programs import facades and faces only", () => {
  const wrong = zigFiles
    .filter((file) => isLibraryRoot(file) || programs.some((name) => file === `zig/${name}.zig`))
    .flatMap((file) =>
      zigImports(file)
        .filter((name) =>
          !packages.includes(name) && !isFacade(name) && !isLibraryRoot(name) &&
          !name.startsWith("zig/abi/")
        )
        .map((name) => `${file} imports ${name}`)
    );
  assertEquals(wrong, []);
});

test("layers: only os calls the kernel and the C library", () => {
  const outside = zigFiles.filter((file) =>
    shipped.has(file) && layerOf(file) !== undefined && layerOf(file) !== "os"
  );
  const wrong = outside.flatMap((file) => {
    const text = shippedCode(file);
    return [
      ...matches(file, text, /\bextern "|\bstd\.(os\.linux|posix|c)\b/),
      // Node-API's functions come from the program that loads the library, so they are weak imports.
      ...file === "zig/abi/napi.zig" ? [] : matches(file, text, /@extern\(/),
    ];
  });
  assertEquals(wrong, []);
});

test("layers: only the roots export", () => {
  // Assembler reaches a thread-local variable by its symbol, which the version scripts hide again.
  const threadLocals = new Map([
    ["zig/heap/thread.zig", 1],
    ["zig/os/ranks.zig", 1],
    ["zig/pool/Thread.zig", 1],
  ]);
  const wrong = zigFiles.filter((file) => layerOf(file) !== undefined).flatMap((file) => {
    const found = matches(file, code(file), /^\s*(pub )?export |@export\(/);
    const variables = found.filter((line) => line.includes("export threadlocal var"));
    return variables.length <= (threadLocals.get(file) ?? 0)
      ? found.filter((line) => !variables.includes(line))
      : found;
  });
  assertEquals(wrong, []);
});

test("layers: the runtimes' own names stand only in src/runtime", () => {
  const wrong = typescriptFiles
    .filter((file) =>
      (file === "mod.ts" || file.startsWith("src/")) && !file.startsWith("src/runtime/") &&
      !file.endsWith("_test.ts")
    )
    .flatMap((file) =>
      matches(
        file,
        code(file),
        /\b(Deno|Bun)\b\s*[.[}]|"(bun|node:ffi)\b|\bprocess\.dlopen\b|\bgetBuiltinModule\b/,
      )
    );
  assertEquals(wrong, []);
});

test("unit tests: zig/unit_tests.zig reaches every file that has tests", () => {
  const reached = new Set(["zig/unit_tests.zig"]);
  for (const file of reached) testedFiles(file).forEach((name) => reached.add(name));
  const withTests = zigFiles.filter((file) => /^test ("|\{)/m.test(code(file)));
  assertEquals(withTests.filter((file) => !reached.has(file)), []);
});

test("suite: tests are flat, and none is left to run alone", () => {
  const wrong = typescriptFiles.filter((file) => file.endsWith("_test.ts"))
    .flatMap((file) =>
      matches(file, code(file), /^\s*(describe|it|Deno\.test)\b|\b(test|it)\.(only|skip|todo)\(/)
    );
  assertEquals(wrong, []);
});

test("suite: every test file is in a folder that the runner looks into", () => {
  const folders = /^(src|tests|tools|bench|examples)\//;
  const outside = typescriptFiles.filter((file) =>
    file.endsWith("_test.ts") && !folders.test(file)
  );
  assertEquals(outside, []);
});

test("files: none is too long without a reason on its first line", () => {
  const limits = [[zigFiles, 600], [typescriptFiles, 300]] as const;
  const wrong = limits.flatMap(([list, limit]) =>
    list.flatMap((file) => {
      const lines = read(file).trimEnd().split("\n");
      const reason = /^\/[/*]+!? .*\b(long|length|lines)\b/.test(lines[0] ?? "");
      return lines.length > limit && !reason
        ? [`${file} has ${lines.length} lines of ${limit}`]
        : [];
    })
  );
  assertEquals(wrong, []);
});

test("files: no leftovers and nothing of one machine", () => {
  // In pieces, so that this file does not find itself.
  const markers = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"];
  const folders = ["root", "work", "farm"].map((name) => `/${name}/`).concat("/home/\\w");
  const hosts = ["registry." + "npmjs", "files." + "pythonhosted"];
  const pattern = new RegExp(
    `\\b(${markers.join("|")})\\b|(^|[\\s"'\`(=])(${folders.join("|")})|${hosts.join("|")}`,
  );
  const wrong = files.filter((file) => !/\.(png|svg|ndjson)$/.test(file) && file !== "deno.lock")
    .flatMap((file) => matches(file, read(file), pattern));
  assertEquals(wrong, []);
});

test("settings: the version stands the same everywhere", () => {
  using pool = Pool.create({ maxSize: "1MiB" });
  const places = [...versionPlaces(), ["the library", pool.ctl("version")]];
  const version = packageVersion();
  assertEquals(places.filter(([, found]) => found !== version), []);
  // A released version is not used again, so the newest one is this or an older one.
  const [newest = version] = releases();
  assert(newest.localeCompare(version, "en", { numeric: true }) <= 0, `${newest}, ${version}`);
});

test("settings: tsc is as strict as Deno", () => {
  type Settings = { compilerOptions: Record<string, unknown> };
  const deno = (JSON.parse(read("deno.json")) as Settings).compilerOptions;
  const tsc = (JSON.parse(read("tsconfig.json")) as Settings).compilerOptions;
  assertEquals(Object.fromEntries(Object.keys(deno).map((name) => [name, tsc[name]])), deno);
});

test("settings: every task says what it does", () => {
  type Tasks = { tasks: Record<string, { description?: string }> };
  const { tasks } = JSON.parse(read("deno.json")) as Tasks;
  const silent = Object.keys(tasks).filter((name) => !tasks[name]?.description);
  assertEquals(silent, []);
});

for (const { file, soname, exports, host } of promised) {
  test(`libraries: ${file} exports what it promises, and needs the C library only`, () => {
    const library = readLibrary(join(folder, file));
    const versions = Object.keys(exports);
    assertEquals(
      library.symbols.filter(({ name, defined }) => defined && !versions.includes(name))
        .map(({ name, version }) => `${name}@${version}`).sort(),
      versions.flatMap((version) => exports[version]?.map((name) => `${name}@${version}`) ?? [])
        .sort(),
    );
    assertEquals(library.soname, soname);
    assertEquals(library.needed.filter((name) => !cLibrary.test(name)), []);
    const strong = library.symbols.filter((symbol) =>
      host?.test(symbol.name) && !symbol.defined && !symbol.weak
    );
    assertEquals(strong, []);
    assertEquals(library.required.filter((version) => !isOld(version)), []);
  });
}

test("libraries: only what is for debugging has trace points", () => {
  // Texts of levels 2 and 4 of the log.
  const traces = ["bytes made at 0x", " gave "];
  const wrong = promised.filter(({ file }) => {
    const text = readFileSync(join(folder, file), "latin1");
    return traces.some((trace) => text.includes(trace)) !== file.startsWith("vmem_debug/");
  });
  assertEquals(wrong, []);
});

/** Whether every glibc since 2.17 has the version: what the libraries are built for. */
function isOld(version: string): boolean {
  const [, major, minor] = /^GLIBC_(\d+)\.(\d+)(\.\d+)?$/.exec(version) ?? [];
  return Number(major) === 2 && Number(minor) <= 17;
}

test("libraries: a program's needs are read, so that newer ones would be seen", () => {
  const { required } = readLibrary(join(folder, "libvmem.so.1"));
  assertEquals(required.includes("GLIBC_2.14"), true);
  assertEquals(["GLIBC_2.18", "GLIBC_3.1", "GLIBC_PRIVATE", "LIBVMEM_1.0"].some(isOld), false);
});

test("libraries: each that is installed has a row", () => {
  const known = promised.map(({ file }) =>
    relative(realpathSync(folder), realpathSync(join(folder, file)))
  );
  assertEquals(installed(), known.sort());
});

test("libraries: libvmem has the 16 functions of the original", () => {
  assertEquals(promised[0]?.exports["LIBVMEM_1.0"]?.length, 16);
});

test("controls: docs/controls.md and the C tests have the names that the library serves", () => {
  const zig = read("zig/pool/ctl_names.zig");
  const groups = { Arenas: "", Bins: "bins.#.", Lextents: "lextents.#." };
  const served = [
    ...[...zig.matchAll(/\.name = "([^"]+)"/g)].map(([, name = ""]) => name),
    ...Object.entries(groups).flatMap(([group, prefix]) =>
      [...zig.matchAll(new RegExp(`\\bof${group}\\("([^"]+)"`, "g"))]
        .map(([, name = ""]) => `stats.arenas.#.${prefix}${name}`)
    ),
  ].filter((name) => !name.endsWith(".")).sort();
  const rows = [
    ...read("docs/controls.md").matchAll(
      /^\| ([a-z]+\.?\S*) \| ([^|]+) \| (r|rw|--) \|/gm,
    ),
  ].map(([, name = "", type = "", access = ""]) => ({
    name: name.replace(/\\<[ij]\\>/g, "#"),
    type,
    access,
  }));
  assert(served.length > 80);
  assertEquals(rows.map(({ name }) => name).sort(), served);
  // The letters of tests/abi/ctl_names.h; there what jemalloc has not is left out, and what takes an address.
  const letters = new Map([
    ...[["bool", "b"], ["unsigned", "u"], ["uint32_t", "u"], ["size_t", "z"], ["ssize_t", "d"]],
    ...[["uint64_t", "q"], ["const char *", "s"], ["void", "v"]],
  ] as [string, string][]);
  const ways = new Map([["r", "r"], ["rw", "w"], ["--", "a"]]);
  const tested = [...read("tests/abi/ctl_names.h").matchAll(/\{ "([^"]+)", '(.)', '(.)' \}/g)]
    .map(([, name = "", type = "", way = ""]) => `${name.replaceAll(".0.", ".#.")} ${type} ${way}`);
  const expected = rows.filter(({ name }) => !/^vmem\.|^arenas\.lookup$/.test(name))
    .map(({ name, type, access }) => `${name} ${letters.get(type)} ${ways.get(access)}`);
  assertEquals(tested.sort(), expected.sort());
});
