/**
 * Builds the libraries again in another place, from the files that `build.zig.zon` names: in another folder, with an empty cache, in
 * another time zone, for another user's home. What comes out must be the same to the byte, so that anybody can find out
 * whether a published library was made from these sources.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Workshop } from "./platforms.ts";
import { root, zigEnvironment } from "./zig.ts";

/** What the repository is as a package of Zig. */
function sources(): string[] {
  const list = /\.paths = \.\{([^}]*)\}/.exec(readFileSync(join(root, "build.zig.zon"), "utf8"));
  if (list === null) throw new Error(`"build.zig.zon" names no paths`);
  return [...list[1]!.matchAll(/"([^"]+)"/g)].map((match) => match[1]!);
}

/**
 * Gives `work` a copy of the sources in a temporary folder, whose name has a blank, and removes it again.
 *
 * @param cold Whether Zig's own parts are compiled anew, too, which takes minutes.
 */
export async function elsewhere<T>(
  cold: boolean,
  work: (workshop: Workshop) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "vmem elsewhere-"));
  try {
    const copy = join(folder, "a", "deeper", "folder");
    for (const path of sources()) {
      mkdirSync(dirname(join(copy, path)), { recursive: true });
      cpSync(join(root, path), join(copy, path), { recursive: true });
    }
    const home = join(folder, "home");
    mkdirSync(home);
    const env = { ...zigEnvironment(), TZ: "Pacific/Auckland" };
    const cache = cold ? { HOME: home, ZIG_GLOBAL_CACHE_DIR: join(home, "zig") } : {};
    return await work({ sources: copy, env: { ...env, ...cache } });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
