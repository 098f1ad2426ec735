/** Libraries that cannot be loaded: each with the runtime's own loader, in a program of its own. */
import { Buffer } from "node:buffer";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Pool } from "../../mod.ts";
import { openLibrary } from "../../src/library.ts";
import { abi } from "../../src/symbols.ts";
import { program, run } from "./child.ts";

Pool.create().close();
const library = openLibrary().path;
const bytes = readFileSync(library);
const other = process.arch === "x64" ? { number: 183, name: "arm64" } : { number: 62, name: "x64" };
let folder = "";

before(() => {
  folder = mkdtempSync(join(tmpdir(), "vmem-refused-"));
});

after(() => rmSync(folder, { recursive: true }));

/** A file with these bytes. */
function file(name: string, content: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** The library with some bytes exchanged, wherever they are. */
function changed(from: Uint8Array | string, to: Uint8Array | string): Buffer {
  const copy = Buffer.from(bytes);
  const wanted = Buffer.from(from);
  assert(copy.includes(wanted), "the library has these bytes");
  for (let at = copy.indexOf(wanted); at >= 0; at = copy.indexOf(wanted, at + 1)) {
    copy.set(Buffer.from(to), at);
  }
  return copy;
}

/** What a program prints as JSON. */
function answersOf(words: readonly string[]): readonly string[] {
  const { status, output } = run(words, { VMEM_LIBRARY: "" });
  assertEquals(status, 0, output);
  return JSON.parse(output) as string[];
}

/** Files by their names, and what is said of each. */
const wrong: readonly (readonly [name: string, make: () => Uint8Array | string, says: string])[] = [
  ["text", () => "not a library\n".repeat(10), "it is not a library (an ELF file)"],
  ["empty", () => "", "it is empty"],
  // The loader itself dies of SIGBUS here.
  ["cut", () => bytes.subarray(0, 100_000), "it is cut off: it has 100000 bytes of at least "],
  [
    "other",
    forOther,
    `it is for processors of the kind ${other.name}, not for ${process.arch}`,
  ],
  [
    "musl",
    () => changed("libc.so.6\0", "libc.so\0\0\0"),
    "it is for musl, and this runtime is linked with glibc",
  ],
  ["lacking", lacking, "it is another library, or of another version"],
  [
    "older",
    () => withHash(lacking(), 0x04030201),
    "it belongs to another version of the package (interface 4030201, wanted",
  ],
];

function forOther(): Uint8Array {
  const copy = Buffer.from(bytes);
  copy.writeUInt16LE(other.number, 18);
  return copy;
}

function lacking(): Buffer {
  return changed("vmem_ffi_trim\0", "vmem_ffi_gone\0");
}

function withHash(copy: Buffer, hash: number): Buffer {
  const [from, to] = [Buffer.alloc(4), Buffer.alloc(4)];
  from.writeUInt32LE(abi);
  to.writeUInt32LE(hash);
  for (let at = copy.indexOf(from); at >= 0; at = copy.indexOf(from)) copy.set(to, at);
  return copy;
}

test("a file that cannot be the library says why", () => {
  const paths = wrong.map(([name, make]) => file(`${name}.so`, make()));
  const answers = answersOf(program("children/refused.ts", ...paths, folder, library));
  for (const [index, [, , says]] of wrong.entries()) {
    const answer = answers[index]!;
    assert(answer.startsWith("LibraryError: Cannot "), answer);
    assert(answer.includes(says) && answer.includes(paths[index]!), answer);
  }
  assert(answers.at(-2)!.includes("it is not a file"), answers.at(-2));
  assertEquals(answers.at(-1), "works");
});

/** The error of a program whose library this is, started by `words`. */
function refusalOf(path: string, words: readonly string[]): string {
  const [answer = ""] = answersOf([...words, ...program("children/refused.ts", path)]);
  assert(answer.startsWith("LibraryError: Cannot load"), answer);
  return answer;
}

/** Words that start a program without root's right to read every file. */
const asOthers = process.getuid?.() !== 0 ? [] : [
  "setpriv",
  "--bounding-set=-dac_override,-dac_read_search",
  "--inh-caps=-dac_override,-dac_read_search",
];

test("a file that may not be read says so", () => {
  const path = file("closed.so", bytes);
  chmodSync(path, 0);
  const output = refusalOf(path, asOthers);
  assert(output.includes("this user may not read the file or its folders"), output);
});

/** Words that start a program in a mount namespace of its own, as its root; undefined where there are none. */
function namespaced(): readonly string[] | undefined {
  for (const words of [["unshare", "-m"], ["unshare", "-rm"]]) {
    const mount = [...words, "mount", "-t", "tmpfs", "-o", "noexec", "none", "/mnt"];
    if (run(mount).status === 0) return words;
  }
  return undefined;
}

const mounting = namespaced();
test("a folder without the right to execute says so", {
  skip: mounting === undefined && "mounting needs root or user namespaces",
}, () => {
  const dir = join(folder, "noexec");
  mkdirSync(dir);
  const script = 'mount -t tmpfs -o noexec none "$1" && cp "$2" "$1/a.so" && shift 2 && exec "$@"';
  const words = [...mounting!, "sh", "-c", script, "sh", dir, library];
  const output = refusalOf(join(dir, "a.so"), words);
  assert(output.includes("mounted without the right to execute (noexec)"), output);
});

test("a library without room for thread-local data says what to do, and that helps", () => {
  const dir = join(folder, "many");
  mkdirSync(dir);
  const words = program("children/static_tls.ts", library, dir);
  const { output } = run(words, { VMEM_LIBRARY: "" });
  assert(/^after \d+ LibraryError: Cannot load the vmem library/.test(output), output);
  assert(output.includes("have taken the room for thread-local data"), output);
  const [advice = ""] = /GLIBC_TUNABLES=\S+/.exec(output) ?? [];
  const [name = "", value = ""] = advice.split(/=(.*)/);
  const first = run(words, { VMEM_LIBRARY: "", [name]: value }).output;
  assert(Number(/after (\d+)/.exec(first)?.[1]) > Number(/after (\d+)/.exec(output)?.[1]), first);
});

test("on other platforms the first pool says what to do", () => {
  const lies = [
    ["darwin-arm64", "the package is for Linux, not for macOS; use it in a container"],
    ["win32-x64", "the package is for Linux, not for Windows; use it in WSL 2"],
    ["linux-riscv64", 'the package has libraries for x64 and arm64, not for "riscv64"'],
  ] as const;
  const answers = answersOf(program("children/elsewhere.ts", ...lies.map(([name]) => name)));
  for (const [index, [, text]] of lies.entries()) {
    const start = `LibraryError: Cannot load the vmem library: ${text}`;
    assert(answers[index]!.startsWith(start), answers[index]);
  }
});
