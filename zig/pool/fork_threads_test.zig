//! Tests: forks of a process with other threads, and on stacks in blocks.

const std = @import("std");
const testing = std.testing;
const os = @import("../os.zig");
const pool = @import("../pool.zig");
const forks = @import("fork_test.zig");
const Process = forks.Process;
const Blocks = forks.Blocks;
const alive = forks.alive;
const inChild = forks.inChild;
const expect = forks.expect;
const expectFilled = forks.expectFilled;
const exercise = forks.exercise;
const MiB = 1 << 20;

/// Pairs of words in blocks, written one after the other, blocks that are made and freed, and a pointer to the newest one
/// outside the pool: what the child sees of it is of one moment.
const Writer = struct {
    p: Process,
    stop: *std.atomic.Value(bool),
    first: *volatile u64,
    second: *volatile u64,
    newest: std.atomic.Value(?*[500]u64) = .init(null),
    failed: bool = false,

    fn run(w: *Writer) void {
        var n: u64 = 0;
        while (!w.stop.load(.monotonic)) : (n += 1) {
            w.first.* = n;
            w.second.* = n;
            const block = w.p.allocate(4000) catch {
                w.failed = true;
                return;
            };
            const words: *[500]u64 = @ptrCast(@alignCast(block.ptr));
            @memset(words, n);
            const old = w.newest.swap(words, .acq_rel);
            if (old) |o| w.p.free(std.mem.asBytes(o)) catch {
                w.failed = true;
            };
            if (w.first.* != n or w.second.* != n) w.failed = true;
        }
    }

    fn expectOneMoment(w: *Writer) !void {
        const a = w.first.*;
        const b = w.second.*;
        try expect(a == b or a == b + 1);
        const words = w.newest.load(.acquire) orelse return;
        const n = words[0];
        // Freed only after another one took its place, so it is whole.
        for (words) |word| try expect(word == n);
        try expect(n == a or n + 1 == a);
    }
};

test "other threads write while forks happen: the child sees one moment, the parent loses nothing" {
    for (alive) |mode| {
        errdefer std.debug.print("mode {t}\n", .{mode});
        const p: Process = try .open(mode, "/dev/shm", 64 * MiB);
        defer p.close();
        const ballast = try p.allocate(2 * MiB);
        @memset(ballast, 9);
        var stop: std.atomic.Value(bool) = .init(false);
        var writers: [2]Writer = undefined;
        var threads: [2]std.Thread = undefined;
        for (&writers, &threads) |*w, *t| {
            // Far apart: in between is what takes time to copy.
            const first: *u64 = @ptrCast(@alignCast((try p.allocate(300_000)).ptr));
            @memset(try p.allocate(6 * MiB), 7);
            const second: *u64 = @ptrCast(@alignCast((try p.allocate(300_000)).ptr));
            first.* = 0;
            second.* = 0;
            w.* = .{ .p = p, .stop = &stop, .first = first, .second = second };
            t.* = try std.Thread.spawn(.{}, Writer.run, .{w});
        }
        const Child = struct {
            p: Process,
            writers: []Writer,
            ballast: []u8,
            fn run(self: @This()) !void {
                for (self.writers) |*w| try w.expectOneMoment();
                try expectFilled(self.ballast, 9);
                try expect(try pool.check(self.p.handle));
                @memset(self.ballast, 8);
                while (self.p.allocate(4000)) |block| @memset(block, 0xcc) else |_| {}
                for (self.writers) |*w| try w.expectOneMoment();
            }
        };
        for (0..6) |_| {
            try inChild(Child{ .p = p, .writers = &writers, .ballast = ballast }, Child.run);
            try testing.expectEqual(mode == .private, p.isPrivate());
        }
        stop.store(true, .monotonic);
        for (threads) |t| t.join();
        for (writers) |w| try testing.expect(!w.failed);
        try expectFilled(ballast, 9);
        try testing.expect(try pool.check(p.handle));
        // Now that nobody else is there everything goes back to the file.
        try inChild(Child{ .p = p, .writers = writers[0..0], .ballast = ballast }, Child.run);
        if (mode != .private and os.thread.threadCount() == 1) {
            try testing.expectEqual(p.range.region.units.set_count, p.range.region.forks.shared.set_count);
        }
        try expectFilled(ballast, 9);
    }
}

test "forks of several threads at once, and forks of forks" {
    for (alive) |mode| {
        const p: Process = try .open(mode, "/dev/shm", 64 * MiB);
        defer p.close();
        const Forker = struct {
            p: Process,
            failed: bool = false,
            fn run(f: *@This()) void {
                for (0..6) |_| {
                    const block = f.p.allocate(50_000) catch return f.fail();
                    @memset(block, 3);
                    inChild(Child{ .p = f.p, .block = block, .depth = 3 }, Child.body) catch return f.fail();
                    expectFilled(block, 3) catch return f.fail();
                    f.p.free(block) catch return f.fail();
                }
            }
            fn fail(f: *@This()) void {
                f.failed = true;
            }
            const Child = struct {
                p: Process,
                block: []u8,
                depth: u32,
                fn body(self: @This()) anyerror!void {
                    try expectFilled(self.block, 3);
                    const mine = try self.p.zeroed(20_000);
                    try expectFilled(mine, 0);
                    if (self.depth > 0) try inChild(@This(){ .p = self.p, .block = self.block, .depth = self.depth - 1 }, body);
                    @memset(self.block, 4);
                    try self.p.free(self.block);
                }
            };
        };
        var forkers: [3]Forker = @splat(.{ .p = p });
        var threads: [3]std.Thread = undefined;
        for (&forkers, &threads) |*f, *t| t.* = try std.Thread.spawn(.{}, Forker.run, .{f});
        for (threads) |t| t.join();
        for (forkers) |f| try testing.expect(!f.failed);
        try testing.expect(try pool.check(p.handle));
    }
}

test "a stack in a block, in parent and child" {
    for (alive) |mode| {
        const p: Process = try .open(mode, "/dev/shm", 64 * MiB);
        defer p.close();
        const blocks: Blocks = try .make(p);
        const Runner = struct {
            p: Process,
            blocks: *const Blocks,
            here: *volatile [1000]u8 = undefined,
            result: anyerror!void = error.NotRun,
            fn run(r: *@This()) void {
                r.result = r.inside();
            }
            fn inside(r: *@This()) !void {
                var here: [1000]u8 = @splat(5);
                r.here = &here;
                try expect(r.p.range.contains(@intFromPtr(&here)));
                for (0..3) |_| {
                    try inChild(r, child);
                    try expect(r.here[500] == 5);
                }
            }
            fn child(r: *@This()) !void {
                try expect(r.here[999] == 5);
                @memset(r.here, 6);
                try r.blocks.expectWhole();
                try exercise(r.p);
            }
        };
        var runner: Runner = .{ .p = p, .blocks = &blocks };
        const stack = try p.allocate(2 * MiB);
        try onStack(stack, &runner, Runner.run);
        try runner.result;
        try blocks.expectWhole();
    }
}

/// Calls `body(context)` on a thread whose stack is `stack`. Nobody may wait for the thread while it forks: its number, for
/// which pthread_join sleeps, lies in the stack, and who sleeps by a futex that processes could share sleeps by the
/// file's place.
fn onStack(stack: []u8, context: anytype, comptime body: fn (@TypeOf(context)) void) !void {
    const api = struct {
        const Attributes = extern struct { bytes: [64]u8 align(16) };
        extern "c" fn pthread_attr_init(*Attributes) c_int;
        extern "c" fn pthread_attr_setstack(*Attributes, *anyopaque, usize) c_int;
        extern "c" fn pthread_create(*usize, *const Attributes, *const fn (?*anyopaque) callconv(.c) ?*anyopaque, ?*anyopaque) c_int;
        extern "c" fn pthread_join(usize, ?*?*anyopaque) c_int;
        var ended: std.atomic.Value(bool) = .init(false);
        fn run(argument: ?*anyopaque) callconv(.c) ?*anyopaque {
            body(@ptrCast(@alignCast(argument.?)));
            ended.store(true, .release);
            return null;
        }
    };
    api.ended.store(false, .monotonic);
    var attributes: api.Attributes = undefined;
    try testing.expectEqual(0, api.pthread_attr_init(&attributes));
    try testing.expectEqual(0, api.pthread_attr_setstack(&attributes, stack.ptr, stack.len));
    var thread: usize = 0;
    try testing.expectEqual(0, api.pthread_create(&thread, &attributes, &api.run, @ptrCast(context)));
    while (!api.ended.load(.acquire)) os.thread.yield();
    try testing.expectEqual(0, api.pthread_join(thread, null));
}
