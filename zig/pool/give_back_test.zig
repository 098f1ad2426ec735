//! Storage of lazy pools comes back as the conf string and the caller say: by decay, at once, never; also when the thread
//! that freed it never calls again.

const std = @import("std");
const testing = std.testing;
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const pool = @import("../pool.zig");
const conf = @import("conf.zig");

const MiB = 1 << 20;
const Face = heap.harness.Pool.Face(false);
const decay_ms = 50;

/// A lazy pool on a file of the test's own folder.
const Subject = struct {
    directory: testing.TmpDir,
    handle: usize,
    range: *pool.Range,

    /// `said_ms`: what the conf string says.
    fn create(give_back: ?pool.GiveBack, said_ms: ?i64) !Subject {
        // The first pool of the process reads the conf string, and this test wants its own.
        try pool.close(try pool.create(&.{ .source = .anonymous, .maximum = 1 << 20 }));
        conf.settings.dirty_decay_ms = said_ms;
        defer conf.settings.dirty_decay_ms = null;
        var directory = testing.tmpDir(.{});
        errdefer directory.cleanup();
        var buffer: [64]u8 = undefined;
        const path = try std.fmt.bufPrintSentinel(&buffer, ".zig-cache/tmp/{s}", .{directory.sub_path}, 0);
        const handle = try pool.create(&.{ .source = .{ .directory = path }, .maximum = 256 * MiB, .numbered = false, .give_back = give_back });
        return .{ .directory = directory, .handle = handle, .range = pool.find(handle).? };
    }

    fn delete(s: *Subject) void {
        pool.unpin(s.range);
        pool.close(s.handle) catch unreachable;
        s.directory.cleanup();
    }

    /// Bytes that the file takes, which is what a user of the file system sees.
    fn storage(s: *const Subject) !u64 {
        return os.file.allocated(s.range.region.fd);
    }

    /// Takes 64 MiB in blocks of all kinds and frees them.
    fn churn(s: *const Subject) void {
        const sizes = [_]usize{ 100, 3000, 20_000, 200_000, 3 * MiB };
        var blocks: [20_000]usize = undefined;
        var count: usize = 0;
        var bytes: usize = 0;
        while (bytes < 64 * MiB) : (count += 1) {
            const size = sizes[count % sizes.len];
            blocks[count] = heap.allocate(s.handle, size, 1, false) catch unreachable;
            @as([*]u8, @ptrFromInt(blocks[count]))[0] = 1;
            bytes += size;
        }
        for (blocks[0..count]) |block| heap.release(s.handle, block) catch unreachable;
    }

    /// What a thread does that is busy with a few small blocks: nearly all of it on the hot paths.
    fn smallWork(s: *const Subject) void {
        var blocks: [300]usize = undefined;
        for (0..20) |_| {
            for (&blocks) |*block| block.* = @intFromPtr(heap.malloc(Face, s.handle, 64).?);
            for (blocks) |block| std.debug.assert(heap.free(Face, s.handle, block, block));
        }
    }
};

fn sleepMs(ms: u64) void {
    const until = os.thread.nowNs() + ms * std.time.ns_per_ms;
    const word: u32 = 0;
    while (os.thread.nowNs() < until) os.thread.futexWait(&word, 0, until -| os.thread.nowNs()) catch {};
}

/// Caches keep a little, and a pool takes storage in steps.
const kept_max = 8 * MiB;

test "at once: what is freed is gone without another call" {
    for ([_]?pool.GiveBack{ .immediate, null }) |give_back| {
        var s: Subject = try .create(give_back, 0);
        defer s.delete();
        for (0..2) |_| {
            s.churn();
            try testing.expect(try s.storage() <= kept_max);
        }
    }
}

/// Frees all but one small block in each of 60 granules, and then these, which together are less than one.
fn scatter(s: *const Subject, kept: *u64) void {
    var large: [60]usize = undefined;
    var small: [60]usize = undefined;
    for (&large, &small) |*each, *other| {
        each.* = heap.allocate(s.handle, 3 * MiB, 1, false) catch unreachable;
        other.* = heap.allocate(s.handle, 24 << 10, 1, false) catch unreachable;
    }
    for (large) |block| heap.release(s.handle, block) catch unreachable;
    kept.* = s.storage() catch unreachable;
    for (small) |block| heap.release(s.handle, block) catch unreachable;
}

test "at once: few pages do not keep much storage when their thread ends" {
    var s: Subject = try .create(.immediate, null);
    defer s.delete();
    var kept: u64 = 0;
    (try std.Thread.spawn(.{}, scatter, .{ &s, &kept })).join();
    try testing.expect(kept >= 60 * MiB);
    try testing.expect(try s.storage() <= kept_max);
}

test "never: storage stays until trim" {
    for ([_]?pool.GiveBack{ .never, null }) |give_back| {
        var s: Subject = try .create(give_back, -1);
        defer s.delete();
        s.churn();
        sleepMs(5);
        s.smallWork();
        try testing.expect(try s.storage() >= 64 * MiB);
        const before = try s.storage();
        const given = try pool.trim(s.handle);
        try testing.expect(given >= 60 * MiB);
        try testing.expect(try s.storage() <= before - given);
    }
}

test "by decay: storage stays for the time that is said" {
    for ([_]?pool.GiveBack{ .decay, null }) |give_back| {
        var s: Subject = try .create(give_back, 1_000_000);
        defer s.delete();
        s.churn();
        s.smallWork();
        try testing.expect(try s.storage() >= 64 * MiB);
    }
}

test "by decay: a caller who asks for it gets it whatever the conf string says" {
    for ([_]i64{ 0, -1 }) |said_ms| {
        var s: Subject = try .create(.decay, said_ms);
        defer s.delete();
        try testing.expectEqual(heap.Heap.decay_ms_default, s.range.heap.decay_ms);
    }
}

test "by decay: the thread that freed gives back when it calls again" {
    var s: Subject = try .create(null, decay_ms);
    defer s.delete();
    s.churn();
    sleepMs(decay_ms + 10);
    s.smallWork();
    try testing.expect(try s.storage() <= kept_max);
}

const Other = struct {
    subject: *const Subject,
    /// 0: at work, 1: done and idle, 2: may end.
    stage: std.atomic.Value(u32) = .init(0),

    fn run(other: *Other) void {
        other.subject.churn();
        other.advance(1);
        while (other.stage.load(.acquire) != 2) os.thread.futexWait(&other.stage.raw, 1, null) catch {};
    }

    fn advance(other: *Other, stage: u32) void {
        other.stage.store(stage, .release);
        _ = os.thread.futexWake(&other.stage.raw, 1);
    }
};

test "by decay: a thread with small work gives back what another one freed before it ended or fell idle" {
    for ([_]bool{ false, true }) |ends| {
        var s: Subject = try .create(null, decay_ms);
        defer s.delete();
        s.smallWork(); // its caches are warm: from now on it needs no slab
        var other: Other = .{ .subject = &s };
        const thread = try std.Thread.spawn(.{}, Other.run, .{&other});
        while (other.stage.load(.acquire) == 0) os.thread.futexWait(&other.stage.raw, 0, null) catch {};
        if (ends) {
            other.advance(2);
            thread.join();
        }
        sleepMs(decay_ms + 10);
        s.smallWork();
        try testing.expect(try s.storage() <= kept_max);
        if (!ends) {
            other.advance(2);
            thread.join();
        }
        try testing.expect(try pool.check(s.handle));
    }
}

test "by decay: asking for the numbers is enough" {
    var s: Subject = try .create(null, decay_ms);
    defer s.delete();
    s.churn();
    sleepMs(decay_ms + 10);
    try testing.expect((try pool.stats(s.handle)).committed <= kept_max);
    try testing.expect(try s.storage() <= kept_max);
}

/// Allocates, writes, checks and frees blocks of random sizes.
fn stress(s: *const Subject, seed: u64, failed: *std.atomic.Value(bool)) void {
    var prng: std.Random.DefaultPrng = .init(seed);
    const random = prng.random();
    var blocks: [60][]usize = @splat(&.{});
    for (0..4000) |_| {
        const block = &blocks[random.uintLessThan(usize, blocks.len)];
        if (block.len > 0) {
            const address = @intFromPtr(block.ptr);
            if (block.*[0] != address or block.*[block.len - 1] != address) failed.store(true, .monotonic);
            heap.release(s.handle, address) catch failed.store(true, .monotonic);
            block.* = &.{};
        } else {
            const words = 2 + random.uintLessThan(usize, @as(usize, 1) << random.uintLessThan(u5, 17));
            const address = heap.allocate(s.handle, words * 8, 1, false) catch return failed.store(true, .monotonic);
            block.* = @as([*]usize, @ptrFromInt(address))[0..words];
            block.*[0] = address;
            block.*[words - 1] = address;
        }
    }
    for (blocks) |block| {
        if (block.len > 0) heap.release(s.handle, @intFromPtr(block.ptr)) catch failed.store(true, .monotonic);
    }
}

test "at once: several threads keep what is theirs" {
    var s: Subject = try .create(.immediate, null);
    defer s.delete();
    var failed: std.atomic.Value(bool) = .init(false);
    var threads: [3]std.Thread = undefined;
    for (&threads, 0..) |*thread, seed| thread.* = try std.Thread.spawn(.{}, stress, .{ &s, seed, &failed });
    for (threads) |thread| thread.join();
    try testing.expect(!failed.raw);
    try testing.expect(try pool.check(s.handle));
    try testing.expectEqual(0, (try pool.stats(s.handle)).allocated);
    try testing.expect(try s.storage() <= kept_max);
}
