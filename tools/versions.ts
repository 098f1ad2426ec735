/**
 * The version stands in deno.json. Where else it must stand, since those files are read by others: here it is looked for there.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./zig.ts";

/** A place, and the version that stands there. */
export type Place = readonly [place: string, version: string | undefined];

function read(name: string): string {
  return readFileSync(join(root, name), "utf8");
}

/** The package's version. */
export function packageVersion(): string {
  return (JSON.parse(read("deno.json")) as { version: string }).version;
}

/** Every place in the repository's files. The libraries have theirs from `build.zig.zon`. */
export function versionPlaces(): Place[] {
  const tarballs = [...read("README.md").matchAll(/\bvmem-(\d[\w.+-]*)\.tgz/g)];
  return [
    ["deno.json", packageVersion()],
    ["build.zig.zon", /\.version = "([^"]+)"/.exec(read("build.zig.zon"))?.[1]],
    ...tarballs.map((match): Place => ["README.md", match[1]]),
  ];
}

/** The versions that CHANGELOG.md says were released, newest first. */
export function releases(changelog: string = read("CHANGELOG.md")): string[] {
  return [...changelog.matchAll(/^## \[(\d[^\]]*)\] - \d{4}-\d\d-\d\d$/gm)].map((match) =>
    match[1]!
  );
}
