/**
 * Reads what the dynamic linker sees of a shared library: a user's machine need not have readelf.
 * 64-bit little-endian ELF only.
 */
import { readFileSync } from "node:fs";

/** A symbol that the library exports or imports. */
export interface DynamicSymbol {
  readonly name: string;
  /** `LIBVMEM_1.0`, or "" without one. */
  readonly version: string;
  readonly defined: boolean;
  readonly weak: boolean;
  readonly type: "function" | "variable" | "other";
  /** Bytes, as the library says. */
  readonly size: number;
}

export interface SharedLibrary {
  readonly soname: string | undefined;
  readonly needed: readonly string[];
  /** Versions that it asks of other libraries, as `GLIBC_2.17`. */
  readonly required: readonly string[];
  readonly symbols: readonly DynamicSymbol[];
}

const dynamicSection = 6;
const dynamicSymbols = 11;
const versionDefinitions = 0x6ffffffd;
const versionNeeds = 0x6ffffffe;
const versionIndexes = 0x6fffffff;

const symbolTypes = ["other", "variable", "function"] as const;

const neededTag = 1;
const sonameTag = 14;

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly sections: readonly Section[];

  constructor(path: string) {
    this.#bytes = readFileSync(path);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    const little64 = this.u32(0) === 0x464c457f && this.u8(4) === 2 && this.u8(5) === 1;
    if (!little64) {
      throw new Error(`Reading "${path}" failed: it is no 64-bit little-endian ELF file`);
    }
    const start = this.u64(0x28);
    this.sections = Array.from({ length: this.u16(0x3c) }, (_, index) => {
      const at = start + index * 64;
      return {
        type: this.u32(at + 4),
        offset: this.u64(at + 24),
        size: this.u64(at + 32),
        link: this.u32(at + 40),
      };
    });
  }

  u8(at: number): number {
    return this.#view.getUint8(at);
  }
  u16(at: number): number {
    return this.#view.getUint16(at, true);
  }
  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }
  u64(at: number): number {
    return Number(this.#view.getBigUint64(at, true));
  }

  text(at: number): string {
    return new TextDecoder().decode(this.#bytes.subarray(at, this.#bytes.indexOf(0, at)));
  }

  section(type: number): Section | undefined {
    return this.sections.find((section) => section.type === type);
  }

  /** Where the strings of a section stand. */
  strings(section: Section): number {
    return this.sections[section.link]?.offset ?? 0;
  }
}

/** What the dynamic linker sees of the library at `path`. Throws if it is no such file. */
export function readLibrary(path: string): SharedLibrary {
  const reader = new Reader(path);
  const entries = dynamicEntries(reader);
  return {
    soname: entries.find(([tag]) => tag === sonameTag)?.[1],
    needed: entries.filter(([tag]) => tag === neededTag).map(([, text]) => text),
    required: requiredVersions(reader),
    symbols: symbols(reader),
  };
}

function dynamicEntries(reader: Reader): [tag: number, text: string][] {
  const section = reader.section(dynamicSection);
  if (section === undefined) return [];
  const strings = reader.strings(section);
  return Array.from({ length: section.size / 16 }, (_, index) => {
    const at = section.offset + index * 16;
    const tag = reader.u64(at);
    const named = tag === neededTag || tag === sonameTag;
    return [tag, named ? reader.text(strings + reader.u64(at + 8)) : ""];
  });
}

function symbols(reader: Reader): DynamicSymbol[] {
  const section = reader.section(dynamicSymbols);
  if (section === undefined) return [];
  const strings = reader.strings(section);
  const versions = definedVersions(reader);
  const indexes = reader.section(versionIndexes);
  // Symbol 0 is the empty one.
  return Array.from({ length: section.size / 24 - 1 }, (_, before) => {
    const index = before + 1;
    const at = section.offset + index * 24;
    const version = indexes === undefined ? 0 : reader.u16(indexes.offset + index * 2) & 0x7fff;
    const defined = reader.u16(at + 6) !== 0;
    return {
      name: reader.text(strings + reader.u32(at)),
      version: defined ? versions.get(version) ?? "" : "",
      defined,
      weak: reader.u8(at + 4) >> 4 === 2,
      type: symbolTypes[reader.u8(at + 4) & 15] ?? "other",
      size: reader.u64(at + 16),
    };
  });
}

/** Names of the versions that the library defines, by their index; the first names the library itself. */
function definedVersions(reader: Reader): Map<number, string> {
  const names = new Map<number, string>();
  const section = reader.section(versionDefinitions);
  if (section === undefined) return names;
  const strings = reader.strings(section);
  let at = section.offset;
  while (true) {
    const base = (reader.u16(at + 2) & 1) !== 0;
    const auxiliary = at + reader.u32(at + 12);
    if (!base) names.set(reader.u16(at + 4), reader.text(strings + reader.u32(auxiliary)));
    const next = reader.u32(at + 16);
    if (next === 0) return names;
    at += next;
  }
}

/** For each library that it needs a record with a chain of the versions asked of it. */
function requiredVersions(reader: Reader): string[] {
  const names: string[] = [];
  const section = reader.section(versionNeeds);
  if (section === undefined) return names;
  const strings = reader.strings(section);
  for (let at = section.offset;;) {
    let entry = at + reader.u32(at + 8);
    for (let count = reader.u16(at + 2); count > 0; count -= 1) {
      names.push(reader.text(strings + reader.u32(entry + 8)));
      entry += reader.u32(entry + 12);
    }
    const next = reader.u32(at + 12);
    if (next === 0) return names;
    at += next;
  }
}
