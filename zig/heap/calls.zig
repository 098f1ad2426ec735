//! Entry points by handle that are not hot: each pins the heap, finds the calling thread's cache of it, and works
//! on both. What the hot paths cannot do ends here too.

const std = @import("std");
const assert = @import("../base.zig").assert;
const build = @import("options");
const classes = @import("classes.zig");
const give_back = @import("give_back.zig");
const hardened = @import("hardened.zig");
const memcheck = @import("memcheck.zig");
const thread = @import("thread.zig");
const Cache = @import("Cache.zig");
const Heap = @import("Heap.zig");

const Error = thread.Error;
const Use = thread.Use;

/// A block of at least `size` bytes (0 is served as 8) at a multiple of `alignment`, a power of two; its first
/// `size` bytes are zero if asked for.
pub fn allocate(handle: usize, size: usize, alignment: usize, zero: bool) Error!usize {
    assert(std.math.isPowerOfTwo(alignment));
    if (thread.takeCached(handle, size, alignment)) |address| {
        if (zero) clear(address, size);
        return address;
    }
    const u = try thread.use(thread.here(), handle);
    defer u.release();
    if (thread.takeChecked(handle, size, alignment)) |address| {
        if (zero) clear(address, size);
        return address;
    }
    return allocateIn(u, size, alignment, zero);
}

/// As `thread.mallocAligned`; the first `size` bytes are zero.
pub inline fn mallocZeroed(comptime F: type, handle: usize, size: usize) ?usize {
    const address = thread.mallocAligned(F, handle, size, 1) orelse return null;
    clear(address, size);
    return address;
}

/// What `F.mallocSlow` calls: the pop that failed is undone first.
pub fn allocateAfterPop(comptime F: type, handle: usize, size: usize) Error!usize {
    const t = thread.here();
    if (t.last.handle == handle and size <= classes.cached_max and t.last.cache != &Cache.dummy) {
        const class = if (size <= classes.small_max) thread.smallClass(F.checked, size) else classes.ofSize(size);
        Cache.undoPop(&t.last.cache.bins[class]);
        if (refillLast(t.last.cache, class)) |address| return address;
    }
    const u = try thread.use(t, handle);
    defer u.release();
    if (thread.takeChecked(handle, size, 1)) |address| return address;
    return allocateIn(u, size, 1, false);
}

/// The commonest of the slow ways, without a pin, which threads would meet at: while the cache's lock is held, and
/// the cache is not dead, the heap is not killed. Null: nothing was done.
fn refillLast(c: *Cache, class: u8) ?usize {
    c.lock.lock();
    const address = if (c.dead) null else c.refillLocked(class);
    if (address) |block| if (c.states) thread.markLive(c, block - c.base);
    endUnpinned(c, 0);
    return address;
}

/// Gives the cache's lock back, and storage if that is due. `now`: about what time it is, or 0.
fn endUnpinned(c: *Cache, now: u64) void {
    const handle = c.handle;
    const due = !c.dead and (give_back.isDue(c.heap) or now != 0 and give_back.isDueByTime(c.heap, now));
    c.lock.unlock();
    if (!due) return;
    const h = thread.hooks.acquire(handle) orelse return;
    defer thread.hooks.release(h);
    give_back.perform(h);
}

pub fn allocateIn(u: Use, size: usize, alignment: usize, zero: bool) Error!usize {
    const h = u.heap;
    const taken = hardened.withTail(h, size);
    if (taken > @as(usize, h.pages) * classes.page_size) return error.OutOfMemory;
    const class = if (alignment > classes.page_size) classes.large else requestClass(h, taken, alignment);
    const run = (if (class == classes.large)
        takeLarge(u, taken, alignment)
    else
        takeCached(u, class, zero)) orelse return if (h.isDead()) error.DeadHandle else error.OutOfMemory;
    if (build.debug or h.states or h.junk != .none or h.zero) welcome(h, run.address, size, zero);
    // A fresh run is zero, but for the junk it was just filled with.
    if (zero and (!run.fresh or h.junk != .none)) clear(run.address, size);
    give_back.whenDue(h);
    return run.address;
}

fn clear(address: usize, size: usize) void {
    const bytes: [*]u8 = @ptrFromInt(address);
    @memset(bytes[0..size], 0);
}

pub fn requestClass(h: *const Heap, size: usize, alignment: usize) u8 {
    const class = classes.ofAligned(size, alignment);
    return if (h.states) @max(class, 2) else class;
}

fn takeCached(u: Use, class: u8, zero: bool) ?Heap.Run {
    if (u.cache) |c| {
        const bin = &c.bins[class];
        if (Cache.pop(bin)) |cell| return .{ .address = u.heap.addressOf(cell), .fresh = false };
        Cache.undoPop(bin);
        // A run of pages never used needs no zeroing, if it does not come through a magazine.
        if (zero and !classes.isSmall(class)) {
            if (u.heap.takeRun(classes.table[class].pages, 1)) |run| return run;
        }
        if (c.refill(class)) |address| return .{ .address = address, .fresh = false };
    } else if (u.heap.takeOne(u.arena(), class)) |address| return .{ .address = address, .fresh = false };
    return u.heap.reclaim(.{ .arena = u.arena(), .class = class });
}

fn takeLarge(u: Use, size: usize, alignment: usize) ?Heap.Run {
    const h = u.heap;
    const pages = classes.runPages(size);
    const alignment_pages = @max(1, alignment / classes.page_size);
    if (pages > h.pages - h.runs.bottom or alignment_pages > std.math.maxInt(u32)) return null;
    const alignment_page_count: u32 = @intCast(alignment_pages);
    const request: Heap.Request = .{ .arena = 0, .class = classes.large, .pages = @intCast(pages), .alignment = alignment_page_count };
    if (!h.isFullFor(request)) if (h.takeRun(request.pages, request.alignment)) |run| return run;
    return h.reclaim(request);
}

/// What the heap's options want done with a new block.
fn welcome(h: *Heap, address: usize, asked: usize, zero: bool) void {
    // What was freed twice may have been in a cache and is no block any more.
    const found = h.find(address) orelse return;
    const size = h.sizeOf(found);
    memcheck.open(address, size + hardened.tailLen(h));
    if (h.states) {
        const state = h.stateOf(found);
        hardened.admit(h, address, size, state.*);
        state.* = hardened.State.live;
    }
    fillNew(h, address, size);
    hardened.markTail(h, address, size);
    memcheck.allocated(address, size + hardened.tailLen(h), asked, zero or h.zero);
}

/// New bytes of a block, as the options `junk` and `zero` want them.
fn fillNew(h: *Heap, address: usize, size: usize) void {
    if (h.junk == .allocated or h.junk == .both) hardened.fill(address, size, hardened.allocated_byte);
    if (h.zero) clear(address, size);
}

/// What `F.freeSlow` tries first: makes room where a push found none, and pushes the block, about which no more is known than
/// the hot path would ask. False: nothing was done.
pub fn releaseAfterPush(comptime F: type, handle: usize, place: usize) bool {
    const t = thread.here();
    const now = if (thread.hasTicks(F)) t.ticked_ns else 0;
    if (!thread.hasTicks(F) and t.last.handle != handle) return false;
    const c = t.last.cache;
    const offset = if (F.offsets) place else place -% c.base;
    if (offset >= @atomicLoad(usize, &c.size, .monotonic)) return false;
    const class = c.page_classes[offset >> classes.page_shift];
    c.lock.lock();
    const fits = !c.dead and c.isOpen(class) and (!c.states or thread.markFree(c, offset));
    if (fits) c.overflowLocked(class, c.heap.cellOf(c.base + offset));
    endUnpinned(c, now);
    return fits;
}

/// Frees a block. `InvalidPointer` and `AlreadyFree` change nothing.
pub fn release(handle: usize, address: usize) Error!void {
    const u = try thread.use(thread.here(), handle);
    defer u.release();
    if (thread.giveChecked(handle, address)) return;
    const found = try live(u.heap, address);
    try releaseFound(u, found, address);
}

/// The live block at an address, as far as the heap can tell.
pub fn live(h: *Heap, address: usize) Error!Heap.Found {
    const found = h.find(address) orelse {
        memcheck.freedWrongly(address);
        h.report(.unknown_pointer, address);
        return error.InvalidPointer;
    };
    if (!h.isBlockFound(found)) {
        memcheck.freedWrongly(address);
        h.report(.freed_twice, address);
        return error.AlreadyFree;
    }
    return found;
}

pub fn releaseFound(u: Use, found: Heap.Found, address: usize) Error!void {
    const h = u.heap;
    defer give_back.whenFreed(h);
    if (h.states) {
        // Of two threads that free it at the same time one does, here; on hot paths that would cost an atomic.
        const state: u8 = if (h.hardening >= 3) hardened.State.quarantined else hardened.State.unknown;
        const before = @atomicLoad(u8, h.stateOf(found), .monotonic);
        const expected: u8 = if (before == hardened.State.noted) before else hardened.State.live;
        if (@cmpxchgStrong(u8, h.stateOf(found), expected, state, .monotonic, .monotonic) != null) {
            h.report(.freed_twice, address);
            return error.AlreadyFree;
        }
    }
    const size = h.sizeOf(found);
    memcheck.open(address, size + hardened.tailLen(h));
    hardened.expectTail(h, address, size);
    if (h.hardening >= 3) return hardened.retire(h, found, address);
    if (h.junk == .freed or h.junk == .both) hardened.fill(address, size, hardened.freed_byte);
    memcheck.freed(address, size + hardened.tailLen(h));
    if (found.class != classes.large) {
        if (u.cache) |c| return c.overflow(found.class, address);
    }
    h.putBlocks(found.class, &.{address});
}

/// Frees a block without a thread cache: for finalizers, which run on threads of their own.
pub fn releaseUncached(h: *Heap, address: usize) void {
    const found = live(h, address) catch return;
    releaseFound(.{ .heap = h, .cache = null }, found, address) catch {};
}

/// The block's usable bytes.
pub fn usableSize(handle: usize, address: usize) Error!usize {
    const u = try thread.use(thread.here(), handle);
    defer u.release();
    const size = u.heap.sizeOf(try live(u.heap, address));
    memcheck.allGiven(address, size);
    return size;
}

/// Whether a live block starts at the address, as far as the heap can tell (level 2: exactly).
pub fn owns(handle: usize, address: usize) Error!bool {
    const u = try thread.use(thread.here(), handle);
    defer u.release();
    const found = u.heap.find(address) orelse return false;
    return u.heap.isBlockFound(found);
}

/// Makes a block at least `size` bytes long, moving it if need be; its bytes up to the smaller of both
/// sizes are kept. On an error the block is as it was. Shrinking never fails.
pub fn resize(handle: usize, address: usize, size: usize) Error!usize {
    if (thread.fitsAlready(handle, address, size)) return address;
    const u = try thread.use(thread.here(), handle);
    defer u.release();
    const found = try live(u.heap, address);
    const old_size = u.heap.sizeOf(found);
    if (resizeFound(u.heap, found, size)) {
        give_back.whenDue(u.heap);
        return address;
    }
    const new = allocateIn(u, size, 1, false) catch |err| return if (size <= old_size) address else err;
    const to: [*]u8 = @ptrFromInt(new);
    const from: [*]const u8 = @ptrFromInt(address);
    const kept = @min(memcheck.requested(address, old_size), size);
    @memcpy(to[0..kept], from[0..kept]);
    releaseFound(u, found, address) catch {}; // by another thread, meanwhile
    return new;
}

/// As `resize`, but only where the block is: whether that was possible.
pub fn resizeInPlace(handle: usize, address: usize, size: usize) Error!bool {
    const u = try thread.use(thread.here(), handle);
    defer u.release();
    return resizeFound(u.heap, try live(u.heap, address), size);
}

pub fn resizeFound(h: *Heap, found: Heap.Found, size: usize) bool {
    const wanted = hardened.withTail(h, size);
    if (wanted > @as(usize, h.pages) * classes.page_size) return false;
    const address = h.base + found.offset;
    const before = h.sizeOf(found);
    const used = memcheck.requested(address, before);
    if (classes.isSmall(found.class)) {
        if (requestClass(h, wanted, 1) != found.class) return false;
        memcheck.resized(address, used, before, size);
        return true;
    }
    if (wanted <= classes.small_max) return false;
    const pages = classes.runPages(wanted);
    if (!h.runs.resize(found.number, found.offset >> classes.page_shift, @intCast(pages))) return false;
    const after = pages * classes.page_size - hardened.tailLen(h);
    if (after > before) {
        memcheck.open(address + before, after - before);
        fillNew(h, address + before, after - before);
    }
    if (after != before) hardened.markTail(h, address, after);
    memcheck.resized(address, used, after, size);
    return true;
}
