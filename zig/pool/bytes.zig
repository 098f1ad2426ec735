//! Bytes of pools: spans that are known to lie in a pool, and what is done to them.
//!
//! A span stays readable and writable while it is held, whatever happens to its pool meanwhile. The thread that used the
//! pool last is one of its users (it is attached, or it is the pool's own), so its spans need nothing else; that is what
//! makes short ones cheap. All others count as a user of their own until they are released.
//!
//! The first page of a pool is never given out: null is there, and what is counted from null.

const std = @import("std");
const heap = @import("../heap.zig");
const registry = @import("registry.zig");
const Range = @import("Range.zig");

pub const Error = error{
    /// The pool is closed, or never was.
    DeadHandle,
    /// The bytes are not all in the pool, or in its first page.
    InvalidPointer,
};

pub const Span = struct {
    bytes: []u8,
    user: ?*Range,

    pub inline fn release(s: Span) void {
        if (s.user) |range| range.release();
    }
};

/// Longer spans always count as users: it is nothing beside what is done to them, and a close by another thread that
/// was not attached, which is misuse, then finds them too.
const short_max = 64 << 10;

/// `length` bytes from `offset` on. None are a span anywhere in a pool, at null too.
pub inline fn span(handle: usize, offset: usize, length: usize) Error!Span {
    if (length <= short_max) if (heap.memoryOf(handle)) |memory| return .{ .bytes = try part(memory, offset, length), .user = null };
    return counted(handle, offset, length);
}

noinline fn counted(handle: usize, offset: usize, length: usize) Error!Span {
    const range = registry.find(handle) orelse return error.DeadHandle;
    errdefer range.release();
    return .{ .bytes = try part(memoryOf(range), offset, length), .user = range };
}

/// All bytes from `offset` on, but not more than `limit`.
pub inline fn tail(handle: usize, offset: usize, limit: usize) Error!Span {
    // What is looked for here is near, as a rule.
    if (heap.memoryOf(handle)) |memory| return .{ .bytes = try rest(memory, offset, limit), .user = null };
    return countedTail(handle, offset, limit);
}

noinline fn countedTail(handle: usize, offset: usize, limit: usize) Error!Span {
    const range = registry.find(handle) orelse return error.DeadHandle;
    errdefer range.release();
    return .{ .bytes = try rest(memoryOf(range), offset, limit), .user = range };
}

inline fn rest(memory: heap.Memory, offset: usize, limit: usize) Error![]u8 {
    if (offset >= memory.bytes.len) return error.InvalidPointer;
    return part(memory, offset, @min(limit, memory.bytes.len - offset));
}

fn memoryOf(range: *const Range) heap.Memory {
    const first: [*]u8 = @ptrFromInt(range.region.base);
    return .{ .bytes = first[0..range.region.size], .low = range.region.lead + heap.page_size };
}

inline fn part(memory: heap.Memory, offset: usize, length: usize) Error![]u8 {
    if (offset > memory.bytes.len or length > memory.bytes.len - offset) return error.InvalidPointer;
    if (offset < memory.low and length > 0) return error.InvalidPointer;
    return memory.bytes[offset..][0..length];
}

/// Both may overlap.
pub inline fn copy(to: []u8, from: []const u8) void {
    @memmove(to, from);
}

/// Repeats a pattern, which may lie in the bytes too and is not empty; the last one may be cut off.
pub fn fill(to: []u8, pattern: []const u8) void {
    if (pattern.len == 1) return @memset(to, pattern[0]);
    var done = @min(to.len, pattern.len);
    @memmove(to[0..done], pattern[0..done]);
    // Doubling, and from half of a first-level cache on always what is there already.
    const chunk_max = @max(pattern.len, (16 << 10) / pattern.len * pattern.len);
    while (done < to.len) {
        const chunk = @min(done, chunk_max, to.len - done);
        @memcpy(to[done..][0..chunk], to[0..chunk]);
        done += chunk;
    }
}

const testing = std.testing;

test "a pattern is repeated, whatever the lengths" {
    var room: [70_000]u8 = undefined;
    var pattern: [33_000]u8 = undefined;
    for (&pattern, 0..) |*byte, i| byte.* = @truncate(i *% 7 +% i / 256);
    for ([_]usize{ 1, 2, 3, 4, 8, 24, 4096, 16383, 16384, 16385, 33_000 }) |length| {
        for ([_]usize{ 0, 1, 7, 8, 9, 4097, 32768, 65537, room.len - 2 }) |count| {
            @memset(&room, 0xaa);
            fill(room[1..][0..count], pattern[0..length]);
            for (room[1..][0..count], 0..) |byte, i| try testing.expectEqual(pattern[i % length], byte);
            try testing.expectEqual(0xaa, room[0]);
            try testing.expectEqual(0xaa, room[count + 1]);
        }
    }
}

test "a pattern may lie in what is filled" {
    var room = "0123456789".*;
    fill(room[1..], room[3..6]);
    try testing.expectEqualStrings("0345345345", &room);
}
