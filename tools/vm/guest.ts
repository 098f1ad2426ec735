/**
 * Runs a command in a throw-away machine.
 *
 * The guest's root is the host's own (9p, read-only) under an overlay in memory: the command, its libraries, the project
 * are there at their paths, and what the guest writes is gone afterwards. Job, output and status go through a second share.
 */
import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { findKernel } from "./kernel.ts";
import { type Hardware, initramfs, kvmWorks, qemu, qemuWords } from "./machine.ts";

export interface Job {
  readonly words: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Seconds for all of it, the guest's start included. */
  readonly limit: number;
  /** Receives the command's output, both streams, as it comes. */
  readonly output: (text: string) => void;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function assignments(values: Readonly<Record<string, string | number>>, first = ""): string {
  return Object.entries(values).map(([name, value]) => `${first}${name}=${quote(String(value))}\n`)
    .join("");
}

const passedOn = ["HOME", "LANG", "PATH", "DENO_DIR", "BUN_INSTALL", "NO_COLOR"];

function writeJob(folder: string, hardware: Hardware, job: Job): void {
  const own = passedOn.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  writeFileSync(
    join(folder, "parameters"),
    assignments({
      DAX: hardware.dax,
      DAX_ALIGNMENT: hardware.daxAlignment,
      FSDAX: hardware.fsdax,
      FSDAX_KIND: hardware.fsdaxKind,
      // Aligned extents, so that files get pages of 2 MiB.
      FSDAX_OPTIONS: hardware.fsdaxKind === "ext4"
        ? "-q -F -b 4096 -E stride=512,stripe_width=512"
        : "-q -f",
      RESERVED: hardware.reserved,
      HUGE_PAGES: hardware.hugePages,
      FOLDER: job.cwd,
    }),
  );
  const environment = { ...Object.fromEntries(own), ...job.environment };
  writeFileSync(join(folder, "environment"), assignments(environment, "export "));
  writeFileSync(join(folder, "command"), `exec ${job.words.map(quote).join(" ")}\n`);
}

/** What the guest has said so far, in a file that grows. */
class Growing {
  readonly #path: string;
  readonly #decoder = new TextDecoder();
  #read = 0;

  constructor(path: string) {
    this.#path = path;
  }

  more(): string {
    if (!existsSync(this.#path)) return "";
    const descriptor = openSync(this.#path, "r");
    try {
      let text = "";
      const buffer = new Uint8Array(65536);
      while (true) {
        const count = readSync(descriptor, buffer, 0, buffer.length, this.#read);
        if (count === 0) return text;
        this.#read += count;
        text += this.#decoder.decode(buffer.subarray(0, count), { stream: true });
      }
    } finally {
      closeSync(descriptor);
    }
  }
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

function lastLines(path: string, count: number): string {
  return existsSync(path)
    ? readFileSync(path, "utf8").replaceAll("\r", "").trim().split("\n").slice(-count).join("\n")
    : "";
}

/** One guest, from its start to its end. Null: it never got to running the command. */
async function runGuest(
  words: readonly string[],
  folder: string,
  job: Job,
  bootLimit: number,
): Promise<number | null> {
  const share = join(folder, "share");
  const output = new Growing(join(share, "output"));
  const begin = performance.now();
  const guest: ChildProcess = spawn(qemu, words, { stdio: ["ignore", "inherit", "inherit"] });
  const seconds = (): number => (performance.now() - begin) / 1000;
  const runs = (): boolean => guest.exitCode === null && guest.signalCode === null;
  const end = (): void => void guest.kill("SIGKILL");
  process.on("exit", end);
  try {
    while (runs() && !existsSync(join(share, "status"))) {
      await pause(0.1);
      job.output(output.more());
      const started = existsSync(join(share, "output"));
      if (!started && seconds() > bootLimit) return null;
      if (seconds() > job.limit) throw new Error(`The guest took longer than ${job.limit} s`);
    }
    job.output(output.more());
    if (existsSync(join(share, "status"))) {
      return Number(readFileSync(join(share, "status"), "utf8"));
    }
    const reason = lastLines(join(share, "error"), 10) || lastLines(join(folder, "console"), 15);
    if (existsSync(join(share, "output")) || reason !== "") {
      throw new Error(`The guest ended without a result:\n${reason}`);
    }
    return null;
  } finally {
    end();
    process.off("exit", end);
  }
}

/** Runs a command in a guest; the result is its exit status. Throws where no guest can be had. */
export async function runIn(hardware: Hardware, job: Job): Promise<number> {
  const kernel = findKernel();
  if (kernel === undefined) throw new Error("Starting a guest failed: no kernel with DAX drivers");
  const folder = mkdtempSync(join(tmpdir(), "vmem-vm-"));
  try {
    writeFileSync(join(folder, "initramfs"), initramfs(kernel, hardware));
    for (const kvm of kvmWorks() ? [true, false] : [false]) {
      rmSync(join(folder, "share"), { recursive: true, force: true });
      mkdirSync(join(folder, "share"));
      writeJob(join(folder, "share"), hardware, job);
      const words = qemuWords(kernel, folder, hardware, kvm);
      const status = await runGuest(words, folder, job, kvm ? 60 : 300);
      if (status !== null) return status;
    }
    const said = lastLines(join(folder, "console"), 15);
    throw new Error(`The guest did not start:\n${said}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
