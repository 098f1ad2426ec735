/** The public headers compile in every C and C++ that a program may be written in, and hold what the originals' held. */
import { assertEquals } from "@std/assert";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { emptyFolder, root, run, zigCompiler } from "./tree.ts";

const standards = [
  ...["c89", "gnu89", "c99", "c11", "c17", "c23"].map((name) => ["c", name] as const),
  ...["c++98", "c++11", "c++14", "c++17", "c++20", "c++23"].map((name) => ["c++", name] as const),
];
const warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wundef", "-Wstrict-prototypes", "-Werror"];

/** The original's has bool in a prototype. */
const sinceC99 = ["memkind.h", "memkind_memtier.h"];
const headers = readdirSync(join(root, "include")).filter((name) => name.endsWith(".h")).sort();

const object = join(emptyFolder("headers"), "object.o");

/** Compiles a text to an object; gives what the compiler said. */
function compile(language: "c" | "c++", standard: string, text: string): string {
  const compiler = zigCompiler(language === "c" ? "cc" : "c++");
  const checks = language === "c"
    ? warnings
    : warnings.filter((word) => !/strict-proto/.test(word));
  const { status, errors } = run([
    ...compiler,
    `-std=${standard}`,
    ...checks,
    `-I${join(root, "include")}`,
    "-c",
    "-o",
    object,
    "-x",
    language,
    "-",
  ], text);
  return status === 0 ? "" : `${standard}: ${errors}`;
}

function isOld(standard: string): boolean {
  return standard === "c89" || standard === "gnu89";
}

function include(names: readonly string[]): string {
  return names.map((name) => `#include <${name}>\n`).join("");
}

for (const [language, standard] of standards) {
  test(`headers: ${standard} takes each alone, all together, and twice`, () => {
    const taken = headers.filter((header) => !isOld(standard) || !sinceC99.includes(header));
    const all = [...taken, ...taken].reverse();
    assertEquals(compile(language, standard, `${include(all)}int main(void) { return 0; }\n`), "");
  });
}

for (const header of headers) {
  test(`headers: ${header} needs nothing that the program includes before it`, () => {
    const oldest = sinceC99.includes(header) ? "c99" : "c89";
    for (const [language, standard] of [["c", oldest], ["c++", "c++98"]] as const) {
      const text = `${include([header])}int main(void) { return 0; }\n`;
      assertEquals(compile(language, standard, text), "");
    }
  });
}

/** Functions and constants as a program for libvmem 1.x uses them, by their types and not by their names alone. */
const libvmem = `
#include <libvmem.h>

static VMEM *(*create)(const char *, size_t) = vmem_create;
static VMEM *(*create_in_region)(void *, size_t) = vmem_create_in_region;
static void (*delete_)(VMEM *) = vmem_delete;
static int (*check)(VMEM *) = vmem_check;
static void (*stats_print)(VMEM *, const char *) = vmem_stats_print;
static void *(*malloc_)(VMEM *, size_t) = vmem_malloc;
static void (*free_)(VMEM *, void *) = vmem_free;
static void *(*calloc_)(VMEM *, size_t, size_t) = vmem_calloc;
static void *(*realloc_)(VMEM *, void *, size_t) = vmem_realloc;
static void *(*aligned)(VMEM *, size_t, size_t) = vmem_aligned_alloc;
static char *(*strdup_)(VMEM *, const char *) = vmem_strdup;
static wchar_t *(*wcsdup_)(VMEM *, const wchar_t *) = vmem_wcsdup;
static size_t (*usable)(VMEM *, void *) = vmem_malloc_usable_size;
static const char *(*version)(unsigned, unsigned) = vmem_check_version;
static const char *(*errormsg)(void) = vmem_errormsg;
static void (*set_funcs)(void *(*)(size_t), void (*)(void *), void *(*)(void *, size_t),
    char *(*)(const char *), void (*)(const char *)) = vmem_set_funcs;

struct vmem;
typedef char versions[VMEM_MAJOR_VERSION == 1 && VMEM_MINOR_VERSION == 1 ? 1 : -1];
typedef char minimum[VMEM_MIN_POOL == 14680064 && sizeof VMEM_MIN_POOL == sizeof(size_t) ? 1 : -1];
#if VMEM_MAJOR_VERSION != 1 || VMEM_MINOR_VERSION < 1
#error versions are numbers for the preprocessor, too
#endif

int main(void)
{
    struct vmem *same = create("/tmp", VMEM_MIN_POOL * 2);
    off_t from_sys_types = 0;
    versions *one = 0;
    minimum *two = 0;

    if (same == 0 || one != 0 || two != 0 || version(VMEM_MAJOR_VERSION, VMEM_MINOR_VERSION) != 0)
        return *errormsg();
    set_funcs(0, 0, 0, 0, 0);
    free_(same, realloc_(same, malloc_(same, 1), usable(same, calloc_(same, 1, 1))));
    free_(same, strdup_(same, "a"));
    free_(same, wcsdup_(same, L"a"));
    free_(same, aligned(same, 64, 64));
    stats_print(same, 0);
    delete_(check(same) == 1 ? same : create_in_region(0, 0));
    return (int)from_sys_types;
}
`;

test("headers: what programs for libvmem 1.x use has its types in C and C++", () => {
  const said = standards.map(([language, standard]) => compile(language, standard, libvmem));
  assertEquals(said.filter((text) => text !== ""), []);
});

test("headers: a compiler that is asked for a wrong type says so", () => {
  const wrong = libvmem.replace("static int (*check)", "static long (*check)");
  assertEquals(compile("c", "c99", wrong) === "", false);
});
