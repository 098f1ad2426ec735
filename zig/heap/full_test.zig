//! A full pool: its "no" is cheap (Fullness.zig), and over as soon as anything is free.

const std = @import("std");
const calls = @import("calls.zig");
const harness = @import("harness.zig");

const testing = std.testing;
const Pool = harness.Pool;
const MiB = 1 << 20;

/// Blocks of one size until the pool has no more, twice refused, in a list whose links lie in the blocks.
const Blocks = struct {
    first: ?[*]u8 = null,

    fn fill(p: Pool, size: usize) Blocks {
        var blocks: Blocks = .{};
        while (p.malloc(size)) |block| {
            @as(*?[*]u8, @ptrCast(@alignCast(block))).* = blocks.first;
            blocks.first = block;
        }
        std.debug.assert(p.malloc(size) == null);
        return blocks;
    }

    fn take(blocks: *Blocks) ?[*]u8 {
        const block = blocks.first orelse return null;
        blocks.first = @as(*?[*]u8, @ptrCast(@alignCast(block))).*;
        return block;
    }

    fn freeAll(blocks: *Blocks, p: Pool) void {
        while (blocks.take()) |block| p.free(block);
    }
};

test "a full pool knows what it refused, until a block is freed" {
    for ([_]usize{ 64, 5000, 40_000, 2 * MiB }) |size| {
        const p: Pool = try .create(1, 14 * MiB, .{});
        defer p.delete();
        var blocks: Blocks = .fill(p, size);
        try testing.expect(p.heap.runs.full.known.raw);
        for (0..3) |_| {
            p.free(blocks.take().?); // into the cache, but for what is too large for it
            const again = p.malloc(size) orelse return error.OutOfMemory;
            try testing.expectEqual(null, p.malloc(size));
            p.free(again);
            try testing.expect(p.malloc(size) != null);
            try testing.expectEqual(null, p.malloc(size));
        }
        try p.expectSound();
    }
}

test "other sizes are refused or served on their own account" {
    const p: Pool = try .create(1, 14 * MiB, .{});
    defer p.delete();
    const one = p.malloc(100).?; // its slab has room for more
    var blocks: Blocks = .fill(p, 40_000);
    defer blocks.freeAll(p);
    var smaller: Blocks = .fill(p, 5000);
    defer smaller.freeAll(p);
    try testing.expectEqual(null, p.malloc(40_000));
    const more = p.malloc(100) orelse return error.OutOfMemory;
    p.free(more);
    p.free(one);
    try testing.expectEqual(null, p.malloc(40_000));
    try p.expectSound();
}

test "what shrinks, what another thread caches and what a reset frees is noticed" {
    const p: Pool = try .create(1, 14 * MiB, .{});
    defer p.delete();
    const large = try calls.allocate(1, 4 * MiB, 1, false);
    var blocks: Blocks = .fill(p, 40_000);
    _ = try calls.resize(1, large, 3 * MiB);
    const after_shrink = p.malloc(40_000) orelse return error.OutOfMemory;
    p.free(after_shrink);
    var rest: Blocks = .fill(p, 40_000);

    const Other = struct {
        fn run(pool: Pool, block: [*]u8) void {
            pool.free(block); // its first: the slow way
            const own = pool.malloc(40_000).?;
            pool.free(own);
        }
        fn stay(pool: Pool, block: [*]u8, stage: *std.atomic.Value(u32)) void {
            const own = pool.malloc(64); // a cache of its own
            if (own) |each| pool.free(each);
            stage.store(1, .release);
            while (stage.load(.acquire) != 2) std.atomic.spinLoopHint();
            pool.free(block); // stays in the cache
            stage.store(3, .release);
            while (stage.load(.acquire) != 4) std.atomic.spinLoopHint();
        }
    };
    const ended = try std.Thread.spawn(.{}, Other.run, .{ p, blocks.take().? });
    ended.join();
    try testing.expect(p.malloc(40_000) != null);
    try testing.expectEqual(null, p.malloc(40_000));

    var stage: std.atomic.Value(u32) = .init(0);
    const staying = try std.Thread.spawn(.{}, Other.stay, .{ p, blocks.take().?, &stage });
    while (stage.load(.acquire) != 1) std.atomic.spinLoopHint();
    while (p.malloc(40_000)) |_| {}
    try testing.expectEqual(null, p.malloc(40_000));
    stage.store(2, .release);
    while (stage.load(.acquire) != 3) std.atomic.spinLoopHint();
    try testing.expect(p.malloc(40_000) != null);
    stage.store(4, .release);
    staying.join();

    rest.first = null;
    blocks.first = null;
    try testing.expect(@import("reset.zig").reset(p.heap));
    try testing.expect(p.malloc(40_000) != null);
    try p.expectSound();
}

test "an address that lacks alignment and a heap of level 3 are tried each time" {
    const p: Pool = try .create(1, 14 * MiB, .{});
    defer p.delete();
    try testing.expectError(error.OutOfMemory, calls.allocate(1, 6 * MiB, 1 << 40, false));
    const block = try calls.allocate(1, 6 * MiB, 1, false);
    try calls.release(1, block);

    const q: Pool = try .create(2, 14 * MiB, .{ .hardening = 3 });
    defer q.delete();
    while (q.malloc(40_000)) |_| {}
    try testing.expectEqual(null, q.malloc(40_000));
    try testing.expect(!q.heap.runs.full.hasClass(@import("classes.zig").ofSize(40_000)));
}
