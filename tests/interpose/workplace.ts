/** Where the programs under libvmmalloc work, and what starts them. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bun, deno } from "../../tools/bun.ts";
import { root } from "../sources.ts";
import { findProgram, runProgram } from "./preload.ts";

/** An empty working directory but for the file "lines". One that is there is emptied. */
export function workplace(folder: string, name: string): string {
  const place = join(folder, name);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  writeFileSync(join(place, "lines"), lines());
  return place;
}

/** 20 000 lines of text in no order. */
function lines(): string {
  let state = 1;
  return Array.from({ length: 20_000 }, () => {
    state = state * 48271 % 2147483647;
    return `${state % 1000} ${state.toString(36)} ${"x".repeat(state % 50)}\n`;
  }).join("");
}

/** What starts the program; undefined where it is not installed. */
export function starting(command: string): readonly string[] | undefined {
  if (command === "deno") return [deno()];
  if (command === "bun") {
    // The program itself: what starts it may be another one.
    const found = runProgram([...bun(), "-p", "process.execPath"], { cwd: root });
    return [found.stdout.trim()];
  }
  const path = findProgram(command);
  return path === undefined ? undefined : [path];
}
