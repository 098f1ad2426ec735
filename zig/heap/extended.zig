//! The functions that say how: jemalloc's `*allocx` by handle. None of them is hot; faces serve the plain case from the
//! hot paths before they come here.
//!
//! A zeroed block is zero in all of its usable bytes, not only in those asked for: growing it later clears only
//! what lies beyond, as jemalloc's contract has it.

const assert = @import("../base.zig").assert;
const calls = @import("calls.zig");
const classes = @import("classes.zig");
const give_back = @import("give_back.zig");
const hardened = @import("hardened.zig");
const memcheck = @import("memcheck.zig");
const thread = @import("thread.zig");
const Heap = @import("Heap.zig");

const page_size = classes.page_size;

pub const Error = thread.Error || error{
    /// The heap has fewer arenas.
    NoArena,
};

pub const How = struct {
    /// A power of two.
    alignment: usize = 1,
    zero: bool = false,
    /// False: past the thread's cache, to and from slabs and runs.
    cached: bool = true,
    /// Where a new small block comes from; it comes past the cache then.
    arena: ?u16 = null,

    fn use(how: How, handle: usize) Error!thread.Use {
        if (how.arena) |arena| {
            const h = thread.hooks.acquire(handle) orelse return error.DeadHandle;
            if (arena < h.arena_count) return .{ .heap = h, .cache = null, .shard = arena };
            thread.hooks.release(h);
            return error.NoArena;
        }
        var u = try thread.use(thread.here(), handle);
        if (!how.cached) u = .{ .heap = u.heap, .cache = null, .shard = u.arena() };
        return u;
    }
};

/// A block of at least `size` bytes, more than 0.
pub fn allocate(handle: usize, size: usize, how: How) Error!usize {
    assert(size > 0);
    if (how.cached and how.arena == null and !how.zero) return calls.allocate(handle, size, how.alignment, false);
    const u = try how.use(handle);
    defer u.release();
    return calls.allocateIn(u, if (how.zero) usable(u.heap, size, how.alignment) orelse return error.OutOfMemory else size, how.alignment, how.zero);
}

/// Usable bytes of a block that `allocate` would give, were there room; null for what no pool of that size has.
pub fn usableSize(handle: usize, size: usize, alignment: usize) Error!?usize {
    const h = thread.hooks.acquire(handle) orelse return error.DeadHandle;
    defer thread.hooks.release(h);
    return usable(h, size, alignment);
}

fn usable(h: *const Heap, size: usize, alignment: usize) ?usize {
    const most = @as(usize, h.pages) * page_size;
    const taken = hardened.withTail(h, size);
    if (taken > most or alignment > 1 << 56) return null;
    if (alignment <= page_size) {
        const class = calls.requestClass(h, taken, alignment);
        if (class != classes.large) return classes.sizes[class] - hardened.tailLen(h);
    }
    return classes.runPages(taken) * page_size - hardened.tailLen(h);
}

/// Makes a block at least `size` bytes long, more than 0, moving it if need be or if it is not aligned; all usable bytes that it
/// had and has are kept. With `zero` those that it had not are zero. Shrinking never fails.
pub fn resize(handle: usize, address: usize, size: usize, how: How) Error!usize {
    assert(size > 0);
    const u = try how.use(handle);
    defer u.release();
    const h = u.heap;
    const found = try calls.live(h, address);
    const before = h.sizeOf(found);
    // As many as a new block would have, so that `releaseSized` knows what to expect.
    const wanted = usable(h, size, how.alignment) orelse return error.OutOfMemory;
    const fits = address % how.alignment == 0;
    if (fits and calls.resizeFound(h, found, wanted)) {
        if (how.zero) clearBeyond(h, address, before);
        give_back.whenDue(h);
        return address;
    }
    const new = calls.allocateIn(u, wanted, how.alignment, false) catch |err| return if (fits and size <= before) address else err;
    const to: [*]u8 = @ptrFromInt(new);
    const from: [*]const u8 = @ptrFromInt(address);
    const kept = @min(before, wanted);
    memcheck.allGiven(address, before);
    @memcpy(to[0..kept], from[0..kept]);
    if (how.zero) @memset(to[kept..wanted], 0);
    calls.releaseFound(u, found, address) catch {}; // by another thread, meanwhile
    return new;
}

fn clearBeyond(h: *const Heap, address: usize, before: usize) void {
    const after = h.sizeOf(h.find(address) orelse return);
    memcheck.allGiven(address, after);
    if (after <= before) return;
    const bytes: [*]u8 = @ptrFromInt(address);
    @memset(bytes[before..after], 0);
}

/// Resizes a block where it is: to `size + extra` bytes, else to at least `size`, else not at all; gives its usable bytes then. A block
/// that is not aligned stays as it is.
pub fn resizeInPlace(handle: usize, address: usize, size: usize, extra: usize, how: How) Error!usize {
    assert(size > 0);
    const h = thread.hooks.acquire(handle) orelse return error.DeadHandle;
    defer thread.hooks.release(h);
    const found = try calls.live(h, address);
    const before = h.sizeOf(found);
    if (address % how.alignment != 0 or classes.isSmall(found.class)) return before;
    const most = @min(size +| extra, @as(usize, h.pages) * page_size);
    const done = if (most > before)
        calls.resizeFound(h, found, most) or (size > before and calls.resizeFound(h, found, size))
    else
        calls.resizeFound(h, found, most);
    if (!done) return before;
    if (how.zero) clearBeyond(h, address, before);
    give_back.whenDue(h);
    const after = h.sizeOf(h.find(address) orelse return error.InvalidPointer);
    memcheck.allGiven(address, after);
    return after;
}

/// Frees a block, past the cache if asked for.
pub fn release(handle: usize, address: usize, how: How) Error!void {
    if (how.cached) return calls.release(handle, address);
    const u = try how.use(handle);
    defer u.release();
    try calls.releaseFound(u, try calls.live(u.heap, address), address);
}

/// As `release` for a block that was asked for with `size` bytes and that alignment. At hardening level 1 and above another size is
/// `InvalidPointer`, and the block stays.
pub fn releaseSized(handle: usize, address: usize, size: usize, how: How) Error!void {
    const u = try how.use(handle);
    defer u.release();
    const h = u.heap;
    const found = try calls.live(h, address);
    if (h.hardening > 0 and usable(h, size, how.alignment) != h.sizeOf(found)) {
        h.report(.wrong_size, address);
        return error.InvalidPointer;
    }
    try calls.releaseFound(u, found, address);
}
