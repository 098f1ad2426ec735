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

type OnBuffer = (handle: number, pointer: number, buffer: object, length: number) => number;
type OnAddress = (handle: number, pointer: number, address: number, length: number) => number;

/** Functions that take a buffer's address in its place, if the library has them. */
interface ByAddress {
  vmem_ffi_address?: (buffer: object) => number;
  vmem_ffi_read_at: OnAddress;
  vmem_ffi_write_at: OnAddress;
  vmem_ffi_locate_at: (handle: number, address: number, length: number) => number;
}

/** Holds a buffer while its address is used: the collector would not know. */
const held: { buffer: object | undefined } = { buffer: undefined };

/**
 * Calls with a buffer and other parameters cost a microsecond, since `node:ffi` makes a bigint of its address. One with the buffer
 * alone is fast, and so is one with numbers alone.
 */
function byAddress(functions: ByAddress): object {
  const {
    vmem_ffi_address: address,
    vmem_ffi_read_at: readAt,
    vmem_ffi_write_at: writeAt,
    vmem_ffi_locate_at: locateAt,
  } = functions;
  if (address === undefined) return functions;
  const on = (call: OnAddress): OnBuffer => (handle, pointer, buffer, length) => {
    held.buffer = buffer;
    const result = call(handle, pointer, address(buffer), length);
    held.buffer = undefined;
    return result;
  };
  return {
    ...functions,
    vmem_ffi_read: on(readAt),
    vmem_ffi_write: on(writeAt),
    vmem_ffi_locate: (handle: number, view: object, length: number): number => {
      held.buffer = view;
      const result = locateAt(handle, address(view), length);
      held.buffer = undefined;
      return result;
    },
  };
}

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
    return byAddress(functions as ByAddress) as unknown as Functions<T>;
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
