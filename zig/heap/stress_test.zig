//! A heap under misuse and under threads that get in each other's way. Short: `zig build fuzz` goes on for longer.

const std = @import("std");
const testing = std.testing;
const options = @import("options");
const calls = @import("calls.zig");
const harness = @import("harness.zig");
const thread = @import("thread.zig");

const Pool = harness.Pool;
const MiB = 1 << 20;

// --- Misuse ---------------------------------------------------------------------------------------

/// Blocks of random sizes, their contents verified before they are freed.
const Model = struct {
    pool: Pool,
    random: std.Random,
    slots: [200][]u8 = @splat(&.{}),

    fn tag(block: []const u8) u8 {
        return @truncate(@intFromPtr(block.ptr) >> 4 ^ block.len);
    }

    fn step(m: *Model) !void {
        const slot = &m.slots[m.random.uintLessThan(usize, m.slots.len)];
        try m.drop(slot);
        const size = @as(usize, 1) << m.random.uintLessThan(u6, 17);
        const len = size + m.random.uintLessThan(usize, size);
        const block = m.pool.malloc(len) orelse return;
        slot.* = block[0..len];
        @memset(slot.*, tag(slot.*));
    }

    fn drop(m: *Model, slot: *[]u8) !void {
        if (slot.len == 0) return;
        try testing.expect(std.mem.allEqual(u8, slot.*, tag(slot.*)));
        m.pool.free(slot.ptr);
        slot.* = &.{};
    }

    fn dropAll(m: *Model) !void {
        for (&m.slots) |*slot| try m.drop(slot);
    }
};

test "misuse at every level leaves the heap whole, and the work goes on" {
    for ([_]u8{ 0, 1, 2, 3 }) |level| {
        const p: Pool = try .create(1, 14 * MiB, .{ .hardening = level });
        defer p.delete();
        const other: Pool = try .create(2, 14 * MiB, .{ .hardening = level });
        defer other.delete();
        var state: std.Random.DefaultPrng = .init(level);
        var model: Model = .{ .pool = p, .random = state.random() };
        for (0..400) |_| try model.step();

        // The victims are nobody else's blocks, whatever comes of them.
        const sizes = [_]usize{ 8, 24, 64, 100, 1000, 4096, 14336, 20_000, 300_000, 3 * MiB };
        for (sizes, 0..) |size, round| {
            try twice(p, size);
            try inside(p, size);
            const block = other.malloc(size).?;
            p.free(block);
            other.free(block);
            var local: [16]u64 = undefined;
            p.free(@ptrCast(&local));
            p.free(@ptrFromInt(p.heap.base));
            p.free(@ptrFromInt(p.heap.base + 14 * MiB - 8));
            p.free(@ptrFromInt(p.heap.base + 14 * MiB));
            p.free(@ptrFromInt(std.math.maxInt(usize) - round));
            try p.expectSound();
        }
        // Everything wrong has been drained by now: nothing of it is in any cache.
        try testing.expect(level == 0 or harness.misuse.load(.monotonic) > 0);
        for (0..2000) |_| try model.step();
        try p.expectSound();
        try model.dropAll();
        try p.expectEmpty();
        try other.expectEmpty();
    }
}

fn twice(p: Pool, size: usize) !void {
    const a = p.malloc(size).?;
    const b = p.malloc(size).?;
    p.free(a);
    p.free(a);
    p.free(b);
    p.free(a);
    p.free(b);
    try p.expectSound();
    // Also when its pages have become something else.
    const large = p.malloc(MiB).?;
    p.free(a);
    p.free(large);
    try p.expectSound();
}

fn inside(p: Pool, size: usize) !void {
    const block = p.malloc(size).?;
    for ([_]usize{ 1, 7, 8, 16, 24, size / 2, size - 1 }) |offset| {
        if (offset == 0 or offset >= size) continue;
        p.free(block + offset);
    }
    try p.expectSound();
    p.free(block);
    try p.expectSound();
}

test "what is written past a block's end reaches no bookkeeping" {
    for ([_]u8{ 1, 2 }) |level| {
        const p: Pool = try .create(1, 14 * MiB, .{ .hardening = level });
        defer p.delete();
        var blocks: [64][*]u8 = undefined;
        for ([_]usize{ 16, 100, 4096, 20_000 }) |size| {
            for (&blocks) |*block| block.* = p.malloc(size).?;
            for (blocks) |block| @memset((block - 4000)[0 .. size + 8000], 0xff);
            try p.expectSound();
            for (blocks) |block| p.free(block);
            for (blocks) |block| @memset(block[0..size], 0xff);
            try p.expectSound();
        }
        try p.expectEmpty();
    }
}

test "level 3 without guard pages: all of a pool may be touched" {
    const p: Pool = try .create(1, 14 * MiB, .{ .hardening = 3, .guards = false });
    defer p.delete();
    for ([_]usize{ 100, 20_000, 5 * MiB }) |size| {
        const block = p.malloc(size).?;
        const all: [*]u8 = @ptrFromInt(p.heap.base);
        @memset(all[0 .. 14 * MiB], 0xff);
        p.free(block);
        try p.expectSound();
    }
    try p.expectEmpty();
}

test "stale pointers of threads at work do no harm" {
    if (options.thread_sanitizer) return error.SkipZigTest; // they are data races of the user's
    const Shared = struct {
        stop: std.atomic.Value(u32) = .init(0),
        blocks: [64]std.atomic.Value(usize) = @splat(.init(0)),

        /// Frees what another thread may be freeing, too.
        fn churn(s: *@This(), seed: u64) void {
            var state: std.Random.DefaultPrng = .init(seed);
            const random = state.random();
            while (s.stop.load(.monotonic) == 0) {
                const slot = &s.blocks[random.uintLessThan(usize, s.blocks.len)];
                calls.release(1, slot.load(.monotonic)) catch {};
                const size = if (random.boolean()) 20_000 + random.uintLessThan(usize, 200_000) else random.uintLessThan(usize, 8000);
                slot.store(calls.allocate(1, size, 1, false) catch continue, .monotonic);
            }
        }

        fn ask(s: *@This()) void {
            var i: usize = 0;
            while (s.stop.load(.monotonic) == 0) : (i += 1) {
                const block = s.blocks[i % s.blocks.len].load(.monotonic);
                _ = calls.resizeInPlace(1, block, 20_000 + i % 40 * 4096) catch {};
                _ = calls.usableSize(1, block) catch {};
                _ = calls.owns(1, block) catch {};
            }
        }
    };
    for ([_]u8{ 1, 2, 3 }) |level| {
        const p: Pool = try .create(1, 14 * MiB, .{ .hardening = level });
        defer p.delete();
        var s: Shared = .{};
        const asking = try std.Thread.spawn(.{}, Shared.ask, .{&s});
        const churning = [_]std.Thread{
            try std.Thread.spawn(.{}, Shared.churn, .{ &s, 1 }),
            try std.Thread.spawn(.{}, Shared.churn, .{ &s, 2 }),
        };
        for (0..200) |_| try p.expectSound();
        s.stop.store(1, .monotonic);
        asking.join();
        for (churning) |t| t.join();
        try p.expectSound();
    }
}

// --- Threads --------------------------------------------------------------------------------------

/// Threads hand blocks to each other through a table, end, and are followed by others, while one takes back what they
/// cache and has the walker look, without a pause. Whoever frees or grows a block verifies its contents first.
const Relay = struct {
    pool: Pool,
    table: [512]std.atomic.Value(usize) = @splat(.init(0)),
    lanes_left: std.atomic.Value(u32) = .init(lanes),
    damaged: std.atomic.Value(u32) = .init(0),
    refused: std.atomic.Value(u32) = .init(0),
    unsound: std.atomic.Value(u32) = .init(0),

    const lanes = 4;
    const lives = 5;
    const operations = 8000;
    const size_min = @sizeOf(usize);

    /// A block's first word is its length, the rest a byte made of it and the address.
    fn fill(address: usize, len: usize) void {
        const word: *align(1) usize = @ptrFromInt(address);
        word.* = len;
        @memset(body(address, len), pattern(address, len));
    }

    fn body(address: usize, len: usize) []u8 {
        return @as([*]u8, @ptrFromInt(address))[size_min..len];
    }

    fn pattern(address: usize, len: usize) u8 {
        return @truncate((address >> 4) +% len *% 31);
    }

    /// The block's length; counts it if it is damaged.
    fn verify(r: *Relay, address: usize) usize {
        const word: *align(1) const usize = @ptrFromInt(address);
        const len = word.*;
        if (len < size_min or len > 1 << 20) {
            r.note(&r.damaged);
            return size_min;
        }
        if (!std.mem.allEqual(u8, body(address, len), pattern(address, len))) r.note(&r.damaged);
        return len;
    }

    fn note(_: *Relay, count: *std.atomic.Value(u32)) void {
        _ = count.fetchAdd(1, .monotonic);
    }

    fn randomSize(random: std.Random) usize {
        const size = @as(usize, size_min) << random.uintLessThan(u6, if (random.uintLessThan(u8, 32) == 0) 14 else 8);
        return size + random.uintLessThan(usize, size);
    }

    fn life(r: *Relay, comptime Face: type, seed: u64) void {
        var state: std.Random.DefaultPrng = .init(seed);
        const random = state.random();
        for (0..operations) |_| {
            const len = randomSize(random);
            const new: usize = switch (random.uintLessThan(u8, 8)) {
                0 => calls.allocate(1, len, @as(usize, 1) << random.uintLessThan(u6, 14), false) catch 0,
                1 => zeroed(r, len),
                else => if (thread.malloc(Face, 1, len)) |block| @intFromPtr(block) else 0,
            };
            if (new != 0) fill(new, len);
            const slot = &r.table[random.uintLessThan(usize, r.table.len)];
            const old = slot.swap(new, .acq_rel);
            if (old != 0) r.end(Face, old, random);
        }
    }

    fn zeroed(r: *Relay, len: usize) usize {
        const address = calls.allocate(1, len, 1, true) catch return 0;
        if (!std.mem.allEqual(u8, @as([*]u8, @ptrFromInt(address))[0..len], 0)) r.note(&r.damaged);
        return address;
    }

    /// Frees somebody's block, or gives it another size first.
    fn end(r: *Relay, comptime Face: type, block: usize, random: std.Random) void {
        var address = block;
        const len = r.verify(address);
        if (random.uintLessThan(u8, 4) == 0) if (calls.resize(1, address, randomSize(random))) |moved| {
            const word: *align(1) const usize = @ptrFromInt(moved);
            if (word.* != len) r.note(&r.damaged);
            address = moved;
        } else |err| if (err != error.OutOfMemory) r.note(&r.refused);
        if (!thread.free(Face, 1, address, address)) r.note(&r.refused);
    }

    fn lane(r: *Relay, comptime Face: type, number: u64) void {
        for (0..lives) |i| {
            const t = std.Thread.spawn(.{}, life, .{ r, Face, number * 100 + i }) catch break;
            t.join();
        }
        _ = r.lanes_left.fetchSub(1, .release);
    }

    fn thief(r: *Relay) void {
        var round: usize = 0;
        while (r.lanes_left.load(.acquire) > 0) : (round += 1) {
            switch (round % 3) {
                0 => _ = r.pool.heap.trim(),
                1 => r.pool.expectSound() catch r.note(&r.unsound),
                else => _ = r.pool.heap.stats(),
            }
        }
    }

    fn run(comptime Face: type, wanted: Pool.Options) !void {
        const p: Pool = try .create(1, 24 * MiB, wanted);
        defer p.delete();
        thread.hooks.checked = Face.checked;
        var r: Relay = .{ .pool = p };
        const robber = try std.Thread.spawn(.{}, thief, .{&r});
        var threads: [lanes]std.Thread = undefined;
        for (&threads, 1..) |*t, number| t.* = try std.Thread.spawn(.{}, lane, .{ &r, Face, number });
        for (threads) |t| t.join();
        robber.join();
        for (&r.table) |*slot| if (slot.raw != 0) {
            _ = r.verify(slot.raw);
            try calls.release(1, slot.raw);
        };
        try testing.expectEqual(0, r.damaged.raw);
        try testing.expectEqual(0, r.refused.raw);
        try testing.expectEqual(0, r.unsound.raw);
        try testing.expectEqual(0, harness.misuse.load(.monotonic));
        thread.flushThread();
        try p.expectEmpty();
        try testing.expectEqual(0, p.heap.budget_used);
        try testing.expectEqual(0, p.heap.threads);
    }
};

test "threads hand blocks to each other, end and return, beside a thief" {
    try Relay.run(Pool.Face(false), .{ .arenas = 2 });
    try Relay.run(Pool.Face(true), .{ .arenas = 2, .hardening = 2, .lazy = true });
}
