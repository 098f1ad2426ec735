/**
 * The text to be indexed: all files of a folder, one after the other in one array of bytes, and where
 * the words are in it. Both indexes work from this, and its cost is in neither's figures.
 */
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** One file of the text. */
export interface File {
  /** Path, relative to the folder. */
  readonly path: string;
  /** Number of its first line; lines are counted through all files. */
  readonly firstLine: number;
}

/** The files of a folder, cut into words. */
export interface Text {
  readonly files: readonly File[];
  /** Files that could not be read, or were too much (see LARGEST_TEXT). */
  readonly leftOut: number;
  readonly bytes: Uint8Array;
  /** The same as a string, one character a byte: positions are the same in both. */
  readonly string: string;
  /** Three numbers a word: where it starts in `bytes`, where it ends, its line. */
  readonly words: Uint32Array;
}

/** Numbers a word takes in {@link Text.words}. */
export const WORD = 3;

/** Longer words are data (a key, a digest), nothing one searches for. */
export const LONGEST_WORD = 64;

/** A JavaScript string holds no more than half a gigabyte, and the plain index needs one. */
const LARGEST_TEXT = 256 * 1024 * 1024;

/** Reads every file below `folder` that looks like text. */
export function readText(folder: string): Text {
  const files: File[] = [];
  const parts: Uint8Array[] = [];
  let size = 0;
  let line = 0;
  let leftOut = 0;
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const path of paths) {
    const bytes = read(path);
    if (bytes === undefined || size + bytes.length + 1 > LARGEST_TEXT) {
      leftOut++;
      continue;
    }
    // The same rule as grep's: a file with a zero byte near its beginning is not text.
    if (bytes.subarray(0, 8192).includes(0)) continue;
    files.push({ path: relative(folder, path), firstLine: line });
    parts.push(bytes, NEWLINE_BYTE);
    size += bytes.length + 1;
    for (const byte of bytes) if (byte === NEWLINE) line++;
    line++;
  }
  const bytes = Buffer.concat(parts, size);
  return { files, leftOut, bytes, string: bytes.toString("latin1"), words: findWords(bytes) };
}

/** The bytes of a file, or undefined if this user may not read it. */
function read(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Path and line number of a line, as a reader wants to see it. */
export function placeOf(text: Text, line: number): string {
  let low = 0;
  let high = text.files.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (text.files[middle]!.firstLine <= line) low = middle;
    else high = middle;
  }
  const file = text.files[low]!;
  return `${file.path}:${line - file.firstLine + 1}`;
}

/** Words are kept byte by byte; this makes one readable again. */
export function show(word: string): string {
  return Buffer.from(word, "latin1").toString("utf8");
}

const NEWLINE = 10;
const NEWLINE_BYTE = new Uint8Array([NEWLINE]);

/** 1 for the bytes that words are made of: letters, digits, `_`, and all of UTF-8 beyond ASCII. */
const IN_WORD = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte >= 128 || /\w/.test(String.fromCharCode(byte)) ? 1 : 0,
);

function findWords(bytes: Uint8Array): Uint32Array {
  let words = new Uint32Array(1 << 20);
  let count = 0;
  let line = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === NEWLINE) line++;
    if (IN_WORD[bytes[at]!] === 0) continue;
    const start = at;
    while (at < bytes.length && IN_WORD[bytes[at]!] === 1) at++;
    if (at - start <= LONGEST_WORD) {
      if (count + WORD > words.length) {
        const larger = new Uint32Array(words.length * 2);
        larger.set(words);
        words = larger;
      }
      words[count] = start;
      words[count + 1] = at;
      words[count + 2] = line;
      count += WORD;
    }
    at--; // the byte that ended the word may be a newline
  }
  return words.subarray(0, count);
}
