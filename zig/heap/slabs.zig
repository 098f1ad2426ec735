//! Slabs: runs of 1 to 16 pages cut into equal blocks, owned by an arena's shard of their class.
//!
//! A bit a block says "free": in the slab, neither in a thread cache nor live. Blocks leave in batches,
//! lowest slab and lowest block first (`fill`), which keeps the far end of the pool empty, and come back
//! in batches (`drain`), from any thread. Free-list pointers are never written into blocks.
//!
//! `drain` is where hardening level 1 looks: an address that is not the start of a block, or whose block
//! is free already, is dropped and reported, and the heap's state stays whole.
//!
//! Lock order: a shard's lock, then that of the runs. A slab is released while its shard is locked, so
//! what a locked shard says of one of its slabs holds.

const std = @import("std");
const assert = base.assert;
const os = @import("../os.zig");
const base = @import("../base.zig");
const canary = @import("canary.zig");
const classes = @import("classes.zig");
const Heap = @import("Heap.zig");
const Metadata = @import("Metadata.zig");

const Descriptor = Metadata.Descriptor;

const few_slabs = 64;

/// One class of one arena: its slabs, and its depot.
pub const Shard = struct {
    lock: os.Mutex(.shard) align(64) = .{},
    /// Slab that blocks are taken from; not in `partial`.
    current: u32 = 0,
    /// The other slabs with a free block, by address.
    partial: base.treap.Treap(ByAddress) = .{},
    /// See depot.zig.
    depot: ?[*]usize = null,
    depot_count: u32 = 0,
    /// Blocks out of this shard's slabs: in caches and depots, or live.
    out: u64 = 0,
    slabs: u64 = 0,
    /// Of all slabs.
    pages: u64 = 0,
    /// Slabs in `partial`.
    nonfull: u64 = 0,
    /// For statistics: blocks that ever left, batches out and in, slabs ever made.
    nmalloc: u64 = 0,
    nfills: u64 = 0,
    nflushes: u64 = 0,
    nslabs: u64 = 0,
    /// What the walker counted.
    walked: struct { slabs: u64 = 0, out: u64 = 0, nonfull: u64 = 0 } = .{},

    /// All slabs are somebody else's pages now. Shards that were never used are not written.
    pub fn forget(shard: *Shard) void {
        if (shard.slabs == 0) return;
        setCurrent(shard, 0);
        shard.partial = .{};
        shard.nonfull = 0;
        shard.out = 0;
        shard.slabs = 0;
        shard.pages = 0;
    }
};

pub const ByAddress = struct {
    metadata: *const Metadata,

    pub fn links(c: ByAddress, number: u32) *base.treap.Links {
        return &c.metadata.descriptor(number).links;
    }
    pub fn key(c: ByAddress, number: u32) u64 {
        return c.metadata.descriptor(number).start;
    }
};

fn by(h: *Heap) ByAddress {
    return .{ .metadata = &h.metadata };
}

/// Takes free blocks of a small class, in ascending order; a new slab is made only if there would be
/// none otherwise. Returns how many: 0 when the arena has none and no slab can be had.
pub fn fill(h: *Heap, arena: u16, class: u8, out: []usize) usize {
    assert(classes.isSmall(class) and out.len > 0);
    const shard = h.shard(arena, class);
    shard.lock.lock();
    defer shard.lock.unlock();
    return fillLocked(h, shard, arena, class, out, true);
}

/// As `fill`, but never makes a slab.
pub fn fillFromExisting(h: *Heap, arena: u16, class: u8, out: []usize) usize {
    const shard = h.shard(arena, class);
    shard.lock.lock();
    defer shard.lock.unlock();
    return fillLocked(h, shard, arena, class, out, false);
}

fn fillLocked(h: *Heap, shard: *Shard, arena: u16, class: u8, out: []usize, make: bool) usize {
    var count: usize = 0;
    while (count < out.len) {
        if (shard.current == 0) setCurrent(shard, takePartial(h, shard));
        if (shard.current == 0 and count == 0 and make) setCurrent(shard, create(h, shard, arena, class));
        if (shard.current == 0) break;
        const d = h.metadata.descriptor(shard.current);
        count += takeBlocks(h, d, class, out[count..]);
        if (d.free == 0) setCurrent(shard, 0);
    }
    shard.out += count;
    shard.nmalloc += count;
    shard.nfills += @intFromBool(count > 0);
    return count;
}

/// All blocks of a new slab are free, and its pages know where their states are.
fn prepareStates(h: *Heap, number: u32, class: u8) void {
    const d = h.metadata.descriptor(number);
    const first = number + Metadata.statesAt(class);
    const units = classes.stateUnits(class);
    const states: [*]u8 = @ptrCast(h.metadata.descriptor(first));
    @memset(states[0 .. d.pages * units * Metadata.unit_size], 0);
    for (0..d.pages) |i| h.metadata.state_places[d.start + i] = h.metadata.statePlace(first + @as(u32, @intCast(i)) * units, class);
}

/// Read without the lock by who looks for shards with a slab to release.
fn setCurrent(shard: *Shard, number: u32) void {
    @atomicStore(u32, &shard.current, number, .monotonic);
}

fn takePartial(h: *Heap, shard: *Shard) u32 {
    const number = shard.partial.first(by(h));
    if (number == 0) return 0;
    unlist(h, shard, number);
    return number;
}

fn takeBlocks(h: *Heap, d: *Descriptor, class: u8, out: []usize) usize {
    const start = h.pageAddress(d.start);
    const size = classes.sizes[class];
    var count: usize = 0;
    for (d.words(), 0..) |*word, i| {
        var bits = word.*;
        while (bits != 0 and count < out.len) : (count += 1) {
            out[count] = start + (i * 64 + @ctz(bits)) * size;
            bits &= bits - 1;
        }
        Descriptor.storeWord(word, bits);
        if (count == out.len) break;
    }
    d.free -= @intCast(count);
    return count;
}

fn pagesMin(size: u32) u32 {
    return @intCast((size + classes.page_size - 1) / classes.page_size);
}

/// While a shard has few slabs, small ones that leave at most an eighth unused: most programs use many sizes a little, and nobody
/// else can use what a slab has more than is asked for. With many of them the tails count, and making and releasing them.
fn wantedPages(shard: *const Shard, class: u8) u32 {
    const geometry = classes.table[class];
    if (shard.slabs >= few_slabs) return geometry.pages;
    var pages = pagesMin(geometry.size);
    while (pages < geometry.pages and pages * classes.page_size % geometry.size * 8 > pages * classes.page_size) pages += 1;
    return pages;
}

/// A new slab with all blocks free, or 0. Where no run of that page count is left, a smaller slab, down
/// to one block: a request fails only if no pages for it are free.
fn create(h: *Heap, shard: *Shard, arena: u16, class: u8) u32 {
    const size = classes.sizes[class];
    const units = Metadata.descriptorUnits(class, h.states);
    const pages_min = pagesMin(size);
    var pages = wantedPages(shard, class);
    const number = while (pages >= pages_min) : (pages -= 1) {
        if (h.runs.allocate(.slab, pages, 1, units)) |number| break number;
    } else return 0;
    const blocks: u16 = @intCast(pages * classes.page_size / size);
    const d = h.metadata.descriptor(number);
    d.class = class;
    d.arena = arena;
    d.blocks = blocks;
    d.free = blocks;
    d.fresh = false;
    const words = d.words();
    @memset(words, std.math.maxInt(u64));
    const tail: u6 = @intCast(blocks % 64);
    if (tail != 0) words[words.len - 1] = (@as(u64, 1) << tail) - 1;
    if (h.states) prepareStates(h, number, class);
    @memset(h.metadata.classes[d.start..][0..pages], class);
    shard.slabs += 1;
    shard.nslabs += 1;
    shard.pages += pages;
    return number;
}

/// Gives blocks of one small class back to their slabs, whichever arena they are from.
pub fn drain(h: *Heap, class: u8, blocks: []const usize) void {
    assert(classes.isSmall(class));
    var to: Drain = .{ .h = h, .class = class, .size = classes.sizes[class], .reciprocal = classes.reciprocals[class] };
    for (blocks) |address| to.put(address);
    to.unlock();
}

/// Blocks on their way back. Neighbours are often of one slab, so what was found out about the last one is kept.
const Drain = struct {
    h: *Heap,
    class: u8,
    size: usize,
    reciprocal: u64,
    /// The one that is locked, and its arena.
    shard: ?*Shard = null,
    arena: u16 = 0,
    /// Blocks that came in since.
    count: u64 = 0,
    /// A slab of the locked shard; 0: none.
    number: u32 = 0,
    slab: *Descriptor = undefined,
    start: usize = 0,

    inline fn put(to: *Drain, address: usize) void {
        const number = to.headOf(address);
        if (number == 0 or (number != to.number and !to.turnTo(number, address))) return to.h.report(.not_a_block, address);
        const d = to.slab;
        const offset = address -% to.start;
        const index = (offset *% to.reciprocal) >> 32;
        if (index >= d.blocks or index * to.size != offset) return to.h.report(.not_a_block, address);
        const word = &d.words()[index / 64];
        const bit = @as(u64, 1) << @intCast(index % 64);
        if (word.* & bit != 0) return to.h.report(.freed_twice, address);
        Descriptor.storeWord(word, word.* | bit);
        if (canary.is(.counts) and index == 7) return;
        d.free += 1;
        to.count += 1;
        if (!d.listed or d.free == d.blocks) to.settle();
    }

    /// The descriptor of an address's page, as the page map says; 0: none. Of a page in the middle of a run it may be any.
    inline fn headOf(to: *const Drain, address: usize) u32 {
        const page = (address -% to.h.base) >> classes.page_shift;
        return if (page < to.h.pages) to.h.metadata.heads[page] else 0;
    }

    /// False: it is no slab of the class. What is found out under the shard's lock holds; without it, the slab may be given back
    /// meanwhile.
    noinline fn turnTo(to: *Drain, number: u32, address: usize) bool {
        const d = to.h.metadata.descriptor(number);
        const arena = d.arena;
        if (to.shard == null or to.arena != arena) {
            to.unlock();
            if (arena >= to.h.arena_count) return false;
            const shard = to.h.shard(arena, to.class);
            shard.lock.lock();
            shard.nflushes += 1;
            to.shard = shard;
            to.arena = arena;
            if (to.headOf(address) != number) return false;
        }
        if (d.kind != .slab or d.class != to.class or d.arena != to.arena) return false;
        to.number = number;
        to.slab = d;
        to.start = to.h.pageAddress(d.start);
        return true;
    }

    /// Where the slab belongs after a block came in.
    fn settle(to: *Drain) void {
        const d = to.slab;
        const shard = to.shard.?;
        if (to.number == shard.current) return;
        if (d.free == d.blocks) {
            if (d.listed) unlist(to.h, shard, to.number);
            releaseSlab(to.h, shard, to.number);
            to.number = 0;
        } else if (!d.listed) list(to.h, shard, to.number);
    }

    fn unlock(to: *Drain) void {
        const shard = to.shard orelse return;
        shard.out -= to.count;
        to.h.runs.full.note();
        shard.lock.unlock();
        to.shard = null;
        to.count = 0;
        to.number = 0;
    }
};

fn list(h: *Heap, shard: *Shard, number: u32) void {
    h.metadata.descriptor(number).listed = true;
    shard.partial.insert(by(h), number);
    shard.nonfull += 1;
}

fn unlist(h: *Heap, shard: *Shard, number: u32) void {
    shard.partial.remove(by(h), number);
    h.metadata.descriptor(number).listed = false;
    shard.nonfull -= 1;
}

fn releaseSlab(h: *Heap, shard: *Shard, number: u32) void {
    shard.slabs -= 1;
    shard.pages -= h.metadata.descriptor(number).pages;
    h.runs.release(number);
}

/// Releases the current slab if it is empty: kept otherwise, so that a thread that takes and gives one
/// block does not make and release a slab each time.
pub fn releaseEmpty(h: *Heap, shard: *Shard) void {
    const number = shard.current;
    if (number == 0) return;
    const d = h.metadata.descriptor(number);
    if (d.free != d.blocks) return;
    setCurrent(shard, 0);
    releaseSlab(h, shard, number);
}
