//! Lives of pools: every way in, every way out, and several at once.

const std = @import("std");
const testing = std.testing;
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const pool = @import("../pool.zig");
const disposal = @import("disposal.zig");
const fork = @import("fork.zig");
const registry = @import("registry.zig");

const private: pool.Options = .{ .source = .anonymous, .maximum = 4 << 20 };

fn number(handle: usize) f64 {
    return @bitCast(handle);
}

fn bytesOf(range: *pool.Range) []u8 {
    const bytes: [*]u8 = @ptrFromInt(range.region.base);
    return bytes[0..range.region.size];
}

test "a pool gives blocks until it is closed, and is closed once" {
    const handle = try pool.create(&private);
    const block = try heap.allocate(handle, 100, 1, false);
    try testing.expectEqual(handle, pool.owner(block).?);
    try heap.release(handle, block);
    try testing.expect(try pool.check(handle));
    try testing.expectEqual(4 << 20, (try pool.stats(handle)).mapped);

    try pool.close(handle);
    try testing.expectError(error.DeadHandle, heap.allocate(handle, 100, 1, false));
    try testing.expectError(error.EBADF, pool.close(handle));
    try testing.expectError(error.EBADF, pool.check(handle));
    try testing.expectError(error.EBADF, pool.stats(handle));
    try testing.expectError(error.EBADF, pool.attach(handle));
    try testing.expectError(error.EBADF, pool.retainRange(handle));
    try testing.expectEqual(null, pool.owner(block));
    try testing.expect(std.mem.endsWith(u8, pool.last_error.text(), "failed: it is closed"));
}

test "a slot serves again under another number" {
    const first = try pool.create(&private);
    try pool.close(first);
    const second = try pool.create(&private);
    defer pool.close(second) catch unreachable;
    try testing.expectEqual(number(first) + 65536, number(second));
    try testing.expectEqual(null, pool.find(first));
}

test "what never was a handle is refused" {
    for ([_]f64{ 0, -1, 1.5, std.math.nan(f64), std.math.inf(f64), 9e15, 65535 }) |wrong| {
        try testing.expectEqual(null, pool.find(@bitCast(wrong)));
    }
    try testing.expectError(error.EINVAL, pool.close(0));
    try testing.expectError(error.EINVAL, pool.close(0x7f00_0000_0000));
    try testing.expectEqualStrings("invalid pool handle: 0x7f0000000000", pool.last_error.text());
}

test "the last user who leaves an open pool closes it" {
    const handle = try pool.create(&private);
    try pool.attach(handle);
    try pool.detach(handle);
    try testing.expect(try pool.check(handle));
    const range = try pool.retainRange(handle);
    try pool.detach(handle); // the creator's
    try testing.expect(try pool.check(handle));
    pool.releaseRange(range);
    try testing.expectError(error.EBADF, pool.check(handle));
    try testing.expectError(error.EBADF, pool.detach(handle));
}

test "memory of a closed pool reads as zeros until its last user is gone" {
    const handle = try pool.create(&.{ .source = .anonymous, .size = 2 << 20 });
    const block = try heap.allocate(handle, 5000, 1, false);
    const bytes: [*]u8 = @ptrFromInt(block);
    @memset(bytes[0..5000], 7);
    const range = try pool.retainRange(handle);
    try pool.close(handle);
    try testing.expect(std.mem.allEqual(u8, bytes[0..5000], 0));
    bytes[1] = 1;
    heap.releaseUncached(range.heap, block); // a finalizer that comes late
    pool.releaseRange(range);
}

test "a thread that ends leaves its pools" {
    const run = struct {
        fn create(handle: *usize) void {
            handle.* = pool.create(&private) catch unreachable;
            _ = heap.allocate(handle.*, 64, 1, false) catch unreachable;
        }
        fn attach(handle: usize) void {
            pool.attach(handle) catch unreachable;
            pool.attach(handle) catch unreachable;
        }
    };
    var handle: usize = undefined;
    (try std.Thread.spawn(.{}, run.create, .{&handle})).join();
    try testing.expectEqual(null, pool.find(handle));

    handle = try pool.create(&private);
    (try std.Thread.spawn(.{}, run.attach, .{handle})).join();
    const range = pool.find(handle).?;
    try testing.expectEqual(2, @as(u31, @truncate(range.word.raw))); // the creator's and this pin
    pool.unpin(range);
    try pool.close(handle);
}

test "a thread that outlives an isolate leaves its pools, and goes on" {
    const kept = try pool.create(&private);
    const run = struct {
        fn twice(shared: usize) void {
            for (0..2) |_| {
                pool.attach(shared) catch unreachable;
                const own = pool.create(&private) catch unreachable;
                _ = heap.allocate(own, 64, 1, false) catch unreachable;
                _ = heap.allocate(shared, 64, 1, false) catch unreachable;
                pool.detachAll();
                testing.expectEqual(null, pool.find(own)) catch unreachable;
                testing.expectError(error.EBADF, pool.detach(shared)) catch unreachable;
            }
        }
    };
    (try std.Thread.spawn(.{}, run.twice, .{kept})).join();
    const range = pool.find(kept).?;
    try testing.expectEqual(2, @as(u31, @truncate(range.word.raw))); // the creator's and this pin
    pool.unpin(range);
    try testing.expect(pool.check(kept) catch unreachable);
    try pool.close(kept);
}

test "a thread may be attached to more pools than a page of its list holds" {
    const handle = try pool.create(&private);
    const most = 2000;
    for (0..most) |_| try pool.attach(handle);
    for (0..most) |_| try pool.detach(handle);
    try pool.close(handle);
    try testing.expectError(error.EBADF, pool.detach(handle));
}

test "a pool on a borrowed region has the region's address, alone" {
    const len = 4 << 20;
    const memory = try os.memory.mapAnonymous(len);
    defer os.memory.unmap(memory, len) catch {};
    const options: pool.Options = .{
        .source = .{ .region = .{ .address = memory, .size = len - 5000 } },
        .protect_first_page = true,
        .numbered = false,
    };
    const handle = try pool.create(&options);
    try testing.expectEqual(memory, handle);
    try testing.expectError(error.EBUSY, pool.create(&options));
    const block = try heap.allocate(handle, 8, 1, false);
    try testing.expect(block >= memory + os.memory.pageSize());
    try pool.close(handle);
    // All of it is the caller's again.
    @memset(@as([*]u8, @ptrFromInt(memory))[0..len], 1);
    try testing.expectError(error.EINVAL, pool.close(handle));
    const again = try pool.create(&options);
    try testing.expectEqual(handle, again);
    try pool.close(again);
}

test "regions that overlap are both inconsistent, until one is gone" {
    const len = 8 << 20;
    const memory = try os.memory.mapAnonymous(len);
    defer os.memory.unmap(memory, len) catch {};
    var handles: [2]usize = undefined;
    for (&handles, [_]usize{ memory, memory + (2 << 20) }) |*handle, address| {
        handle.* = try pool.create(&.{ .source = .{ .region = .{ .address = address, .size = 4 << 20 } }, .numbered = false });
    }
    for (handles) |handle| try testing.expect(!try pool.check(handle));
    try testing.expectEqualStrings("Checking the pool failed: Another pool shares memory with this one", pool.last_error.text());
    try pool.close(handles[0]);
    try testing.expect(try pool.check(handles[1]));
    try pool.close(handles[1]);
}

test "a region that is to be alone is refused while any pool has a part of it" {
    const len = 8 << 20;
    const memory = try os.memory.mapAnonymous(len);
    defer os.memory.unmap(memory, len) catch {};
    const first = try pool.create(&.{ .source = .{ .region = .{ .address = memory, .size = 4 << 20 } }, .alone = true });
    for ([_]usize{ memory, memory + (4 << 20) - 4096, memory + 4096 }) |address| {
        const options: pool.Options = .{ .source = .{ .region = .{ .address = address, .size = 2 << 20 } }, .alone = true };
        try testing.expectError(error.EEXIST, pool.create(&options));
        try testing.expect(std.mem.endsWith(u8, pool.last_error.text(), "another pool has a part of this memory"));
    }
    const beside = try pool.create(&.{ .source = .{ .region = .{ .address = memory + (4 << 20), .size = 4 << 20 } }, .alone = true });
    const block = try heap.allocate(beside, 100, 4096, true);
    try testing.expect(block > memory + (4 << 20) and block % 4096 == 0);
    try pool.close(first);
    const again = try pool.create(&.{ .source = .{ .region = .{ .address = memory, .size = 4 << 20 } }, .alone = true });
    for ([_]usize{ again, beside }) |handle| {
        try testing.expect(try pool.check(handle));
        try pool.close(handle);
    }
}

test "pages that cannot be had as they were wanted, and those that can" {
    const here: pool.Options = .{ .source = .{ .directory = "/dev/shm" }, .size = 2 << 20 };
    var options = here;
    options.placement = .{ .node = 1000 };
    try testing.expectError(error.EINVAL, pool.create(&options));
    try testing.expectEqualStrings("Creating a pool failed: this process has no memory on a NUMA node 1000", pool.last_error.text());
    options.placement = .{ .prefault = true, .huge_pages = os.memory.hasHugePages(), .node = if (os.numa.isAllowed(0) catch false) 0 else null };
    for ([_]usize{ 0, 2 << 20 }) |size| {
        options.size = size;
        options.maximum = 16 << 20;
        const handle = try pool.create(&options);
        const block = try heap.allocate(handle, 1 << 20, 1, true);
        try testing.expect(std.mem.allEqual(u8, @as([*]const u8, @ptrFromInt(block))[0 .. 1 << 20], 0));
        try heap.release(handle, block);
        _ = try pool.trim(handle);
        _ = try heap.allocate(handle, 1 << 20, 1, true);
        try testing.expect(try pool.check(handle));
        try pool.close(handle);
    }
}

test "sizes that no pool can have are refused with a reason" {
    const Case = struct { options: pool.Options, err: os.Error };
    const region = struct {
        fn of(address: usize, size: usize) pool.Options {
            return .{ .source = .{ .region = .{ .address = address, .size = size } }, .numbered = false };
        }
    }.of;
    for ([_]Case{
        .{ .options = .{ .source = .anonymous, .size = 1000 }, .err = error.EINVAL },
        .{ .options = .{ .source = .anonymous, .maximum = (1 << 20) - 1 }, .err = error.EINVAL },
        .{ .options = .{ .source = .{ .directory = null }, .size = 1 << 20 }, .err = error.EINVAL },
        .{ .options = .{ .source = .{ .directory = "/" }, .size = std.math.maxInt(usize) }, .err = error.EINVAL },
        .{ .options = .{ .source = .{ .directory = "/" }, .size = 1 << 63 }, .err = error.EFBIG },
        .{ .options = .{ .source = .{ .directory = "/nonexistent/directory" }, .size = 1 << 20 }, .err = error.ENOENT },
        .{ .options = region(4096 + 8, 1 << 20), .err = error.EINVAL },
        .{ .options = region(4 << 20, 5), .err = error.EINVAL },
        .{ .options = region(0, 1 << 20), .err = error.EINVAL },
        .{ .options = region(1 << 46, std.math.maxInt(usize) - 4096), .err = error.EINVAL },
    }) |case| {
        pool.last_error.set("", .{});
        try testing.expectError(case.err, pool.create(&case.options));
        try testing.expect(pool.last_error.text().len > 20);
    }
}

test "a lazy pool in a directory takes what the file system has as its limit" {
    var directory = testing.tmpDir(.{});
    defer directory.cleanup();
    var buffer: [64]u8 = undefined;
    const path = try std.fmt.bufPrintSentinel(&buffer, ".zig-cache/tmp/{s}", .{directory.sub_path}, 0);
    const handle = try pool.create(&.{ .source = .{ .directory = path } });
    defer pool.close(handle) catch unreachable;
    const stats = try pool.stats(handle);
    try testing.expect(stats.mapped >= 2 << 20 and stats.mapped <= 1 << 40);
    try testing.expect(stats.committed < stats.mapped);
    _ = try heap.allocate(handle, 1 << 20, 1, true);
    try testing.expect((try pool.stats(handle)).committed >= 1 << 20);
}

test "thousands of pools at once" {
    var handles: [3000]usize = undefined;
    for (&handles, 0..) |*handle, i| {
        handle.* = try pool.create(&.{ .source = .anonymous, .maximum = 1 << 20, .alignment = 4096 });
        if (i % 50 == 0) _ = try heap.allocate(handle.*, 64, 1, false);
    }
    for (handles) |handle| pool.unpin(pool.find(handle).?);
    for (handles) |handle| try pool.close(handle);
    for (handles) |handle| try testing.expectEqual(null, pool.find(handle));
    _ = disposal.sweep(.all);
}

test "the child of a fork finds every pool dead and can make its own" {
    const handle = try pool.create(&private);
    defer pool.close(handle) catch unreachable;
    const block = try heap.allocate(handle, 64, 1, false);
    const text: *[5]u8 = @ptrFromInt(block);
    text.* = "hello".*;

    // The system call runs no handlers of the C library's; they are called by hand.
    const handlers = fork.handlers;
    handlers.prepare();
    const pid: isize = @bitCast(std.os.linux.fork());
    if (pid == 0) {
        handlers.child();
        std.os.linux.exit_group(childOf(handle, block));
    }
    handlers.parent();
    try testing.expect(pid > 0);
    var status: i32 = 0;
    try testing.expectEqual(pid, @as(isize, @bitCast(std.os.linux.wait4(@intCast(pid), &status, 0, null))));
    try testing.expectEqual(0, status);
    // The parent has noticed nothing.
    try heap.release(handle, block);
    try testing.expect(try pool.check(handle));
}

/// The number of the first thing that is wrong.
fn childOf(handle: usize, block: usize) u8 {
    if (heap.allocate(handle, 64, 1, false)) |_| return 1 else |err| if (err != error.DeadHandle) return 2;
    if (heap.release(handle, block)) |_| return 3 else |err| if (err != error.DeadHandle) return 4;
    if (pool.close(handle)) |_| return 5 else |err| if (err != error.EBADF) return 6;
    if (std.mem.find(u8, pool.last_error.text(), "before fork") == null) return 7;
    if (!std.mem.eql(u8, @as(*[5]u8, @ptrFromInt(block)), "hello")) return 8;
    const own = pool.create(&private) catch return 9;
    if (own == handle) return 10;
    const mine = heap.allocate(own, 64, 1, false) catch return 11;
    heap.release(own, mine) catch return 12;
    if (!(pool.check(own) catch return 13)) return 14;
    pool.close(own) catch return 15;
    return 0;
}

const Storm = struct {
    handle: std.atomic.Value(usize) = .init(0),
    stop: std.atomic.Value(bool) = .init(false),
    refused: std.atomic.Value(u32) = .init(0),
    served: std.atomic.Value(u32) = .init(0),
    failed: std.atomic.Value(bool) = .init(false),

    fn use(storm: *Storm, seed: u64) void {
        var prng: std.Random.DefaultPrng = .init(seed);
        const random = prng.random();
        while (!storm.stop.load(.monotonic)) storm.round(random) catch |err| switch (err) {
            error.DeadHandle, error.EBADF => _ = storm.refused.fetchAdd(1, .monotonic),
            else => {
                std.debug.print("unexpected {s}\n", .{@errorName(err)});
                storm.failed.store(true, .monotonic);
                return;
            },
        };
    }

    fn round(storm: *Storm, random: std.Random) !void {
        const handle = storm.handle.load(.acquire);
        switch (random.uintLessThan(u8, 10)) {
            0 => {
                try pool.attach(handle);
                if (random.boolean()) try pool.detach(handle); // else the thread's end does it
            },
            1 => {
                const range = try pool.retainRange(handle);
                defer pool.releaseRange(range);
                const bytes = bytesOf(range);
                bytes[random.uintLessThan(usize, bytes.len)] = 1; // a view that is written to after the close
            },
            2 => _ = try pool.stats(handle),
            3 => _ = try pool.check(handle),
            else => {
                const block = try heap.allocate(handle, random.uintLessThan(usize, 20_000), 1, false);
                try heap.release(handle, block);
                _ = storm.served.fetchAdd(1, .monotonic);
            },
        }
    }
};

test "pools are closed while other threads use them" {
    var storm: Storm = .{};
    var threads: [4]std.Thread = undefined;
    storm.handle.store(try pool.create(&private), .release);
    for (&threads, 0..) |*thread, seed| thread.* = try std.Thread.spawn(.{}, Storm.use, .{ &storm, seed });
    for (0..300) |_| {
        os.thread.yield();
        const next = try pool.create(&private);
        const before = storm.handle.swap(next, .acq_rel);
        for (0..50) |_| std.atomic.spinLoopHint();
        try pool.close(before);
    }
    storm.stop.store(true, .monotonic);
    for (threads) |thread| thread.join();
    try pool.close(storm.handle.raw);
    try testing.expect(!storm.failed.raw);
    try testing.expect(storm.served.raw > 0 and storm.refused.raw > 0);
    // Nobody is left in a closed pool: all of their records are unused again.
    _ = disposal.sweep(.all);
    registry.lock.lock();
    defer registry.lock.unlock();
    try testing.expectEqual(registry.recordsMade(), registry.recordsUnused() + liveCount());
}

fn liveCount() usize {
    var count: usize = 0;
    var ranges: registry.Iterator = .{};
    while (ranges.next()) |_| count += 1;
    return count;
}
