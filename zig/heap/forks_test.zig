//! Forks of heaps whose bytes the child has for itself, as it has with private memory: alone, and while other threads are at
//! work.

const std = @import("std");
const testing = std.testing;
const os = @import("../os.zig");
const calls = @import("calls.zig");
const classes = @import("classes.zig");
const forks = @import("forks.zig");
const harness = @import("harness.zig");
const thread = @import("thread.zig");

const linux = std.os.linux;
const Pool = harness.Pool;
const MiB = 1 << 20;

fn hold(p: Pool) void {
    forks.holdLives();
    forks.hold(p.heap);
    forks.holdRecords();
    os.forking.store(os.thread.pointer(), .monotonic);
}

fn letGo(p: Pool) void {
    os.forking.store(0, .monotonic);
    forks.letGoShared();
    forks.letGo(p.heap);
}

fn adopt(p: Pool) void {
    os.forking.store(0, .monotonic);
    forks.resetShared();
    forks.adopt(p.heap);
}

/// Runs `body` in a child of a fork with the handlers of this file; an error there is one here.
fn fork(p: Pool, context: anytype, body: *const fn (Pool, @TypeOf(context)) anyerror!void) !void {
    hold(p);
    const result = linux.fork();
    if (result == 0) {
        adopt(p);
        body(p, context) catch |err| {
            std.debug.print("in the child: {t}\n", .{err});
            linux.exit_group(1);
        };
        linux.exit_group(0);
    }
    letGo(p);
    try testing.expect(linux.errno(result) == .SUCCESS);
    var status: i32 = 0;
    while (linux.errno(linux.waitpid(@intCast(result), &status, 0)) == .INTR) {}
    try testing.expectEqual(0, status);
}

const slots = 64;

/// Blocks of one thread, each filled with its slot's number. What is in a slot is whole; what is being made or freed is in none.
const Worker = struct {
    pool: Pool,
    seed: u64,
    stop: *std.atomic.Value(bool),
    blocks: [slots]std.atomic.Value(?[*]u8) = @splat(.init(null)),
    sizes: [slots]usize = @splat(0),

    const some_sizes = [_]usize{ 8, 40, 200, 1000, 5000, 14000, 40_000, 1_100_000 };

    fn run(w: *Worker) void {
        var generator: std.Random.DefaultPrng = .init(w.seed);
        const random = generator.random();
        while (!w.stop.load(.monotonic)) {
            const i = random.uintLessThan(usize, slots);
            if (w.blocks[i].load(.monotonic)) |block| {
                w.blocks[i].store(null, .release);
                w.pool.free(block);
            } else {
                const size = some_sizes[random.uintLessThan(usize, some_sizes.len)];
                const block = w.pool.malloc(size) orelse continue;
                @memset(block[0..size], @intCast(i));
                w.sizes[i] = size;
                w.blocks[i].store(block, .release);
            }
        }
    }

    fn expectWhole(w: *Worker) !u64 {
        var bytes: u64 = 0;
        for (&w.blocks, w.sizes, 0..) |*slot, size, i| {
            const block = slot.load(.acquire) orelse continue;
            var at: usize = 0;
            while (at < size) : (at += 1 + size / 251) if (block[at] != i) return error.Torn;
            bytes += classes.usable(size);
        }
        return bytes;
    }
};

const Storm = struct {
    workers: []Worker,

    fn look(p: Pool, storm: Storm) !void {
        for (storm.workers) |*w| _ = try w.expectWhole();
        try p.expectSound();
    }

    /// In the child: nothing of what anybody had is lost, nor handed out again; everything else can be had.
    fn child(p: Pool, storm: Storm) !void {
        var live: u64 = 0;
        for (storm.workers) |*w| live += try w.expectWhole();
        try p.expectSound();
        const s = p.heap.stats();
        if (s.threads > 1) return error.CachesLeft;
        if (s.allocated < live) return error.Lost;
        // A thread may have been about to give or take one block, and one more while resizing.
        if (s.allocated > live + storm.workers.len * 2 * 1200 * 1024) return error.Leaked;
        while (p.malloc(4096)) |block| @memset(block[0..4096], 0xcc);
        while (p.malloc(64)) |block| @memset(block[0..64], 0xcc);
        for (storm.workers) |*w| {
            _ = try w.expectWhole();
            for (&w.blocks) |*slot| p.free(slot.load(.monotonic) orelse continue);
        }
        try p.expectSound();
        if (p.malloc(300_000) == null and live > 4 * MiB) return error.NothingBack;
        // A child of the child.
        try fork(p, {}, grandchild);
    }

    fn grandchild(p: Pool, _: void) !void {
        try p.expectSound();
        p.free(p.malloc(100) orelse return);
    }
};

test "a child takes over a heap that other threads are using" {
    var stop: std.atomic.Value(bool) = .init(false);
    const p: Pool = try .create(1, 24 * MiB, .{ .arenas = 2, .lazy = true });
    defer p.delete();
    var workers: [3]Worker = undefined;
    var threads: [3]std.Thread = undefined;
    for (&workers, &threads, 0..) |*w, *t, i| {
        w.* = .{ .pool = p, .seed = i, .stop = &stop };
        t.* = try std.Thread.spawn(.{}, Worker.run, .{w});
    }
    defer {
        stop.store(true, .monotonic);
        for (threads) |t| t.join();
    }
    _ = p.malloc(10); // a cache of the thread that forks
    for (0..80) |i| {
        try fork(p, Storm{ .workers = &workers }, if (i % 20 == 0) Storm.child else Storm.look);
        os.thread.yield();
    }
    try testing.expectEqual(0, harness.misuse.load(.monotonic));
}

test "malloc between the handlers, by the thread that forks" {
    const p: Pool = try .create(1, 8 * MiB, .{});
    defer p.delete();
    const Churn = struct {
        /// The slow paths, all of them: a full pool takes every lock.
        fn run(pool: Pool) !void {
            const big = pool.malloc(100_000) orelse return error.NoMemory;
            var list: [300][*]u8 = undefined;
            for (&list) |*block| block.* = pool.malloc(1000) orelse return error.NoMemory;
            for (list) |block| pool.free(block);
            if (pool.malloc(16 * MiB) != null) return error.TooMuch;
            _ = try calls.resize(1, @intFromPtr(big), 300_000);
            thread.flushThread();
            if (!pool.heap.check(null)) return error.Unsound;
            pool.free(pool.malloc(64) orelse return error.NoMemory);
        }
    };
    for ([_]bool{ false, true }) |has_cache| {
        if (has_cache) p.free(p.malloc(10).?) else thread.flushThread();
        hold(p);
        try Churn.run(p);
        const child = linux.fork();
        if (child == 0) {
            Churn.run(p) catch linux.exit_group(1);
            adopt(p);
            Churn.run(p) catch linux.exit_group(2);
            p.expectSound() catch linux.exit_group(3);
            linux.exit_group(0);
        }
        try Churn.run(p);
        letGo(p);
        try Churn.run(p);
        var status: i32 = 0;
        while (linux.errno(linux.waitpid(@intCast(child), &status, 0)) == .INTR) {}
        try testing.expectEqual(0, status);
        // Nothing stays locked: another thread passes everywhere.
        const Other = struct {
            fn run(pool: Pool, result: *anyerror!void) void {
                result.* = Churn.run(pool);
            }
        };
        var result: anyerror!void = error.NotRun;
        const other = try std.Thread.spawn(.{}, Other.run, .{ p, &result });
        other.join();
        try result;
        try p.expectSound();
    }
}

test "what is used of a region, page by page" {
    const p: Pool = try .create(1, 8 * MiB, .{});
    defer p.delete();
    var none = forks.usedOf(p.heap);
    try testing.expectEqual(null, none.next());
    var blocks: [40]?[*]u8 = undefined;
    for (&blocks, 0..) |*block, i| block.* = p.malloc(16384 + i % 5 * 8192);
    for (blocks, 0..) |block, i| if (i % 3 == 0) p.free(block.?);
    thread.flushThread();
    var pages: usize = 0;
    var end: usize = 0;
    var all = forks.usedOf(p.heap);
    while (all.next()) |extent| {
        try testing.expect(extent.offset > end or end == 0);
        end = extent.offset + extent.len;
        pages += extent.len / classes.page_size;
    }
    try testing.expectEqual(p.heap.runs.used_pages, pages);
    all = forks.usedOf(p.heap);
    var extent = all.next().?;
    for (blocks, 0..) |block, i| {
        if (i % 3 == 0) continue;
        const offset = @intFromPtr(block.?) - p.heap.base;
        while (offset >= extent.offset + extent.len) extent = all.next().?;
        try testing.expect(offset >= extent.offset);
    }
}

test "forks of forks leave no records behind" {
    const p: Pool = try .create(1, 8 * MiB, .{});
    defer p.delete();
    p.free(p.malloc(10).?);
    const Child = struct {
        fn body(pool: Pool, depth: u32) anyerror!void {
            const before = @import("records.zig").unused();
            pool.free(pool.malloc(10) orelse return error.NoMemory);
            if (depth < 20) try fork(pool, depth + 1, body);
            if (@import("records.zig").unused() != before) return error.RecordsLost;
            try pool.expectSound();
        }
    };
    try fork(p, @as(u32, 0), Child.body);
}
