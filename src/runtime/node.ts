/** Node: FFI by `node:ffi`, buffers by Node-API. */
import { constants } from "node:buffer";
import { existsSync } from "node:fs";
import process from "node:process";
import { LibraryError } from "../errors.ts";
import type {
  ArraySupport,
  Buffers,
  Functions,
  NativeType,
  Right,
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

/** Node's names of what `--permission` forbids, and the options that allow it. */
const permissions: Readonly<Record<Right, readonly [name: string, option: string]>> = {
  open: ["ffi", "--allow-ffi"],
  buffers: ["addon", "--allow-addons"],
  read: ["fs.read", "--allow-fs-read"],
  write: ["fs.write", "--allow-fs-write"],
};

/** Not an import: other runtimes, bundlers and older Nodes would fail to resolve it. */
function nodeFfi(): NodeFfi {
  const { getBuiltinModule } = process as Partial<typeof process>; // Node 20.16 and later
  const ffi = getBuiltinModule?.("node:ffi" as string) as unknown as NodeFfi | undefined;
  if (ffi !== undefined) return ffi;
  throw new LibraryError(
    `Cannot load the vmem library: Node ${process.versions.node} has no node:ffi; ` +
      `use Node 26.10 or later, without --no-experimental-ffi, or Deno or Bun`,
  );
}

export const node: Runtime = {
  name: "Node",
  bufferMax: constants.MAX_LENGTH,
  farBytesMax: 2 ** 32,
  leavesBoundsFreely: false,
  reloads: false,
  encodedByHand: 32,
  writesBuffers: true,

  permits(right: Right, path: string): boolean {
    const { permission } = process as Partial<typeof process>;
    return permission === undefined || permission.has(permissions[right][0], path);
  },

  optionFor(right: Right, path: string): string {
    const [name, option] = permissions[right];
    return name.startsWith("fs.") ? `${option}=${path}` : option;
  },

  environment(name: string): string | undefined {
    return process.env[name];
  },

  exists(path: string): boolean | undefined {
    return node.permits("read", path) ? existsSync(path) : undefined;
  },

  open<const T extends SymbolTable>(path: string, table: T): Functions<T> {
    const entries = Object.entries(table).map(([name, { parameters, result }]) =>
      [name, { arguments: parameters.map((type) => names[type]), return: names[result] }] as const
    );
    const { functions } = nodeFfi().dlopen(path, Object.fromEntries(entries));
    compileWhereItRuns();
    return functions as Functions<T>;
  },

  collect(): void {
    // As in Deno.
  },

  threadOutlives(): boolean {
    return false;
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
 * Has the workers that start from now on compile their code themselves, not on threads of V8's. When a worker ends, Node frees
 * what V8 has to know of the functions of `node:ffi` before it ends the compilation of code that calls them, which then
 * reads freed memory and ends the process. This thread goes on as it was.
 */
function compileWhereItRuns(): void {
  process.getBuiltinModule("node:v8").setFlagsFromString("--no-concurrent-recompilation");
}

/**
 * Node marks Node-API's buffers so that they cannot be posted, because it calls their finalizers when the thread that made them
 * ends, whoever has them then. The main thread outlives all others, so there the memory is moved into a buffer without the mark.
 *
 * A finalizer runs in a later turn of the event loop than the one in which its buffer died; `node:ffi` has buffers without any.
 */
function mainThread(): boolean {
  return process.getBuiltinModule("node:worker_threads").isMainThread;
}
