/**
 * Bun: FFI by `bun:ffi`. Windows are Node-API buffers; the buffers of blocks come from `toArrayBuffer` with a
 * native deallocator, because Bun refuses to post Node-API buffers to a worker.
 */
import { constants } from "node:buffer";
import { existsSync } from "node:fs";
import process from "node:process";
import { LibraryError } from "../errors.ts";
import type { ArraySupport, Buffers, Functions, Runtime, SymbolTable } from "../runtime.ts";
import { openNodeApi } from "./node_api.ts";

interface BunFfi {
  dlopen(
    path: string,
    table: Record<string, { args: readonly string[]; returns: string }>,
  ): { symbols: unknown };
  toArrayBuffer(
    address: number,
    offset: number,
    length: number,
    context: number,
    deallocator: number,
  ): ArrayBuffer;
}

/** Not an import: other runtimes and bundlers would try to resolve it. */
function bunFfi(): BunFfi {
  if ((process as Partial<typeof process>).getBuiltinModule === undefined) {
    throw new LibraryError(
      `Cannot load the vmem library: Bun ${process.versions.bun} is too old; use Bun 1.4 or later`,
    );
  }
  return process.getBuiltinModule("bun:ffi" as string) as unknown as BunFfi;
}

export const bun: Runtime = {
  name: "Bun",
  bufferMax: constants.MAX_LENGTH,
  farBytesMax: 0,
  leavesBoundsFreely: true,
  // What bundlers for browsers put in the place of `process` may have none.
  reloads: (process as Partial<typeof process>).execArgv?.includes("--hot") === true,
  encodedByHand: 16,
  writesBuffers: true,

  permits(): boolean {
    return true;
  },

  optionFor(): string {
    return "no option";
  },

  environment(name: string): string | undefined {
    return process.env[name];
  },

  exists(path: string): boolean | undefined {
    return existsSync(path);
  },

  open<const T extends SymbolTable>(path: string, table: T): Functions<T> {
    const entries = Object.entries(table).map(([name, { parameters, result }]) =>
      [name, { args: parameters, returns: result }] as const
    );
    return bunFfi().dlopen(path, Object.fromEntries(entries)).symbols as Functions<T>;
  },

  collect(): void {
    (globalThis as unknown as { Bun: { gc(synchronous: boolean): void } }).Bun.gc(true);
  },

  threadOutlives(): boolean {
    return false;
  },

  openBuffers(path: string, support: ArraySupport): Buffers {
    const { window } = openNodeApi(path);
    const { toArrayBuffer } = bunFfi();
    const deallocator = support.deallocator();
    return {
      window,
      array(handle: number, pointer: number, length: number): ArrayBuffer | number {
        const user = support.retain(handle);
        if (user < 0) return user;
        try {
          return toArrayBuffer(support.base(handle) + pointer, 0, length, user, deallocator);
        } catch (error) {
          support.release(user);
          throw error;
        }
      },
    };
  },
};
