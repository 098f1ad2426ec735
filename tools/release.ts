/**
 * `deno task release`: all platforms built from a clean tree, tried, packed for npm and JSR, built again elsewhere and compared. The
 * tarball and the hashes of everything in it are then in `release/`. With `--publish` both packages are published; without it
 * nothing leaves this machine. `--no-tests` leaves the tests out, of a trial only.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { deno } from "./bun.ts";
import { elsewhere } from "./elsewhere.ts";
import { execute } from "./execute.ts";
import { expectCarried, jsrBytesMax, jsrFolder, packJsr } from "./jsr.ts";
import { pack, packageFolder, setModes } from "./pack.ts";
import { buildLibraries, targets } from "./platforms.ts";
import { packageVersion, type Place, releases, versionPlaces } from "./versions.ts";
import { root } from "./zig.ts";

/** Where the tarball and the hashes are written; ignored by git. */
const releaseFolder = join(root, "release");

const platforms = Object.keys(targets);

/** What has to be in order. */
export interface State {
  /** Lines of `git status --porcelain`. */
  readonly changes: readonly string[];
  /** Tags of the commit. */
  readonly tags: readonly string[];
  readonly places: readonly Place[];
  /** Versions that CHANGELOG.md has. */
  readonly releases: readonly string[];
  readonly version: string;
  readonly tested: boolean;
}

/** What is in the way of building, and what only of publishing. */
export function obstacles(state: State): { building: string[]; publishing: string[] } {
  const { changes, tags, places, version } = state;
  const building: string[] = [];
  if (changes.length > 0) {
    building.push(`the tree has changes that are not committed:\n  ${changes.join("\n  ")}`);
  }
  for (const [place, found] of places) {
    if (found !== version) {
      building.push(`"${place}" has version ${found ?? "none"}, "deno.json" has ${version}`);
    }
  }
  const publishing: string[] = [];
  if (!tags.includes(`v${version}`)) {
    publishing.push(`the commit has no tag "v${version}"; make one with "git tag v${version}"`);
  }
  if (state.releases[0] !== version) {
    const newest = state.releases[0] ?? "none";
    publishing.push(`"CHANGELOG.md" has ${newest} as its newest release, not ${version}`);
  }
  if (!state.tested) publishing.push("the tests are left out");
  return { building, publishing };
}

/** Runs a program in a folder; returns what it printed, throws it if it failed. */
async function run(words: readonly string[], cwd = root): Promise<string> {
  const { status, output } = await execute(words, { cwd, limit: 600 });
  if (status === 0) return output;
  throw new Error(`Running "${words.join(" ")}" failed:\n${output}`);
}

/** Runs a program that shows what it does, and may ask; throws if it failed. */
function show(words: readonly string[], cwd = root): void {
  const [program = "", ...rest] = words;
  const { status } = spawnSync(program, rest, { cwd, stdio: "inherit" });
  if (status !== 0) throw new Error(`Running "${words.join(" ")}" failed`);
}

async function lines(...words: readonly string[]): Promise<string[]> {
  return (await run(words)).split("\n").filter((line) => line !== "");
}

async function currentState(tested: boolean): Promise<State> {
  return {
    changes: await lines("git", "status", "--porcelain"),
    tags: await lines("git", "tag", "--points-at", "HEAD"),
    places: versionPlaces(),
    releases: releases(),
    version: packageVersion(),
    tested,
  };
}

function hash(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/** Files below a folder with their hashes, by name. */
export function hashes(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  return new Map(names.sort().map((name) => [name, hash(join(folder, name))]));
}

/** Throws unless both have the same names with the same hashes. */
export function expectSame(
  what: string,
  first: ReadonlyMap<string, string>,
  second: ReadonlyMap<string, string>,
): void {
  const names = new Set([...first.keys(), ...second.keys()]);
  const different = [...names].filter((name) => first.get(name) !== second.get(name));
  if (different.length === 0 && names.size > 0) return;
  throw new Error(`${what} cannot be reproduced: ${different.join(", ") || "there is nothing"}`);
}

/** As `sha256sum` writes and checks it. */
export function sums(list: ReadonlyMap<string, string>): string {
  return [...list].map(([name, hash]) => `${hash}  ${name}\n`).join("");
}

/** The libraries of every platform, built here; folders by platform. */
async function built(): Promise<Record<string, string>> {
  const folders: Record<string, string> = {};
  for (const platform of platforms) folders[platform] = await buildLibraries(platform);
  return folders;
}

/** All libraries again, by a Zig with empty caches, from other folders. */
function compareLibraries(folders: Readonly<Record<string, string>>): Promise<void> {
  return elsewhere(true, async (workshop) => {
    for (const platform of platforms) {
      const again = await buildLibraries(platform, workshop);
      expectSame(`What was built for ${platform}`, hashes(folders[platform]!), hashes(again));
    }
  });
}

/** Packs the npm package into `into`, and a copy whose files had another time and other rights; returns the tarball. */
async function tarball(into: string): Promise<string> {
  const other = mkdtempSync(join(tmpdir(), "vmem release-"));
  try {
    const copy = join(other, "copy");
    cpSync(packageFolder, copy, { recursive: true });
    for (const name of hashes(copy).keys()) {
      chmodSync(join(copy, name), 0o600);
      utimesSync(join(copy, name), 1, 1);
    }
    setModes(copy);
    const packing = ["npm", "pack", "--ignore-scripts", "--silent", "--pack-destination"];
    await run([...packing, into, packageFolder]);
    await run(["sh", "-c", 'umask 077; exec "$@"', "sh", ...packing, other, copy], other);
    const name = readdirSync(into).find((each) => each.endsWith(".tgz"))!;
    const both = [into, other].map((folder) => new Map([[name, hash(join(folder, name))]]));
    expectSame("The tarball", both[0]!, both[1]!);
    return name;
  } finally {
    rmSync(other, { recursive: true, force: true });
  }
}

/** JSR's package beside npm's: its libraries are the same files, twice, and it is small enough. */
function checkJsr(): void {
  expectCarried(jsrFolder);
  const packed = hashes(jsrFolder);
  const own = (list: ReadonlyMap<string, string>) =>
    new Map([...list].filter(([name]) => name.startsWith("lib/") && packed.has(name)));
  expectSame("What the packages share", own(hashes(packageFolder)), own(packed));
  const bytes = [...packed.keys()].reduce(
    (sum, name) => sum + readFileSync(join(jsrFolder, name)).length,
    0,
  );
  if (bytes < jsrBytesMax) return;
  throw new Error(`The package for JSR has ${bytes} bytes; JSR takes less than ${jsrBytesMax}`);
}

function say(text: string): void {
  console.error(`release: ${text}`);
}

async function release(publish: boolean, tested: boolean): Promise<void> {
  const { building, publishing } = obstacles(await currentState(tested));
  const inTheWay = publish ? [...building, ...publishing] : building;
  if (inTheWay.length > 0) {
    throw new Error(`Releasing failed before it began:\n- ${inTheWay.join("\n- ")}`);
  }
  if (tested) {
    say("all tests (20 minutes)");
    show([deno(), "run", "-A", "tools/test.ts"]);
    say("the npm package, packed and installed (10 minutes)");
    show([deno(), "run", "-A", "tools/package.ts"]);
  } else {
    await pack(platforms);
  }
  say("the JSR package");
  const folders = await built();
  packJsr(folders);
  checkJsr();
  say("all libraries again, elsewhere and with empty caches (5 minutes)");
  await compareLibraries(folders);
  rmSync(releaseFolder, { recursive: true, force: true });
  mkdirSync(releaseFolder);
  const name = await tarball(releaseFolder);
  const list = new Map([[name, hash(join(releaseFolder, name))]]);
  for (const [file, hash] of hashes(join(packageFolder, "lib"))) {
    list.set(`package/lib/${file}`, hash);
  }
  writeFileSync(join(releaseFolder, "SHA256SUMS"), sums(list));
  console.log(sums(list));
  await send(join(releaseFolder, name), publish);
  for (const reason of publish ? [] : publishing) say(`not to be published yet: ${reason}`);
}

/** Both trials come first: what is published cannot be taken back. */
async function send(file: string, publish: boolean): Promise<void> {
  const npm = ["npm", "publish", "--ignore-scripts", "--access", "public", file];
  const jsr = [deno(), "publish"];
  say("trial of npm publish and deno publish");
  await run([...npm, "--dry-run"]);
  await run([...jsr, "--dry-run"], jsrFolder);
  if (!publish) return;
  say("npm publish and deno publish");
  show(jsr, jsrFolder);
  show(npm);
}

if (import.meta.main) {
  const words = process.argv.slice(2);
  const unknown = words.filter((word) => word !== "--publish" && word !== "--no-tests");
  try {
    if (unknown.length > 0) {
      throw new Error(`There is no option "${unknown[0]}"; there are --publish and --no-tests`);
    }
    await release(words.includes("--publish"), !words.includes("--no-tests"));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
