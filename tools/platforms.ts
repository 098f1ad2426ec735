/**
 * The platforms that the packages serve, and their libraries, built by Zig from this repository or a copy of it.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { execute } from "./execute.ts";
import { root, zig, zigEnvironment } from "./zig.ts";

/** Zig's target for each platform, by the name that `src/library.ts` gives it. */
export const targets: Readonly<Record<string, string>> = {
  "linux-x64": "x86_64-linux-gnu.2.17",
  "linux-arm64": "aarch64-linux-gnu.2.17",
  "linux-x64-musl": "x86_64-linux-musl",
  "linux-arm64-musl": "aarch64-linux-musl",
};

/** Where a build happens; what comes out must not depend on it. */
export interface Workshop {
  /** Folder of the sources. */
  readonly sources: string;
  readonly env: NodeJS.ProcessEnv;
}

const here: Workshop = { sources: root, env: zigEnvironment() };

/**
 * Builds the libraries of a platform; returns the folder that has them, under the names that programs load.
 *
 * @param step `package-ffi` builds only the one for TypeScript.
 * @throws Error There is no such platform, or what Zig printed if it failed.
 */
export async function buildLibraries(
  platform: string,
  workshop = here,
  step: "package-libraries" | "package-ffi" = "package-libraries",
): Promise<string> {
  const target = targets[platform];
  if (target === undefined) {
    const known = Object.keys(targets).join(", ");
    throw new Error(
      `Building the libraries failed: there is no platform "${platform}"; there are ${known}`,
    );
  }
  const folder = join(workshop.sources, "zig-out", "package", platform);
  rmSync(folder, { recursive: true, force: true });
  const words = [zig(), "build", step, `-Dtarget=${target}`, "-p", folder];
  const { status, output } = await execute(words, {
    cwd: workshop.sources,
    env: workshop.env,
    limit: 1800,
  });
  if (status !== 0) throw new Error(`Running "${words.join(" ")}" failed:\n${output}`);
  return folder;
}
