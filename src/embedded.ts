/**
 * The library that TypeScript opens, inside the package. Empty here; `deno task pack:jsr` fills it in for JSR, where a
 * package has no files at run time.
 *
 * @module
 */

/** One library. */
export interface EmbeddedLibrary {
  /** SHA-256 of the bytes, hexadecimal. */
  readonly sha256: string;
  /** The bytes, compressed by Brotli, as base64. */
  readonly brotli: string;
}

/** By platform, for example "linux-x64". */
export const embedded: Readonly<Record<string, EmbeddedLibrary>> = {};
