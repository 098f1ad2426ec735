/** The programs that are run under libvmmalloc. */

export interface Program {
  /** What is run and why. */
  readonly name: string;
  /** Found in PATH. */
  readonly command: string;
  /** Its working directory holds a file "lines" of 20 000 lines. */
  readonly words: readonly string[];
  readonly input?: string;
  /** The exit status; 0 if nothing is said. */
  readonly status?: number;
  /** What it prints, where that is known beforehand. */
  readonly output?: string;
  /** `VMMALLOC_POOL_SIZE`. */
  readonly pool?: string;
  /** What `VMMALLOC_FORK` is given, where children allocate; one run each. */
  readonly modes?: readonly number[];
  /** Bytes that one of its processes has in a pool at some time, at least. Undefined: it ends without destructors. */
  readonly captures?: number;
  /** What it starts, for what is not installed everywhere. */
  readonly needs?: readonly string[];
  /** The process whose memory is looked at; the largest if nothing is said. */
  readonly process?: string;
  /** It reads the repository's history. */
  readonly history?: boolean;
}

const python = `
import json, subprocess, sys
data = [{"key": i, "text": "x" * (i % 100), "list": list(range(i % 20))} for i in range(50000)]
text = json.dumps(data)
assert json.loads(text) == data
print(len(text))
print(subprocess.run(["sort", "-n", "lines"], capture_output=True).stdout[:40])
for i in range(20):
    assert subprocess.call(["true"]) == 0
sys.exit(7)
`;

const perl = `
my %words;
open(my $file, "<", "lines") or die;
while (<$file>) { my @parts = split; push @{$words{$parts[0]}}, $parts[1] for 1..10; }
print scalar(keys %words), " ", join(",", sort map { scalar @$_ } values %words), "\\n";
my $text = ""; $text .= "abc" x 100 for 1..20000; print length($text), "\\n"; exit 3;
`;

const sql = `
create table t(id integer primary key, name text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 50000)
  insert into t select i, hex(i * 7919) || printf('%050d', i) from n;
create index names on t(name);
select count(*), sum(length(name)), min(name), max(name) from t;
select name from t where id % 9999 = 0 order by name desc;
`;

const source = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct node { struct node *next; int key; };
int main(void) { struct node *all = 0; for (int i = 0; i < 9; i++) { struct node *n = malloc(sizeof *n);
n->next = all; n->key = i; all = n; } for (; all; all = all->next) printf("%d", all->key); return 0; }
`;

const javascript = `
const words = new Map();
for (let i = 0; i < 100000; i++) words.set("k" + i % 5000, (words.get("k" + i % 5000) ?? 0) + i);
const buffers = Array.from({ length: 200 }, (_, i) => new Uint8Array(100000).fill(i));
console.log(words.size, [...words.values()].reduce((a, b) => a + b), buffers.reduce((sum, b) => sum + b[99999], 0));
console.log(JSON.stringify([...words.entries()].slice(0, 50)));
`;

const shell = `
sum=0
for i in $(seq 60); do x=$( (echo $i; exit 3) ); sum=$((sum + x)); done; echo $sum
seq 1000 | while read n; do echo $n $((n * n)); done | sort -n | tail -1
(sleep 0.01; echo background) & wait
cat <(echo a) <(seq 3 | tac)
function deep { if [ $1 -gt 0 ]; then echo $(deep $(($1 - 1))) $1; fi; }; deep 6
exit 5
`;

const children = `
import json, multiprocessing, os
keep = [str(i) * 10 for i in range(50000)]
def work(n):
    return sum(len(json.dumps(list(range(i)))) for i in range(n % 40)) + len(keep)
def nest(depth):
    if depth == 0:
        return 1
    child = os.fork()
    if child == 0:
        keep.extend(str(i) for i in range(10000))
        os._exit(nest(depth - 1) + 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
multiprocessing.set_start_method("fork")
with multiprocessing.Pool(3) as pool:
    print(sum(pool.map(work, range(200))))
print(nest(4), len(keep), sum(map(len, keep)))
`;

const forks = `
my @all = map { "x$_" x 20 } 1..20000; my $sum = 0;
for my $n (1..10) {
  my $child = fork;
  if (!$child) { my @more = map { "$_$n" } @all; exit(length(join("", @more)) % 251); }
  push @all, "y$n" x 1000; waitpid($child, 0); $sum += $? >> 8;
}
print "$sum ", scalar(@all), "\n";
`;

const repository = `
set -e
git init -q repository; cd repository
for i in 1 2 3; do
  seq $((i * 1000)) > f$i; git add .
  GIT_COMMITTER_DATE="2000-01-01T00:00:0$i" git -c user.name=a -c user.email=b@c commit -q -m c$i --date="2000-01-01T00:00:0$i"
done
git log --format="%H %s"; git gc -q; git fsck --no-progress; git diff HEAD~2 --stat
`;

const compile = `
set -e
cat > program.c <<'END'
${source}
END
gcc -O2 -o program program.c; ./program; tar -cf - program.c | xz -1 | xz -dc | tar -tf -
`;

const everyMode = [1, 2, 3];

const MIB = 2 ** 20;

export const programs: readonly Program[] = [
  {
    name: "ls of a large folder",
    command: "ls",
    words: ["-lR", "/usr/share/doc"],
    captures: 100_000,
  },
  { name: "sort by number", command: "sort", words: ["-n", "lines"], captures: 500_000 },
  {
    name: "sort of two threads",
    command: "sort",
    words: ["--parallel=2", "-k3", "lines"],
    captures: 500_000,
  },
  {
    name: "grep",
    command: "grep",
    words: ["-cE", "(x+)[a-f0-9]? .*\\1", "lines"],
    status: 0,
    captures: 50_000,
  },
  {
    name: "find",
    command: "find",
    words: ["/etc", "-maxdepth", "2", "-name", "*.conf"],
    captures: 50_000,
  },
  {
    name: "awk",
    command: "awk",
    words: ["{ n[$1] += length($3) } END { for (i = 0; i < 1000; i++) print n[i] }", "lines"],
    captures: 100_000,
  },
  {
    name: "tar to standard output",
    command: "tar",
    words: ["--mtime=@0", "-cf", "-", "lines"],
    captures: 10_000,
  },
  { name: "xz", command: "xz", words: ["-6", "-c", "lines"], captures: 90 * MIB },
  { name: "perl", command: "perl", words: ["-e", perl], status: 3, captures: 5 * MIB },
  {
    name: "python with json and subprocess",
    command: "python3",
    words: ["-c", python],
    status: 7,
    captures: 30 * MIB,
  },
  {
    name: "sqlite3 in memory",
    command: "sqlite3",
    words: [":memory:"],
    input: sql,
    captures: 5 * MIB,
  },
  {
    name: "git without a repository",
    command: "git",
    words: ["diff", "--no-index", "--stat", "lines", "/etc/passwd"],
    status: 1,
    captures: 500_000,
  },
  {
    name: "gcc to assembler",
    command: "gcc",
    words: ["-O2", "-x", "c", "-S", "-o", "-", "-"],
    input: source,
    captures: 2 * MIB,
  },
  { name: "node", command: "node", words: ["-e", javascript], captures: 15 * MIB },
  { name: "deno", command: "deno", words: ["eval", javascript], captures: 1 * MIB },
  // It asks the C library's malloc for hardly anything, and ends without destructors.
  { name: "bun", command: "bun", words: ["-e", javascript] },
  {
    name: "bash with many subshells",
    command: "bash",
    words: ["-c", shell],
    status: 5,
    modes: everyMode,
    captures: 20_000,
  },
  {
    name: "python with children that go on",
    command: "python3",
    words: ["-c", children],
    modes: everyMode,
    captures: 2 * MIB,
  },
  {
    name: "perl with children that go on",
    command: "perl",
    words: ["-e", forks],
    modes: everyMode,
    captures: 3 * MIB,
  },
  {
    name: "git in a repository",
    command: "bash",
    words: ["-c", repository],
    modes: everyMode,
    captures: 500_000,
  },
  {
    name: "gcc, its linker, tar and xz",
    command: "bash",
    words: ["-c", compile],
    modes: everyMode,
    captures: 2 * MIB,
  },
  {
    name: "gdb",
    command: "gdb",
    words: ["--batch", "-nx", "-ex", "print 6 * 7", "-ex", "print $_siginfo"],
    captures: 3 * MIB,
  },
];
