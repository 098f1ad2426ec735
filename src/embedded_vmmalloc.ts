/**
 * `libvmmalloc.so.1` inside the package, apart from the other library since few programs need it. Empty here; see
 * `embedded.ts`.
 *
 * @module
 */
import type { EmbeddedLibrary } from "./embedded.ts";

/** By platform, for example "linux-x64". */
export const embedded: Readonly<Record<string, EmbeddedLibrary>> = {};
