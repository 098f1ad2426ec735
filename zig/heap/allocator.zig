//! A heap as a `std.mem.Allocator`, so that the standard library's conformance tests judge it too.

const std = @import("std");
const Alignment = std.mem.Alignment;
const calls = @import("calls.zig");
const harness = @import("harness.zig");

/// Of the pool of a handle; valid while the pool is.
pub fn of(handle: usize) std.mem.Allocator {
    return .{ .ptr = @ptrFromInt(handle), .vtable = &.{ .alloc = alloc, .resize = resize, .remap = remap, .free = free } };
}

fn alloc(handle: *anyopaque, len: usize, alignment: Alignment, _: usize) ?[*]u8 {
    return @ptrFromInt(calls.allocate(@intFromPtr(handle), len, alignment.toByteUnits(), false) catch return null);
}

fn resize(handle: *anyopaque, memory: []u8, _: Alignment, len: usize, _: usize) bool {
    return calls.resizeInPlace(@intFromPtr(handle), @intFromPtr(memory.ptr), len) catch false;
}

/// Moving keeps only a block's natural alignment: what needs more is copied by the caller.
fn remap(handle: *anyopaque, memory: []u8, alignment: Alignment, len: usize, ret: usize) ?[*]u8 {
    if (resize(handle, memory, alignment, len, ret)) return memory.ptr;
    if (alignment.toByteUnits() > 8) return null;
    return @ptrFromInt(calls.resize(@intFromPtr(handle), @intFromPtr(memory.ptr), len) catch return null);
}

fn free(handle: *anyopaque, memory: []u8, _: Alignment, _: usize) void {
    calls.release(@intFromPtr(handle), @intFromPtr(memory.ptr)) catch unreachable;
}

test "the standard library's conformance tests pass at every hardening level" {
    for ([_]u8{ 1, 2 }) |hardening| {
        const pool: harness.Pool = try .create(8, 64 << 20, .{ .hardening = hardening });
        defer pool.delete();
        const allocator = of(8);
        try std.heap.testAllocator(allocator);
        try std.heap.testAllocatorAligned(allocator);
        try std.heap.testAllocatorLargeAlignment(allocator);
        try std.heap.testAllocatorAlignedShrink(allocator);
        try pool.expectEmpty();
    }
}

test "containers of the standard library live in a heap" {
    const pool: harness.Pool = try .create(8, 64 << 20, .{ .hardening = 2 });
    defer pool.delete();
    const allocator = of(8);
    var map: std.AutoHashMapUnmanaged(u32, []u8) = .empty;
    for (0..10_000) |i| {
        const n: u32 = @intCast(i);
        const text = try std.fmt.allocPrint(allocator, "number {d}", .{n});
        try map.put(allocator, n, text);
        if (i >= 5000) allocator.free(map.fetchRemove(n - 5000).?.value);
    }
    var entries = map.iterator();
    while (entries.next()) |entry| {
        var buffer: [32]u8 = undefined;
        try std.testing.expectEqualStrings(try std.fmt.bufPrint(&buffer, "number {d}", .{entry.key_ptr.*}), entry.value_ptr.*);
        allocator.free(entry.value_ptr.*);
    }
    map.deinit(allocator);
    try pool.expectEmpty();
}
