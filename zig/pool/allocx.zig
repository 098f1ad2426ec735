//! jemalloc's `*allocx` for pools: what the bits of `flags` mean, and why a call is refused.
//!
//!     bits 0..5    log2 of the alignment (MALLOCX_LG_ALIGN)
//!     bit  6       zeros (MALLOCX_ZERO)
//!     bits 8..19   0: the thread's cache, 1: none (MALLOCX_TCACHE_NONE); caches of their own, 2 and above, a pool has not
//!     bits 20..31  0: any arena, else the arena's number plus one (MALLOCX_ARENA)

const std = @import("std");
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const functions = @import("functions.zig");
const lifetime = @import("lifetime.zig");
const messages = @import("messages.zig");

const Error = os.Error;
const How = heap.extended.How;

const zero_bit = 0x40;
const tcache_none = 1;

/// What jemalloc leaves undefined is refused: bits without a meaning, and caches that were never made.
fn parse(flags: u32) Error!How {
    const cache = flags >> 8 & 0xfff;
    const arena = flags >> 20;
    if (flags & 0x80 != 0) return messages.flags(flags, "bit 7 has no meaning");
    if (cache > tcache_none) return messages.flags(flags, "a pool has no caches but those of its threads");
    return .{
        .alignment = @as(usize, 1) << @intCast(flags & 0x3f),
        .zero = flags & zero_bit != 0,
        // As there: who names an arena wants its blocks, not those in the cache.
        .cached = cache != tcache_none and arena == 0,
        .arena = if (arena == 0) null else @intCast(arena - 1),
    };
}

fn translate(handle: usize, flags: u32, err: heap.extended.Error) Error {
    return switch (err) {
        error.OutOfMemory => error.ENOMEM,
        error.DeadHandle => lifetime.refuse(handle),
        error.InvalidPointer, error.AlreadyFree => error.EINVAL, // the heap has reported it
        error.NoArena => messages.flags(flags, "the pool has fewer arenas"),
    };
}

/// A block of at least `size` bytes. EINVAL: the size is 0, the flags mean nothing, or see `lifetime.refuse`. ENOMEM.
pub fn allocate(handle: usize, size: usize, flags: u32) Error!usize {
    if (size == 0) return messages.sizeZero();
    const how = try parse(flags);
    const address = heap.extended.allocate(handle, size, how) catch |err| return translate(handle, flags, err);
    if (!functions.starved()) return address;
    // The application's own malloc has nothing left: it expects its call to fail.
    heap.extended.release(handle, address, .{}) catch {};
    _ = functions.starved(); // freeing asked for memory, too
    return error.ENOMEM;
}

/// Another size for a block; also EINVAL if no block starts at `address`. On an error the block is as it was.
pub fn resize(handle: usize, address: usize, size: usize, flags: u32) Error!usize {
    if (size == 0) return messages.sizeZero();
    const how = try parse(flags);
    return heap.extended.resize(handle, address, size, how) catch |err| translate(handle, flags, err);
}

/// The same without moving; gives the bytes that the block has then.
pub fn resizeInPlace(handle: usize, address: usize, size: usize, extra: usize, flags: u32) Error!usize {
    if (size == 0) return messages.sizeZero();
    const how = try parse(flags);
    return heap.extended.resizeInPlace(handle, address, size, extra, how) catch |err| translate(handle, flags, err);
}

/// The bytes that `allocate` would give. ENOMEM: more than any pool of that size has.
pub fn usableSize(handle: usize, size: usize, flags: u32) Error!usize {
    if (size == 0) return messages.sizeZero();
    const how = try parse(flags);
    const bytes = heap.extended.usableSize(handle, size, how.alignment) catch |err| return translate(handle, flags, err);
    return bytes orelse error.ENOMEM;
}

/// Frees a block; with a size only if that is what it was asked for with, where the pool looks.
pub fn release(handle: usize, address: usize, size: ?usize, flags: u32) Error!void {
    var how = try parse(flags);
    // Where a block goes is its own affair.
    how.arena = null;
    how.cached = flags >> 8 & 0xfff != tcache_none;
    if (size) |bytes| return heap.extended.releaseSized(handle, address, bytes, how) catch |err| translate(handle, flags, err);
    return heap.extended.release(handle, address, how) catch |err| translate(handle, flags, err);
}

/// The bytes that a block has.
pub fn sizeOf(handle: usize, address: usize) Error!usize {
    return heap.usableSize(handle, address) catch |err| translate(handle, 0, err);
}

test "the bits of flags" {
    try std.testing.expectEqual(How{}, try parse(0));
    try std.testing.expectEqual(How{ .alignment = 4096, .zero = true }, try parse(12 | 0x40));
    try std.testing.expectEqual(How{ .cached = false }, try parse(1 << 8));
    try std.testing.expectEqual(How{ .cached = false, .arena = 0 }, try parse(1 << 20));
    try std.testing.expectEqual(How{ .cached = false, .arena = 4094 }, try parse(0xfff << 20));
    for ([_]u32{ 0x80, 2 << 8, 0xfff << 8 }) |wrong| try std.testing.expectError(error.EINVAL, parse(wrong));
}
