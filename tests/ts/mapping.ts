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

type Call = (...values: unknown[]) => unknown;

interface Ffi {
  dlopen(path: string, table: unknown): {
    symbols?: Record<string, Call>;
    functions?: Record<string, Call>;
  };
}

/** What each FFI calls itself, and the parameters and the result of a function. */
const dialects = {
  bun: ["bun:ffi", "args", "returns"],
  deno: ["", "parameters", "result"],
  node: ["node:ffi", "arguments", "return"],
} as const;

function open(): CLibrary {
  const [module, parameters, result] = dialects[runtime];
  const ffi = runtime === "deno"
    ? (globalThis as unknown as { Deno: Ffi }).Deno
    : process.getBuiltinModule(module as string) as unknown as Ffi;
  const typeOf = (type: string): string => runtime === "node" ? type.replace("usize", "u64") : type;
  const entries = Object.entries(table).map(([name, [types, type]]) =>
    [name, { [parameters]: types.map(typeOf), [result]: typeOf(type) }] as const
  );
  const opened = ffi.dlopen("libc.so.6", Object.fromEntries(entries));
  const functions = opened.symbols ?? opened.functions ?? {};
  const call = (name: string) => (...values: number[]): number =>
    Number(
      functions[name]?.(...values.map((value, index) =>
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
