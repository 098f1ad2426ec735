//! What a thread keeps, and the hot paths by handle; the other entry points are in calls.zig.
//!
//! Each thread has one small record in thread-local memory: the handle it used last with its cache, a
//! few recent ones, and a table of all its caches. The hot paths compare the handle and work on the cache;
//! everything else goes through `use`, which finds or makes the cache with the heap pinned.
//!
//! The record is reached by initial-exec thread-local access (general-dynamic costs 4 ns a pair);
//! its symbol is the one `export` outside the roots, because the code that asks for its place needs the name.
//!
//! A thread's caches end with it (`threadExit`); a heap's end poisons them (`Heap.kill`). Both take `lives`, so
//! that either order, and both at once, is safe. A thread that already ran its exit hooks allocates
//! without a cache.

const std = @import("std");
const builtin = @import("builtin");
const assert = base.assert;
const base = @import("../base.zig");
const os = @import("../os.zig");
const options = @import("options");
const canary = @import("canary.zig");
const classes = @import("classes.zig");
const give_back = @import("give_back.zig");
const records = @import("records.zig");
const ticks = @import("ticks.zig");
const Cache = @import("Cache.zig");
const Table = @import("CacheTable.zig");
const Heap = @import("Heap.zig");

pub const Error = error{
    /// The pool has no room, or its file system none.
    OutOfMemory,
    /// The handle names no pool: never created, closed, or the parent's of a fork.
    DeadHandle,
    /// Not the start of a block of the pool.
    InvalidPointer,
    /// The start of a block that is not live; only noticed at hardening level 2 and above.
    AlreadyFree,
};

/// What the layer above gives, once, before the first heap exists.
pub const Hooks = struct {
    /// The live heap of a handle, pinned: it is not destroyed before `release`. Null: there is none.
    acquire: *const fn (handle: usize) ?*Heap,
    release: *const fn (h: *Heap) void,
    /// After a thread's caches were flushed at its end.
    threadExit: ?*const fn () void = null,
    /// Misuse noticed. Any lock may be held: no call back into the heap.
    report: ?*const fn (h: *Heap, what: Heap.Misuse, address: usize) void = null,
    /// Memory for a thread's own records instead of the built-in: `vmem_set_funcs`.
    recordTake: ?*const fn (len: usize) ?usize = null,
    recordGive: ?*const fn (record: usize) void = null,
    /// The face's hot paths check block states (`F.checked`): without, a heap that keeps them is served by
    /// the slow path only.
    checked: bool = false,
    /// The face's blocks are offsets (`F.offsets`): a heap whose cells are otherwise is served by the slow path only.
    offsets: bool = false,
};

pub var hooks: Hooks = .{ .acquire = acquireNothing, .release = releaseNothing };

fn acquireNothing(_: usize) ?*Heap {
    return null;
}
fn releaseNothing(_: *Heap) void {}

/// Guards the end of caches: held while a thread flushes its own, and while a heap kills all of its.
/// First in the lock order.
pub var lives: os.Mutex(.lives) = .{};

// --- Thread-local memory --------------------------------------------------------------------------

const recent_count = 4;

pub const Entry = extern struct { handle: usize = 0, cache: *Cache = &Cache.dummy };

const Local = extern struct {
    /// The handle used last; 0 is nobody's and goes with the dummy.
    last: Entry = .{},
    /// The one that keeps states, used last, where the face's hot paths do not look at those.
    checked: Entry = .{},
    recent: [recent_count]Entry = @splat(.{}),
    table: ?*Table = null,
    /// The exit hooks ran: no caches any more.
    ended: bool = false,
    /// Of faces with `ticks`: frees between two looks at the clock, and until the next; when the last look was; and when a free
    /// goes the slow way next, to see whether storage is to be given back.
    period: u16 = 1,
    ticks: u32 = 1,
    ticked_ns: u64 = 0,
    due_ns: u64 = 0,
};

comptime {
    assert(@sizeOf(Local) <= 128);
}

export threadlocal var vmem_thread: Local = .{};

const initial_exec = builtin.zig_backend == .stage2_llvm and !options.general_dynamic and !options.thread_sanitizer;
const segment = initial_exec and builtin.cpu.arch == .x86_64;
const LocalPointer = if (segment) *addrspace(.fs) Local else *Local;

/// Once a function: each use loads the place anew.
inline fn local() LocalPointer {
    @setRuntimeSafety(false); // the offset is neither null nor aligned
    if (!initial_exec) return &vmem_thread;
    switch (builtin.cpu.arch) {
        .x86_64 => return @ptrFromInt(asm ("movq vmem_thread@GOTTPOFF(%%rip), %[r]"
            : [r] "=r" (-> usize),
        )),
        .aarch64 => {
            const offset = asm (
                \\adrp %[r], :gottprel:vmem_thread
                \\ldr %[r], [%[r], #:gottprel_lo12:vmem_thread]
                : [r] "=r" (-> usize),
            );
            const thread_pointer = asm ("mrs %[r], tpidr_el0"
                : [r] "=r" (-> usize),
            );
            return @ptrFromInt(thread_pointer +% offset);
        },
        else => return &vmem_thread,
    }
}

/// The same as an ordinary address, for the paths that are not hot.
pub inline fn here() *Local {
    @setRuntimeSafety(false);
    if (!segment) return local();
    // The thread pointer's first word is its own address (System V ABI, thread-local storage, variant II).
    return @ptrFromInt(asm (
        \\movq %%fs:0, %[r]
        \\addq vmem_thread@GOTTPOFF(%%rip), %[r]
        : [r] "=r" (-> usize),
        :
        : .{ .cc = true }));
}

// --- Hot paths ------------------------------------------------------------------------------------

/// `F`, the face: `Block`, `Done` (result types), `checked`, `offsets`, `block(cell) Block`, `done() Done`, and
/// `mallocSlow(handle, size) Block`, `freeSlow(handle, place) Done`, which are `noinline` and call
/// `allocateAfterPop` and `release`; `ticks` if it wants them and has its blocks freed by address alone. Size 0 is served as 8
/// bytes. A face with `only_pool` is that of a process which never has
/// another pool, and spares the question which one is meant.
///
/// With `offsets` a face's blocks are offsets in the pool, as doubles. The cells of the pool's caches then hold
/// the bits of such a double instead of an address (`Heap.cellOf`), so that a block that is freed and allocated again
/// passes through no conversion: they took 3 ns of a pair, all of it waiting.
pub inline fn malloc(comptime F: type, handle: usize, size: usize) F.Block {
    const t = local();
    if (!isLast(F, t, handle)) {
        @branchHint(.unlikely);
        return F.mallocSlow(handle, size);
    }
    if (size > classes.small_max) {
        @branchHint(.unlikely);
        return mallocRun(F, handle, size);
    }
    return mallocOf(F, t, handle, size, smallClass(F.checked, size));
}

/// Apart from the small ones, whose path has no jump to take then. The handle is the last one.
noinline fn mallocRun(comptime F: type, handle: usize, size: usize) F.Block {
    if (size > classes.cached_max) return F.mallocSlow(handle, size);
    const pages = (size + classes.page_size - 1) >> classes.page_shift;
    return mallocOf(F, local(), handle, size, classes.run_index[pages]);
}

inline fn mallocOf(comptime F: type, t: LocalPointer, handle: usize, size: usize, class: u8) F.Block {
    const c = t.last.cache;
    const cell = Cache.pop(&c.bins[class]) orelse return F.mallocSlow(handle, size);
    if (F.checked and c.states) markLive(c, if (F.offsets) offsetOf(cell) else cell - c.base);
    return F.block(cell);
}

/// Where nothing was used yet there is the dummy, which sends everybody the slow way.
inline fn isLast(comptime F: type, t: LocalPointer, handle: usize) bool {
    return (@hasDecl(F, "only_pool") and F.only_pool) or t.last.handle == handle;
}

/// The offset that is in a cell as a double.
inline fn offsetOf(cell: usize) usize {
    @setRuntimeSafety(false);
    const offset: f64 = @bitCast(cell);
    const signed: isize = @trunc(offset);
    return @bitCast(signed);
}

inline fn runClass(size: usize) u8 {
    @branchHint(.unlikely);
    const class: u32 = classes.run_index[(size + classes.page_size - 1) >> classes.page_shift];
    // Without it the two look-ups become one with a variable shift, which the small path then pays for.
    return @truncate(asm (""
        : [r] "=r" (-> u32),
        : [c] "0" (class),
    ));
}

/// A face that checks states serves no blocks below 16 bytes.
pub inline fn smallClass(comptime checked: bool, size: usize) u8 {
    const index = if (checked) &classes.small_index_16 else &classes.small_index;
    return index[(size + 7) >> 3];
}

/// `place` is an address, or an offset where the face speaks in those, and may be anything; `cell` is what the
/// cache's cell shall hold for it.
pub inline fn free(comptime F: type, handle: usize, place: usize, cell: usize) F.Done {
    const t = local();
    // A face with ticks finds a block's pool by its address: the handle may be any.
    if (!hasTicks(F) and !isLast(F, t, handle)) {
        @branchHint(.unlikely);
        return F.freeSlow(handle, place);
    }
    if (hasTicks(F)) {
        t.ticks -%= 1;
        if (t.ticks == 0) {
            @branchHint(.unlikely);
            return freeAtTick(F, handle, place, cell);
        }
    }
    return freeInto(F, t, handle, place, cell);
}

/// A call in the hot path would have it save registers.
noinline fn freeAtTick(comptime F: type, handle: usize, place: usize, cell: usize) F.Done {
    @branchHint(.cold);
    return if (ticks.isTime(here())) F.freeSlow(handle, place) else freeInto(F, local(), handle, place, cell);
}

inline fn freeInto(comptime F: type, t: LocalPointer, handle: usize, place: usize, cell: usize) F.Done {
    const c = t.last.cache;
    const offset = if (F.offsets) place else place -% c.base;
    if (offset >= @atomicLoad(usize, &c.size, .monotonic)) {
        @branchHint(.unlikely);
        return F.freeSlow(handle, place);
    }
    const class = c.page_classes[offset >> classes.page_shift];
    const bin = Cache.opaqueCopy(&c.bins[class]);
    const sp = Cache.place(bin) orelse return F.freeSlow(handle, place);
    if (F.checked and c.states and !markFree(c, offset)) return F.freeSlow(handle, place);
    Cache.pushAt(bin, sp, cell);
    return F.done();
}

/// The handle used last, 0 at first: the one whose blocks `free` takes at its best.
pub inline fn lastHandle() usize {
    return local().last.handle;
}

/// Whether a face says `ticks`.
pub fn hasTicks(comptime F: type) bool {
    return @hasDecl(F, "ticks") and F.ticks;
}

/// The base of the pool of a handle, for faces that speak in offsets; null when it is not the last one used.
pub inline fn baseOf(handle: usize) ?usize {
    const t = local();
    return if (t.last.handle == handle) t.last.cache.base else null;
}

/// From offset 0 on; below `low` nothing is handed out, and of borrowed memory not all of that is there.
pub const Memory = struct { bytes: []u8, low: usize };
/// The memory of the pool of a handle; null when it is closed or not the last one used. The calling thread is one of the
/// pool's users then, so that the memory stays, closed meanwhile or not.
pub inline fn memoryOf(handle: usize) ?Memory {
    const t = local();
    if (t.last.handle != handle) return null;
    const c = t.last.cache;
    const size = @atomicLoad(usize, &c.size, .monotonic);
    if (size == 0) return null;
    return .{ .bytes = @as([*]u8, @ptrFromInt(c.base))[0..size], .low = c.low };
}

/// The handle used last if its pool is open and has the address.
pub inline fn lastHandleAt(address: usize) ?usize {
    const t = local();
    const c = t.last.cache;
    return if (address -% c.base < @atomicLoad(usize, &c.size, .monotonic)) t.last.handle else null;
}

/// The hot path of an aligned block, for faces that speak in addresses and check no states: null where the slow one has to
/// do it. `alignment` is a power of two.
pub inline fn mallocAligned(comptime F: type, handle: usize, size: usize, alignment: usize) ?usize {
    comptime assert(!F.checked and !F.offsets);
    const t = local();
    if (!isLast(F, t, handle) or alignment > classes.page_size) return null;
    // The last byte of the size rounded up as `classes.ofAligned` does; of size 0 it is beyond everything.
    const last_byte = (size -% 1) | (alignment - 1);
    const class = if (last_byte < classes.small_max)
        classes.small_index[(last_byte >> 3) + 1]
    else if (last_byte < classes.cached_max)
        runClass(last_byte + 1)
    else
        return null;
    const bin = &t.last.cache.bins[class];
    return Cache.pop(bin) orelse {
        Cache.undoPop(bin);
        return null;
    };
}

/// A block of a cached class if the cache of the handle used last has one. No lock, no pin.
pub inline fn takeCached(handle: usize, size: usize, alignment: usize) ?usize {
    const t = local();
    return if (t.last.handle == handle) takeFrom(t.last.cache, size, alignment) else null;
}

inline fn takeFrom(c: *Cache, size: usize, alignment: usize) ?usize {
    if (size > classes.cached_max - classes.page_size or alignment > classes.page_size) return null;
    const plain = classes.ofAligned(size, alignment);
    const class = if (c.states) @max(plain, 2) else plain;
    const bin = &c.bins[class];
    const cell = Cache.pop(bin) orelse {
        Cache.undoPop(bin);
        return null;
    };
    const offset = if (c.offset_cells) offsetOf(cell) else cell - c.base;
    if (c.states) markLive(c, offset);
    return c.base + offset;
}

/// As `takeCached` for heaps that keep states and faces that do not look at them: what their slow paths try first. The heap
/// is pinned.
pub inline fn takeChecked(handle: usize, size: usize, alignment: usize) ?usize {
    const t = local();
    return if (t.checked.handle == handle) takeFrom(t.checked.cache, size, alignment) else null;
}

/// The other way round; false where nothing was done.
pub inline fn giveChecked(handle: usize, address: usize) bool {
    const t = local();
    if (t.checked.handle != handle) return false;
    const c = t.checked.cache;
    const offset = address -% c.base;
    if (offset >= @atomicLoad(usize, &c.size, .monotonic)) return false;
    const class = c.page_classes[offset >> classes.page_shift];
    const bin = Cache.opaqueCopy(&c.bins[class]);
    const sp = Cache.place(bin) orelse return false;
    if (!markFree(c, offset)) return false;
    Cache.pushAt(bin, sp, address);
    return true;
}

/// Whether the live block at an address, of the pool of the handle used last, already has the size class of
/// `size`; false also where that cannot be told without a lock.
pub inline fn fitsAlready(handle: usize, address: usize, size: usize) bool {
    const t = local();
    if (t.last.handle != handle or size == 0) return false;
    const c = t.last.cache;
    const offset = address -% c.base;
    if (offset >= @atomicLoad(usize, &c.size, .monotonic)) return false;
    const class = c.page_classes[offset >> classes.page_shift];
    if (class == classes.none) return false;
    const d = descriptorOf(c, offset);
    if (class == classes.large) {
        const pages = ((size - 1) >> classes.page_shift) + 1; // any size may come
        if (offset != @as(usize, d.start) << classes.page_shift or pages != d.pages) return false;
        return !c.states or d.live == 1;
    }
    const wanted = classes.ofSize(size);
    if (wanted != class and !(c.states and wanted == 1 and class == 2)) return false;
    if (c.states) {
        const state = stateAt(c, offset);
        return state.starts and state.byte.* == 1;
    }
    const inside = offset - (@as(usize, d.start) << classes.page_shift);
    if (!classes.isSmall(class)) return inside == 0;
    const index = (inside * classes.reciprocals[class]) >> 32;
    return index < d.blocks and index * classes.sizes[class] == inside and !d.isFree(index);
}

pub inline fn markLive(c: *Cache, offset: usize) void {
    stateAt(c, offset).byte.* = 1;
}

/// False, and nothing was done, if no live block starts there.
pub inline fn markFree(c: *Cache, offset: usize) bool {
    const state = stateAt(c, offset);
    if (!state.starts or state.byte.* != 1) return false;
    state.byte.* = 0; // before the push: from then on the block may be somebody else's
    return true;
}

const Metadata = @import("Metadata.zig");

inline fn descriptorOf(c: *Cache, offset: usize) *Metadata.Descriptor {
    const number = c.heads[offset >> classes.page_shift];
    return @ptrFromInt(c.units + @as(usize, number) * Metadata.unit_size);
}

inline fn stateAt(c: *Cache, offset: usize) Metadata.State {
    return Metadata.stateAt(c.state_places[offset >> classes.page_shift], offset);
}

// --- A thread's caches ----------------------------------------------------------------------------

pub fn takeRecord(len: usize) ?usize {
    return if (hooks.recordTake) |take| take(len) else records.take(len);
}

pub fn giveRecord(record: usize, len: usize) void {
    if (hooks.recordGive) |give| give(record) else records.give(record, len);
}

const cache_len = @sizeOf(Cache) + @alignOf(Cache);

fn destroyCache(c: *Cache) void {
    c.deinit();
    giveRecord(c.record, cache_len);
}

/// A heap for the length of one call, pinned, and this thread's cache of it if it can have one.
pub const Use = struct {
    heap: *Heap,
    cache: ?*Cache,
    /// Of who has no cache.
    shard: u16 = 0,

    pub fn release(u: Use) void {
        hooks.release(u.heap);
    }

    pub fn arena(u: Use) u16 {
        return if (u.cache) |c| c.arena else u.shard;
    }
};

fn isDead(c: *Cache) bool {
    return @atomicLoad(bool, &c.dead, .acquire);
}

/// The heap of a handle, pinned, with the calling thread's cache of it.
pub fn use(t: *Local, handle: usize) Error!Use {
    const heap = hooks.acquire(handle) orelse return error.DeadHandle;
    const last = t.last;
    if (last.handle == handle and !isDead(last.cache)) return .{ .heap = heap, .cache = last.cache };
    const checked = t.checked;
    if (checked.handle == handle and !isDead(checked.cache)) return .{ .heap = heap, .cache = checked.cache };
    return .{ .heap = heap, .cache = findCache(t, heap, handle) };
}

noinline fn findCache(t: *Local, heap: *Heap, handle: usize) ?*Cache {
    @branchHint(.cold);
    for (&t.recent) |*e| {
        if (e.handle != handle or isDead(e.cache)) continue;
        const c = e.cache;
        if (servesHot(c)) {
            e.* = t.last;
            t.last = .{ .handle = handle, .cache = c };
        }
        return c;
    }
    const c = known: {
        if (t.table) |table| {
            const e = table.slot(handle);
            if (e.handle == handle and !isDead(e.cache)) break :known e.cache;
        }
        break :known attach(t, heap, handle) orelse return null;
    };
    if (servesHot(c)) {
        std.mem.copyBackwards(Entry, t.recent[1..], t.recent[0 .. recent_count - 1]);
        t.recent[0] = t.last;
        t.last = .{ .handle = handle, .cache = c };
    } else if (!options.debug and c.states and !c.offset_cells and !fills(heap) and !heap.frugal.is) t.checked = .{ .handle = handle, .cache = c };
    return c;
}

/// What the hot paths know nothing of is left to the slow ones: the cache never becomes `last`. In the twin for debugging that
/// is all.
fn servesHot(c: *const Cache) bool {
    if (options.debug) return false;
    const h = c.heap;
    return (hooks.checked or !c.states) and hooks.offsets == c.offset_cells and h.hardening < 3 and !fills(h) and !h.frugal.is;
}

fn fills(h: *const Heap) bool {
    return h.junk != .none or h.zero;
}

/// Null: the heap died meanwhile, the thread is at its end, or there is no memory for a cache.
fn attach(t: *Local, heap: *Heap, handle: usize) ?*Cache {
    if (t.ended or !arm(t) or heap.cached_max == 0 or heap.hardening >= 3) return null;
    const table = roomInTable(t) orelse return null;
    const record = takeRecord(cache_len) orelse return null;
    const c: *Cache = @ptrFromInt(std.mem.alignForward(usize, record, @alignOf(Cache)));
    c.init(heap, heap.assignArena());
    c.record = record;
    if (!heap.link(c)) {
        destroyCache(c);
        return null;
    }
    const e = table.slot(handle);
    if (e.handle == handle) destroyDead(t, e.cache); // of an earlier pool with this handle
    table.put(.{ .handle = handle, .cache = c });
    return c;
}

/// The C library may need memory to note the hook, and that may be asked of this very heap: it is served without a cache. Done
/// even for a thread that gets none, so that reporting misuse, under whatever lock, need not do it first.
fn arm(t: *Local) bool {
    t.ended = true;
    defer t.ended = false;
    return os.thread.arm();
}

/// Before the first heap: threads' ends will be noticed. EAGAIN: the process has no thread key left. ENOMEM.
pub fn prepare() os.Error!void {
    try os.thread.onExit(&threadExit);
}

/// The calling thread's cache of a handle, if it has one.
pub fn ownCache(handle: usize) ?*Cache {
    const table = here().table orelse return null;
    const e = table.slot(handle);
    return if (e.handle == handle and !isDead(e.cache)) e.cache else null;
}

/// The thread's table with room for one more, dead caches dropped if it had to be made anew.
fn roomInTable(t: *Local) ?*Table {
    const old = t.table orelse {
        t.table = Table.create(8) orelse return null;
        return t.table;
    };
    if (old.count * 2 < old.capacity) return old;
    var alive: u32 = 0;
    for (old.entries()) |e| if (e.handle != 0 and !isDead(e.cache)) {
        alive += 1;
    };
    const capacity = if (alive * 4 < old.capacity) old.capacity else old.capacity * 2;
    const new = Table.create(capacity) orelse return null;
    for (old.entries()) |e| {
        if (e.handle == 0) continue;
        if (isDead(e.cache)) destroyDead(t, e.cache) else new.put(e);
    }
    old.destroy();
    t.table = new;
    return new;
}

fn destroyDead(t: *Local, c: *Cache) void {
    // Who killed it may still be unlinking it: he holds `lives` until he is done.
    lives.lock();
    lives.unlock();
    if (t.last.cache == c) t.last = .{};
    if (t.checked.cache == c) t.checked = .{};
    for (&t.recent) |*e| if (e.cache == c) {
        e.* = .{};
    };
    destroyCache(c);
}

/// At a thread's end, once: what its caches hold goes back to the heaps that still live.
fn threadExit() void {
    const t = here();
    flush(t);
    t.ended = true;
    if (hooks.threadExit) |next| next();
}

/// Ends the calling thread's caches; the next use makes new ones.
pub fn flushThread() void {
    flush(here());
}

fn flush(t: *Local) void {
    const table = t.table orelse return;
    t.last = .{};
    t.checked = .{};
    t.recent = @splat(.{});
    t.table = null;
    for (table.entries()) |e| {
        if (e.handle == 0) continue;
        lives.lock();
        if (e.cache.linked) leave(e.cache);
        lives.unlock();
        destroyCache(e.cache);
    }
    table.destroy();
}

/// Under `lives`, so that the heap is not killed meanwhile.
fn leave(c: *Cache) void {
    const h = c.heap;
    if (canary.is(.order)) c.lock.lock();
    if (!canary.is(.exit)) h.members.lock();
    defer if (!canary.is(.exit)) h.members.unlock();
    if (!canary.is(.order)) c.lock.lock();
    defer c.lock.unlock();
    c.flush();
    h.unlink(c);
    give_back.runsWhenDue(h);
}

/// The cache of a thread that the child of a fork does not have, and that no heap knows any more.
pub fn destroyOrphan(c: *Cache) void {
    assert(!c.linked);
    destroyCache(c);
}
