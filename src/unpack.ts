/**
 * The library that a JSR package or an executable carries becomes a file: `$XDG_CACHE_HOME/vmem/<sha256>.so`, in a folder of the user's
 * own. An existing file is used only if it is the user's and its bytes are the package's.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash, randomUUID } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { EmbeddedLibrary } from "./embedded.ts";
import { LibraryError } from "./errors.ts";
import { currentRuntime } from "./runtime.ts";
import { show } from "./text.ts";

const failed = "Cannot unpack the vmem library";

/** Folder of the unpacked libraries. */
export function cacheFolder(): string {
  const { environment } = currentRuntime();
  const cache = environment("XDG_CACHE_HOME");
  if (cache !== undefined && cache.startsWith("/")) return join(cache, "vmem");
  const home = environment("HOME");
  // Without a home, a name in the shared folder, which others could have made; its owner is looked at.
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
  askFor(folder);
  const path = join(folder, `${hash}.so`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const user = ownFolder(folder);
    if (isWhole(path, hash, user)) return path;
    const bytes = content();
    if (sha256(bytes) !== hash) {
      throw new Error("the package is damaged: its hash does not match");
    }
    // Other processes may do the same now: a rename puts a whole file there or none.
    const partial = join(folder, `${randomUUID()}.partial`);
    try {
      writeFileSync(partial, bytes, { mode: 0o700, flag: "wx" });
      renameSync(partial, path);
    } catch (error) {
      rmSync(partial, { force: true });
      throw error;
    }
    return path;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LibraryError(
      `${failed} into ${show(folder)}: ${why}; ` +
        `set XDG_CACHE_HOME to a folder of your own, or name a file with setLibrary()`,
      { cause },
    );
  }
}

/** Throws unless the folder may be used; Deno would ask the user, and Node's error does not say what for. */
function askFor(folder: string): void {
  const runtime = currentRuntime();
  const rights = ["read", "write"] as const;
  if (rights.every((right) => runtime.permits(right, folder))) return;
  const options = [...rights, "open" as const].map((right) => runtime.optionFor(right, folder));
  throw new LibraryError(
    `${failed} into ${show(folder)}: it is not permitted; run ${runtime.name} with ` +
      `${options.join(" ")}, or name a file with setLibrary()`,
  );
}

/** The user's number. Throws unless the folder is theirs: who else writes there could exchange the file after it was looked at. */
function ownFolder(folder: string): number {
  const user = userOf(folder);
  // Where the folder itself is a link, whoever made that decides where it leads.
  for (const stat of [lstatSync(folder), statSync(folder)]) {
    if (stat.uid !== user) throw new Error("the folder belongs to another user");
  }
  if ((statSync(folder).mode & 0o022) !== 0) chmodSync(folder, 0o700);
  return user;
}

/** Who this process is. Deno tells that only with a permission of its own, so there a file is made and asked. */
function userOf(folder: string): number {
  const { getuid } = process;
  if (process.versions.deno === undefined && getuid !== undefined) return getuid.call(process);
  const probe = join(folder, `${randomUUID()}.probe`);
  writeFileSync(probe, "", { mode: 0o600, flag: "wx" });
  try {
    return lstatSync(probe).uid;
  } finally {
    rmSync(probe);
  }
}

/** Whether there is such a file of the user's with these bytes; not a link, whose end others may own. */
function isWhole(path: string, hash: string, user: number): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile() || stat.uid !== user) return false;
  return sha256(readFileSync(path)) === hash;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
