//! Tests: the pool that lives on in the child of a fork, by real forks of the C library with our handlers.

const std = @import("std");
const testing = std.testing;
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const pool = @import("../pool.zig");
const fork = @import("fork.zig");
const Range = @import("Range.zig");
const linux = std.os.linux;
const MiB = 1 << 20;

const c = struct {
    extern "c" fn fork() c_int;
    extern "c" fn _exit(code: c_int) noreturn;
    extern "c" fn close(fd: c_int) c_int;
    extern "c" fn pthread_atfork(?*const fn () callconv(.c) void, ?*const fn () callconv(.c) void, ?*const fn () callconv(.c) void) c_int;
};

pub const alive = [_]pool.Fork{ .private, .copy, .copy_or_private };

/// A process's heap.
pub const Process = struct {
    handle: usize,
    range: *Range,

    pub fn open(mode: pool.Fork, directory: [:0]const u8, maximum: usize) !Process {
        const handle = try pool.create(&.{ .source = .{ .directory = directory }, .maximum = maximum, .numbered = false, .fork = mode });
        const range = pool.find(handle).?;
        range.release();
        return .{ .handle = handle, .range = range };
    }

    pub fn close(p: Process) void {
        heap.flushThread();
        pool.close(p.handle) catch unreachable;
    }

    pub fn allocate(p: Process, size: usize) heap.Error![]u8 {
        return of(try heap.allocate(p.handle, size, 1, false), size);
    }

    pub fn zeroed(p: Process, size: usize) heap.Error![]u8 {
        return of(try heap.allocate(p.handle, size, 1, true), size);
    }

    pub fn free(p: Process, block: []u8) !void {
        try heap.release(p.handle, @intFromPtr(block.ptr));
    }

    pub fn isPrivate(p: Process) bool {
        return p.range.region.isParted();
    }

    fn of(address: usize, size: usize) []u8 {
        return @as([*]u8, @ptrFromInt(address))[0..size];
    }
};

fn start(context: anytype, comptime body: fn (@TypeOf(context)) anyerror!void) !c_int {
    const child = c.fork();
    if (child == 0) {
        body(context) catch |err| {
            std.debug.print("in the child: {t}\n", .{err});
            c._exit(1);
        };
        c._exit(0);
    }
    try testing.expect(child > 0);
    return child;
}

fn wait(child: c_int) !u32 {
    var status: i32 = 0;
    while (linux.errno(linux.waitpid(child, &status, 0)) == .INTR) {}
    return @bitCast(status);
}

pub fn inChild(context: anytype, comptime body: fn (@TypeOf(context)) anyerror!void) !void {
    try testing.expectEqual(0, try wait(try start(context, body)));
}

pub fn expect(holds: bool) !void {
    if (!holds) return error.NotTrue;
}

pub fn expectFilled(block: []const u8, byte: u8) !void {
    try expect(std.mem.allEqual(u8, block, byte));
}

/// Blocks of many sizes, each filled with its number.
pub const Blocks = struct {
    list: [80][]u8 = undefined,

    pub fn make(p: Process) !Blocks {
        var blocks: Blocks = .{};
        for (&blocks.list, 0..) |*block, i| {
            block.* = try p.allocate(16 + i * i * 19);
            @memset(block.*, @intCast(i));
        }
        return blocks;
    }

    pub fn expectWhole(blocks: *const Blocks) !void {
        for (blocks.list, 0..) |block, i| try expectFilled(block, @intCast(i));
    }
};

/// Everything that a heap does: blocks of all kinds, zeros where they are promised, storage given back and taken again.
pub fn exercise(p: Process) !void {
    for (0..2) |_| {
        const blocks: Blocks = try .make(p);
        const large = try p.zeroed(3 * MiB);
        try expectFilled(large, 0);
        @memset(large, 0xee);
        const small = try p.zeroed(40);
        try expectFilled(small, 0);
        @memset(small, 0xee);
        try blocks.expectWhole();
        for (blocks.list) |block| {
            @memset(block, 0xee);
            try p.free(block);
        }
        try p.free(small);
        try p.free(large);
        _ = try pool.trim(p.handle);
        const again = try p.zeroed(3 * MiB);
        try expectFilled(again, 0);
        try p.free(again);
    }
    try expect(try pool.check(p.handle));
}

test "parent and child go their ways, in every mode" {
    for ([_][:0]const u8{ "/dev/shm", "/tmp" }) |directory| for (alive) |mode| {
        errdefer std.debug.print("mode {t} in {s}\n", .{ mode, directory });
        const descriptors = try os.file.openCount();
        const p: Process = try .open(mode, directory, 64 * MiB);
        defer p.close();
        const blocks: Blocks = try .make(p);
        const storage = p.range.region.committed();
        const Child = struct {
            p: Process,
            mode: pool.Fork,
            blocks: *const Blocks,
            depth: u32 = 0,
            fn run(self: @This()) anyerror!void {
                try self.blocks.expectWhole();
                try expect(self.p.isPrivate() == (self.mode == .private));
                try exercise(self.p);
                try self.blocks.expectWhole();
                for (self.blocks.list[0..40]) |block| @memset(block, 0xdd);
                if (self.depth == 0) {
                    // A child of the child sees what its parent wrote.
                    for (self.blocks.list[0..40], 0..) |block, i| @memset(block, @intCast(i));
                    try inChild(@This(){ .p = self.p, .mode = self.mode, .blocks = self.blocks, .depth = 1 }, run);
                    try self.blocks.expectWhole();
                }
                for (self.blocks.list) |block| try self.p.free(block);
                try expect(try pool.check(self.p.handle));
            }
        };
        for (0..2) |round| {
            try inChild(Child{ .p = p, .mode = mode, .blocks = &blocks }, Child.run);
            try blocks.expectWhole();
            // The parent keeps its file, but in mode 1.
            try testing.expectEqual(mode == .private, p.isPrivate());
            if (mode != .private) try testing.expectEqual(p.range.region.units.set_count, p.range.region.forks.shared.set_count);
            if (round == 0) try exercise(p);
        }
        for (blocks.list) |block| try p.free(block);
        try testing.expect(try pool.check(p.handle));
        _ = try pool.trim(p.handle);
        try testing.expect(p.range.region.committed() < storage);
        try testing.expectEqual(descriptors + @intFromBool(mode != .private), try os.file.openCount());
    };
}

test "mode 0: the pool is dead in the child, and what the child writes stays there" {
    const p: Process = try .open(.none, "/dev/shm", 64 * MiB);
    defer p.close();
    const block = try p.allocate(100);
    @memset(block, 1);
    const Child = struct {
        fn run(args: struct { Process, []u8 }) !void {
            try expectFilled(args[1], 1);
            try expect(args[0].allocate(100) == error.DeadHandle);
            try expect(args[0].free(args[1]) == error.DeadHandle);
            @memset(args[1], 2);
        }
    };
    for (0..2) |_| try inChild(.{ p, block }, Child.run);
    try expectFilled(block, 1);
    try exercise(p);
    try testing.expectError(error.EBUSY, Process.open(.private, "/dev/shm", 16 * MiB));
}

test "a full file system: mode 2 ends the child, mode 3 goes on in private" {
    try withTmpfs("size=10m", struct {
        fn run(directory: [:0]const u8) !void {
            for ([_]pool.Fork{ .copy, .copy_or_private }) |mode| {
                const p: Process = try .open(mode, directory, 64 * MiB);
                defer p.close();
                const block = try p.allocate(6 * MiB);
                @memset(block, 1);
                const ends = fork.failed;
                fork.failed = &exit;
                defer fork.failed = ends;
                const status = try wait(try start(.{ p, block }, child));
                try testing.expectEqual(@as(u32, if (mode == .copy) 28 << 8 else 0), status);
                try expectFilled(block, 1);
                try testing.expectEqual(mode == .copy_or_private, p.isPrivate());
                // Private memory is not the file system's: there is room for the rest of the pool.
                if (mode == .copy) try testing.expectError(error.OutOfMemory, p.allocate(6 * MiB));
                if (mode == .copy_or_private) {
                    const more = try p.allocate(20 * MiB);
                    @memset(more, 2);
                    // And from now on children stay as they are, the file system being full.
                    try inChild(.{ p, block }, child);
                    try p.free(more);
                }
                @memset(block, 3);
                try p.free(block);
                try testing.expect(try pool.check(p.handle));
            }
        }

        fn exit(err: os.Error) noreturn {
            c._exit(os.errno.code(err));
        }

        fn child(args: struct { Process, []u8 }) !void {
            try expectFilled(args[1], 1);
            @memset(args[1], 4);
            const mine = try args[0].allocate(7 * MiB);
            @memset(mine, 5);
            try args[0].free(args[1]);
            try expect(try pool.check(args[0].handle));
        }
    }.run);
}

/// In a thread with a file system of its own at /mnt.
fn withTmpfs(settings: [:0]const u8, body: *const fn (directory: [:0]const u8) anyerror!void) !void {
    const Runner = struct {
        result: anyerror!void = {},
        settings: [:0]const u8,
        body: *const fn ([:0]const u8) anyerror!void,
        fn run(r: *@This()) void {
            r.result = r.inside();
        }
        fn inside(r: *@This()) anyerror!void {
            if (linux.errno(linux.unshare(linux.CLONE.NEWNS)) != .SUCCESS) {
                std.debug.print("skipped: mounting a file system needs root\n", .{});
                return error.SkipZigTest;
            }
            try testing.expectEqual(0, linux.mount("none", "/", null, linux.MS.REC | linux.MS.PRIVATE, 0));
            try testing.expectEqual(0, linux.mount("none", "/mnt", "tmpfs", 0, @intFromPtr(r.settings.ptr)));
            try r.body("/mnt");
        }
    };
    var runner: Runner = .{ .settings = settings, .body = body };
    const thread = try std.Thread.spawn(.{}, Runner.run, .{&runner});
    thread.join();
    return runner.result;
}

/// Handlers of a library that was there before us: they run between ours.
const Between = struct {
    var process: ?Process = null;
    var ran: u32 = 0;
    var failures: u32 = 0;
    fn use() callconv(.c) void {
        const p = process orelse return;
        ran += 1;
        use_(p) catch {
            failures += 1;
        };
    }
    fn use_(p: Process) !void {
        const block = try p.allocate(100_000);
        @memset(block, 1);
        for (0..500) |_| _ = try p.allocate(1000);
        try p.free(block);
        _ = try pool.trim(p.handle);
        const more = try p.zeroed(3 * MiB);
        try expectFilled(more, 0);
        @memset(more, 1);
    }
};

test "malloc in the handlers of others" {
    for (alive) |mode| {
        const p: Process = try .open(mode, "/dev/shm", 64 * MiB);
        defer p.close();
        Between.process = p;
        defer Between.process = null;
        Between.ran = 0;
        const blocks: Blocks = try .make(p);
        const Child = struct {
            fn run(args: struct { Process, *const Blocks }) !void {
                try expect(Between.ran % 3 == 2);
                try args[1].expectWhole();
                try expect(Between.failures == 0);
                try exercise(args[0]);
            }
        };
        // By hand, because ours were registered first.
        for (0..2) |_| {
            fork.handlers.prepare();
            Between.use();
            const child: isize = @bitCast(linux.fork());
            if (child == 0) {
                Between.use();
                fork.handlers.child();
                Child.run(.{ p, &blocks }) catch c._exit(1);
                c._exit(0);
            }
            Between.use();
            fork.handlers.parent();
            Between.ran += 1;
            try testing.expectEqual(0, try wait(@intCast(child)));
            try testing.expectEqual(0, Between.failures);
            try blocks.expectWhole();
            try exercise(p);
        }
    }
}

test "a fork that fails leaves the parent as it was" {
    for (alive) |mode| {
        const p: Process = try .open(mode, "/dev/shm", 64 * MiB);
        defer p.close();
        const blocks: Blocks = try .make(p);
        fork.handlers.prepare();
        fork.handlers.parent();
        try blocks.expectWhole();
        try testing.expectEqual(mode == .private, p.isPrivate());
        try exercise(p);
    }
}

test "a program that closed our descriptor: the child gets its bytes all the same" {
    for (alive) |mode| {
        const p: Process = try .open(mode, "/dev/shm", 64 * MiB);
        defer p.close();
        const blocks: Blocks = try .make(p);
        os.file.close(p.range.region.fd);
        const Child = struct {
            fn run(args: struct { Process, *const Blocks }) !void {
                try args[1].expectWhole();
                try expect(args[0].range.region.source == .anonymous and args[0].range.region.isApart());
                try exercise(args[0]);
                for (args[1].list) |block| @memset(block, 0xdd);
                try inChild(args, grandchild);
            }
            fn grandchild(args: struct { Process, *const Blocks }) !void {
                for (args[1].list) |block| try expectFilled(block, 0xdd);
                try exercise(args[0]);
            }
        };
        // With another thread about the bytes stay where they are, and each child copies them.
        var stop: std.atomic.Value(bool) = .init(false);
        const other = try std.Thread.spawn(.{}, sleep, .{&stop});
        for (0..2) |_| try inChild(.{ p, &blocks }, Child.run);
        try testing.expectEqual(.file, p.range.region.source);
        stop.store(true, .monotonic);
        other.join();
        for (0..2) |_| try inChild(.{ p, &blocks }, Child.run);
        if (os.thread.threadCount() == 1) try testing.expectEqual(.anonymous, p.range.region.source);
        try blocks.expectWhole();
    }
}

fn sleep(stop: *std.atomic.Value(bool)) void {
    while (!stop.load(.monotonic)) os.thread.yield();
}

test "a pool on memory, and a child that is killed while its parent waits" {
    const handle = try pool.create(&.{ .source = .anonymous, .maximum = 64 * MiB, .numbered = false, .fork = .copy });
    const range = pool.find(handle).?;
    range.release();
    const m: Process = .{ .handle = handle, .range = range };
    const blocks: Blocks = try .make(m);
    const Child = struct {
        fn run(args: struct { Process, *const Blocks }) !void {
            try args[1].expectWhole();
            try exercise(args[0]);
            for (args[1].list) |block| try args[0].free(block);
        }
    };
    for (0..2) |_| try inChild(.{ m, &blocks }, Child.run);
    try blocks.expectWhole();
    try exercise(m);
    m.close();

    const p: Process = try .open(.copy, "/dev/shm", 64 * MiB);
    defer p.close();
    const others: Blocks = try .make(p);
    fork.handlers.prepare();
    const child: isize = @bitCast(linux.fork());
    if (child == 0) c._exit(9);
    fork.handlers.parent();
    try testing.expectEqual(9 << 8, try wait(@intCast(child)));
    try testing.expect(!p.isPrivate());
    try others.expectWhole();
    try exercise(p);
}
