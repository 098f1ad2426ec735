/** The index as one writes it without a pool: a `Map` of objects with arrays. */
import { Buffer } from "node:buffer";
import type { Index, PrefixCount } from "./index.ts";
import { type Text, WORD } from "./text.ts";

interface Entry {
  readonly word: string;
  /** The lines the word is on, ascending, each once. */
  readonly lines: number[];
}

export class PlainIndex implements Index {
  readonly #entries = new Map<string, Entry>();

  insert(text: Text, from: number, to: number): void {
    const { string, words } = text;
    for (let at = from * WORD; at < to * WORD; at += WORD) {
      const word = string.slice(words[at], words[at + 1]);
      const line = words[at + 2]!;
      const entry = this.#entries.get(word) ?? this.#add(word);
      const lines = entry.lines;
      if (lines.length === 0 || lines[lines.length - 1] !== line) lines.push(line);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  words(): Iterable<string> {
    return this.#entries.keys();
  }

  lines(word: string): ArrayLike<number> {
    return this.#entries.get(word)?.lines ?? [];
  }

  startingWith(prefix: string): PrefixCount {
    let words = 0;
    let lines = 0;
    for (const entry of this.#entries.values()) {
      if (!entry.word.startsWith(prefix)) continue;
      words++;
      lines += entry.lines.length;
    }
    return { words, lines };
  }

  #add(slice: string): Entry {
    // V8 makes a slice of 13 characters and more a reference to the whole string, and 17 MiB would
    // stay alive for one word. A copy through bytes stands on its own.
    const word = Buffer.from(slice, "latin1").toString("latin1");
    const entry: Entry = { word, lines: [] };
    this.#entries.set(word, entry);
    return entry;
  }
}
