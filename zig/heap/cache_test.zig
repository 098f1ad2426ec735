//! What thread caches and depots hold, and when they grow.

const std = @import("std");
const calls = @import("calls.zig");
const classes = @import("classes.zig");
const depot = @import("depot.zig");
const harness = @import("harness.zig");
const thread = @import("thread.zig");
const Cache = @import("Cache.zig");

const testing = std.testing;
const Pool = harness.Pool;
const MiB = 1 << 20;
const class = classes.ofSize(64);

/// Blocks in the calling thread's bin, and how many it may hold.
fn fillOf(c: *const Cache) struct { blocks: usize, limit: usize } {
    const bin = &c.bins[class];
    return .{ .blocks = (bin.sp - bin.lo) / @sizeOf(usize), .limit = (bin.hi - bin.lo) / @sizeOf(usize) };
}

fn takeAndGive(p: Pool, blocks: [][*]u8) void {
    for (blocks) |*block| block.* = p.malloc(64).?;
    for (blocks) |block| p.free(block);
}

test "a stream grows a bin a little, turns of it more" {
    const p: Pool = try .create(1, 64 * MiB, .{});
    defer p.delete();
    var blocks: [5000][*]u8 = undefined;
    for (&blocks) |*block| block.* = p.malloc(64).?;
    const c = thread.ownCache(1).?;
    try testing.expectEqual(255, fillOf(c).limit);
    for (blocks) |block| p.free(block);
    try testing.expectEqual(511, fillOf(c).limit);
    for (0..2) |_| takeAndGive(p, &blocks);
    try testing.expectEqual(1023, fillOf(c).limit);
    try p.expectEmpty();
}

test "where storage is given back in time, a bin stays small" {
    const p: Pool = try .create(1, 64 * MiB, .{ .lazy = true });
    defer p.delete();
    var blocks: [5000][*]u8 = undefined;
    for (0..3) |_| takeAndGive(p, &blocks);
    try testing.expectEqual(255, fillOf(thread.ownCache(1).?).limit);
}

test "a bin that ran into an end is far from both" {
    const p: Pool = try .create(1, 64 * MiB, .{});
    defer p.delete();
    var blocks: [5000][*]u8 = undefined;
    for (0..3) |_| takeAndGive(p, &blocks);
    const c = thread.ownCache(1).?;
    while (fillOf(c).blocks > 0) _ = p.malloc(64).?;
    _ = p.malloc(64).?;
    try testing.expectEqual(depot.batch_max - 1, fillOf(c).blocks);
    var full = fillOf(c);
    var freed: usize = 0;
    while (full.blocks < full.limit) : (freed += 1) {
        p.free(blocks[freed]);
        full = fillOf(c);
    }
    p.free(blocks[freed]);
    try testing.expectEqual(full.limit - depot.batch_max + 1, fillOf(c).blocks);
}

test "a depot takes what it has room and budget for, and gives it back" {
    const p: Pool = try .create(1, 14 * MiB, .{});
    defer p.delete();
    const h = p.heap;
    var buffer: [depot.batch_max]usize = undefined;
    const cells = buffer[0..h.takeBlocks(0, class, &buffer)]; // those of a slab
    try testing.expect(cells.len > 20);
    try testing.expect(depot.give(h, 0, class, cells));
    try testing.expectEqual(cells.len * 64, h.budget_used);
    var back: [depot.batch_max]usize = undefined;
    try testing.expectEqual(10, depot.take(h, 0, class, back[0..10]));
    try testing.expectEqualSlices(usize, cells[cells.len - 10 ..], back[0..10]);
    try testing.expectEqual(cells.len - 10, depot.take(h, 0, class, back[10..]));
    try testing.expectEqual(0, depot.take(h, 0, class, &back));
    try testing.expectEqual(0, h.budget_used);

    // Eight blocks of 1 MiB are more than a 32nd of the pool.
    try testing.expect(!depot.give(h, 0, classes.ofSize(MiB), cells[0..8]));
    h.putBlocks(class, back[0..cells.len]);
    try p.expectEmpty();
}

test "what lies in depots is taken back" {
    const p: Pool = try .create(1, 14 * MiB, .{});
    defer p.delete();
    var cells: [100]usize = undefined;
    const count = p.heap.takeBlocks(0, class, &cells);
    try testing.expect(depot.give(p.heap, 0, class, cells[0..count]));
    try p.expectEmpty();
}

test "a heap without budget serves one block at a time" {
    const p: Pool = try .create(1, 14 * MiB, .{});
    defer p.delete();
    p.heap.budget_used = 1 << 30;
    thread.flushThread();
    var blocks: [300][*]u8 = undefined;
    takeAndGive(p, &blocks);
    const held = thread.ownCache(1).?.held;
    try testing.expect(held <= p.heap.fairShare());
    p.heap.budget_used = held;
    try p.expectEmpty();
}

test "the hot path of aligned blocks gives what the slow one does" {
    const p: Pool = try .create(1, 64 * MiB, .{});
    defer p.delete();
    const Face = Pool.Face(false);
    var alignment: usize = 1;
    while (alignment <= 8192) : (alignment *= 2) {
        for ([_]usize{ 0, 1, 8, 9, 63, 64, 65, 500, 4096, 4097, 14_336, 14_337, MiB - 4096, MiB, MiB + 1, std.math.maxInt(usize) }) |size| {
            const slow = calls.allocate(1, size, alignment, false) catch {
                try testing.expectEqual(null, thread.mallocAligned(Face, 1, size, alignment));
                continue;
            };
            const usable = try calls.usableSize(1, slow);
            p.free(@ptrFromInt(slow)); // now the cache has one, unless nothing caches it
            const hot = thread.mallocAligned(Face, 1, size, alignment) orelse {
                try testing.expect(size == 0 or alignment > 4096 or size >= MiB - 4096); // more than the budget
                continue;
            };
            try testing.expect(hot % alignment == 0 and size > 0);
            try testing.expectEqual(usable, try calls.usableSize(1, hot));
            p.free(@ptrFromInt(hot));
        }
    }
    try p.expectEmpty();
}

test "a run that came through the cache has room to grow" {
    const p: Pool = try .create(1, 64 * MiB, .{});
    defer p.delete();
    for (0..4) |_| {
        const block = @intFromPtr(p.malloc(20_000).?);
        try testing.expect(try calls.resizeInPlace(1, block, 512 << 10));
        p.free(@ptrFromInt(block));
        thread.flushThread();
    }
    try p.expectEmpty();
}
