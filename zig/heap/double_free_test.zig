//! What two threads that free one block at the same time can do at hardening level 2: both may find its byte at "live",
//! and the block lies in two caches. One of them may hand it out when its pages have long become something else; the
//! heap's own state stays whole all the same.

const std = @import("std");
const testing = std.testing;
const calls = @import("calls.zig");
const classes = @import("classes.zig");
const harness = @import("harness.zig");
const thread = @import("thread.zig");
const Cache = @import("Cache.zig");

const Pool = harness.Pool;
const Face = Pool.Face(true);
const MiB = 1 << 20;

fn malloc(size: usize) usize {
    return @intFromPtr(thread.malloc(Face, 1, size).?);
}

fn free(block: usize) void {
    std.debug.assert(thread.free(Face, 1, block, block));
}

/// The other thread's free, which is first to clear the byte; its end empties its cache.
fn freeElsewhere(block: usize) !void {
    (try std.Thread.spawn(.{}, free, .{block})).join();
}

/// A block of `size` that is free and in this thread's cache all the same, and whose pages belong to nobody.
fn stale(p: Pool, size: usize, index: usize) !usize {
    var blocks: [4096]usize = undefined;
    const count = @min(blocks.len, 32 * classes.page_size / size);
    for (blocks[0..count]) |*block| block.* = malloc(size);
    const block = blocks[index % count];
    for (blocks[0..count]) |other| if (other != block) free(other);
    _ = p.heap.trim();
    const bin = &thread.ownCache(1).?.bins[thread.smallClass(true, size)];
    var others: [256]usize = undefined; // all that the bin has, so that it keeps no slab
    var count_others: usize = 0;
    while (count_others == 0 or bin.sp > bin.lo) : (count_others += 1) others[count_others] = malloc(size);
    // As if this thread had looked at the byte before the other cleared it.
    try testing.expect(Cache.push(bin, block));
    try freeElsewhere(block);
    for (others[0..count_others]) |other| try freeElsewhere(other);
    return block;
}

test "a block that lies in two caches is handed out when its pages have become something else" {
    const sizes = [_]usize{ 16, 48, 64, 96, 1024, 4096 };
    var handed_out: u32 = 0;
    for (sizes) |size| for (0..130) |index| {
        const other = if (index % 2 == 0) 20_000 else sizes[index / 2 % sizes.len];
        if (other == size) continue;
        const p: Pool = try .create(1, 2 * MiB, .{ .hardening = 2 });
        defer p.delete();
        thread.hooks.checked = true;
        p.heap.runs.mark = std.math.maxInt(u32); // the cache keeps the block while the pool grows
        const block = try stale(p, size, index);
        // Whatever takes the pages now, a run or slabs of another class.
        var taken: [400]usize = undefined;
        const count = @min(taken.len, 1 + MiB / other);
        for (taken[0..count]) |*each| each.* = malloc(other);
        if (block == malloc(size)) handed_out += 1;
        try p.expectSoundAsIs();
        for (taken[0..count]) |each| calls.release(1, each) catch {};
        try p.expectSound();
    };
    try testing.expect(handed_out > 300);
}
