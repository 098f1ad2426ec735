/**
 * The manual pages against what they describe: prototypes in the headers, errors that the C tests provoke, variables and
 * options that the sources read, the example that is compiled.
 */
import { assert, assertEquals } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { declared } from "../libraries.ts";
import { has, root, run } from "./tree.ts";

const folder = join(root, "docs", "man");
const pages = readdirSync(folder).sort();
const withoutMandoc = has("mandoc") ? false : "mandoc is not installed";

/** Errors that no C program provokes; zig/abi/vmem_test.zig injects them. */
const unprovoked = ["EDQUOT", "ENFILE", "EIO"];

function read(...path: string[]): string {
  return readFileSync(join(root, ...path), "utf8");
}

/** Lines of a page's section, from its heading to the next one. */
function section(page: string, name: string): string[] {
  const [, body = ""] = new RegExp(`^\\.Sh ${name}\\n([\\s\\S]*?)(?=^\\.Sh |(?![\\s\\S]))`, "m")
    .exec(read("docs", "man", page)) ?? [];
  return body.split("\n").filter((line) => line !== "");
}

/** Names in NAME. */
function names(page: string): string[] {
  return section(page, "NAME").filter((line) => line.startsWith(".Nm "))
    .map((line) => line.slice(4).replace(/[ ,]+$/, ""));
}

/** A prototype with one space between words and none around signs, without names of the arguments being changed. */
function normal(prototype: string): string {
  return prototype.replace(/\s+/g, " ").replace(/ ?([*(),]) ?/g, "$1").trim();
}

/** Words of a macro's line: quoted ones may hold spaces. */
function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

/** Prototypes of a page's SYNOPSIS, by name. */
function synopsis(page: string): Map<string, string> {
  const found = new Map<string, string>();
  let type = "";
  let open: { name: string; values: string[] } | undefined;
  const close = (name: string, values: readonly string[]) =>
    found.set(name, normal(`${type} ${name}(${values.join(", ")})`));
  for (const line of section(page, "SYNOPSIS")) {
    const [macro, ...rest] = words(line);
    if (macro === ".Ft") type = rest.join(" ");
    if (macro === ".Fn") close(rest[0] ?? "", rest.slice(1));
    if (macro === ".Fo") open = { name: rest[0] ?? "", values: [] };
    if (macro === ".Fa") open?.values.push(...rest);
    if (macro === ".Fc" && open !== undefined) close(open.name, open.values);
  }
  return found;
}

/** Prototypes of a header, by name. */
function prototypes(header: string): Map<string, string> {
  const text = read("include", header).replace(/\/\*[\s\S]*?\*\//g, "").replace(
    /^\s*#(.*\\\n)*.*$/gm,
    "",
  );
  return new Map(
    text.split(/[;{}]/).map((statement) => statement.trim()).filter((statement) =>
      !/^(typedef|struct|enum|extern)\b[^(]*$/.test(statement)
    ).flatMap((statement) => {
      const [, name] = /^[^(]*?\b(\w+)\(/.exec(normal(statement)) ?? [];
      return name === undefined ? [] : [[name, normal(statement)] as const];
    }),
  );
}

/** Error names that tests/abi provokes, by function. */
function provoked(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const sources = readdirSync(join(root, "tests", "abi")).filter((name) => name.endsWith(".c"));
  for (const name of sources) {
    const text = read("tests", "abi", name);
    const refused = text.matchAll(/CHECK_REFUSED\((\w+)\(.*?\), (E[A-Z]+),/g);
    // Some may end in one error or another, as the machine is.
    const checked = [...text.matchAll(/CHECK\((\w+)\((.*)/g)].flatMap(([, callee, rest = ""]) =>
      [...rest.matchAll(/errno == (E[A-Z]+)/g)].map(([, error]) => ["", callee, error])
    );
    const returned = text.matchAll(/CHECK\((\w+)\(.*?\) == (E[A-Z]+)\)/g);
    for (const [, callee = "", error = ""] of [...refused, ...checked, ...returned]) {
      found.set(callee, (found.get(callee) ?? new Set()).add(error));
    }
  }
  return found;
}

/** Headers whose functions have pages here, and how these begin. */
const documented = [["libvmem.h", /^vmem_/], ["libvmem_ext.h", /^vmemx_/]] as const;
/** Programs of tests/abi that are a header's example, and a page's. */
const examples = [
  ["example.c", "libvmem.h", "libvmem.7"],
  ["vmemx_example.c", "libvmem_ext.h", "libvmem_ext.3"],
] as const;
const functionPages = pages.filter((page) => page.endsWith(".3"));

for (const page of pages) {
  test(`manuals: mandoc finds nothing wrong with ${page}`, { skip: withoutMandoc }, () => {
    const { output, errors, status } = run([
      "mandoc",
      "-T",
      "lint",
      "-W",
      "warning",
      join(folder, page),
    ]);
    assertEquals(output, "");
    assertEquals(status, 0, errors);
  });
}

test("manuals: mandoc's eye is open", { skip: withoutMandoc }, () => {
  const { status } = run(["mandoc", "-T", "lint", "-W", "warning"], ".Dd today\n.Sh NAM\n.Foo\n");
  assert(status !== 0);
});

for (const [header, pattern] of documented) {
  test(`manuals: each function of ${header} is on one page, with the header's prototype`, () => {
    const inHeader = prototypes(header);
    assertEquals([...inHeader.keys()].sort(), declared(header, pattern).sort());
    const onPages = functionPages.flatMap((page) => [...synopsis(page)])
      .filter(([name]) => inHeader.has(name));
    assertEquals(Object.fromEntries(onPages), Object.fromEntries(inHeader));
    assertEquals(onPages.length, inHeader.size);
  });
}

test("manuals: constants and fields of the headers are on a page", () => {
  const all = pages.map((page) => read("docs", "man", page)).join("");
  for (const [header] of documented) {
    const text = read("include", header).replace(/\/\*[\s\S]*?\*\//g, "");
    const constants = [...text.matchAll(/^#define (VMEMX?_\w*[A-Z0-9])\b/gm)];
    const fields = [...text.matchAll(/^\t(?:const )?\w+ \*?(\w+);/gm)];
    const named = [...constants, ...fields].map(([, name = ""]) => name)
      .filter((name) => name !== "reserved");
    assert(named.length > 2);
    assertEquals(named.filter((name) => !new RegExp(`\\b${name}\\b`).test(all)), [], header);
  }
});

test("manuals: a page shows the functions that it names", () => {
  for (const page of functionPages) {
    const shown = [...synopsis(page).keys()].sort();
    assertEquals(names(page).filter((name) => shown.includes(name)).sort(), shown, page);
  }
});

/** Errors that a page lists, by itself or by saying that its functions fail as those of other pages do. */
function listedErrors(page: string, others = true): string[] {
  const lines = section(page, "ERRORS");
  const own = lines.flatMap((line) => /^\.It Bq Er (\w+)/.exec(line)?.[1] ?? []);
  if (!others) return own;
  const named = lines.flatMap((line) => /^\.Xr (\w+) 3/.exec(line)?.[1] ?? []);
  const referred = functionPages.filter((each) =>
    each !== page && names(each).some((name) => named.includes(name))
  );
  return [...own, ...referred.flatMap((each) => listedErrors(each, false))];
}

test("manuals: ERRORS has each error that the C tests provoke, and no other", () => {
  const errors = provoked();
  for (const page of functionPages) {
    const seen = new Set(names(page).flatMap((name) => [...errors.get(name) ?? []]));
    const listed = listedErrors(page);
    assertEquals([...seen].filter((each) => !listed.includes(each)), [], page);
    const unseen = listedErrors(page, false).filter((each) => !seen.has(each));
    assertEquals(unseen.filter((each) => !unprovoked.includes(each)), [], page);
  }
});

test("manuals: errors that no C program provokes are injected", () => {
  const injected = read("zig", "abi", "vmem_test.zig");
  assertEquals(unprovoked.filter((each) => !injected.includes(`error.${each}, "`)), []);
});

test("manuals: the headers have each error that the C tests provoke", () => {
  const comments = documented.map(([header]) => read("include", header)).join("");
  const all = new Set(
    [...provoked()].filter(([name]) => /^vmemx?_/.test(name)).flatMap(([, errors]) => [...errors]),
  );
  assert(all.size > 10);
  assertEquals([...all].filter((each) => !new RegExp(`\\b${each}\\b`).test(comments)), []);
});

for (const [program, header, page] of examples) {
  test(`manuals: the example of ${page}, of ${header} and of tests/abi/${program} is one`, () => {
    const [, example = ""] = /(#include[\s\S]*)$/.exec(read("tests", "abi", program)) ?? [];
    const shown = section(page, "EXAMPLES").join("\n").replaceAll("\\e", "\\");
    const squeezed = example.trim().replace(/\n+/g, "\n");
    assert(shown.includes(squeezed), squeezed);
    const comments = read("include", header).replace(/^ \*( {5})?/gm, "");
    assert(comments.includes(example.trim()));
  });
}

test("manuals: libvmem.7 and libvmem.h have the options that the library reads, and no others", () => {
  const [, fields = ""] =
    /pub const Settings = struct \{([\s\S]*?)\n\n/.exec(read("zig", "pool", "conf.zig")) ?? [];
  const read_ = [...fields.matchAll(/^ {4}(\w+): /gm)].map(([, name = ""]) => name).sort();
  assert(read_.length >= 9);
  const shown = section("libvmem.7", "ENVIRONMENT").flatMap((line) =>
    /^\.It Cm (\w+) :/.exec(line)?.[1] ?? []
  );
  assertEquals(shown.sort(), read_);
  const header = [...read("include", "libvmem.h").matchAll(/^ \* {3}(\w+):[A-Z] /gm)].map((
    [, name = ""],
  ) => name);
  assertEquals(header.sort(), read_);
});

test("manuals: libvmmalloc.7 has the variables that the library reads", () => {
  const sources = ["process_options.zig", "process_pool.zig"].map((name) =>
    read("zig", "pool", name)
  );
  const asked = [...sources.join("").matchAll(/\bget\("(\w+)"\)/g)].map(([, name = ""]) => name);
  const logging = ["VMMALLOC_LOG_LEVEL", "VMMALLOC_LOG_FILE"];
  const shown = section("libvmmalloc.7", "ENVIRONMENT").flatMap((line) =>
    /^\.It Ev (VMMALLOC_\w+)/.exec(line)?.[1] ?? []
  );
  assertEquals(shown.sort(), [...new Set([...asked, ...logging])].sort());
});
