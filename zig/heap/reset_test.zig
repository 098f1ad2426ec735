//! Freeing everything at once: alone, with other threads' caches about, and while they are at work.

const std = @import("std");
const testing = std.testing;
const os = @import("../os.zig");
const calls = @import("calls.zig");
const harness = @import("harness.zig");
const thread = @import("thread.zig");
const reset = @import("reset.zig").reset;

const Pool = harness.Pool;
const MiB = 1 << 20;
const sizes = [_]usize{ 8, 24, 100, 1000, 4096, 14336, 20_000, 300_000, 2 * MiB };

fn fillUp(p: Pool, size: usize) usize {
    var count: usize = 0;
    while (p.malloc(size)) |block| : (count += 1) @memset(block[0..size], 0xee);
    return count;
}

test "a pool is as empty after a reset as when it was new, at every level" {
    for ([_]u8{ 0, 1, 2, 3 }) |level| for ([_]bool{ false, true }) |lazy| {
        const p: Pool = try .create(1, 5 * MiB, .{ .hardening = level, .lazy = lazy, .decay_ms = -1 });
        defer p.delete();
        try testing.expect(reset(p.heap)); // of nothing
        try p.expectEmpty();
        for (sizes) |size| {
            const first = fillUp(p, size);
            try testing.expect(reset(p.heap));
            try p.expectEmpty();
            // Some of everything, some of it freed: slabs in part, runs between free ones, full caches.
            for (sizes) |other| for (0..20) |i| {
                const block = p.malloc(other) orelse break;
                if (i % 3 == 0) p.free(block);
            };
            try testing.expect(reset(p.heap));
            try p.expectEmpty();
            try testing.expectEqual(first, fillUp(p, size));
            try testing.expect(reset(p.heap));
        }
        try p.expectEmpty();
        try testing.expectEqual(0, harness.misuse.load(.monotonic));
    };
}

test "what was used before a reset is not taken for zeros after it" {
    for ([_]bool{ false, true }) |lazy| {
        const p: Pool = try .create(1, 32 * MiB, .{ .lazy = lazy });
        defer p.delete();
        for ([_]usize{ 5 * MiB, 300_000, 64 }) |size| _ = fillUp(p, size);
        for ([_]usize{ 5 * MiB, 300_000, 64 }) |size| {
            try testing.expect(reset(p.heap));
            for (0..3) |_| {
                const block: [*]const u8 = @ptrFromInt(try calls.allocate(1, size, 1, true));
                try testing.expect(std.mem.allEqual(u8, block[0..size], 0));
            }
        }
    }
}

test "storage is kept, or given back at once where that is wanted" {
    for ([_]i64{ -1, 0 }) |decay_ms| {
        const p: Pool = try .create(1, 64 * MiB, .{ .lazy = true, .decay_ms = decay_ms });
        defer p.delete();
        _ = fillUp(p, 3 * MiB);
        const committed = p.region.committed();
        try testing.expect(reset(p.heap));
        try testing.expectEqual(if (decay_ms == 0) 0 else committed, p.region.committed());
        try p.expectEmpty();
    }
}

test "a block of before the reset is refused at level 2" {
    const p: Pool = try .create(1, 14 * MiB, .{ .hardening = 2 });
    defer p.delete();
    for (sizes) |size| {
        const old = @intFromPtr(p.malloc(size).?);
        try testing.expect(reset(p.heap));
        try testing.expectError(error.InvalidPointer, calls.release(1, old));
        try testing.expect(!try calls.owns(1, old));
    }
    try p.expectEmpty();
}

test "a reset costs what is in use, not what there was or could be" {
    const p: Pool = try .create(1, 1 << 40, .{ .lazy = true });
    defer p.delete();
    for (0..1000) |_| {
        _ = p.malloc(64).?;
        try testing.expect(reset(p.heap));
    }
    try p.expectSound();
}

/// A thread that does its rounds on request, so that its cache is there and idle in between.
const Worker = struct {
    pool: Pool,
    request: std.atomic.Value(u32) = .init(0),
    done: std.atomic.Value(u32) = .init(0),
    blocks: [3000][*]u8 = undefined,
    count: usize = 0,
    tag: u8,
    size: usize = 0,

    fn run(w: *Worker) void {
        var round: u32 = 0;
        while (true) {
            while (w.request.load(.acquire) == round) os.thread.yield();
            round += 1;
            if (w.size == 0) return;
            w.count = 0;
            while (w.count < w.blocks.len) : (w.count += 1) {
                const block = w.pool.malloc(w.size) orelse break;
                @memset(block[0..w.size], w.tag);
                w.blocks[w.count] = block;
            }
            // Something in the cache, too.
            for (0..w.count / 4) |_| {
                w.count -= 1;
                w.pool.free(w.blocks[w.count]);
            }
            w.done.store(round, .release);
        }
    }

    fn ask(w: *Worker, size: usize) void {
        w.size = size;
        _ = w.request.fetchAdd(1, .acq_rel);
    }

    fn await(w: *Worker) void {
        while (w.done.load(.acquire) != w.request.load(.monotonic)) os.thread.yield();
    }

    fn verify(w: *const Worker) !void {
        for (w.blocks[0..w.count]) |block| try testing.expect(std.mem.allEqual(u8, block[0..w.size], w.tag));
    }
};

test "threads that have cached blocks of before the reset hand out none of them" {
    for ([_]u8{ 1, 2, 3 }) |level| {
        const p: Pool = try .create(1, 14 * MiB, .{ .hardening = level, .arenas = 2 });
        defer p.delete();
        var workers: [3]Worker = undefined;
        var threads: [workers.len]std.Thread = undefined;
        for (&workers, &threads, 1..) |*w, *t, i| {
            w.* = .{ .pool = p, .tag = @intCast(i) };
            t.* = try std.Thread.spawn(.{}, Worker.run, .{w});
        }
        for ([_]usize{ 64, 1000, 5000, 64, 20_000 }) |size| {
            for (&workers) |*w| w.ask(size);
            for (&workers) |*w| w.await();
            for (&workers) |*w| try w.verify();
            try testing.expect(reset(p.heap));
            try p.expectSoundAsIs();
            try testing.expectEqual(0, p.heap.stats().allocated);
            try p.expectEmpty();
            // Their blocks and ours are apart, although their caches were those of before.
            for (&workers) |*w| w.ask(size);
            for (0..100) |_| if (p.malloc(size)) |block| @memset(block[0..size], 0xcc);
            for (&workers) |*w| w.await();
            for (&workers) |*w| try w.verify();
            try testing.expect(reset(p.heap));
            try p.expectEmpty();
        }
        for (&workers) |*w| w.ask(0);
        for (threads) |t| t.join();
        try p.expectEmpty();
        try testing.expectEqual(0, harness.misuse.load(.monotonic));
    }
}

/// Goes on while the pool is reset under it, which no program should: all it may lose is its blocks.
const Reckless = struct {
    fn run(p: Pool, stop: *std.atomic.Value(bool), seed: u64) void {
        var state: std.Random.DefaultPrng = .init(seed);
        const random = state.random();
        var blocks: [50]?[*]u8 = @splat(null);
        while (!stop.load(.monotonic)) {
            const slot = &blocks[random.uintLessThan(usize, blocks.len)];
            if (slot.*) |block| p.free(block);
            slot.* = p.malloc(sizes[random.uintLessThan(usize, 7)]);
        }
    }
};

test "a reset under threads at work leaves the heap whole" {
    for ([_]u8{ 1, 2 }) |level| {
        const p: Pool = try .create(1, 14 * MiB, .{ .hardening = level, .arenas = 2 });
        defer p.delete();
        var stop: std.atomic.Value(bool) = .init(false);
        var threads: [3]std.Thread = undefined;
        for (&threads, 0..) |*t, i| t.* = try std.Thread.spawn(.{}, Reckless.run, .{ p, &stop, i });
        for (0..300) |round| {
            try testing.expect(reset(p.heap));
            if (round % 10 == 0) try p.expectSound();
        }
        stop.store(true, .monotonic);
        for (threads) |t| t.join();
        try testing.expect(reset(p.heap));
        try p.expectEmpty();
        try testing.expect(fillUp(p, 64) * 64 >= 14 * MiB / 100 * 96);
        try p.expectSound();
    }
}

test "threads that end after a reset, or a pool that does, leave nothing" {
    const before = @import("records.zig").unused();
    for (0..20) |_| {
        const p: Pool = try .create(1, 14 * MiB, .{});
        var worker: Worker = .{ .pool = p, .tag = 1 };
        const t = try std.Thread.spawn(.{}, Worker.run, .{&worker});
        worker.ask(64);
        worker.await();
        try testing.expect(reset(p.heap));
        worker.ask(0);
        t.join();
        try p.expectEmpty();
        p.delete();
    }
    thread.flushThread();
    // Records are recycled: twenty pools and threads do not make twenty times as many.
    const after = @import("records.zig").unused();
    try testing.expect(after >= before or before - after < 256 << 10);
}

test "a dead heap is not reset" {
    const p: Pool = try .create(1, 14 * MiB, .{});
    defer p.delete();
    p.heap.kill();
    try testing.expect(!reset(p.heap));
}
