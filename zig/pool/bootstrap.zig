//! Memory for the calls that come before the process's pool is there: the loader's, those of constructors that run before
//! the C library knows the environment, and those of the C library while the pool is made.
//!
//! There are a few of them, a hundred bytes each, so blocks are cut from a static array and never given back. A word before each
//! block holds its size. Any thread, no lock.

const std = @import("std");

const capacity = 256 << 10;
const granule = 16;

/// Not backed before it is written.
var memory: [capacity]u8 align(granule) = @splat(0);
var used: std.atomic.Value(usize) = .init(0);

/// `size` zero bytes at a multiple of `alignment`, a power of two; null when the array is used up.
pub fn take(size: usize, alignment: usize) ?usize {
    const step = @max(alignment, granule);
    if (size > capacity or step > capacity) return null;
    const first = @intFromPtr(&memory);
    var before = used.load(.monotonic);
    while (true) {
        const address = std.mem.alignForward(usize, first + before + @sizeOf(usize), step);
        const end = std.mem.alignForward(usize, address + size, granule) - first;
        if (end > capacity) return null;
        before = used.cmpxchgWeak(before, end, .monotonic, .monotonic) orelse {
            sizeAt(address).* = size;
            return address;
        };
    }
}

/// Whether a block of `take` is at the address.
pub fn contains(address: usize) bool {
    return address -% @intFromPtr(&memory) < capacity;
}

/// The bytes that were asked for.
pub fn sizeOf(address: usize) usize {
    return sizeAt(address).*;
}

fn sizeAt(address: usize) *usize {
    return @ptrFromInt(address - @sizeOf(usize));
}

test "blocks are aligned, zero and apart, until there is no room" {
    const begin = used.load(.monotonic);
    defer used.store(begin, .monotonic);
    var end: usize = 0;
    for ([_][2]usize{ .{ 0, 1 }, .{ 1, 1 }, .{ 17, 64 }, .{ 5, 4096 }, .{ 100, 16 } }) |case| {
        const address = take(case[0], case[1]).?;
        try std.testing.expect(contains(address) and address % @max(case[1], 16) == 0 and address >= end + 8);
        try std.testing.expectEqual(case[0], sizeOf(address));
        const bytes: [*]u8 = @ptrFromInt(address);
        try std.testing.expect(std.mem.allEqual(u8, bytes[0..case[0]], 0));
        end = address + case[0];
    }
    try std.testing.expectEqual(null, take(capacity - 8, 1));
    try std.testing.expectEqual(null, take(std.math.maxInt(usize), 1));
    try std.testing.expectEqual(null, take(8, 1 << 63));
    while (take(4096, 1) != null) {}
    try std.testing.expect(used.load(.monotonic) > capacity - 8192);
    try std.testing.expect(!contains(end + capacity));
    @memset(memory[begin..], 0);
}
