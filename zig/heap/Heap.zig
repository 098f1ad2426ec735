//! The allocator of one region: what is shared by all threads. It knows a `Region`, never a path, a
//! descriptor or an errno of its caller.
//!
//! A block comes from a slab of its class (up to 14 KiB) or is a run of pages; freed blocks wait in the
//! threads' caches (Cache.zig) and in depots. An arena is a shard of the slabs and depots, so that
//! threads do not meet at one lock; page runs are the whole heap's.
//!
//! **Nothing fails while the pool has room**: before "out of memory" everything cached by any thread is
//! taken back (`reclaim`) and the request is served before anybody else can cache it again.
//!
//! Lock order: lives < members < a cache's lock (several only under members) < a shard's < the runs'.
//! The heap's record lies at the start of its metadata, outside the region.

const Heap = @This();

const std = @import("std");
const assert = @import("../base.zig").assert;
const build = @import("options");
const os = @import("../os.zig");
const region_layer = @import("../region.zig");
const canary = @import("canary.zig");
const classes = @import("classes.zig");
const counts = @import("counts.zig");
const depot = @import("depot.zig");
const give_back = @import("give_back.zig");
const hardened = @import("hardened.zig");
const memcheck = @import("memcheck.zig");
const room = @import("room.zig");
const slabs = @import("slabs.zig");
const thread = @import("thread.zig");
const verify = @import("verify.zig");
const Cache = @import("Cache.zig");
const Metadata = @import("Metadata.zig");
const Runs = @import("Runs.zig");

pub const Region = region_layer.Region;
pub const Shard = slabs.Shard;
const page_size = classes.page_size;

pub const Junk = enum { none, allocated, freed, both };

pub const Options = struct {
    /// What callers name the heap by; not 0.
    handle: usize,
    /// Shards of the small blocks; 0: one for each 64 MiB, at most four for each processor.
    arenas: u32 = 0,
    /// 0: what is freed wrongly is dropped without a word. 1: and reported, at the latest when a magazine is
    /// drained. 2: noticed at once, for a byte a block. 3: freed blocks are poisoned and held back for a while, and
    /// runs end in a guard page; slow.
    hardening: u8 = 1,
    /// Whether level 3 has guard pages: not where faces promise that all of the region may be touched.
    guards: bool = true,
    /// Pages at the start that are never handed out.
    reserved_pages: u32 = 0,
    /// Storage that no block needs is given back this many milliseconds after the last time: 0 at once, -1 never (`dirty_decay_ms`).
    decay_ms: i64 = decay_ms_default,
    /// See give_back.zig. Nothing goes the hot paths then.
    frugal: bool = false,
    /// Threads keep freed blocks of up to this many bytes; 0: none.
    cached_max: usize = classes.cached_max,
    /// Bytes of freed blocks that threads may keep together at least; a 32nd of what is in use if that is more, at most 256 MiB.
    cached_min: u64 = cached_min_default,
    /// Fill new blocks with 0xa5, freed ones with 0x5a.
    junk: Junk = .none,
    /// Fill new blocks with zeros.
    zero: bool = false,
    /// For faces that speak in offsets, see `thread.malloc`.
    offset_cells: bool = false,
    /// Bytes behind each block that must not be written to; of builds with `options.debug` alone.
    tail: u8 = 0,
};

pub const decay_ms_default = 10_000;

pub const Misuse = enum { not_a_block, freed_twice, unknown_pointer, wrong_size, written_after_free, written_behind };

pub const Stats = struct {
    /// Bytes of live blocks, as their classes round them.
    allocated: u64,
    /// Bytes of the pages that hold live or cached blocks.
    active: u64,
    /// Bytes that have storage, or are promised it.
    committed: u64,
    /// Bytes of the region.
    mapped: u64,
    /// Bytes of free blocks in thread caches and depots.
    cached: u64,
    /// Bytes that can still be allocated, as small blocks of the classes in use at best: see room.zig.
    available: u64,
    /// The largest block that can be allocated at once, caches taken back.
    largest_free: u64,
    /// The most that `active` ever was.
    peak: u64,
    /// How often storage was looked for to give back, and bytes that were, ever.
    purges: u64,
    purged: u64,
    arenas: u32,
    threads: u32,
    /// Bytes of storage that the region's file has.
    file: u64,
    /// Bytes that its file system has left, `room.unlimited` where that is not known.
    room: u64,
};

const budget_max: u64 = 256 << 20;
pub const cached_min_default: u64 = 128 << 10;

metadata: Metadata,
region: *Region,
base: usize,
pages: u32,
runs: Runs,
handle: usize,
hardening: u8,
/// A byte a block says whether it is live.
states: bool,
guards: bool,
offset_cells: bool,
/// As it was created, and as it is now, which `controls` may set.
decay_ms_created: i64,
decay_ms: i64,
frugal: give_back.Frugal,
cached_max: usize,
cached_min: u64,
junk: Junk,
zero: bool,
/// See `hardened.tailLen`.
tail: if (build.debug) u8 else void,
quarantine: hardened.Quarantine = .{},
/// When storage was last given back by decay.
trimmed_ns: u64,
arena_count: u16,
arenas: [*]Arena,
next_arena: u32 = 0,
/// Guards `caches` and their links, and `dead`.
members: os.Mutex(.members) = .{},
caches: ?*Cache = null,
threads: u32 = 0,
dead: bool = false,
/// Bytes that magazines in caches and depots may hold.
budget_used: u64 = 0,
/// Blocks in the depots of each class, so that nobody locks an empty one, and whether there ever were any.
depot_counts: [classes.count]u32 = @splat(0),
depot_used: [classes.count]bool = @splat(false),

pub const Arena = struct {
    shards: [classes.cached_count + 1]Shard = @splat(.{}),
};

/// A heap over all of `region`, which must outlive it. Costs a few system calls, whatever the size.
/// ENOMEM: no memory or address space for the metadata (a byte a page and 64 bytes a slab, lazily backed).
pub fn create(region: *Region, options: Options) os.Error!*Heap {
    assert(options.handle != 0);
    if (region.size / page_size > std.math.maxInt(u32) - 1) return error.EFBIG;
    try thread.prepare();
    const pages: u32 = @intCast(region.size / page_size);
    const states = options.hardening >= 2;
    const arena_count = arenaCount(region.length(), options.arenas);
    const arenas_at = std.mem.alignForward(usize, @sizeOf(Heap), @alignOf(Arena));
    const extents_at = arenas_at + @as(usize, arena_count) * @sizeOf(Arena);
    const metadata = try Metadata.create(.{
        .owner_len = extents_at + @sizeOf([counts.extent_count]counts.Extent),
        .pages = pages,
        .granules = if (region.lazy) (region.size + region.granule - 1) / region.granule else 0,
        .states = states,
    });
    const h: *Heap = @ptrFromInt(metadata.memory);
    const arenas: [*]Arena = @ptrFromInt(metadata.memory + arenas_at);
    h.* = .{
        .metadata = metadata,
        .region = region,
        .base = region.base,
        .pages = pages,
        .runs = undefined,
        .handle = options.handle,
        .hardening = options.hardening,
        .states = states,
        .guards = options.guards and options.hardening >= 3,
        .offset_cells = options.offset_cells,
        .decay_ms_created = options.decay_ms,
        .decay_ms = options.decay_ms,
        .frugal = .{ .is = options.frugal and region.lazy },
        .cached_max = if (options.frugal) @min(options.cached_max, page_size) else options.cached_max,
        .cached_min = options.cached_min,
        .junk = options.junk,
        .zero = options.zero,
        .tail = if (build.debug) options.tail,
        .trimmed_ns = if (region.lazy) os.thread.nowNs() else 0,
        .arena_count = arena_count,
        .arenas = arenas,
    };
    // Neither the arenas nor what is counted of runs is written: fresh memory is zero, which is how both begin.
    h.runs = .init(&h.metadata, region, options.reserved_pages, states, @ptrFromInt(metadata.memory + extents_at));
    memcheck.created(h);
    return h;
}

fn arenaCount(size: usize, wanted: u32) u16 {
    const most = 4 * os.thread.cpuCount();
    if (wanted > 0) return @intCast(@min(wanted, 1024));
    return @intCast(std.math.clamp(size / (64 << 20), 1, @min(most, 1024)));
}

/// From now on every call on the handle fails, and no thread gets a block of this heap. Waits for
/// operations that hold a lock, not for those in flight without one: the metadata must stay until those
/// are known to be over.
pub fn kill(h: *Heap) void {
    thread.lives.lock();
    defer thread.lives.unlock();
    h.members.lock();
    defer h.members.unlock();
    @atomicStore(bool, &h.dead, true, .monotonic);
    h.runs.close();
    while (h.caches) |c| {
        c.lock.lock();
        c.kill();
        h.unlink(c);
        c.lock.unlock();
    }
    memcheck.killed(h);
}

pub fn isDead(h: *const Heap) bool {
    return @atomicLoad(bool, &h.dead, .monotonic);
}

/// Frees the metadata of a killed heap. The caller knows that no call on it is in progress.
pub fn destroy(h: *Heap) void {
    assert(h.dead and h.caches == null);
    depot.destroyAll(h);
    var metadata = h.metadata;
    metadata.destroy();
}

// --- Members --------------------------------------------------------------------------------------

/// Adds a thread's cache. False if the heap died.
pub fn link(h: *Heap, c: *Cache) bool {
    h.members.lock();
    defer h.members.unlock();
    if (h.dead) return false;
    c.linked = true;
    c.previous = null;
    c.next = h.caches;
    if (h.caches) |first| first.previous = c;
    h.caches = c;
    @atomicStore(u32, &h.threads, h.threads + 1, .monotonic); // `fairShare` reads it without the lock
    return true;
}

/// Under `members`.
pub fn unlink(h: *Heap, c: *Cache) void {
    assert(c.linked);
    if (c.previous) |p| p.next = c.next else h.caches = c.next;
    if (c.next) |n| n.previous = c.previous;
    c.linked = false;
    @atomicStore(u32, &h.threads, h.threads - 1, .monotonic);
}

/// The arena for the next thread.
pub fn assignArena(h: *Heap) u16 {
    return @intCast(@atomicRmw(u32, &h.next_arena, .Add, 1, .monotonic) % h.arena_count);
}

// --- Addresses ------------------------------------------------------------------------------------

pub inline fn shard(h: *Heap, arena: u16, class: u8) *Shard {
    return &h.arenas[arena].shards[class];
}

pub inline fn pageAddress(h: *const Heap, page: u32) usize {
    return h.base + (@as(usize, page) << classes.page_shift);
}

pub const Found = struct { number: u32, class: u8, index: usize, offset: usize };

/// What starts at an address, by the page map: null if no block of the heap can start there. Whether the
/// block is live is another question. No lock: about a block that is not the caller's the answer may be any, because
/// its pages may become something else meanwhile, but looking is harmless.
pub fn find(h: *const Heap, address: usize) ?Found {
    const place = address -% h.base;
    const page = place >> classes.page_shift;
    if (page >= h.pages) return null;
    const class = h.metadata.classes[page];
    if (class == classes.none) return null;
    const number = h.metadata.heads[page];
    const d = h.metadata.descriptor(number);
    const inside = place -% (@as(usize, d.start) << classes.page_shift);
    if (!classes.isSmall(class)) return if (inside == 0) .{ .number = number, .class = class, .index = 0, .offset = place } else null;
    const index = (inside *% classes.reciprocals[class]) >> 32;
    if (index >= d.blocks or index * classes.sizes[class] != inside) return null;
    return .{ .number = number, .class = class, .index = index, .offset = place };
}

/// Usable bytes of the block.
pub fn sizeOf(h: *const Heap, found: Found) usize {
    if (found.class != classes.large) return classes.sizes[found.class] - hardened.tailLen(h);
    const d = h.metadata.descriptor(found.number);
    return @as(usize, d.pages -| @intFromBool(d.guarded)) * page_size - hardened.tailLen(h);
}

/// The byte that says whether the block is live; only where the heap keeps them.
pub fn stateOf(h: *const Heap, found: Found) *u8 {
    assert(h.states);
    return h.metadata.state(found.offset);
}

/// Whether what was found is not known to be free: exact where the heap keeps states, else a block in a cache counts as live.
pub fn isBlockFound(h: *Heap, found: Found) bool {
    if (h.states) return hardened.State.isLive(@atomicLoad(u8, h.stateOf(found), .monotonic));
    const d = h.metadata.descriptor(found.number);
    if (!classes.isSmall(found.class)) return d.kind == .run;
    return !d.isFree(found.index);
}

// --- Blocks, without a cache ----------------------------------------------------------------------

/// One block of a cached class, from the arena or any other one's slabs. Null: there is none to be had
/// without taking back what is cached.
pub fn takeOne(h: *Heap, arena: u16, class: u8) ?usize {
    if (!classes.isSmall(class)) {
        const run = h.takeRun(classes.table[class].pages, 1) orelse return null;
        return run.address;
    }
    var block: [1]usize = undefined;
    if (slabs.fill(h, arena, class, &block) == 1) return block[0];
    for (0..h.arena_count) |other| {
        if (other == arena) continue;
        if (slabs.fillFromExisting(h, @intCast(other), class, &block) == 1) return block[0];
    }
    return null;
}

/// Blocks of a cached class for a thread's cache: as many as `out` has room for, or fewer; says how many. Of runs only
/// some: what is taken ahead is pages that others may want.
pub fn takeBlocks(h: *Heap, arena: u16, class: u8, out: []usize) usize {
    if (classes.isSmall(class)) return slabs.fill(h, arena, class, out);
    assert(!h.guards);
    return h.runs.allocateMany(class, out[0..std.math.clamp(out.len / 2, 1, 8)]);
}

pub const Run = struct { address: usize, fresh: bool };

/// A run as a block. `alignment` in pages.
pub fn takeRun(h: *Heap, pages: u32, alignment: u32) ?Run {
    if (h.guards) return hardened.takeGuardedRun(h, pages, alignment);
    const number = h.runs.allocate(.run, pages, alignment, 1) orelse return null;
    const d = h.metadata.descriptor(number);
    const fresh = d.fresh;
    d.fresh = false;
    return .{ .address = h.pageAddress(d.start), .fresh = fresh };
}

/// Blocks of one class, none of them live, go back to slabs and runs.
pub fn putBlocks(h: *Heap, class: u8, blocks: []const usize) void {
    if (classes.isSmall(class)) return slabs.drain(h, class, blocks);
    h.runs.lock.lock();
    defer h.runs.lock.unlock();
    for (blocks) |address| h.putRun(class, address);
}

/// As `putBlocks` for what lies in the cells of a cache.
pub fn putCells(h: *Heap, class: u8, cells: []const usize) void {
    if (!h.offset_cells) return h.putBlocks(class, cells);
    var addresses: [128]usize = undefined;
    var rest = cells;
    while (rest.len > 0) {
        const count = @min(rest.len, addresses.len);
        for (rest[0..count], addresses[0..count]) |cell, *address| address.* = h.addressOf(cell);
        h.putBlocks(class, addresses[0..count]);
        rest = rest[count..];
    }
}

/// What a cell holds for the block at an address: see `thread.malloc`.
pub inline fn cellOf(h: *const Heap, address: usize) usize {
    if (!h.offset_cells) return address;
    const offset: f64 = @floatFromInt(address - h.base);
    return @bitCast(offset);
}

pub inline fn addressOf(h: *const Heap, cell: usize) usize {
    if (!h.offset_cells) return cell;
    const offset: f64 = @bitCast(cell);
    return h.base + @as(usize, @intFromFloat(offset));
}

/// Under the lock of the runs.
fn putRun(h: *Heap, class: u8, address: usize) void {
    const found = h.find(address) orelse return h.report(.not_a_block, address);
    if (!h.runs.releaseRun(found.number, (address - h.base) >> classes.page_shift, class))
        h.report(.freed_twice, address);
}

// --- The budget for cached bytes ------------------------------------------------------------------

/// Bytes that caches may hold: a 32nd of what the pool uses, so that they cannot use up a small one. Without membarrier
/// what an idle thread has stays with it, so that all together never have more than a 32nd of the pool.
fn budget(h: *Heap) u64 {
    const size = if (h.region.lazy) @as(u64, @atomicLoad(u32, &h.runs.top, .monotonic)) * page_size else h.region.length();
    const most = std.math.clamp(size / 32, h.cached_min, budget_max);
    return if (os.thread.hasMembarrier()) most else @min(most, h.region.length() / 32);
}

/// What each thread may hold in any case: it can be taken back.
pub fn fairShare(h: *Heap) u64 {
    if (!os.thread.hasMembarrier()) return 0;
    return h.budget() / @max(1, @atomicLoad(u32, &h.threads, .monotonic));
}

pub fn takeBudget(h: *Heap, bytes: u64) bool {
    const before = @atomicRmw(u64, &h.budget_used, .Add, bytes, .monotonic);
    if (before + bytes <= h.budget()) return true;
    h.giveBudget(bytes);
    return false;
}

/// Takes it where there is none left.
pub fn overdraw(h: *Heap, bytes: u64) void {
    _ = @atomicRmw(u64, &h.budget_used, .Add, bytes, .monotonic);
}

pub fn giveBudget(h: *Heap, bytes: u64) void {
    _ = @atomicRmw(u64, &h.budget_used, .Sub, bytes, .monotonic);
}

// --- Taking everything back -----------------------------------------------------------------------

/// What `reclaim` serves before anybody else can cache what it found.
pub const Request = struct { arena: u16, class: u8, pages: u32 = 0, alignment: u32 = 1 };

/// Takes back what all threads have cached and serves the request from it. Null: the pool has no room.
pub fn reclaim(h: *Heap, request: Request) ?Run {
    h.members.lock();
    defer h.members.unlock();
    if (h.isKnownFull(request)) return null;
    h.takeAll();
    defer h.unlockCaches(); // not before: threads at work would cache again what the request needs
    h.runs.full.begin();
    if (h.serve(request)) |run| return run;
    // Storage may be what lacks: what no used page needs is given back to be taken where it is needed.
    if (h.region.lazy and h.runs.trim() > 0) return h.serve(request);
    h.rememberFull(request);
    return null;
}

/// Whether the request failed before, and nothing became free since. Under `members`.
fn isKnownFull(h: *Heap, request: Request) bool {
    if (!h.isFullFor(request)) return false;
    var cache = h.caches;
    while (cache) |c| : (cache = c.next) if (c.holdsAny()) return false;
    return h.isFullFor(request); // a cache may have given up its blocks before it was looked at
}

/// Without a look into the caches.
pub fn isFullFor(h: *const Heap, request: Request) bool {
    if (request.pages == 0) return h.runs.full.hasClass(request.class);
    return request.alignment == 1 and h.runs.full.hasRun(request.pages);
}

/// Only what lacks pages: where storage or the process's memory is what lacks, the next try may succeed.
fn rememberFull(h: *Heap, request: Request) void {
    if (h.hardening >= 3) return; // blocks leave the quarantine by themselves
    const pages = if (request.pages > 0) request.pages else if (classes.isSmall(request.class))
        (classes.sizes[request.class] + page_size - 1) / page_size
    else
        classes.table[request.class].pages;
    if (h.runs.largest() >= pages) return;
    if (request.pages == 0) h.runs.full.addClass(request.class) else if (request.alignment == 1) h.runs.full.addRun(request.pages);
}

fn serve(h: *Heap, request: Request) ?Run {
    if (request.pages > 0) return h.takeRun(request.pages, request.alignment);
    const address = h.takeOne(request.arena, request.class) orelse return null;
    return .{ .address = address, .fresh = false };
}

/// Under `members`: every cached block goes back to its slab or run, those of idle threads included, and all caches stay
/// locked until `unlockCaches`. Without membarrier the blocks in other threads' loaded magazines stay where they are.
pub fn takeAll(h: *Heap) void {
    var any = false;
    var cache = h.caches;
    while (cache) |c| : (cache = c.next) {
        c.lock.lock();
        if (c.close()) any = true;
    }
    const barrier = !any or canary.is(.barrier) or os.thread.membarrier();
    const own = thread.ownCache(h.handle); // is not at work: it needs no barrier
    cache = h.caches;
    while (cache) |c| : (cache = c.next) {
        c.takeClosed(barrier or c == own);
    }
    depot.drainAll(h);
    hardened.emptyQuarantine(h);
    for (h.arenas[0..h.arena_count]) |*arena| {
        for (arena.shards[1 .. classes.small_count + 1]) |*s| {
            if (@atomicLoad(u32, &s.current, .monotonic) == 0) continue;
            s.lock.lock();
            slabs.releaseEmpty(h, s);
            s.lock.unlock();
        }
    }
}

/// Ends what `takeAll` began.
pub fn unlockCaches(h: *Heap) void {
    var cache = h.caches;
    while (cache) |c| : (cache = c.next) c.lock.unlock();
}

/// Takes back what is cached and gives storage without a used page back. Returns its bytes.
pub fn trim(h: *Heap) usize {
    h.members.lock();
    defer h.members.unlock();
    h.takeAll();
    defer h.unlockCaches();
    return h.runs.trim();
}

// --- Looking --------------------------------------------------------------------------------------

/// The walker: see verify.zig. Takes back what is cached first. False if something is wrong, and then
/// `report_line` was told what.
pub fn check(h: *Heap, report_line: ?*const fn (text: []const u8) void) bool {
    h.members.lock();
    defer h.members.unlock();
    h.takeAll();
    defer h.unlockCaches();
    return verify.walk(h, report_line);
}

pub fn stats(h: *Heap) Stats {
    give_back.whenDue(h);
    h.members.lock();
    defer h.members.unlock();
    var cached: u64 = 0;
    for (counts.cachedLocked(h), classes.sizes) |blocks, size| cached += blocks * size;
    var out: u64 = 0;
    var slab_bytes: u64 = 0;
    for (h.arenas[0..h.arena_count]) |*arena| {
        for (arena.shards[1..], 1..) |*s, class| {
            s.lock.lock();
            defer s.lock.unlock();
            out += s.out * classes.sizes[class];
            slab_bytes += s.pages * page_size;
        }
    }
    const file = h.region.stored();
    const left = room.left(h);
    const largest = h.runs.largest();
    h.runs.lock.lock();
    defer h.runs.lock.unlock();
    const used = h.runs.used_pages * page_size;
    const held = out + (used - @min(used, slab_bytes));
    const allocated = held - @min(held, cached);
    return .{
        .allocated = allocated,
        .active = used,
        .committed = h.region.committed(),
        .mapped = h.region.length(),
        .cached = cached,
        .available = room.available(&h.runs, allocated, left),
        .largest_free = @as(u64, room.largest(&h.runs, largest, left)) * page_size,
        .peak = h.runs.used_pages_peak * page_size,
        .purges = h.runs.npurge,
        .purged = h.runs.purged_bytes,
        .arenas = h.arena_count,
        .threads = h.threads,
        .file = file,
        .room = left,
    };
}

pub fn report(h: *Heap, what: Misuse, address: usize) void {
    if (h.hardening == 0) return;
    if (thread.hooks.report) |tell| tell(h, what, address);
}
