/**
 * Libraries inside the package, as base64. Empty here; the release script fills it in for JSR, where a package has no
 * files at run time.
 *
 * @module
 */

/** One library. */
export interface EmbeddedLibrary {
  /** SHA-256 of the bytes, hexadecimal. */
  readonly sha256: string;
  readonly base64: string;
}

/** By platform, for example "linux-x64". */
export const embedded: Readonly<Record<string, EmbeddedLibrary>> = {};
