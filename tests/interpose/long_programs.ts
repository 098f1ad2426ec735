/**
 * What `deno task test:programs` runs under libvmmalloc: the programs of programs.ts, at work for seconds.
 * Scripts find a copy of the sources in `$REPOSITORY`, and of their history in `$REPOSITORY/history`.
 */
import type { Program } from "./programs.ts";

const coreutils = `
set -e
seq 300000 | shuf --random-source=<(yes) > n; sort -n n | sha256sum; sort -R --random-source=<(yes) n | tail -1
sort n > a; sort -u -t' ' -k1,1 lines | cut -d' ' -f1 | sort > b; comm -12 a b | wc; join a b | head -3
paste n n | tr '\\t' ' ' | awk '{ s += $1 * $2 } END { print s }'; uniq -c <(cut -d' ' -f1 lines | sort) | sort -rn | head -3
split -l 5000 n part.; cat part.* | md5sum; tac n | head -2; nl lines | tail -1; factor $(seq 1000000007 2 1000000107) | tail -2
od -c lines | head -500 | cksum; fold -w 20 lines | expand | unexpand | fmt | base64 | base64 -d | sha512sum
mkdir -p t/{1..20}/{1..20}; cp -r t u; ls -R u | wc; du -a --apparent-size lines; rm -r t; stat -c '%s %a' n; dd if=n bs=4k status=none | b2sum
printf '%s\\n' {1..2000} | xargs -n 50 echo | tail -1; csplit -s n /777/ && wc -l xx00; ptx lines 2>/dev/null | head -3 | cksum; exit 4
`;

const shell = `
total=0
for i in {1..300}; do x=$( (echo $((i * 3)); exit $((i % 7))) ); total=$((total + x + $?)); done; echo $total
declare -A names; for i in {1..20000}; do names[k$((i % 3000))]+=$i; done; echo \${#names[@]} \${#names[k7]}
text=; for i in {1..3000}; do text+="word $i "; done; echo \${#text} "\${text//word/x}" | cksum
for i in {1..40}; do ( for j in {1..5}; do ( names[k$j]=$i; echo \${names[k$j]} ) & wait; done ) & done | sort -n | cksum; wait
function deep { if [ $1 -gt 0 ]; then echo $(deep $(($1 - 1))) $1; fi; }; deep 25
seq 2000 | while read n; do echo $n $((n * n)); done | sort -k2 -n | tail -1; mapfile -t all < lines; echo \${#all[@]} \${#names[@]}
coproc cat; echo through >&\${COPROC[1]}; read back <&\${COPROC[0]}; echo $back; kill $COPROC_PID; exit 9
`;

const python = `
import concurrent.futures, hashlib, json, multiprocessing, os, re, subprocess, sys, threading, zlib
rows = [{"key": i, "text": "x%d" % i * (i % 30), "list": list(range(i % 25))} for i in range(60000)]
text = json.dumps(rows)
assert json.loads(text) == rows
print(hashlib.sha256(text.encode()).hexdigest(), len(zlib.compress(text.encode())), len(re.findall(r"x\\d+7", text)))
done = subprocess.run(["sort", "-n", "lines"], capture_output=True)
print(zlib.crc32(done.stdout))
for i in range(100):
    assert subprocess.call(["sh", "-c", "exit %d" % (i % 9)], preexec_fn=(lambda: None) if i % 2 else None) == i % 9
def work(n):
    more = [json.dumps(row) for row in rows[n::500]]
    return sum(map(len, more)) + len(rows)
def nest(depth):
    if depth == 0:
        return 1
    child = os.fork()
    if child == 0:
        rows.extend({"key": i} for i in range(10000))
        os._exit(nest(depth - 1) + 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    with multiprocessing.Pool(4) as pool:
        print(sum(pool.map(work, range(500))))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        print(sum(pool.map(work, range(100))))
    stop = threading.Event()
    def churn():
        while not stop.is_set():
            [str(i) * 5 for i in range(2000)]
    churning = [threading.Thread(target=churn) for _ in range(2)]
    [thread.start() for thread in churning]
    print([nest(3) for _ in range(5)], len(rows))
    stop.set()
    [thread.join() for thread in churning]
    sys.exit(7)
`;

const perl = `
use strict; my (%words, @all, $sum);
for my $turn (1..4) { open(my $file, "<", "lines") or die;
  while (<$file>) { my @parts = split; push @{$words{$parts[0]}}, map { "$parts[1]$_" } 1..5; } }
print scalar(keys %words), " ", join(",", (sort map { scalar @$_ } values %words)[0..9]), "\\n";
my $text = join(" ", map { $words{$_}[0] } sort keys %words); $text .= $text for 1..8;
(my $other = $text) =~ s/([a-f]+)(\\d)/$2$1/g; print length($text), " ", unpack("%32C*", $other), "\\n";
@all = map { "x$_" x 20 } 1..50000;
for my $n (1..20) { my $child = fork;
  if (!$child) { my @more = map { "$_$n" } @all; exit(length(join("", @more)) % 251); }
  push @all, "y$n" x 1000; waitpid($child, 0); $sum += $? >> 8; }
print "$sum ", scalar(@all), "\\n"; for (1..50) { my $x = \`echo $_\`; $sum += $x; } print "$sum\\n"; exit 3;
`;

const gcc = `
set -e
awk 'BEGIN { print "#include <stdio.h>\\n#include <string.h>"; for (i = 0; i < 800; i++) printf "static int f%d(int x, const char *s) \\
{ char b[64]; int n = x; for (int i = 0; i < %d; i++) { n = n * %d + i; if (n %% 3 == 0) n ^= (int)strlen(s); else n -= %d; } \\
snprintf(b, sizeof b, \\"%%d\\", n); return n + b[0]; }\\n", i, i % 90 + 3, i * 2 + 3, i;
print "int main(void) { unsigned sum = 0;"; for (i = 0; i < 800; i++) printf "sum += (unsigned)f%d(%d, \\"%d\\");\\n", i, i, i;
print "printf(\\"%u\\\\n\\", sum); return 0; }" }' > large.c
gcc -O2 -fwrapv -o large large.c; ./large; objdump -d large | sha256sum
for file in "$REPOSITORY"/tests/abi/vmem_*.c "$REPOSITORY"/bench/native/driver.c; do
  gcc -O2 -g -c -I "$REPOSITORY/include" -o "$(basename "$file").o" "$file"; done
sha256sum *.o; ar rcs all.a *.o; nm all.a | sha256sum
`;

const git = `
set -e
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
git -c safe.directory='*' clone -q --no-local "$REPOSITORY/history" clone; cd clone
git log --stat | sha256sum; git log -p -30 | sha256sum; git gc -q --aggressive --prune=now; git fsck --full --no-progress
git rev-list --objects HEAD | wc -l; git grep -c the | sha256sum; git blame build.zig | cksum; git archive HEAD | sha256sum
git checkout -q -b side HEAD~20; git merge -q --no-edit -s ort HEAD@{1}; git status -s; git diff HEAD~20 --shortstat; git repack -qadf
`;

const sql = `
pragma journal_mode = wal; pragma cache_size = -40000;
create table t(id integer primary key, name text, value real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 300000)
  insert into t select i, hex(i * 7919) || printf('%040d', i), i * 0.5 from n;
create index names on t(name); create index v on t(value, name);
select count(*), sum(length(name)), min(name), max(name), total(value) from t;
select substr(name, 1, 3) as k, count(*), avg(value) from t group by k order by 2 desc, 1 limit 5;
delete from t where id % 3 = 0; update t set name = upper(name) || 'x' where id % 5 = 0; vacuum; pragma integrity_check;
select a.id, b.id from t a join t b on b.id = a.id * 7 + 1 where a.id % 10007 = 1;
with w as (select id, row_number() over (partition by id % 100 order by name) r from t) select max(r), sum(r) from w;
`;

const sorting = `
for i in {1..40}; do cat lines; done > more; sort -S 200M --parallel=2 -k3 -k2 more | sha256sum; sort -S 5M -n more | sha256sum
sort -S 50M -u more | sort -c && echo sorted
`;

const archive = `
set -e
tar --sort=name --mtime=@0 --owner=0 --group=0 -C "$REPOSITORY" -cf all.tar zig src tests docs include; wc -c < all.tar
xz -6 -T2 -k all.tar; xz -dc all.tar.xz | cmp - all.tar; xz -9e -c lines | xz -dc | cmp - lines; xz -lv all.tar.xz > /dev/null
gzip -9c all.tar | gzip -dc | cmp - all.tar; bzip2 -c all.tar | bzip2 -dc | cmp - all.tar
mkdir out; tar -C out -xf all.tar; diff -r "$REPOSITORY/zig" out/zig && find out -type f | wc -l
`;

const gdb = `
cat > p.c <<'END'
#include <stdlib.h>
#include <string.h>
struct node { struct node *next; int key; char name[24]; };
static int walk(struct node *n) { int sum = 0; for (; n; n = n->next) sum += n->key; return sum; }
int main(void) { struct node *all = 0; for (int i = 0; i < 9; i++) { struct node *n = malloc(sizeof *n); n->next = all;
n->key = i; strcpy(n->name, "node"); all = n; } int sum = walk(all); return sum == 36 ? 5 : 1; }
END
gcc -g -O0 -o p p.c
gdb --batch -nx -ex 'set startup-with-shell off' -ex 'break walk' -ex run -ex backtrace -ex 'print *n' -ex 'print n->next->name' -ex finish \\
  -ex 'info locals' -ex continue ./p 2>&1 | sed -E 's/0x[0-9a-f]+/ADDRESS/g; s/process [0-9]+/process/' | grep -v -e debuginfod -e libthread_db
gdb --batch -nx -ex 'list walk' -ex 'ptype struct node' -ex 'disassemble walk' ./p; gdb --batch -nx -ex 'info functions mall' "$(command -v git)" | tail -3
`;

const redis = `
set -e
serve() {
  redis-server --port 0 --unixsocket socket --save '' --dir . --logfile log --enable-debug-command yes "$@" & server=$!
  until [ "$(redis-cli -s socket ping 2>&1)" = PONG ]; do kill -0 $server; sleep 0.05; done
}
ask() { redis-cli -s socket "$@"; }
saved() { while ask info persistence | grep -q 'bgsave_in_progress:1'; do sleep 0.05; done; ask info persistence | grep last_bgsave_status; }
serve; ask debug populate 200000 key 120; ask debug digest
for i in 1 2 3; do
  redis-benchmark -s socket --dbnum 1 -q -n 20000 -r 10000 -d 200 -t set,get,lpush,hset,sadd,zadd > /dev/null & load=$!
  ask bgsave > /dev/null; saved; wait $load
done
ask -n 1 flushdb; ask debug digest; ask dbsize; ask bgrewriteaof > /dev/null; ask save; ask shutdown nosave || true; wait $server
serve; ask dbsize; ask debug digest; ask flushall; ask shutdown nosave || true; wait $server
`;

/** Also run by the other two runtimes: it keeps to what all three have. */
const javascript = `
const { createHash } = await import("node:crypto"); const zlib = await import("node:zlib");
const { execFileSync } = await import("node:child_process"); const { readFileSync } = await import("node:fs");
const words = new Map();
for (let i = 0; i < 600000; i++) words.set("k" + i % 50000, (words.get("k" + i % 50000) ?? 0) + i);
const buffers = Array.from({ length: 300 }, (_, i) => new Uint8Array(200000).fill(i));
const text = JSON.stringify([...words.entries()]); const packed = zlib.deflateSync(text);
console.log(words.size, packed.length > 1000, zlib.inflateSync(packed).toString() === text);
console.log(createHash("sha256").update(text).digest("hex"), buffers.reduce((sum, b) => sum + b[99999], 0));
for (let i = 0; i < 20; i++) if (execFileSync("echo", [String(i)]).toString().trim() !== String(i)) throw new Error("echo");
console.log(readFileSync("lines", "utf8").split("\\n").sort().slice(5, 8).join());
const { Worker } = await import("node:worker_threads");
const sums = await Promise.all([1, 2, 3].map((n) => new Promise((resolve, reject) => {
  const worker = new Worker("const { parentPort, workerData } = require('node:worker_threads');" +
    "const all = Array.from({ length: 200000 }, (_, i) => ({ i, text: 'x' + i }));" +
    "parentPort.postMessage(all.reduce((s, o) => s + o.i * workerData, 0));", { eval: true, workerData: n });
  worker.on("message", resolve); worker.on("error", reject);
})));
console.log(sums.join());
`;

const everyMode = [1, 2, 3];

function script(name: string, text: string, more: Partial<Program> = {}): Program {
  return { name, command: "bash", words: ["-c", text], modes: everyMode, pool: "1GiB", ...more };
}

export const longPrograms: readonly Program[] = [
  script("coreutils", coreutils, { status: 4 }),
  script("bash, 600 subshells", shell, { status: 9 }),
  script("python3: json, subprocess, multiprocessing", python, {
    command: "python3",
    words: ["-c", python],
    status: 7,
  }),
  script("perl", perl, { command: "perl", words: ["-e", perl], status: 3 }),
  script("gcc, files of C", gcc, { needs: ["gcc", "objdump"], process: "cc1" }),
  script("git: clone, log, gc, merge", git, { needs: ["git"], history: true, process: "git" }),
  {
    name: "sqlite3",
    command: "sqlite3",
    words: ["database"],
    input: sql,
    pool: "1GiB",
  },
  script("sort, 800 000 lines", sorting),
  script("tar, xz, gzip, bzip2", archive, { needs: ["xz", "bzip2"] }),
  script("gdb: breakpoints in a process", gdb, { needs: ["gdb", "gcc"], process: "gdb" }),
  script("redis-server under redis-benchmark, bgsave", redis, {
    needs: ["redis-server", "redis-benchmark"],
    process: "redis-server",
  }),
  { name: "node", command: "node", words: ["-e", asFunction(javascript)], pool: "1GiB" },
  { name: "Deno", command: "deno", words: ["eval", javascript], pool: "1GiB" },
  { name: "Bun", command: "bun", words: ["-e", javascript], pool: "1GiB" },
];

/** Node's -e has no await outside functions. */
function asFunction(text: string): string {
  return `(async () => {${text}})()`;
}
