//! What threads do with a pool together: waiting for a word, waking, resetting, and the pool's close meanwhile.

const std = @import("std");
const testing = std.testing;
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const pool = @import("../pool.zig");

const private: pool.Options = .{ .source = .anonymous, .maximum = 4 << 20 };

const Word = struct {
    handle: usize,
    range: *pool.Range,
    address: usize,
    value: *u32,

    fn create() !Word {
        const handle = try pool.create(&private);
        const address = try heap.allocate(handle, 64, 16, true);
        return .{ .handle = handle, .range = pool.find(handle).?, .address = address, .value = @ptrFromInt(address) };
    }

    fn close(w: Word) void {
        pool.close(w.handle) catch {};
        pool.unpin(w.range);
    }
};

const Sleeper = struct {
    word: Word,
    expected: u32 = 0,
    timeout_ns: ?u64 = null,
    result: pool.Error!pool.Outcome = .timed_out,

    fn run(s: *Sleeper) void {
        s.result = pool.wait(s.word.range, s.word.address, s.expected, s.timeout_ns);
    }

    fn start(s: *Sleeper) !std.Thread {
        return std.Thread.spawn(.{}, run, .{s});
    }
};

fn awaitSleepers(word: Word, count: u32) void {
    while (word.range.waiters.count.load(.acquire) != count) os.thread.yield();
}

test "who waits for another value does not sleep, and a timeout ends" {
    const word: Word = try .create();
    defer word.close();
    word.value.* = 5;
    try testing.expectEqual(.not_equal, try pool.wait(word.range, word.address, 0, null));
    const before = os.thread.nowNs();
    try testing.expectEqual(.timed_out, try pool.wait(word.range, word.address, 5, 3_000_000));
    try testing.expect(os.thread.nowNs() - before >= 3_000_000);
    try testing.expectEqual(.timed_out, try pool.wait(word.range, word.address, 5, 0));
    try testing.expectEqual(0, word.range.waiters.count.load(.monotonic));
    try testing.expectEqual(0, pool.wake(word.range, word.address, 1));
}

test "a wake is for its word, in the order of waiting, and for as many as it says" {
    const word: Word = try .create();
    defer word.close();
    var sleepers: [4]Sleeper = @splat(.{ .word = word });
    sleepers[3].word.address += 4;
    var threads: [4]std.Thread = undefined;
    for (&sleepers, &threads, 1..) |*s, *t, i| {
        t.* = try s.start();
        awaitSleepers(word, @intCast(i));
    }
    try testing.expectEqual(0, pool.wake(word.range, word.address + 8, 9));
    try testing.expectEqual(0, pool.wake(word.range, word.address, 0));
    try testing.expectEqual(2, pool.wake(word.range, word.address, 2));
    threads[0].join();
    threads[1].join();
    awaitSleepers(word, 2);
    try testing.expectEqual(1, pool.wake(word.range, word.address, 9));
    threads[2].join();
    try testing.expectEqual(1, pool.wake(word.range, word.address + 4, 1));
    threads[3].join();
    for (sleepers) |s| try testing.expectEqual(.ok, try s.result);
}

test "no wake is missed" {
    const word: Word = try .create();
    defer word.close();
    const Answerer = struct {
        fn run(w: Word, rounds: u32) void {
            for (0..rounds) |round| {
                while (@atomicLoad(u32, w.value, .seq_cst) == 2 * round) _ = pool.wait(w.range, w.address, @intCast(2 * round), null) catch {};
                @atomicStore(u32, w.value, @intCast(2 * round + 2), .seq_cst);
                _ = pool.wake(w.range, w.address, 1);
            }
        }
    };
    const rounds = 20_000;
    const t = try std.Thread.spawn(.{}, Answerer.run, .{ word, rounds });
    for (0..rounds) |round| {
        @atomicStore(u32, word.value, @intCast(2 * round + 1), .seq_cst);
        _ = pool.wake(word.range, word.address, 1);
        while (@atomicLoad(u32, word.value, .seq_cst) == 2 * round + 1) _ = try pool.wait(word.range, word.address, @intCast(2 * round + 1), null);
    }
    t.join();
}

test "the pool's close wakes everybody, who keep its memory until they have left" {
    for (0..50) |_| {
        const word: Word = try .create();
        var sleepers: [3]Sleeper = @splat(.{ .word = word });
        var threads: [3]std.Thread = undefined;
        for (&sleepers, &threads) |*s, *t| t.* = try s.start();
        try pool.close(word.handle);
        for (threads) |t| t.join();
        // Zero is what they waited for, and what is there now.
        for (sleepers) |s| try testing.expectError(error.EBADF, s.result);
        try testing.expectError(error.EBADF, pool.wait(word.range, word.address, 0, null));
        try testing.expectEqual(0, pool.wake(word.range, word.address, 1));
        pool.unpin(word.range);
    }
}

test "a pool is reset unless a buffer over a block exists" {
    const handle = try pool.create(&private);
    const first = try heap.allocate(handle, 100, 1, false);
    const range = try pool.retainArray(handle);
    try testing.expectError(error.EBUSY, pool.reset(handle));
    try testing.expect(try heap.owns(handle, first));
    pool.releaseArray(range);
    const view = try pool.retainRange(handle);
    try pool.reset(handle);
    pool.releaseRange(view);
    try testing.expectEqual(0, (try pool.stats(handle)).allocated);
    try testing.expectEqual(first, try heap.allocate(handle, 100, 1, false));
    try testing.expect(try pool.check(handle));
    try pool.close(handle);
    try testing.expectError(error.EBADF, pool.reset(handle));
    try testing.expectError(error.EINVAL, pool.reset(0));
}

test "a thread that attaches uses what others reset" {
    const handle = try pool.create(&private);
    const Other = struct {
        fn run(h: usize, result: *anyerror!void) void {
            result.* = work(h);
        }
        fn work(h: usize) !void {
            try pool.attach(h);
            const block = try heap.allocate(h, 64, 1, false);
            try heap.release(h, block);
            try pool.reset(h);
            _ = try heap.allocate(h, 64, 1, false);
            try pool.detach(h);
        }
    };
    for (0..20) |_| {
        _ = try heap.allocate(handle, 64, 1, false);
        var result: anyerror!void = {};
        const t = try std.Thread.spawn(.{}, Other.run, .{ handle, &result });
        t.join();
        try result;
        try testing.expectEqual(64, (try pool.stats(handle)).allocated);
    }
    try testing.expect(try pool.check(handle));
    try pool.close(handle);
}
