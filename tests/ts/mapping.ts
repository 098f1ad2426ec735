/** Memory that is no pool's: mapped by the C library, through the runtime's own FFI. */
import process from "node:process";
import { runtime } from "./support.ts";

interface CLibrary {
  mmap(
    address: number,
    size: number,
    protection: number,
    flags: number,
    fd: number,
    at: number,
  ): number;
  munmap(address: number, size: number): number;
}

type Signature = readonly [parameters: readonly string[], result: string];
const table: Readonly<Record<keyof CLibrary, Signature>> = {
  mmap: [["usize", "usize", "i32", "i32", "i32", "i64"], "usize"],
  munmap: [["usize", "usize"], "i32"],
};

interface DenoFfi {
  dlopen(
    path: string,
    table: unknown,
  ): { symbols: Record<string, (...values: unknown[]) => unknown> };
}

function open(): CLibrary {
  const { Deno } = globalThis as unknown as { Deno: DenoFfi };
  const ffi: DenoFfi = runtime === "deno"
    ? Deno
    : process.getBuiltinModule("bun:ffi" as string) as unknown as DenoFfi;
  const [parameters, result] = runtime === "deno" ? ["parameters", "result"] : ["args", "returns"];
  const entries = Object.entries(table).map(([name, [types, type]]) =>
    [name, { [parameters]: types, [result]: type }] as const
  );
  const { symbols } = ffi.dlopen("libc.so.6", Object.fromEntries(entries));
  const call = (name: string) => (...values: number[]): number =>
    Number(
      symbols[name]?.(...values.map((value, index) =>
        table[name as keyof CLibrary][0][index] === "i32" ? value : BigInt(value)
      )),
    );
  return { mmap: call("mmap"), munmap: call("munmap") };
}

const shownRights = { none: 0, read: 1, write: 3 } as const;

/** Fresh zero memory; with an address, there or nowhere. */
export class Mapping implements Disposable {
  readonly address: number;
  readonly size: number;

  constructor(size: number, at = 0, rights: keyof typeof shownRights = "write") {
    const flags = 0x4022 | (at === 0 ? 0 : 0x100000); // private, anonymous, not charged; nothing may be there
    const address = library().mmap(at, size, shownRights[rights], flags, -1, 0);
    if (!(address > 0 && address < 2 ** 53)) {
      throw new Error(`mmap of ${size} bytes at ${at} failed`);
    }
    this.address = address;
    this.size = size;
  }

  [Symbol.dispose](): void {
    library().munmap(this.address, this.size);
  }
}

let opened: CLibrary | undefined;

function library(): CLibrary {
  return opened ??= open();
}
