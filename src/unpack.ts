/**
 * The library that a JSR package or an executable carries becomes a file: `$XDG_CACHE_HOME/vmem/<sha256>.so`, in a folder of the user's
 * own. An existing file is used only if its bytes are the package's.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EmbeddedLibrary } from "./embedded.ts";
import { LibraryError } from "./errors.ts";
import { currentRuntime } from "./runtime.ts";
import { show } from "./text.ts";

/** Folder of the unpacked libraries. */
export function cacheFolder(): string {
  const { environment } = currentRuntime();
  const cache = environment("XDG_CACHE_HOME");
  if (cache !== undefined && cache.startsWith("/")) return join(cache, "vmem");
  const home = environment("HOME");
  // Without a home, a name in the shared folder that others could have made: the hash is checked, the owner is not.
  return home !== undefined && home !== "" ? join(home, ".cache", "vmem") : "/tmp/vmem-cache";
}

/**
 * Path of the library's file, written if need be.
 *
 * @param library What the package carries.
 * @param folder Where it goes.
 */
export function unpack(library: EmbeddedLibrary, folder: string = cacheFolder()): string {
  return place(library.sha256, () => Buffer.from(library.base64, "base64"), folder);
}

/** Whether a path leads into an executable that Bun has made. */
export function isInExecutable(path: string): boolean {
  return path.startsWith("/$bunfs/");
}

/**
 * Path of a true file with the bytes of one inside an executable. From there Bun opens it anew for each of its two loaders,
 * as two libraries that know nothing of each other's pools.
 *
 * @param path The file in the executable.
 * @param folder Where it goes.
 */
export function unpackFile(path: string, folder: string = cacheFolder()): string {
  const bytes = readFileSync(path);
  return place(sha256(bytes), () => bytes, folder);
}

/** Path of the file with this hash in the folder, written if need be. */
function place(hash: string, content: () => Uint8Array, folder: string): string {
  const path = join(folder, `${hash}.so`);
  try {
    if (existsSync(path) && sha256(readFileSync(path)) === hash) return path;
    const bytes = content();
    if (sha256(bytes) !== hash) {
      throw new Error("the package is damaged: its hash does not match");
    }
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Other processes may do the same now: a rename puts a whole file there or none.
    const partial = join(folder, `${randomUUID()}.partial`);
    writeFileSync(partial, bytes, { mode: 0o700, flag: "wx" });
    try {
      renameSync(partial, path);
    } catch (error) {
      rmSync(partial, { force: true });
      throw error;
    }
    return path;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LibraryError(
      `Cannot unpack the vmem library into ${show(folder)}: ${why}; ` +
        `Deno needs --allow-read, --allow-write and --allow-ffi for that folder, or name a file with setLibrary()`,
      { cause },
    );
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
