/** Pictures that set what was measured beside the peers: dots on an axis of ratios, further left is faster. */
import type { Latest } from "../latest.ts";
import type { Row } from "../record.ts";
import { byHand, cursor, functions, plain, views } from "../structs/workload.ts";
import {
  drawTall,
  drawWide,
  type Labelled,
  type Series,
  stacked,
  type Tall,
  time,
  type Wide,
} from "./panels.ts";

/** Peers of the C functions. The reference, jemalloc, is the line. */
const rivals = ["jemalloc", "mimalloc", "tcmalloc", "C library"];
const native: readonly Series[] = [
  { candidate: "no work", name: "the loop alone", shape: "bar", colour: "faint" },
  { candidate: "C library", name: "glibc", shape: "diamond", colour: "grey" },
  { candidate: "mimalloc", name: "mimalloc", shape: "square", colour: "green" },
  { candidate: "tcmalloc", name: "tcmalloc", shape: "triangle", colour: "orange" },
  { candidate: "vmem, tmpfs", name: "vmem, tmpfs", shape: "ring", colour: "own" },
  { candidate: "vmem, memory", name: "vmem", shape: "disc", colour: "own" },
];

/** Groups of rows, with a gap where `null` stands. The worst of ours are among them. */
export const nativeRows: readonly (Labelled | null)[] = [
  ["malloc and free, 64 B", "C: pair 64"],
  ["4 KiB", "C: pair 4096"],
  ["64 KiB", "C: pair 65536"],
  ["1 MiB", "C: pair 1048576"],
  ["16 to 1024 B in turn", "C: mixed pair 16..1024"],
  ["calloc and free, 64 B", "C: calloc 64"],
  ["4 KiB", "C: calloc 4096"],
  ["aligned_alloc and free, 64 B", "C: aligned 64"],
  ["realloc, 64 B more, to 64 KiB", "C: grow by 64"],
  ["to 1 MiB, the whole way", "C: grow by 64 to 1 MiB"],
  null,
  ["1 000 live blocks, 16 to 1024 B", "C: live 1000"],
  ["10 000", "C: live 10000"],
  ["100 000", "C: live 100000"],
  ["1 000 live, 16 to 64 KiB", "C: large live 1000"],
  ["10 000", "C: large live 10000"],
  null,
  ["2 threads, 10 000 live, 16 to 1024 B", "C: live 10000, 2 threads"],
  ["10 000 live, 16 to 64 KiB", "C: large live 10000, 2 threads"],
  ["each frees the other's, 64 B", "C: exchange 64, 2 threads"],
  ["one allocates, one frees, 64 B", "C: produce and consume 64"],
];

const faces: readonly Series[] = [
  { candidate: byHand, name: "DataView by hand", shape: "bar", colour: "faint" },
  { candidate: views, name: "views", shape: "triangle", colour: "orange" },
  { candidate: cursor, name: "moved view", shape: "square", colour: "green" },
  { candidate: functions, name: "field functions", shape: "disc", colour: "own" },
];

/** Workloads of structures, by their names in the record. */
export const structRows: readonly Labelled[] = [
  ["a field of a million records, in order", "sum"],
  ["two fields, read and written", "update"],
  ["a field, in random order", "random get"],
  ["a hash table: put in and looked up", "hash table"],
  ["a list: built, walked, freed", "list"],
  ["a tree: put in and looked up", "tree"],
  ["sorting an index by a field", "index sort"],
];

const leftmost = "Further left is faster, equal steps are equal ratios.";

/** malloc and free in C, and structures in TypeScript. */
export function drawComparison(bench: Latest, structs: Latest): string {
  return stacked(
    "vmem beside other allocators and beside plain objects",
    (top) => drawTall(nativePanel(bench), top),
    (top) => drawWide(structsPanel(structs), top),
  );
}

/** Kinds of libmemkind, and programs under libvmmalloc; what was not recorded yet is left out. */
export function drawOthers(kinds: Latest, programs: Latest): string {
  return stacked(
    "libmemkind beside memkind, and programs under libvmmalloc",
    ...kinds.rows.size > 0 ? [(top: number) => drawTall(kindsPanel(kinds), top)] : [],
    ...programs.rows.size > 0 ? [(top: number) => drawWide(programsPanel(programs), top)] : [],
  );
}

function nativePanel(bench: Latest): Tall {
  const toBest = (row: Row): number =>
    row["vmem, memory"]!.ratio / Math.min(...rivals.map((name) => row[name]?.ratio ?? Infinity));
  return {
    title: "C: time of an operation, as a multiple of jemalloc's",
    about: `${leftmost} At the right vmem's time, and its ratio to the fastest peer.`,
    series: native,
    rows: nativeRows,
    reference: "jemalloc",
    figures: bench,
    columns: [
      { head: "vmem", cell: (row) => ({ words: time(row["vmem, memory"]!.ns) }) },
      {
        head: "to best",
        cell: (row) => {
          const value = toBest(row);
          return { words: value.toFixed(2), classes: value > 1 ? "late strong" : "soft" };
        },
      },
    ],
  };
}

function structsPanel(structs: Latest): Wide {
  return {
    title: "TypeScript: time of structures in a pool, as a multiple of plain objects'",
    about: `${leftmost} Processor time, the collector's included.`,
    series: faces,
    rows: structRows,
    parts: [["Deno", "Deno: "], ["Bun", "Bun: "]],
    reference: plain,
    figures: structs,
  };
}

function kindsPanel(kinds: Latest): Tall {
  return {
    title: "PMEM kinds: time of an operation, as a multiple of Debian's memkind's",
    about: leftmost,
    series: [
      { candidate: "jemalloc", name: "jemalloc's malloc", shape: "square", colour: "grey" },
      { candidate: "vmem", name: "ours", shape: "disc", colour: "own" },
    ],
    rows: [...kinds.rows.keys()].map((row) => [row.replace("memkind: ", ""), row]),
    reference: "memkind",
    figures: kinds,
    columns: [
      { head: "ours", cell: (row) => ({ words: time(row["vmem"]!.ns) }) },
      { head: "memkind", cell: (row) => ({ words: time(row["memkind"]!.ns), classes: "soft" }) },
    ],
  };
}

function programsPanel(programs: Latest): Wide {
  const [user, elapsed] = ["program, user: ", "program, elapsed: "];
  return {
    title: "Programs: their time, as a multiple of that with jemalloc preloaded",
    about: leftmost,
    series: [
      { candidate: "glibc", name: "glibc", shape: "diamond", colour: "grey" },
      { candidate: "huge", name: "libvmmalloc, huge pages", shape: "ring", colour: "own" },
      { candidate: "tmpfs", name: "libvmmalloc, tmpfs", shape: "disc", colour: "own" },
    ],
    rows: [...programs.rows.keys()].filter((row) => row.startsWith(user))
      .map((row) => row.slice(user.length)).map((name) => [name, name]),
    parts: [["User time", user], ["Elapsed time", elapsed]],
    reference: "jemalloc",
    figures: programs,
  };
}
