/**
 * Pools that the collector finds: nobody can reach them any more, and nobody closed them.
 *
 * What is watched is the `Memory`, which views of structs and scopes hold, too: as long as one of them can be reached, so can the
 * pool. What only its bytes are reached by (views, arrays) are buffers, each of which is a user of the pool's memory for itself. So
 * this isolate's attachment may end at once, and the memory goes back with the last user.
 *
 * @module
 */
import * as native from "./native.ts";

interface Watched {
  readonly handle: number;
  /** What to say; undefined: nothing, another worker has the pool or nobody wants to know. */
  readonly words: string | undefined;
}

const registry = new FinalizationRegistry<Watched>(collected);

/** What was said once is not said again: a loop that forgets pools would fill the console. */
const said = new Set<string>();
const saidMax = 100;

/** Watches a pool's memory. `site`: where it was made, "" when that is not known. */
export function watchCreated(memory: object, handle: number, site: string, silent: boolean): void {
  const words = silent ? undefined : wordsOf(site);
  registry.register(memory, { handle, words }, memory);
}

/** Watches an attachment: its end is nothing to talk about, since the pool has an owner. */
export function watchAttached(memory: object, handle: number): void {
  registry.register(memory, { handle, words: undefined }, memory);
}

/** The pool was closed. */
export function unwatch(memory: object): void {
  registry.unregister(memory);
}

function collected({ handle, words }: Watched): void {
  native.detach(handle);
  if (words === undefined || said.has(words) || said.size === saidMax) return;
  said.add(words);
  console.warn(words);
}

function wordsOf(site: string): string {
  const which = site === "" ? "A pool" : `The pool made at ${site}`;
  const find = site === "" ? "; Pool.create({ trace: true }) tells where it was made" : "";
  return `vmem: ${which} was garbage collected without being closed, and its memory was kept until now. ` +
    `Declare it with "using", or close it${find}, { trace: false } keeps this silent`;
}
