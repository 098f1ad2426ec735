//! A thread's cache of one heap: for every class a bin, a window on a magazine of free blocks.
//!
//! The owner pops and pushes without a lock or an atomic. Any thread may take the blocks back
//! ("commit-first", the order of Cilk's THE deques with an asymmetric barrier; Frigo, Leiserson, Randall,
//! PLDI 1998): a pop stores `sp` before it looks at `lo`, a thief closes `lo` and `hi` before it looks
//! at `sp`, and membarrier(2) orders both, so that one of them always sees the other, and it is the owner
//! who yields, into a slow path that waits for the lock.
//!
//! Who writes what: `sp` and the cells only the owner; `lo` and `hi` only the holder of `lock`;
//! the window is moved only by the owner under `lock`. **A cached block is in [lo, sp).**
//!
//! A bin without blocks and without room, `closed`, serves as "not in use", "dead" and "no such class"
//! alike; the comparisons are `<` and `>=`, never `==`.
//!
//! A bin that runs empty takes in a batch, one that runs full gives up the oldest: both leave it
//! far from either end, so that work which takes and gives at random seldom comes back here.
//!
//! How large a magazine may get follows demand: it starts at a few blocks and doubles while the heap's budget for cached
//! bytes lasts (`grow`). A bin without budget has no room, and its class goes to the slabs one block at
//! a time.

const Cache = @This();

const std = @import("std");
const assert = @import("../base.zig").assert;
const os = @import("../os.zig");
const options = @import("options");
const canary = @import("canary.zig");
const classes = @import("classes.zig");
const depot = @import("depot.zig");
const give_back = @import("give_back.zig");
const Heap = @import("Heap.zig");
const Magazine = @import("Magazine.zig");

const cell_size = @sizeOf(usize);

pub const Bin = extern struct {
    sp: usize,
    lo: usize,
    hi: usize,
    /// The thief's note of `lo`; 0 when it took nothing here.
    saved: usize = 0,

    /// Every pop and every push goes the slow way. `sp` may be anything.
    pub const closed: Bin = .{ .sp = 1 << 32, .lo = std.math.maxInt(usize), .hi = 0 };
};

/// What a bin ran into.
const End = enum { none, empty, full };

/// What the owner knows about a bin beside its window. Guarded by `lock`.
const Slot = struct {
    magazine: ?*Magazine = null,
    /// Blocks that the bin may hold now; 0 where it has no budget.
    limit: u32 = 0,
    last_end: End = .none,
    /// Went the slow way since limits were last taken from idle bins.
    busy: bool = false,
};

/// Up to here a bin grows whatever it is used for; beyond only if it ran empty and full by turns, and never where storage is
/// given back in time: a thread whose work fits its bins does not come to where that is done.
const limit_of_streams = 2 * depot.batch_max + 1;

bins: [classes.count]Bin align(64) = @splat(.closed),
/// The heap's, so that the fast path needs nothing but this record. `size` is 0 once the heap is dead.
base: usize = 0,
size: usize = 0,
/// Bytes at the beginning that are never handed out.
low: usize = 0,
page_classes: [*]const u8 = &no_classes,
heads: [*]const u32 = &no_heads,
state_places: [*]const usize = &no_places,
units: usize = 0,
/// The heap keeps a byte a block.
states: bool = false,
/// Cells hold offsets as doubles instead of addresses.
offset_cells: bool = false,
/// Guarded by `lock`. Dead: the heap is. Not enabled: no bin gets room, because the owner wants to keep no blocks.
dead: bool = false,
enabled: bool = true,
lock: os.Mutex(.cache) = .{},
heap: *Heap = undefined,
handle: usize = 0,
arena: u16 = 0,
/// Budget that the bins' limits hold, and how often more was refused. Guarded by `lock`.
held: u64 = 0,
refused: u32 = 0,
/// Memory of this record, as it was taken.
record: usize = 0,
/// In the heap's list of members; guarded by the lock of members.
linked: bool = false,
next: ?*Cache = null,
previous: ?*Cache = null,
slots: [classes.count]Slot = @splat(.{}),
/// A bit for each class whose bin has room for blocks at all: those of the others need no look.
open_classes: [(classes.count + 63) / 64]u64 = @splat(0),

const no_classes: [1]u8 = .{0};
const no_heads: [1]u32 = .{0};
const no_places: [1]usize = .{0};

/// Takes part in no heap: where a thread's record points before it used one. Pops move the `sp` of its
/// bins, from many threads; nothing reads it but the comparison with `lo`, which always fails.
pub var dummy: Cache = .{};

/// For a live heap. Not in its list of members yet.
pub fn init(c: *Cache, h: *Heap, arena: u16) void {
    c.* = .{
        .base = h.base,
        .size = @as(usize, h.pages) * classes.page_size,
        .low = @as(usize, h.runs.bottom) * classes.page_size,
        .page_classes = h.metadata.classes,
        .heads = h.metadata.heads,
        .state_places = h.metadata.state_places,
        .units = h.metadata.units,
        .states = h.states,
        .offset_cells = h.offset_cells,
        .heap = h,
        .handle = h.handle,
        .arena = arena,
    };
}

// --- The owner's fast path ------------------------------------------------------------------------

/// The cell of a block, or null: then `undoPop` has to follow before anything else.
pub inline fn pop(bin: *Bin) ?usize {
    const b = opaqueCopy(bin);
    const sp = b.sp -% cell_size;
    if (canary.is(.claim) and sp < loadBound(&b.lo)) {
        storeTop(b, sp);
        return null;
    }
    storeTop(b, sp); // the claim
    if (canary.is(.claim)) return cell(sp).*;
    asm volatile ("" ::: .{ .memory = true });
    if (sp < loadBound(&b.lo)) { // the look
        @branchHint(.unlikely);
        return null;
    }
    return cell(sp).*;
}

pub inline fn undoPop(bin: *Bin) void {
    storeTop(bin, bin.sp +% cell_size);
}

/// Where `push` may put a block: the first half of it. Null if there is no room.
pub inline fn place(bin: *Bin) ?usize {
    const sp = bin.sp;
    if (sp >= loadBound(&bin.hi)) {
        @branchHint(.unlikely);
        return null;
    }
    return sp;
}

/// The second half. A thief who came in between took what is below `sp`; the block lands where it was to.
pub inline fn pushAt(bin: *Bin, sp: usize, block: usize) void {
    if (canary.is(.push)) {
        @atomicStore(usize, &bin.sp, sp + cell_size, .release);
        asm volatile ("" ::: .{ .memory = true });
    }
    cell(sp).* = block;
    // The thief that reads the new `sp` must see the cell.
    @atomicStore(usize, &bin.sp, sp + cell_size, .release);
}

/// Returns false, and does nothing, if there is no room.
pub inline fn push(bin: *Bin, block: usize) bool {
    const b = opaqueCopy(bin);
    pushAt(b, place(b) orelse return false, block);
    return true;
}

inline fn cell(at: usize) *usize {
    return @ptrFromInt(at);
}

/// The compiler would otherwise load `sp` as (base, index) and store it as (base), which costs 1.1 ns a
/// pair: store-to-load forwarding is only free between equal forms of address.
pub inline fn opaqueCopy(b: *Bin) *Bin {
    return asm (""
        : [r] "=r" (-> *Bin),
        : [b] "0" (b),
    );
}

/// The checker of data races does not know membarrier: for it `sp` and the bounds are atomics.
inline fn storeTop(b: *Bin, sp: usize) void {
    if (options.thread_sanitizer) @atomicStore(usize, &b.sp, sp, .release) else b.sp = sp;
}

inline fn loadBound(bound: *const usize) usize {
    return if (options.thread_sanitizer) @atomicLoad(usize, bound, .monotonic) else bound.*;
}

inline fn storeBound(bound: *usize, value: usize) void {
    @atomicStore(usize, bound, value, .monotonic);
}

// --- The owner's slow path ------------------------------------------------------------------------

/// A block of a class for the owner when its bin had none: from the depot, the slabs or the runs.
/// Null when the heap has no free block of the class outside other caches, or is dead.
pub fn refill(c: *Cache, class: u8) ?usize {
    c.lock.lock();
    defer c.lock.unlock();
    return if (c.dead) null else c.refillLocked(class);
}

/// Under `lock`, the heap alive, which it stays as long as the lock is held.
pub fn refillLocked(c: *Cache, class: u8) ?usize {
    const h = c.heap;
    const bin = &c.bins[class];
    const slot = &c.slots[class];
    if (bin.sp > bin.lo) return h.addressOf(popLocked(bin)); // a thief gave up, or put the bounds back
    if (h.runs.full.hasClass(class)) return null;
    if (h.runs.hasRisen()) c.putAll();
    if (!c.grow(class, .empty)) return h.takeOne(c.arena, class);
    const cells = slot.magazine.?.cells()[0..batch(slot)];
    var count = depot.take(h, c.arena, class, cells);
    if (count == 0) {
        count = h.takeBlocks(c.arena, class, cells);
        if (count == 0) return h.takeOne(c.arena, class); // another arena may have one
        std.mem.reverse(usize, cells[0..count]); // pops go upwards
        if (h.offset_cells) for (cells[0..count]) |*address| {
            address.* = h.cellOf(address.*);
        };
    }
    c.open(class, count);
    return h.addressOf(popLocked(bin));
}

/// Takes in a freed block of a class for the owner when its bin had no room.
pub fn overflow(c: *Cache, class: u8, address: usize) void {
    c.lock.lock();
    defer c.lock.unlock();
    if (!c.dead) c.overflowLocked(class, c.heap.cellOf(address));
}

/// Under `lock`, the heap alive.
pub fn overflowLocked(c: *Cache, class: u8, block: usize) void {
    const h = c.heap;
    const bin = &c.bins[class];
    if (push(bin, block)) return;
    if (!c.grow(class, .full)) return h.putCells(class, &.{block});
    if (push(bin, block)) return;
    const slot = &c.slots[class];
    const held = c.contents(class);
    const given = if (held.len < slot.limit) 0 else batch(slot);
    if (given > 0 and !depot.give(h, c.arena, class, held[0..given])) h.putCells(class, held[0..given]);
    const kept = held[given..];
    std.mem.copyForwards(usize, slot.magazine.?.cells()[0..kept.len], kept);
    c.open(class, kept.len);
    _ = push(bin, block);
}

/// Whether the bin has room for blocks at all. Under `lock`.
pub fn isOpen(c: *const Cache, class: u8) bool {
    return c.slots[class].limit > 0;
}

/// How many blocks a bin takes in or gives up at once.
fn batch(slot: *const Slot) usize {
    return std.math.clamp(slot.limit / 2, 1, depot.batch_max);
}

/// The blocks in a bin. A thief may have left the window's start in the middle of the magazine.
fn contents(c: *Cache, class: u8) []const usize {
    const bin = &c.bins[class];
    return if (bin.sp > bin.lo) cellsBetween(bin.lo, bin.sp) else &.{};
}

/// The bin works on the first `count` cells of its magazine.
fn open(c: *Cache, class: u8, count: usize) void {
    const slot = &c.slots[class];
    const bin = &c.bins[class];
    const start = @intFromPtr(slot.magazine.?.cells());
    @atomicStore(usize, &bin.sp, start + count * cell_size, .release);
    storeBound(&bin.lo, start);
    storeBound(&bin.hi, start + slot.limit * cell_size);
}

fn popLocked(bin: *Bin) usize {
    const sp = bin.sp - cell_size;
    assert(sp >= bin.lo);
    storeTop(bin, sp);
    return cell(sp).*;
}

/// The bin ran into an end: doubles its limit if it is worth it and the budget allows. False if it has no room at all.
fn grow(c: *Cache, class: u8, end: End) bool {
    const size = classes.sizes[class];
    const max = classes.table[class].magazine;
    const slot = &c.slots[class];
    const turned = slot.last_end != end;
    slot.last_end = end;
    slot.busy = true;
    if (size > c.heap.cached_max or !c.enabled) return false;
    if (slot.limit == max) return true;
    if (slot.limit >= limit_of_streams and (!turned or give_back.inTime(c.heap))) return true;
    const wanted: u32 = if (slot.limit == 0) std.math.clamp(8192 / size, 2, 15) else @min(max, slot.limit * 2 + 1);
    const cost = @as(u64, wanted - slot.limit) * size;
    if (!c.takeLimit(cost)) return slot.limit > 0;
    if (!c.enlarge(class, wanted)) c.giveLimit(cost);
    return slot.limit > 0;
}

/// False when the system has no memory for a larger magazine.
fn enlarge(c: *Cache, class: u8, limit: u32) bool {
    const slot = &c.slots[class];
    const held = c.contents(class);
    if (slot.magazine == null or slot.magazine.?.capacity < limit) {
        const larger = Magazine.create(limit) orelse return false;
        @memcpy(larger.cells()[0..held.len], held);
        if (slot.magazine) |old| old.destroy();
        slot.magazine = larger;
    } else std.mem.copyForwards(usize, slot.magazine.?.cells()[0..held.len], held);
    slot.limit = limit;
    c.setOpen(class, true);
    c.open(class, held.len);
    return true;
}

/// Budget for a larger limit. A thread gets its share in any case, whoever holds the rest and never calls again: of threads
/// that come one by one the nth overdraws by an nth of the budget at most. Beyond its share it gets what its own
/// idle bins give up.
fn takeLimit(c: *Cache, cost: u64) bool {
    const h = c.heap;
    if (!h.takeBudget(cost)) {
        if (c.held + cost <= h.fairShare()) {
            h.overdraw(cost);
        } else {
            c.refused +%= 1;
            if (c.refused % 64 != 0) return false;
            c.takeFromIdle();
            if (!h.takeBudget(cost)) return false;
        }
    }
    c.held += cost;
    return true;
}

fn giveLimit(c: *Cache, cost: u64) void {
    c.heap.giveBudget(cost);
    c.held -= cost;
}

/// The bin's blocks and its budget go back to the heap; it is closed.
fn shut(c: *Cache, class: u8) void {
    const slot = &c.slots[class];
    const bin = &c.bins[class];
    c.heap.putCells(class, c.contents(class));
    storeBound(&bin.lo, std.math.maxInt(usize));
    storeBound(&bin.hi, 0);
    c.giveLimit(@as(u64, slot.limit) * classes.sizes[class]);
    slot.limit = 0;
    c.setOpen(class, false);
}

/// Empties and closes the bins that did not go the slow way since the last time.
fn takeFromIdle(c: *Cache) void {
    for (&c.slots, 0..) |*slot, class| {
        if (slot.limit > 0 and !slot.busy) c.shut(@intCast(class));
        slot.busy = false;
    }
}

/// The pool needs pages that were never used: what is cached here and in depots first goes back to its slabs and runs, some of
/// which are whole then. Otherwise it would be out of use for as long as the threads have no use for its sizes, and what is
/// allocated meanwhile would come to lie behind it for good. Rare enough to cost nothing: see `Runs.hasRisen`.
fn putAll(c: *Cache) void {
    for (&c.slots, 0..) |*slot, i| {
        const class: u8 = @intCast(i);
        if (slot.limit == 0) continue;
        c.heap.putCells(class, c.contents(class));
        c.open(class, 0);
    }
    depot.drainAll(c.heap);
}

/// The bin's blocks go back to their slabs; the bin stays as large as it may be.
pub fn giveBack(c: *Cache, class: u8) void {
    c.lock.lock();
    defer c.lock.unlock();
    if (c.dead or c.slots[class].limit == 0) return;
    c.heap.putCells(class, c.contents(class));
    c.open(class, 0);
}

// --- Thieves and the end --------------------------------------------------------------------------

/// First half of taking all blocks: closes the bins. The caller holds `lock` until `takeClosed`.
/// Says whether there is anything to take behind a barrier.
pub fn close(c: *Cache) bool {
    var any = false;
    for (&c.bins) |*bin| {
        bin.saved = 0;
        if (@atomicLoad(usize, &bin.sp, .monotonic) <= bin.lo) continue;
        bin.saved = bin.lo;
        storeBound(&bin.lo, std.math.maxInt(usize));
        storeBound(&bin.hi, 0);
        any = true;
    }
    return any;
}

/// Second half: with `barrier` (every other thread has passed a memory barrier since `close`) all
/// blocks go back to the heap; without, the bins are opened again untouched.
pub fn takeClosed(c: *Cache, barrier: bool) void {
    for (&c.bins, &c.slots, 0..) |*bin, *slot, i| {
        const class: u8 = @intCast(i);
        if (bin.saved != 0) {
            const start = bin.saved;
            const sp = if (barrier) @atomicLoad(usize, &bin.sp, .acquire) else start;
            if (sp > start) c.heap.putCells(class, cellsBetween(start, sp));
            storeBound(&bin.lo, @max(sp, start));
            const cells = @intFromPtr(slot.magazine.?.cells());
            storeBound(&bin.hi, cells + @as(usize, slot.limit) * cell_size);
            bin.saved = 0;
        }
    }
}

fn cellsBetween(start: usize, end: usize) []const usize {
    const first: [*]const usize = @ptrFromInt(start);
    return first[0 .. (end - start) / cell_size];
}

/// By the owner, under `lock`, the heap alive: all blocks and the budget go back to the heap.
pub fn flush(c: *Cache) void {
    for (&c.slots, 0..) |*slot, class| {
        if (slot.limit > 0) c.shut(@intCast(class));
    }
}

/// By the owner, under `lock`: no block is in the cache any more, wherever they all are. Magazines and limits stay.
pub fn forget(c: *Cache) void {
    for (&c.bins) |*bin| {
        if (bin.sp > bin.lo) storeBound(&bin.lo, bin.sp);
    }
}

/// Under `lock`, for good: every later operation of the owner goes the slow way and finds `dead`.
pub fn kill(c: *Cache) void {
    if (canary.is(.poison)) return @atomicStore(bool, &c.dead, true, .release);
    for (&c.bins) |*bin| {
        storeBound(&bin.lo, std.math.maxInt(usize));
        storeBound(&bin.hi, 0);
    }
    @atomicStore(usize, &c.size, 0, .release);
    @atomicStore(bool, &c.dead, true, .release);
}

/// By the owner, when the cache is no member any more: the memory of its magazines.
pub fn deinit(c: *Cache) void {
    for (&c.slots) |*slot| {
        if (slot.magazine) |m| m.destroy();
    }
}

/// Whether there is a block in the cache, or its owner is just taking the last. Needs no lock.
pub fn holdsAny(c: *const Cache) bool {
    for (&c.open_classes, 0..) |*word, i| {
        var bits = @atomicLoad(u64, word, .monotonic);
        while (bits != 0) : (bits &= bits - 1) {
            const bin = &c.bins[i * 64 + @ctz(bits)];
            if (@atomicLoad(usize, &bin.sp, .acquire) > @atomicLoad(usize, &bin.lo, .monotonic)) return true;
        }
    }
    return false;
}

fn setOpen(c: *Cache, class: u8, is_open: bool) void {
    const word = &c.open_classes[class / 64];
    const bit = @as(u64, 1) << @truncate(class);
    @atomicStore(u64, word, if (is_open) word.* | bit else word.* & ~bit, .monotonic);
}

/// Adds the cache's blocks to those of each class, nearly: the owner may be at work. Under `lock`.
pub fn countBlocks(c: *Cache, sums: *[classes.count]u64) void {
    for (&c.bins, &c.slots, sums) |*bin, *slot, *sum| {
        if (slot.limit == 0) continue;
        const sp = @atomicLoad(usize, &bin.sp, .monotonic);
        const lo = @atomicLoad(usize, &bin.lo, .monotonic);
        if (sp > lo) sum.* += (sp - lo) / cell_size;
    }
}
