//! What the tests of regions share: places to make files in, and counts of what a process holds.

const std = @import("std");
const options = @import("options");
const os = @import("../os.zig");
const region_zig = @import("region.zig");
const Region = region_zig.Region;

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
        const after = try now();
        try std.testing.expectEqual(before.descriptors, after.descriptors);
        // The sanitizer maps memory of its own as it goes.
        if (!options.thread_sanitizer) try std.testing.expectEqual(before.mapped, after.mapped);
    }
};

/// Every way to make a region that needs no rights.
pub const Maker = struct {
    label: []const u8,
    make: *const fn (size: usize) os.Error!Region,
};

fn makeFile(comptime directory: [:0]const u8, comptime lazy: bool, comptime hint: ?usize) *const fn (usize) os.Error!Region {
    return &struct {
        fn make(size: usize) os.Error!Region {
            return Region.createFile(directory, .{ .size = size, .lazy = lazy, .hint = hint, .unsafe_storage = .refuse });
        }
    }.make;
}

fn makeAnonymous(comptime lazy: bool) *const fn (usize) os.Error!Region {
    return &struct {
        fn make(size: usize) os.Error!Region {
            return Region.createAnonymous(.{ .size = size, .lazy = lazy });
        }
    }.make;
}

pub const makers = [_]Maker{
    .{ .label = "tmpfs, lazy", .make = makeFile("/dev/shm", true, null) },
    .{ .label = "tmpfs, eager", .make = makeFile("/dev/shm", false, null) },
    .{ .label = "disk, lazy", .make = makeFile("/tmp", true, null) },
    .{ .label = "disk, eager", .make = makeFile("/tmp", false, null) },
    .{ .label = "hint, eager", .make = makeFile("/dev/shm", false, 0x2000_0000_0000) },
    .{ .label = "hint, lazy", .make = makeFile("/dev/shm", true, 0x2000_0000_0000) },
    .{ .label = "anonymous, lazy", .make = makeAnonymous(true) },
    .{ .label = "anonymous, eager", .make = makeAnonymous(false) },
};

/// Some granules and a ragged end.
pub const test_size = 7 * region_zig.default_granule + 12288;

pub fn bytes(address: usize, len: usize) []u8 {
    return @as([*]u8, @ptrFromInt(address))[0..len];
}

/// Page faults of this thread so far that needed no disk.
pub fn faults() usize {
    var usage: std.os.linux.rusage = undefined;
    std.debug.assert(std.os.linux.getrusage(std.os.linux.rusage.THREAD, &usage) == 0);
    return @intCast(usage.minflt);
}

pub fn expectZero(memory: []const u8) !void {
    if (!std.mem.allEqual(u8, memory, 0)) return error.NotZero;
}

/// Runs `body` in a thread that sees a file system of its own at /mnt, and nobody else does. Skipped without the right to
/// mount.
pub fn withFileSystem(kind: [:0]const u8, settings: [:0]const u8, body: *const fn (directory: [:0]const u8) anyerror!void) !void {
    const Runner = struct {
        result: anyerror!void = {},
        kind: [:0]const u8,
        settings: [:0]const u8,
        body: *const fn ([:0]const u8) anyerror!void,

        fn run(r: *@This()) void {
            r.result = r.inside();
        }

        fn inside(r: *@This()) anyerror!void {
            const linux = std.os.linux;
            if (linux.errno(linux.unshare(linux.CLONE.NEWNS)) != .SUCCESS) {
                std.debug.print("skipped: mounting a file system needs root\n", .{});
                return error.SkipZigTest;
            }
            const private = linux.MS.REC | linux.MS.PRIVATE;
            try expectSuccess(linux.mount("none", "/", null, private, 0));
            try expectSuccess(linux.mount("none", "/mnt", r.kind, 0, @intFromPtr(r.settings.ptr)));
            try r.body("/mnt");
        }

        fn expectSuccess(result: usize) !void {
            try std.testing.expectEqual(std.os.linux.E.SUCCESS, std.os.linux.errno(result));
        }
    };
    var runner: Runner = .{ .kind = kind, .settings = settings, .body = body };
    const thread = try std.Thread.spawn(.{}, Runner.run, .{&runner});
    thread.join();
    return runner.result;
}
