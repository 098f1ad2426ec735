/** Programs that the runtime loads anew when a file has changed, while they have pools that nobody closes. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { assert } from "@std/assert";
import { fileURLToPath } from "node:url";
import { runtime, turn } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "vmem-watch-"));
after(() => rmSync(folder, { recursive: true }));

const source = readFileSync(fileURLToPath(new URL("children/watched.ts", import.meta.url)), "utf8")
  .replaceAll('"../../../mod.ts"', JSON.stringify(new URL("../../mod.ts", import.meta.url).href));

/** A program that runs until it is ended, what it printed so far, and what it says of each load. */
class Watched {
  readonly #child: ChildProcess;
  readonly #file: string;
  #output = "";
  #ended = false;

  /** @param words What stands before the file. */
  constructor(words: readonly string[], name: string) {
    this.#file = join(folder, name);
    writeFileSync(this.#file, source);
    this.#child = spawn(process.execPath, [...words, this.#file], {
      env: { ...process.env, NO_COLOR: "1", VMEM_LIBRARY: "" },
      detached: true, // a group of its own: Node's watcher starts a process for each load
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => this.#output += text);
    }
    this.#child.on("exit", () => this.#ended = true);
  }

  /** What the loads so far said: files and mappings of pools in the process. */
  loads(): readonly (readonly [files: number, maps: number])[] {
    return [...this.#output.matchAll(/loaded (\d+) (\d+)/g)]
      .map(([, files, maps]) => [Number(files), Number(maps)] as const);
  }

  /** Waits for so many loads. */
  async until(count: number): Promise<void> {
    for (let ms = 0; ms < 20_000 && !this.#ended && this.loads().length < count; ms += 20) {
      await turn(20);
    }
    assert(
      this.loads().length >= count,
      `it was loaded fewer than ${count} times:\n${this.#output}`,
    );
  }

  /** Has it loaded anew so many times. */
  async reload(times: number): Promise<void> {
    await this.until(1);
    for (let round = 1; round <= times; round += 1) {
      await turn(100); // the watcher looks at what it has loaded a little later
      writeFileSync(this.#file, `${source}// ${round}\n`);
      await this.until(round + 1);
    }
  }

  async end(): Promise<void> {
    if (!this.#ended) process.kill(-this.#child.pid!, "SIGKILL");
    while (!this.#ended) await turn(5);
  }
}

const how: Readonly<Record<typeof runtime, readonly (readonly [times: number, ...string[]])[]>> = {
  deno: [
    [10, "run", "-A", "--no-check", "--watch"],
    [3, "run", "-A", "--no-check", "--watch-hmr"],
    [3, "test", "-A", "--no-check", "--watch"],
  ],
  bun: [[10, "--hot"], [3, "--watch"], [3, "test", "--watch"]],
  node: [[2, "--disable-warning=ExperimentalWarning", "--watch"]],
};

for (const [times, ...words] of how[runtime]) {
  test(`${words.join(" ")}: pools of earlier loads are gone after ${times} reloads`, async () => {
    const watched = new Watched(words, `${words.includes("test") ? "a_test" : words.at(-1)}.ts`);
    try {
      await watched.reload(times);
    } finally {
      await watched.end();
    }
    const loads = watched.loads();
    // The load's own and the one that is kept; the collector may take a load's pools only after the next one.
    const most = words.includes("--hot") ? 4 : 2;
    const said = JSON.stringify(loads);
    for (const [files, maps] of loads) assert(files <= most && maps <= most, said);
  });
}
