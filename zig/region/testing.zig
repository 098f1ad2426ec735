//! What the tests of regions share: places to make files in, and counts of what a process holds.

const std = @import("std");
const os = @import("../os.zig");

/// Directories of file systems every machine has: tmpfs, and whatever is below /tmp.
pub const directories = [_][:0]const u8{ "/dev/shm", "/tmp" };

/// Descriptors and mappings of the process. A test that leaks either sees the numbers differ.
pub const Holdings = struct {
    descriptors: usize,
    mapped: os.memory.Totals,

    pub fn now() !Holdings {
        return .{ .descriptors = try os.file.openCount(), .mapped = try os.memory.mapped() };
    }

    pub fn expectUnchanged(before: Holdings) !void {
        try std.testing.expectEqual(before, try now());
    }
};

pub fn bytes(address: usize, len: usize) []u8 {
    return @as([*]u8, @ptrFromInt(address))[0..len];
}

pub fn expectZero(memory: []const u8) !void {
    if (!std.mem.allEqual(u8, memory, 0)) return error.NotZero;
}

/// Runs `body` in a thread that sees a tmpfs of `size` bytes at /mnt, and nobody else does. Skipped without the right to mount.
pub fn withSmallFileSystem(comptime size: []const u8, body: *const fn (directory: [:0]const u8) anyerror!void) !void {
    const Runner = struct {
        result: anyerror!void = {},
        body: *const fn ([:0]const u8) anyerror!void,

        fn run(r: *@This()) void {
            r.result = r.inside();
        }

        fn inside(r: *@This()) anyerror!void {
            const linux = std.os.linux;
            if (linux.errno(linux.unshare(linux.CLONE.NEWNS)) != .SUCCESS) {
                std.debug.print("skipped: mounting a small file system needs root\n", .{});
                return error.SkipZigTest;
            }
            const private = linux.MS.REC | linux.MS.PRIVATE;
            try expectSuccess(linux.mount("none", "/", null, private, 0));
            try expectSuccess(linux.mount("none", "/mnt", "tmpfs", 0, @intFromPtr("size=" ++ size)));
            try r.body("/mnt");
        }

        fn expectSuccess(result: usize) !void {
            try std.testing.expectEqual(std.os.linux.E.SUCCESS, std.os.linux.errno(result));
        }
    };
    var runner: Runner = .{ .body = body };
    const thread = try std.Thread.spawn(.{}, Runner.run, .{&runner});
    thread.join();
    return runner.result;
}
