//! The walk over live blocks against what the test itself allocated.

const std = @import("std");
const calls = @import("calls.zig");
const harness = @import("harness.zig");
const walking = @import("walk.zig");

const testing = std.testing;
const Pool = harness.Pool;
const MiB = 1 << 20;

const Found = std.AutoHashMapUnmanaged(usize, usize);

/// All of a walk, in pieces as small as they may be; no address comes twice.
fn walkAll(p: Pool) !Found {
    var found: Found = .empty;
    errdefer found.deinit(testing.allocator);
    var at: u32 = 0;
    var piece: [walking.room_min]walking.Block = undefined;
    while (true) {
        const count = walking.next(p.heap, &at, &piece).?;
        if (count == 0) return found;
        for (piece[0..count]) |block| {
            const entry = try found.getOrPut(testing.allocator, block.address);
            try testing.expect(!entry.found_existing);
            entry.value_ptr.* = block.size;
        }
    }
}

test "a walk finds what is live, no more and no less, at every level" {
    for (0..4) |level| {
        const p: Pool = try .create(1, 64 * MiB, .{ .hardening = @intCast(level), .arenas = 3 });
        defer p.delete();
        var prng: std.Random.DefaultPrng = .init(level);
        const random = prng.random();
        var live: Found = .empty;
        defer live.deinit(testing.allocator);
        for (0..4000) |step| {
            const size = if (step % 50 == 0) random.uintLessThan(usize, 2 * MiB) else @as(usize, 1) << random.uintLessThan(u6, 15);
            const address = calls.allocate(1, size, 1, false) catch continue;
            try live.put(testing.allocator, address, try calls.usableSize(1, address));
            if (step % 3 != 0) continue;
            var entries = live.keyIterator();
            const wrong = entries.next().?.*;
            _ = live.remove(wrong);
            try calls.release(1, wrong);
        }
        var found = try walkAll(p);
        defer found.deinit(testing.allocator);
        try testing.expectEqual(live.count(), found.count());
        var entries = live.iterator();
        while (entries.next()) |entry| try testing.expectEqual(entry.value_ptr.*, found.get(entry.key_ptr.*).?);
        try p.expectSound();
    }
}

test "what idle threads have cached is not live" {
    const p: Pool = try .create(1, 64 * MiB, .{});
    defer p.delete();
    const Other = struct {
        fn run(pool: Pool, ready: *std.atomic.Value(bool), done: *std.atomic.Value(bool)) void {
            var blocks: [200][*]u8 = undefined;
            for (&blocks, 0..) |*block, i| block.* = pool.malloc(64 + i * 100).?;
            for (blocks[1..]) |block| pool.free(block);
            ready.store(true, .release);
            while (!done.load(.acquire)) std.Thread.yield() catch {};
        }
    };
    var ready: std.atomic.Value(bool) = .init(false);
    var done: std.atomic.Value(bool) = .init(false);
    const t = try std.Thread.spawn(.{}, Other.run, .{ p, &ready, &done });
    while (!ready.load(.acquire)) std.Thread.yield() catch {};
    var found = try walkAll(p);
    defer found.deinit(testing.allocator);
    done.store(true, .release);
    t.join();
    try testing.expectEqual(1, found.count());
}

test "blocks that live throughout are found once while others work" {
    const p: Pool = try .create(1, 64 * MiB, .{});
    defer p.delete();
    var kept: Found = .empty;
    defer kept.deinit(testing.allocator);
    for (0..3000) |i| {
        const block = p.malloc(16 + i % 700).?;
        const gap = p.malloc(16 + i % 3000).?;
        try kept.put(testing.allocator, @intFromPtr(block), 0);
        p.free(gap);
    }
    const Worker = struct {
        fn run(pool: Pool, seed: u64, done: *std.atomic.Value(bool)) void {
            var prng: std.Random.DefaultPrng = .init(seed);
            const random = prng.random();
            var own: [64]?[*]u8 = @splat(null);
            while (!done.load(.acquire)) {
                const place = &own[random.uintLessThan(usize, own.len)];
                if (place.*) |block| pool.free(block);
                place.* = pool.malloc(random.uintLessThan(usize, 40_000));
            }
            for (own) |block| if (block) |b| pool.free(b);
        }
    };
    var done: std.atomic.Value(bool) = .init(false);
    const threads = [_]std.Thread{ try std.Thread.spawn(.{}, Worker.run, .{ p, 1, &done }), try std.Thread.spawn(.{}, Worker.run, .{ p, 2, &done }) };
    defer for (threads) |t| t.join();
    defer done.store(true, .release);
    for (0..60) |_| {
        var found = try walkAll(p);
        defer found.deinit(testing.allocator);
        var entries = kept.keyIterator();
        while (entries.next()) |address| try testing.expect(found.contains(address.*));
    }
}

test "a walk goes on where slabs and runs came and went between its pieces" {
    const p: Pool = try .create(1, 64 * MiB, .{});
    defer p.delete();
    var blocks: [4000][*]u8 = undefined;
    for (&blocks) |*block| block.* = p.malloc(2000).?;
    var at: u32 = 0;
    var piece: [walking.room_min]walking.Block = undefined;
    var last: usize = 0;
    var next_free: usize = 0;
    while (true) {
        const count = walking.next(p.heap, &at, &piece).?;
        if (count == 0) break;
        for (piece[0..count]) |block| {
            try testing.expect(block.address > last);
            last = block.address;
        }
        // What lies before and behind the place becomes other things.
        for (0..300) |_| {
            if (next_free < blocks.len) p.free(blocks[next_free]);
            next_free += 2;
        }
        _ = p.malloc(9000);
        _ = p.malloc(100_000);
    }
    try p.expectSound();
}

test "a dead heap is told from one without blocks" {
    const p: Pool = try .create(1, 14 * MiB, .{});
    var at: u32 = 0;
    var piece: [walking.room_min]walking.Block = undefined;
    try testing.expectEqual(0, walking.next(p.heap, &at, &piece).?);
    p.heap.kill();
    try testing.expectEqual(null, walking.next(p.heap, &at, &piece));
    p.delete();
}
