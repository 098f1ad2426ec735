/** The programs that `programs.ts` measures, and what they work on. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../tools/zig.ts";

const python = `
import json
rows = [{"key": i, "text": "x%d" % i * (i % 30), "list": list(range(i % 25))} for i in range(40000)]
for i in range(3):
    assert json.loads(json.dumps(rows)) == rows
`;

const perl = `
my %words; for my $turn (1..5) { open(my $file, "<", "lines") or die;
while (<$file>) { my @parts = split; push @{$words{$parts[0]}}, map { "$parts[1]$_" } 1..5; } }
my @all = map { join ",", sort @{$words{$_}}[0..50] } keys %words; print scalar @all;
`;

const sql = `
create table t(id integer primary key, name text, value real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 150000)
  insert into t select i, hex(i * 7919) || printf('%040d', i), i * 0.5 from n;
create index names on t(name); select count(*), sum(length(name)) from t;
select substr(name, 1, 3) as k, count(*), group_concat(id) from t group by k order by 2 desc, 1 limit 5;
`;

const shell = `
declare -A n; for i in {1..60000}; do n[k$((i % 3000))]+=$i; t="\${n[k$((i % 777))]}"; done
for i in {1..60}; do x=$( (echo $i) ); done; echo \${#n[@]}
`;

const javascript = `
const words = new Map(); for (let i = 0; i < 1e6; i++) words.set("k" + i % 50000, "v" + i);
for (let i = 0; i < 300; i++) new Uint8Array(200000).fill(i);
for (let i = 0; i < 5; i++) JSON.parse(JSON.stringify([...words]));
`;

const source = Array.from(
  { length: 250 },
  (_, i) =>
    `static int f${i}(int x) { int n = x; for (int i = 0; i < ${i % 90 + 3}; i++) ` +
    `{ n = n * ${i * 2 + 3} + i; if (n % 3 == 0) n ^= i << ${
      i % 20
    }; else n -= ${i}; } return n; }`,
)
  .join("\n") +
  "\nint all(void) { return " +
  Array.from({ length: 250 }, (_, i) => `f${i}(${i})`).join(" + ") + "; }\n";

/** Each is one program, so that what it takes is told by its malloc, not by what starts it. */
export const works: readonly (readonly [name: string, command: readonly string[]])[] = [
  ["python3, json", ["python3", "-c", python]],
  ["perl, hashes", ["perl", "-e", perl]],
  ["gcc -O2", ["gcc", "-O2", "-c", "-o", "large.o", "large.c"]],
  ["sqlite3", ["sqlite3", ":memory:", ".read sql"]],
  ["git log -p", ["git", "-C", root, "log", "-p", "-100"]],
  ["sort", ["sort", "--parallel=2", "-k3", "more"]],
  ["xz -2", ["xz", "-2", "-T1", "-k", "-c", "more"]],
  ["bash, arrays and subshells", ["bash", "-c", shell]],
  ["node", ["node", "-e", javascript]],
];

/** A folder with what the programs read. */
export function prepare(): string {
  const folder = mkdtempSync(join(tmpdir(), "vmem-bench-"));
  let state = 1;
  const lines = Array.from({ length: 20_000 }, () => {
    state = state * 48271 % 2147483647;
    return `${state % 1000} ${state.toString(36)} ${"x".repeat(state % 50)}\n`;
  }).join("");
  writeFileSync(join(folder, "lines"), lines);
  writeFileSync(join(folder, "more"), lines.repeat(12));
  writeFileSync(join(folder, "large.c"), source);
  writeFileSync(join(folder, "sql"), sql);
  return folder;
}
