/** Node: not supported yet. It is told apart so that its users read that instead of a loader's message. */
import process from "node:process";
import { LibraryError } from "../errors.ts";
import type { ArraySupport, Buffers, Functions, Runtime, SymbolTable } from "../runtime.ts";

function unsupported(): never {
  throw new LibraryError(
    `Cannot load the vmem library: Node ${process.versions.node} is not supported yet; use Deno or Bun`,
  );
}

export const node: Runtime = {
  name: "Node",
  bufferMax: Number.MAX_SAFE_INTEGER,
  farBytesMax: 2 ** 32,
  leavesBoundsFreely: false,
  permissionHint: "",
  encodedByHand: 32,
  writesBuffers: false,
  environment: (name: string): string | undefined => process.env[name],
  exists: (_path: string): boolean | undefined => undefined,
  open: <const T extends SymbolTable>(_path: string, _table: T): Functions<T> => unsupported(),
  collect: (): void => undefined,
  openBuffers: (_path: string, _support: ArraySupport): Buffers => unsupported(),
};
