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
import { currentRuntime } from "./runtime.ts";

interface Watcher {
  /** With what is to be done. */
  readonly registry: FinalizationRegistry<() => void>;
  /** What was said once is not said again: a loop that forgets pools would fill the console. */
  readonly said: Set<string>;
}

const saidMax = 100;
const key = Symbol.for("vmem.collected");

/**
 * One for all copies of this module in the isolate. `bun --hot` forgets a load as a whole, and a registry that is collected together
 * with what it watches tells nobody.
 */
const { registry, said } = watcher();

function watcher(): Watcher {
  const holder = globalThis as { [key]?: Watcher };
  const earlier = holder[key];
  if (earlier !== undefined) {
    if (currentRuntime().reloads) setTimeout(currentRuntime().collect, 0);
    return earlier;
  }
  const value: Watcher = {
    registry: new FinalizationRegistry((end) => end()),
    said: new Set(),
  };
  Object.defineProperty(globalThis, key, { value });
  return value;
}

/** Watches a pool's memory. `site`: where it was made, "" when that is not known. */
export function watchCreated(memory: object, handle: number, site: string, silent: boolean): void {
  const words = silent ? undefined : wordsOf(site);
  registry.register(memory, ending(handle, words), memory);
}

/** Watches an attachment: its end is nothing to talk about, since the pool has an owner. */
export function watchAttached(memory: object, handle: number): void {
  registry.register(memory, ending(handle, undefined), memory);
}

/** The pool was closed. */
export function unwatch(memory: object): void {
  registry.unregister(memory);
}

/** A function of its own, since what it returns must not hold the memory. */
function ending(handle: number, words: string | undefined): () => void {
  return () => {
    native.detach(handle);
    if (words === undefined || said.has(words) || said.size === saidMax) return;
    said.add(words);
    console.warn(words);
  };
}

function wordsOf(site: string): string {
  const which = site === "" ? "a pool" : `the pool made at ${site}`;
  const find = site === "" ? "{ trace: true } tells where it was made, " : "";
  return `vmem: ${which} was garbage collected without being closed; its memory was kept until now. ` +
    `Close it, best by "using"; ${find}{ trace: false } keeps this silent`;
}
