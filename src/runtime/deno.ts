/** Deno: FFI by `Deno.dlopen`, buffers by Node-API, which a path-scoped `--allow-ffi` covers too. */
import { constants } from "node:buffer";
import type { ArraySupport, Buffers, Functions, Right, Runtime, SymbolTable } from "../runtime.ts";
import { openNodeApi } from "./node_api.ts";

interface DenoGlobal {
  dlopen(path: string, table: SymbolTable): { symbols: unknown };
  permissions: { querySync(descriptor: Record<string, string>): { state: string } };
  env: { get(name: string): string | undefined };
  statSync(path: string): unknown;
}

function global(): DenoGlobal {
  return (globalThis as unknown as { Deno: DenoGlobal }).Deno;
}

/** Node-API add-ons need what the FFI needs. */
const permissions: Readonly<Record<Right, string>> = {
  open: "ffi",
  buffers: "ffi",
  read: "read",
  write: "write",
};

/** Asking for what is not granted would stop the program at a prompt. */
function granted(descriptor: Record<string, string>): boolean {
  return global().permissions.querySync(descriptor).state === "granted";
}

export const deno: Runtime = {
  name: "Deno",
  bufferMax: constants.MAX_LENGTH,
  farBytesMax: 2 ** 32,
  leavesBoundsFreely: false,
  reloads: false,
  encodedByHand: 32,
  writesBuffers: false,

  permits(right: Right, path: string): boolean {
    return granted({ name: permissions[right], path });
  },

  optionFor(right: Right, path: string): string {
    return `--allow-${permissions[right]}=${path}`;
  },

  environment(name: string): string | undefined {
    return granted({ name: "env", variable: name }) ? global().env.get(name) : undefined;
  },

  exists(path: string): boolean | undefined {
    if (!granted({ name: "read", path })) return undefined;
    try {
      global().statSync(path);
      return true;
    } catch (error) {
      // What is below /dev and /proc Deno shows only to programs that may do everything.
      return (error as Error).name === "NotCapable" ? undefined : false;
    }
  },

  open<const T extends SymbolTable>(path: string, table: T): Functions<T> {
    return global().dlopen(path, table).symbols as Functions<T>;
  },

  collect(): void {
    // V8 sweeps buffers on a thread of its own, as soon as they are collected.
  },

  /** The main thread goes on with the next isolate when a watched file has changed, or with the next file of tests. */
  threadOutlives(): boolean {
    return (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope === undefined;
  },

  openBuffers(path: string, _support: ArraySupport): Buffers {
    const addon = openNodeApi(path);
    if (deno.threadOutlives()) addon.follow();
    return addon;
  },
};
