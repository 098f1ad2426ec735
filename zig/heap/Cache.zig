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
//! How large a magazine may get follows demand: it starts at a few blocks and doubles each time it ran
//! empty or full, while the heap's budget for cached bytes lasts. A bin without budget has no room, and
//! its class goes to the slabs one block at a time.

const Cache = @This();

const std = @import("std");
const assert = @import("../base.zig").assert;
const os = @import("../os.zig");
const options = @import("options");
const classes = @import("classes.zig");
const slabs = @import("slabs.zig");
const records = @import("records.zig");
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

/// What the owner knows about a bin beside its window. Guarded by `lock`.
const Slot = struct {
    loaded: ?*Magazine = null,
    /// Empty, or full of blocks.
    spare: ?*Magazine = null,
    /// Blocks that a magazine of this bin may hold now.
    limit: u32 = 0,
    used: bool = false,
    /// Went the slow way since limits were last taken from idle bins.
    busy: bool = false,
};

bins: [classes.count]Bin align(64) = @splat(.closed),
/// The heap's, so that the fast path needs nothing but this record. `size` is 0 once the heap is dead.
base: usize = 0,
size: usize = 0,
page_classes: [*]const u8 = &no_classes,
heads: [*]const u32 = &no_heads,
state_places: [*]const usize = &no_places,
units: usize = 0,
/// The heap keeps a byte a block.
states: bool = false,
/// Cells hold offsets as doubles instead of addresses.
offset_cells: bool = false,
/// Guarded by `lock`.
dead: bool = false,
lock: os.Mutex = .{},
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
    storeTop(b, sp); // the claim
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

/// A block of a class for the owner when its bin had none: from the spare magazine, the depot, the slabs.
/// Null when the heap has no free block of the class outside other caches, or is dead.
pub fn refill(c: *Cache, class: u8) ?usize {
    c.lock.lock();
    defer c.lock.unlock();
    if (c.dead) return null;
    const h = c.heap;
    const bin = &c.bins[class];
    const slot = &c.slots[class];
    if (bin.sp > bin.lo) return h.addressOf(popLocked(bin)); // a thief gave up, or put the bounds back
    if (!c.grow(slot, class)) return h.takeOne(c.arena, class);
    if (slot.spare) |spare| if (spare.count > 0) {
        slot.spare = slot.loaded;
        c.load(class, spare);
        return h.addressOf(popLocked(bin));
    };
    if (h.takeMagazine(c.arena, class)) |full| {
        if (slot.spare == null) slot.spare = slot.loaded else slot.loaded.?.destroy();
        c.load(class, full);
        return h.addressOf(popLocked(bin));
    }
    if (!classes.isSmall(class)) return h.takeOne(c.arena, class);
    const m = slot.loaded.?;
    const room = m.cells()[0..slot.limit];
    const count = slabs.fill(h, c.arena, class, room);
    if (count == 0) return null;
    std.mem.reverse(usize, room[0..count]); // pops go upwards
    if (h.offset_cells) for (room[0..count]) |*address| {
        address.* = h.cellOf(address.*);
    };
    m.count = @intCast(count);
    c.load(class, m);
    return h.addressOf(popLocked(bin));
}

/// Takes in a freed block of a class for the owner when its bin had no room.
pub fn overflow(c: *Cache, class: u8, address: usize) void {
    c.lock.lock();
    defer c.lock.unlock();
    if (c.dead) return;
    const h = c.heap;
    const bin = &c.bins[class];
    const slot = &c.slots[class];
    const block = h.cellOf(address);
    if (push(bin, block)) return;
    const limit = slot.limit;
    if (!c.grow(slot, class)) return h.putBlocks(class, &.{address});
    const m = slot.loaded.?;
    if (limit > 0 and bin.hi != 0) {
        m.count = @intCast((bin.sp - @intFromPtr(m.cells())) / cell_size);
        if (bin.lo > @intFromPtr(m.cells())) compact(m, bin.lo);
    } else m.count = 0;
    if (m.count < slot.limit) {
        c.load(class, m);
        _ = push(bin, block);
        return;
    }
    const empty = c.emptyMagazine(slot, class) orelse {
        h.putCells(class, m.blocks());
        m.count = 0;
        c.load(class, m);
        _ = push(bin, block);
        return;
    };
    slot.spare = m;
    c.load(class, empty);
    _ = push(bin, block);
}

/// An empty magazine, taken from `spare` after its blocks went to the depot or the slabs.
fn emptyMagazine(c: *Cache, slot: *Slot, class: u8) ?*Magazine {
    const h = c.heap;
    const spare = slot.spare orelse return Magazine.create(class);
    slot.spare = null;
    if (spare.count == 0) return spare;
    if (h.giveMagazine(c.arena, class, spare)) {
        if (Magazine.create(class)) |empty| return empty;
        return null;
    }
    h.putCells(class, spare.blocks());
    spare.count = 0;
    return spare;
}

/// A thief left the window's start in the middle of the magazine: what is above it moves down.
fn compact(m: *Magazine, lo: usize) void {
    const skipped = (lo - @intFromPtr(m.cells())) / cell_size;
    const kept = m.count -| @as(u32, @intCast(skipped));
    std.mem.copyForwards(usize, m.cells()[0..kept], m.cells()[skipped..][0..kept]);
    m.count = kept;
}

/// Makes `m` the magazine that the bin works on.
fn load(c: *Cache, class: u8, m: *Magazine) void {
    const slot = &c.slots[class];
    const bin = &c.bins[class];
    slot.loaded = m;
    const start = @intFromPtr(m.cells());
    @atomicStore(usize, &bin.sp, start + m.count * cell_size, .release);
    storeBound(&bin.lo, start);
    storeBound(&bin.hi, start + @max(slot.limit, m.count) * cell_size);
    m.count = 0; // the bin knows from here on
}

fn popLocked(bin: *Bin) usize {
    const sp = bin.sp - cell_size;
    assert(sp >= bin.lo);
    storeTop(bin, sp);
    return cell(sp).*;
}

/// The bin ran empty or full: doubles its limit if the budget allows. False if it has no room at all.
fn grow(c: *Cache, slot: *Slot, class: u8) bool {
    const size = classes.sizes[class];
    if (size > c.heap.cached_max) return false;
    if (slot.loaded == null) {
        slot.loaded = Magazine.create(class) orelse return false;
        slot.used = true;
    }
    const max = classes.table[class].magazine;
    slot.busy = true;
    if (slot.limit < max) {
        const wanted: u32 = if (slot.limit == 0) @min(max, std.math.clamp(4096 / size, 1, 8)) else @min(max, slot.limit * 2);
        const cost = @as(u64, wanted - slot.limit) * 2 * size;
        if (c.takeLimit(cost)) slot.limit = wanted;
    }
    return slot.limit > 0;
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

/// The other way round, for all of a bin's limit.
fn giveLimit(c: *Cache, slot: *Slot, class: u8) void {
    const cost = @as(u64, slot.limit) * 2 * classes.sizes[class];
    c.heap.giveBudget(cost);
    c.held -= cost;
    slot.limit = 0;
}

/// Empties and closes the bins that did not go the slow way since the last time.
fn takeFromIdle(c: *Cache) void {
    for (&c.bins, &c.slots, 0..) |*bin, *slot, i| {
        const class: u8 = @intCast(i);
        if (slot.limit == 0) continue;
        if (slot.busy) {
            slot.busy = false;
            continue;
        }
        if (bin.sp > bin.lo) c.heap.putCells(class, cellsBetween(bin.lo, bin.sp));
        storeBound(&bin.lo, std.math.maxInt(usize));
        storeBound(&bin.hi, 0);
        c.putSpare(slot, class);
        c.giveLimit(slot, class);
    }
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
            const cells = @intFromPtr(slot.loaded.?.cells());
            storeBound(&bin.hi, cells + @as(usize, slot.limit) * cell_size);
            bin.saved = 0;
        }
        c.putSpare(slot, class);
    }
}

fn putSpare(c: *Cache, slot: *Slot, class: u8) void {
    const spare = slot.spare orelse return;
    if (spare.count == 0) return;
    c.heap.putCells(class, spare.blocks());
    spare.count = 0;
}

fn cellsBetween(start: usize, end: usize) []const usize {
    const first: [*]const usize = @ptrFromInt(start);
    return first[0 .. (end - start) / cell_size];
}

/// By the owner, under `lock`, the heap alive: all blocks and the budget go back to the heap.
pub fn flush(c: *Cache) void {
    for (&c.bins, &c.slots, 0..) |*bin, *slot, i| {
        if (!slot.used) continue;
        const class: u8 = @intCast(i);
        if (bin.sp > bin.lo) c.heap.putCells(class, cellsBetween(bin.lo, bin.sp));
        bin.* = .closed;
        c.putSpare(slot, class);
        c.giveLimit(slot, class);
    }
}

/// By the owner, under `lock`: no block is in the cache any more, wherever they all are. Magazines and limits stay.
pub fn forget(c: *Cache) void {
    for (&c.bins, &c.slots) |*bin, *slot| {
        if (bin.sp > bin.lo) storeBound(&bin.lo, bin.sp);
        if (slot.spare) |spare| spare.count = 0;
    }
}

/// Under `lock`, for good: every later operation of the owner goes the slow way and finds `dead`.
pub fn kill(c: *Cache) void {
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
        if (slot.loaded) |m| m.destroy();
        if (slot.spare) |m| m.destroy();
    }
}

/// Adds the cache's blocks to those of each class, nearly: the owner may be at work. Under `lock`.
pub fn countBlocks(c: *Cache, sums: *[classes.count]u64) void {
    for (&c.bins, &c.slots, sums) |*bin, *slot, *sum| {
        if (!slot.used) continue;
        const sp = @atomicLoad(usize, &bin.sp, .monotonic);
        const lo = @atomicLoad(usize, &bin.lo, .monotonic);
        if (sp > lo) sum.* += (sp - lo) / cell_size;
        if (slot.spare) |spare| sum.* += spare.count;
    }
}
