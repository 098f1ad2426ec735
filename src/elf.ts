/**
 * What can be told of a library's file before it is opened. The loader's own words mislead for some ("no such file" for one of another
 * processor), and a file that is cut off ends the process by SIGBUS.
 *
 * @module
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";

/** Processors by their numbers in ELF files, as Node names them. */
const processors: Readonly<Record<number, string>> = {
  3: "ia32",
  21: "ppc64",
  22: "s390x",
  40: "arm",
  62: "x64",
  183: "arm64",
  243: "riscv64",
  258: "loong64",
};

const headerSize = 64;
/** Bytes of an entry of the program header, which says what of the file is mapped where. */
const entrySize = 56;
const loaded = 1;

/**
 * Why a file cannot be a library for a processor; undefined if nothing speaks against it.
 *
 * @param head The first bytes of the file, 4 KiB or all.
 * @param size Bytes of the file.
 * @param processor As in `process.arch`.
 */
export function elfProblem(head: Uint8Array, size: number, processor: string): string | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < headerSize || view.getUint32(0) !== 0x7f454c46) {
    return size === 0 ? "it is empty" : "it is not a library (an ELF file)";
  }
  const theirs = view.getUint16(18, head[5] === 1);
  if (processors[theirs] !== processor) {
    return `it is for processors of the kind ${processors[theirs] ?? theirs}, not for ${processor}`;
  }
  const end = endOfLoaded(view);
  if (size < end) return `it is cut off: it has ${size} bytes of at least ${end}`;
  return undefined;
}

function endOfLoaded(view: DataView): number {
  const first = Number(view.getBigUint64(32, true));
  const count = view.getUint16(56, true);
  let end = 0;
  for (let at = first; at < first + count * entrySize; at += entrySize) {
    if (at + entrySize > view.byteLength) return Math.max(end, at + entrySize);
    if (view.getUint32(at, true) !== loaded) continue;
    const offset = view.getBigUint64(at + 8, true);
    end = Math.max(end, Number(offset + view.getBigUint64(at + 32, true)));
  }
  return end;
}

/** The same of a file that may be read; undefined also if it cannot be, which the loader will explain. */
export function fileProblem(path: string, processor: string): string | undefined {
  let file: number;
  try {
    if (!statSync(path).isFile()) return "it is not a file"; // opening a pipe would wait for who writes to it
    file = openSync(path, "r");
  } catch {
    return undefined;
  }
  try {
    const head = new Uint8Array(4096);
    return elfProblem(head.subarray(0, readSync(file, head)), fstatSync(file).size, processor);
  } finally {
    closeSync(file);
  }
}
