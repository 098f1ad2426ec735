/** Where the demo's text comes from when no folder is given. */
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Folder of the Zig standard library's sources: the build's own copy, else that of an installed Zig. */
export function zigSources(): string | undefined {
  return candidates().find((folder) => existsSync(join(folder, "std.zig")));
}

function candidates(): string[] {
  const tools = fileURLToPath(new URL("../../.tools", import.meta.url));
  const fetched = existsSync(tools) ? readdirSync(tools) : [];
  const folders = fetched
    .filter((name) => name.startsWith("zig-"))
    .map((name) => join(tools, name, "ziglang", "lib", "std"));
  // Asking Zig itself (`zig env`) would need the permission to run programs.
  const onPath = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "zig"));
  for (const program of [process.env.ZIG, ...onPath]) {
    if (!program || !existsSync(program)) continue;
    const home = dirname(realpathSync(program));
    folders.push(join(home, "lib", "std"), join(home, "..", "lib", "zig", "std"));
  }
  return folders;
}
