//! Every system call of a pool's life fails once: the failure is reported, nothing is left behind.

const std = @import("std");
const testing = std.testing;
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const pool = @import("../pool.zig");
const disposal = @import("disposal.zig");
const registry = @import("registry.zig");

const Holdings = struct {
    descriptors: usize,
    mapped: os.memory.Totals,
    unused: usize,

    fn now() !Holdings {
        _ = disposal.sweep(.all);
        registry.lock.lock();
        defer registry.lock.unlock();
        return .{
            .descriptors = try os.file.openCount(),
            .mapped = try os.memory.mapped(),
            .unused = registry.recordsUnused(),
        };
    }
};

const memory_len = 4 << 20;

fn cases(memory: usize) [4]pool.Options {
    return .{
        .{ .source = .{ .directory = "/tmp" }, .size = 2 << 20, .numbered = false, .protect_first_page = true },
        .{ .source = .{ .directory = "/tmp" } },
        .{ .source = .anonymous, .maximum = 64 << 20, .hardening = 2 },
        .{ .source = .{ .region = .{ .address = memory, .size = memory_len } }, .numbered = false, .protect_first_page = true },
    };
}

/// A life: created, used, closed.
fn live(options: *const pool.Options) !void {
    const handle = try pool.create(options);
    const block = heap.allocate(handle, 300_000, 1, true) catch |err| {
        try testing.expectEqual(error.OutOfMemory, err);
        return pool.close(handle);
    };
    @memset(@as([*]u8, @ptrFromInt(block))[0..300_000], 1);
    try heap.release(handle, block);
    _ = try pool.trim(handle);
    try testing.expect(try pool.check(handle));
    return pool.close(handle);
}

test "a system call that fails leaves nothing behind" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    defer os.fault.disarm();
    const memory = try os.memory.mapAnonymous(memory_len);
    defer os.memory.unmap(memory, memory_len) catch {};
    for (cases(memory)) |options| {
        // What stays for good is there after the first lives.
        for (0..2) |_| try live(&options);
        for ([_]os.Error{ error.ENOMEM, error.EIO }) |injected| {
            var refused: usize = 0;
            var doubtful: usize = 0;
            var n: u64 = 1;
            while (true) : (n += 1) {
                const before = try Holdings.now();
                os.fault.arm(n, injected);
                const result = live(&options);
                const calls = os.fault.count();
                os.fault.disarm();
                if (result) |_| {} else |err| {
                    try testing.expectEqual(injected, err);
                    refused += 1;
                }
                // One failed unmap may lose addresses, and only those.
                const after = try Holdings.now();
                // A region that cannot tell whether a descriptor is still its own leaves it open.
                doubtful += after.descriptors - before.descriptors;
                try testing.expectEqual(before.unused, after.unused);
                if (calls < n) {
                    try testing.expectEqual(before, after);
                    break;
                }
            }
            // A pool whose limit nobody gave is tried with half of it.
            const tries_again = injected == error.ENOMEM and options.source == .directory and options.size == 0;
            try testing.expectEqual(!tries_again, refused > 0);
            try testing.expect(doubtful <= 2);
            try live(&options);
        }
    }
}

test "storage goes back later when a close finds no mapping to spare" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    defer os.fault.disarm();
    const options: pool.Options = .{ .source = .{ .directory = "/dev/shm" }, .maximum = 8 << 20 };
    const handle = try pool.create(&options);
    const range = try pool.retainRange(handle);
    const block = try heap.allocate(handle, 3 << 20, 1, false);
    @as(*u8, @ptrFromInt(block)).* = 1;
    os.fault.armCallFrom(.mmap, 1, error.ENOMEM);
    try pool.close(handle);
    os.fault.disarm();
    try testing.expect(!range.region.isAbandoned());
    try testing.expectEqual(0, @as(*u8, @ptrFromInt(block)).*); // the file has a hole there
    try pool.close(try pool.create(&options));
    try testing.expect(range.region.isAbandoned());
    try testing.expectEqual(0, @as(*u8, @ptrFromInt(block)).*);

    // The same, and the last user is faster.
    const second = try pool.create(&options);
    os.fault.armCallFrom(.mmap, 1, error.ENOMEM);
    try pool.close(second);
    os.fault.disarm();
    pool.releaseRange(range);
    try pool.close(try pool.create(&options));
    _ = disposal.sweep(.all);
}

/// Grows, shrinks, gives back, resizes, makes a thread and a second pool. Only storage and memory may be refused.
fn work(handle: usize) !void {
    var blocks: [10]usize = @splat(0);
    for (&blocks, 0..) |*block, i| {
        const size = ([_]usize{ 16, 3000, 20_000, 300_000, 2 << 20 })[i % 5];
        block.* = heap.allocate(handle, size, 1, i == 2) catch |err| refused: {
            try testing.expectEqual(error.OutOfMemory, err);
            break :refused 0;
        };
    }
    for (&blocks, 0..) |*block, i| if (block.* != 0) {
        block.* = heap.resize(handle, block.*, if (i % 3 == 0) 3 << 20 else 17_000) catch |err| refused: {
            try testing.expectEqual(error.OutOfMemory, err);
            break :refused block.*;
        };
    };
    (try std.Thread.spawn(.{}, short, .{handle})).join();
    for (blocks) |block| if (block != 0) try heap.release(handle, block);
    _ = try pool.trim(handle);
    if (pool.create(&.{ .source = .{ .directory = "/tmp" }, .maximum = 8 << 20 })) |second| {
        if (heap.allocate(second, 100, 1, false)) |block| try heap.release(second, block) else |_| {}
        try pool.close(second);
    } else |_| {}
}

fn short(handle: usize) void {
    const block = heap.allocate(handle, 100, 1, false) catch return;
    heap.release(handle, block) catch unreachable;
}

test "a system call that fails while a pool is at work loses nothing of it" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    defer os.fault.disarm();
    for ([_]pool.GiveBack{ .immediate, .decay }, [_]u8{ 1, 2 }, [_]os.Error{ error.ENOSPC, error.ENOMEM }) |give_back, hardening, injected| {
        const handle = try pool.create(&.{ .source = .{ .directory = "/tmp" }, .maximum = 64 << 20, .give_back = give_back, .hardening = hardening });
        defer pool.close(handle) catch unreachable;
        for (0..2) |_| try work(handle);
        const whole = (try pool.stats(handle)).largest_free;
        var n: u64 = 1;
        while (true) : (n += 1) {
            os.fault.arm(n, injected);
            const result = work(handle);
            const calls = os.fault.count();
            os.fault.disarm();
            errdefer std.debug.print("call {d} fails with {s}\n", .{ n, @errorName(injected) });
            try result;
            try testing.expect(try pool.check(handle));
            const stats = try pool.stats(handle);
            try testing.expectEqual(0, stats.allocated);
            try testing.expectEqual(whole, stats.largest_free);
            if (calls < n) break;
            if (n > 3000) return error.TestUnexpectedResult;
        }
        try testing.expect(n > 10);
    }
}
