/** Node: FFI by `node:ffi`, buffers by Node-API. */
import { existsSync } from "node:fs";
import process from "node:process";
import { LibraryError } from "../errors.ts";
import type {
  ArraySupport,
  Buffers,
  Functions,
  NativeType,
  Runtime,
  SymbolTable,
} from "../runtime.ts";
import { openNodeApi } from "./node_api.ts";

interface NodeFfi {
  dlopen(
    path: string,
    table: Record<string, { arguments: readonly string[]; return: string }>,
  ): { functions: unknown };
}

const names: Readonly<Record<NativeType, string>> = {
  f64: "float64",
  i32: "int32",
  u32: "uint32",
  buffer: "buffer",
  void: "void",
};

/** Not an import: other runtimes, bundlers and older Nodes would fail to resolve it. */
function nodeFfi(): NodeFfi {
  const ffi = process.getBuiltinModule("node:ffi" as string) as unknown as NodeFfi | undefined;
  if (ffi !== undefined) return ffi;
  throw new LibraryError(
    `Cannot load the vmem library: Node ${process.versions.node} has no node:ffi; ` +
      `use Node 26.10 or later, without --no-experimental-ffi, or Deno or Bun`,
  );
}

export const node: Runtime = {
  name: "Node",
  bufferMax: Number.MAX_SAFE_INTEGER,
  farBytesMax: 2 ** 32,
  leavesBoundsFreely: false,
  permissionHint: "under --permission allow it with --allow-ffi and --allow-addons",
  encodedByHand: 32,
  writesBuffers: true,

  environment(name: string): string | undefined {
    return process.env[name];
  },

  exists(path: string): boolean | undefined {
    try {
      return existsSync(path);
    } catch {
      return undefined; // --permission without reading
    }
  },

  open<const T extends SymbolTable>(path: string, table: T): Functions<T> {
    const entries = Object.entries(table).map(([name, { parameters, result }]) =>
      [name, { arguments: parameters.map((type) => names[type]), return: names[result] }] as const
    );
    return nodeFfi().dlopen(path, Object.fromEntries(entries)).functions as Functions<T>;
  },

  collect(): void {
    // As in Deno.
  },

  openBuffers(path: string, _support: ArraySupport): Buffers {
    const { array, window } = openNodeApi(path);
    if (!mainThread()) return { array, window };
    return {
      window,
      array(handle: number, pointer: number, length: number): ArrayBuffer | number {
        const made = array(handle, pointer, length);
        return typeof made === "number" ? made : made.transfer();
      },
    };
  },
};

/**
 * Node marks Node-API's buffers so that they cannot be posted, because it calls their finalizers when the thread that made them
 * ends, whoever has them then. The main thread outlives all others, so there the memory is moved into a buffer without the mark.
 *
 * A finalizer runs in a later turn of the event loop than the one in which its buffer died; `node:ffi` has buffers without any.
 */
function mainThread(): boolean {
  return process.getBuiltinModule("node:worker_threads").isMainThread;
}
