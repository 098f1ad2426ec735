//! Moving a block to where it is of less harm: programs that can change their pointers do so to empty slabs which a few survivors keep.

const std = @import("std");
const classes = @import("classes.zig");
const depot = @import("depot.zig");
const slabs = @import("slabs.zig");
const thread = @import("thread.zig");

/// Moves a small block to the lowest free place of its class in its arena if that is below it; its bytes go with it. Gives the new
/// address, and the old one is free. Null: it stays where it is, as do blocks that have pages of their own, blocks whose slab is full,
/// and what is no block. What the calling thread and the depots have cached of the class counts as free.
pub fn defragment(handle: usize, address: usize) ?usize {
    const u = thread.use(thread.here(), handle) catch return null;
    defer u.release();
    const h = u.heap;
    const found = h.find(address) orelse return null;
    if (!h.isBlockFound(found) or !classes.isSmall(found.class) or h.states) return null;
    if (u.cache) |c| c.giveBack(found.class);
    depot.drain(h, found.class);
    const d = h.metadata.descriptor(found.number);
    if (@atomicLoad(u16, &d.free, .monotonic) == 0) return null;
    var block: [1]usize = undefined;
    if (slabs.fillFromExisting(h, d.arena, found.class, &block) == 0) return null;
    const to = block[0];
    if (to > address) {
        h.putBlocks(found.class, &block);
        return null;
    }
    const size = classes.sizes[found.class];
    @memcpy(bytesAt(to, size), bytesAt(address, size));
    h.putBlocks(found.class, &.{address});
    return to;
}

fn bytesAt(address: usize, size: usize) []u8 {
    const first: [*]u8 = @ptrFromInt(address);
    return first[0..size];
}

const Pool = @import("harness.zig").Pool;

test "survivors of an irregular pattern move down, with their bytes, until slabs are empty" {
    const pool: Pool = try .create(1, 16 << 20, .{ .arenas = 1 });
    defer pool.delete();
    var blocks: [2000]?[*]u8 = undefined;
    for (&blocks, 0..) |*block, i| {
        block.* = pool.malloc(500).?;
        @memset(block.*.?[0..500], @truncate(i));
    }
    for (&blocks, 0..) |*block, i| if (i % 8 != 3 and (i * 7919) % 11 != 0) {
        pool.free(block.*.?);
        block.* = null;
    };
    const before = pool.heap.stats();
    var moved: usize = 0;
    for (&blocks, 0..) |*block, i| {
        const old = block.* orelse continue;
        if (defragment(1, @intFromPtr(old))) |new| {
            try std.testing.expect(new < @intFromPtr(old));
            block.* = @ptrFromInt(new);
            moved += 1;
        }
        for (block.*.?[0..500]) |byte| try std.testing.expectEqual(@as(u8, @truncate(i)), byte);
    }
    try std.testing.expect(moved > 100);
    const after = pool.heap.stats();
    try std.testing.expectEqual(before.allocated, after.allocated);
    try std.testing.expect(after.active < before.active / 2);
    try std.testing.expect(pool.heap.check(null));
    for (blocks) |block| if (block) |live| pool.free(live);
    try std.testing.expectEqual(0, pool.heap.stats().allocated);
}

test "what cannot or need not move stays" {
    const pool: Pool = try .create(1, 16 << 20, .{ .arenas = 1 });
    defer pool.delete();
    const lowest = pool.malloc(500).?;
    const large = pool.malloc(100_000).?;
    try std.testing.expectEqual(null, defragment(1, @intFromPtr(lowest)));
    try std.testing.expectEqual(null, defragment(1, @intFromPtr(large)));
    try std.testing.expectEqual(null, defragment(1, @intFromPtr(lowest) + 8));
    try std.testing.expectEqual(null, defragment(1, 0));
    try std.testing.expectEqual(null, defragment(2, @intFromPtr(lowest)));
    pool.free(lowest);
    pool.free(large);
}
