/**
 * The library that a JSR package or an executable carries becomes a file: `$XDG_CACHE_HOME/vmem/<sha256>.so`, in a folder of the user's
 * own. An existing file is used only if it is the user's and its bytes are the package's; else it is replaced, or refused where nothing
 * may be written.
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
import { brotliDecompressSync } from "node:zlib";
import type { EmbeddedLibrary } from "./embedded.ts";
import { LibraryError } from "./errors.ts";
import { currentRuntime } from "./runtime.ts";
import { show } from "./text.ts";

const failed = "Cannot unpack the vmem library";

/** For programs that may not know their home; anybody could have made it. */
const sharedFolder = "/tmp/vmem-cache";

/** Folder of the unpacked libraries. */
export function cacheFolder(): string {
  const { environment } = currentRuntime();
  const cache = environment("XDG_CACHE_HOME");
  if (cache !== undefined && cache.startsWith("/")) return join(cache, "vmem");
  const home = environment("HOME");
  return home !== undefined && home !== "" ? join(home, ".cache", "vmem") : sharedFolder;
}

/**
 * Path of the library's file, written if need be.
 *
 * @param library What the package carries.
 * @param folder Where it goes.
 */
export function unpack(library: EmbeddedLibrary, folder: string = cacheFolder()): string {
  const content = () => brotliDecompressSync(Buffer.from(library.brotli, "base64"));
  return place(library.sha256, content, folder);
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
  if (isThere(path, hash, folder)) return path;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const user = ownFolder(folder);
    if (!isWhole(path, hash, user)) write(folder, path, whole(hash, content));
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

/** The content, if it has this hash. */
function whole(hash: string, content: () => Uint8Array): Uint8Array {
  const damaged = "the package is damaged: its hash does not match";
  let bytes: Uint8Array;
  try {
    bytes = content();
  } catch (cause) {
    throw new Error(damaged, { cause });
  }
  if (sha256(bytes) !== hash) throw new Error(damaged);
  return bytes;
}

/** Other processes may do the same now: a rename puts a whole file there or none. */
function write(folder: string, path: string, bytes: Uint8Array): void {
  const partial = join(folder, `${randomUUID()}.partial`);
  try {
    writeFileSync(partial, bytes, { mode: 0o700, flag: "wx" });
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

/**
 * Whether the file is there and nothing may be written, which is enough for a folder that nobody else could have made. Throws if
 * more has to be permitted: Deno would ask the user, and Node's error does not say what for.
 */
function isThere(path: string, hash: string, folder: string): boolean {
  const runtime = currentRuntime();
  const mayRead = runtime.permits("read", folder);
  if (mayRead && runtime.permits("write", folder)) return false;
  let state = "";
  if (mayRead && folder !== sharedFolder) {
    const owner = lstatSync(folder, { throwIfNoEntry: false });
    const closed = owner !== undefined && owner.isDirectory() && (owner.mode & 0o022) === 0;
    if (closed && owner.uid === (knownUser() ?? owner.uid) && isWhole(path, hash, owner.uid)) {
      return true;
    }
    if (runtime.exists(path) === true) {
      state = closed
        ? "its file there was changed, and to replace it "
        : "it is a link, or others own it or may write there, and to look further ";
    }
  }
  const options = (["read", "write", "open"] as const).map((right) =>
    runtime.optionFor(right, folder)
  );
  throw new LibraryError(
    `${failed} into ${show(folder)}: ${
      state === "" ? "it " : state
    }is not permitted; run ${runtime.name} with ` +
      `${options.join(" ")} (write only once), or name a file with setLibrary()`,
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

/** Who this process is; undefined in Deno, which tells that only with a permission of its own. */
function knownUser(): number | undefined {
  return process.versions.deno === undefined ? process.getuid?.() : undefined;
}

/** Who this process is, by a file that is made and asked where nothing else tells. */
function userOf(folder: string): number {
  const known = knownUser();
  if (known !== undefined) return known;
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
