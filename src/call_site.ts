/**
 * Where in the program the package was called.
 *
 * The engines tell it in different ways at different prices, and all of them by a global of the program's, which is put back at once:
 * `Error.prepareStackTrace`, called with the frames as objects, costs half of what text does that has to be taken apart. Deno maps each
 * frame to its source, 10 microseconds a frame, so the first question is for one frame only: the one above the function that was
 * called. Frames of this package are passed over; a second question is for more of them.
 *
 * JavaScriptCore gives the frame of a function that ends in `return f()` to `f`: such a function has no frame, its caller has.
 *
 * @module
 */
// deno-lint-ignore ban-types -- whatever was called
type Called = Function;

interface Frame {
  /** Deno leaves the fragment of a URL out of what `getFileName` gives. */
  getScriptNameOrSourceURL(): string | null | undefined;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
  getFunctionName(): string | null;
}

interface Engine {
  stackTraceLimit: number;
  prepareStackTrace: unknown;
  captureStackTrace(target: object, above?: Called): void;
}

/** A place in the program. */
export interface CallSite {
  /** `file:line:column`. */
  readonly site: string;
  /** The function's name, or "". */
  readonly caller: string;
}

/** How many frames are asked for, until one is the program's. */
const depths = [1, 4, 32];

/** The package's own files lie here; undefined when a bundler has put everything into one. */
const home = /^(.*\/src\/)call_site\.[jt]s$/.exec(pathOf(import.meta.url))?.[1];

let frames: readonly Frame[] = [];

/** Keeps the frames; there is no text to be made. */
function keep(_error: unknown, all: readonly Frame[]): string {
  frames = all;
  return "";
}

/**
 * The place that called.
 *
 * @param above The package's function that was called; frames up to it do not count.
 * @returns Undefined when the engine knows of no such place.
 */
export function callSite(above: Called): CallSite | undefined {
  const engine = Error as unknown as Engine;
  const { stackTraceLimit, prepareStackTrace } = engine;
  engine.prepareStackTrace = keep;
  try {
    for (const depth of depths) {
      const found = search(engine, depth, above);
      if (found !== undefined || frames.length < depth) return found;
    }
  } finally {
    engine.stackTraceLimit = stackTraceLimit;
    engine.prepareStackTrace = prepareStackTrace;
    frames = [];
  }
  return undefined;
}

function search(engine: Engine, depth: number, above: Called): CallSite | undefined {
  engine.stackTraceLimit = depth;
  const target: { stack?: string } = {};
  frames = [];
  engine.captureStackTrace(target, above);
  void target.stack; // in V8 frames become objects when somebody asks
  for (const frame of frames) {
    const file = frame.getScriptNameOrSourceURL();
    if (file === null || file === undefined || file === "") continue;
    const path = pathOf(file);
    if (isOwn(path) || /^(ext|node|bun|internal):|^\[native code\]/.test(path)) continue;
    return {
      site: `${path}:${frame.getLineNumber()}:${frame.getColumnNumber()}`,
      caller: frame.getFunctionName() ?? "",
    };
  }
  return undefined;
}

/** Whether a file is the package's; the examples in its documentation are programs like any other. */
function isOwn(path: string): boolean {
  return home !== undefined && path.startsWith(home) &&
    /^[\w/]+\.[jt]s$/.test(path.slice(home.length));
}

/** Of a file's URL its path, since runtimes name files by both. */
function pathOf(url: string): string {
  if (!url.startsWith("file://")) return url;
  try {
    return decodeURIComponent(url.slice("file://".length));
  } catch {
    return url;
  }
}
