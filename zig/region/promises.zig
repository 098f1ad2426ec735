//! Storage that is promised and not allocated: for large blocks of which a program may touch only a part.
//!
//! A granule that is **promised** is mapped from a hole of the file, so a touch of it takes storage then, and meets SIGBUS if
//! there is none. So promises are made only where the file system says how much is free, and while all of them together
//! are at most a quarter of that. When it is not so any more the next `commit` allocates what is promised (`keep`). What other
//! processes take meanwhile nobody can promise: a region does this only if it was asked to (`FileOptions.promises`).
//!
//! Only on tmpfs: there allocating costs 0.5 to 1 ms of processor time for each MiB, and a touch of what is allocated
//! saves little. A disk's file system allocates 128 MiB in 0.5 ms, and a hole of its file is dearer to touch.

const std = @import("std");
const os = @import("../os.zig");
const file = @import("file.zig");
const region_zig = @import("region.zig");
const Units = @import("units.zig").Units;
const Region = region_zig.Region;
const Error = os.Error;

/// Free storage for each byte that is promised.
const margin = 4;

/// As `Region.commit`, the storage being promised, or, where that is not to be (false), nothing is done.
pub fn promise(r: *Region, offset: usize, len: usize) Error!bool {
    const units = r.range(offset, len);
    std.debug.assert(r.units.all(units.first, units.count, false));
    if (r.promised.count == 0 or r.forks.parted or r.private or r.stale) return false;
    file.checkDescriptor(r) catch return false;
    if (!isPlenty(r, len)) return false;
    os.file.grow(r.fd, offset + len) catch return false;
    const address = r.base + offset;
    os.memory.mapFixedFile(address, len, r.fd, offset) catch |err| {
        os.memory.mapFixedAnonymous(address, len, r.hole_protection) catch {}; // see `file.commit`
        return err;
    };
    r.promised.set(units.first, units.count);
    r.note(units, offset, len);
    return true;
}

/// Before storage is allocated for other granules: it must not be what was promised. Errors: those of allocating.
pub fn prepare(r: *Region, len: usize) Error!void {
    if (r.promised.set_count == 0 or isPlenty(r, len)) return;
    // A file system that others use is not filled to the brim to find out.
    if (isExact(r) and owed(r) +| len > try os.file.available(r.fd)) return error.ENOSPC;
    try keep(r, r.fd);
    forget(r, .{ .first = 0, .count = r.promised.count });
}

/// Before a region moves into a file that has holes where nothing was touched of what was promised: it owes them beside what it owed
/// before, so they get storage unless there is plenty for them, too. Errors: those of allocating.
pub fn prepareCopy(r: *const Region, fd: os.Fd) Error!void {
    if (r.promised.set_count == 0) return;
    const holes = r.committed() -| try os.file.allocated(fd);
    const free = try os.file.available(fd);
    if (holes > free) return error.ENOSPC;
    if (holes > free / margin) try keep(r, fd);
}

/// Whether the file system has much more than what is promised, and `len` more.
fn isPlenty(r: *const Region, len: usize) bool {
    const free = os.file.available(r.fd) catch return false;
    return (owed(r) +| len) <= free / margin;
}

/// Allocates what is promised.
fn keep(r: *const Region, fd: os.Fd) Error!void {
    var at: usize = 0;
    while (r.promised.find(at, r.promised.count, true)) |run| : (at = run.first + run.count) {
        const offset = run.first * r.granule;
        const end = @min((run.first + run.count) * r.granule, r.size);
        try os.file.allocate(fd, offset, end - offset);
    }
}

/// Bytes that are promised and not allocated, at most: touched ones are known by what the file has in all.
pub fn owed(r: *const Region) u64 {
    if (r.promised.set_count == 0) return 0;
    const promised = @as(u64, r.promised.set_count) * r.granule;
    if (!isExact(r)) return promised;
    const stored = os.file.allocated(r.fd) catch return promised;
    return @min(promised, r.committed() -| stored);
}

/// Whether what the file has is what this region was given: it may also have what could not be punched, or be another process's, too.
fn isExact(r: *const Region) bool {
    return !r.stale and !r.forks.parted and !r.forks.purged;
}

/// Nothing is promised of these granules any more.
pub fn forget(r: *Region, units: Units.Run) void {
    if (r.promised.set_count == 0) return;
    var at = units.first;
    const end = units.first + units.count;
    while (r.promised.find(at, end, true)) |run| : (at = run.first + run.count) r.promised.clear(run.first, run.count);
}

/// How far what is at an offset, promised or not, goes on, at most to `stop`.
pub fn extentAt(r: *const Region, offset: usize, stop: usize) struct { is: bool, end: usize } {
    if (r.promised.set_count == 0) return .{ .is = false, .end = stop };
    const first = offset / r.granule;
    const is = r.promised.get(first);
    const run = r.promised.find(first, Region.unitCount(stop, r.granule), is).?;
    return .{ .is = is, .end = @min(stop, (run.first + run.count) * r.granule) };
}

/// What of the file at an offset is promised and has no storage; if that is nothing, `offset` is where the storage ends, at most
/// `stop`. Asks the file.
pub fn holeAt(r: *const Region, offset: usize, stop: usize) region_zig.Extent {
    const extent = extentAt(r, offset, stop);
    const storage: region_zig.Extent = .{ .offset = extent.end, .len = 0 };
    if (!extent.is) return storage;
    const data = os.file.nextData(r.fd, offset) catch return storage;
    if (data > offset) return .{ .offset = offset, .len = @min(data, extent.end) - offset };
    const hole = os.file.nextHole(r.fd, offset) catch return storage;
    return .{ .offset = @min(hole, extent.end), .len = 0 };
}

const testing = @import("testing.zig");
const g = region_zig.default_granule;

fn make(directory: [:0]const u8, size: usize, promises: bool) !Region {
    var region: Region = try .createFile(directory, .{ .size = size, .lazy = true, .promises = promises });
    errdefer region.release();
    try region.followForks(directory);
    return region;
}

test "promised storage is taken as it is touched, and what was touched is promised no more" {
    const before = try testing.Holdings.now();
    var region = try make("/dev/shm", 2000 * g, true);
    const memory = testing.bytes(region.base, region.size);
    try region.commit(8 * g, g);
    try std.testing.expect(try region.promise(0, 8 * g));
    try std.testing.expectEqual(9 * g, region.committed());
    try std.testing.expectEqual(g, region.stored());
    try std.testing.expectEqual(8 * g, owed(&region));
    memory[3 * g] = 1;
    try std.testing.expectEqual(8 * g - os.memory.pageSize(), owed(&region));
    try region.purge(g, 4 * g);
    try std.testing.expectEqual(4 * g, owed(&region));
    try std.testing.expectEqual(0, memory[3 * g]);
    try region.commit(g, 4 * g);
    try std.testing.expectEqual(4 * g, owed(&region));
    try region.purge(0, 9 * g);
    try std.testing.expectEqual(0, owed(&region));
    try std.testing.expectEqual(0, region.promised.set_count);
    region.release();
    try before.expectUnchanged();
}

test "nothing is promised where it was not asked for, on a disk, and of a parted region" {
    for ([_]bool{ true, false }) |asked| {
        var region = try make(if (asked) "/tmp" else "/dev/shm", 8 * g, asked);
        defer region.release();
        if (asked and region.medium == .tmpfs) continue; // whatever is below /tmp
        try std.testing.expect(!try region.promise(0, 4 * g));
        try std.testing.expectEqual(0, region.committed());
    }
    var region = try make("/dev/shm", 8 * g, true);
    defer region.release();
    try region.part();
    try std.testing.expect(!try region.promise(0, 4 * g));
    try std.testing.expectEqual(0, region.committed());
}

test "a file system that fills up: promises end, are kept, and nothing meets SIGBUS" {
    try testing.withFileSystem("tmpfs", "size=64m", &struct {
        fn body(directory: [:0]const u8) anyerror!void {
            for ([_]bool{ false, true }) |other| {
                var region = try make(directory, 1 << 30, true);
                defer region.release();
                try std.testing.expect(!try region.promise(0, 10 * g));
                try std.testing.expect(try region.promise(0, 6 * g));
                try std.testing.expectEqual(52 << 20, region.roomLeft().?);
                try std.testing.expect(!try region.promise(6 * g, 3 * g));
                // Taken by somebody else, or by this region itself.
                const fd = try os.file.openTemporary(directory);
                defer os.file.close(fd);
                if (other) try os.file.allocate(fd, 0, 20 * g) else try region.commit(10 * g, 20 * g);
                try region.commit(6 * g, 4 * g);
                try std.testing.expectEqual(0, region.promised.set_count);
                // One page is the test's own file's.
                try std.testing.expectError(error.ENOSPC, region.commit(40 * g, 4 * g));
                @memset(testing.bytes(region.base, 10 * g), 1);
            }
        }
    }.body);
}

test "a child's copy has holes where nobody has touched, and room for them" {
    var region = try make("/dev/shm", 16 * g, true);
    defer region.release();
    try region.commit(8 * g, g);
    try std.testing.expect(try region.promise(0, 8 * g));
    const memory = testing.bytes(region.base, region.size);
    memory[5] = 1;
    memory[6 * g] = 2;
    memory[8 * g] = 3;
    try region.part();
    memory[2 * g] = 4; // the process's own
    const linux = std.os.linux;
    const child = linux.fork();
    if (child == 0) linux.exit_group(inChild(&region));
    var status: i32 = 0;
    while (linux.errno(linux.waitpid(@intCast(child), &status, 0)) == .INTR) {}
    try std.testing.expectEqual(0, status);
    region.rejoin();
    region.settle();
    for ([_]usize{ 5, 6 * g, 8 * g, 2 * g }, [_]u8{ 1, 2, 3, 4 }) |at, value| try std.testing.expectEqual(value, memory[at]);
    try std.testing.expectEqual(g + 3 * os.memory.pageSize(), region.stored());
}

test "a child's copy has storage for what was promised where it is short" {
    try testing.withFileSystem("tmpfs", "size=64m", &struct {
        fn body(directory: [:0]const u8) anyerror!void {
            for ([_]usize{ 0, 14 }) |others| {
                var region = try make(directory, 1 << 30, true);
                defer region.release();
                try std.testing.expect(try region.promise(0, 6 * g));
                const fd = try os.file.openTemporary(directory);
                defer os.file.close(fd);
                if (others > 0) try os.file.allocate(fd, 0, others * g);
                try region.part();
                const linux = std.os.linux;
                const child = linux.fork();
                if (child == 0) {
                    var extents: struct {
                        pub fn next(_: *@This()) ?region_zig.Extent {
                            return null;
                        }
                    } = .{};
                    region.copy(&extents) catch linux.exit_group(1);
                    linux.exit_group(if (region.stored() == @as(usize, if (others > 0) 6 * g else 0)) 0 else 2);
                }
                var status: i32 = 0;
                while (linux.errno(linux.waitpid(@intCast(child), &status, 0)) == .INTR) {}
                try std.testing.expectEqual(0, status);
                region.rejoin();
                region.settle();
            }
        }
    }.body);
}

/// What is wrong there; 0: nothing.
fn inChild(region: *Region) u8 {
    const Extents = struct {
        list: []const region_zig.Extent = &.{ .{ .offset = 0, .len = 7 * g }, .{ .offset = 8 * g, .len = g } },
        at: usize = 0,
        pub fn next(e: *@This()) ?region_zig.Extent {
            defer e.at += 1;
            return if (e.at < e.list.len) e.list[e.at] else null;
        }
    };
    var extents: Extents = .{};
    region.copy(&extents) catch return 1;
    const memory = testing.bytes(region.base, region.size);
    for ([_]usize{ 5, 6 * g, 8 * g, 2 * g }, [_]u8{ 1, 2, 3, 4 }) |at, value| if (memory[at] != value) return 2;
    if (region.stored() != g + 3 * os.memory.pageSize()) return 3;
    if (owed(region) != 8 * g - 3 * os.memory.pageSize()) return 4;
    @memset(memory[0 .. 9 * g], 9);
    return if (region.stored() == 9 * g) 0 else 5;
}

test "a failed promise changes nothing, whichever call fails" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    defer os.fault.disarm();
    for ([_]Error{ error.ENOMEM, error.EPERM, error.EIO }) |injected| {
        var region = try make("/dev/shm", 16 * g, true);
        defer region.release();
        const before = try testing.Holdings.now();
        var n: u64 = 1;
        while (true) : (n += 1) {
            os.fault.arm(n, injected);
            const promised = region.promise(0, 4 * g) catch false;
            const done = os.fault.count() < n;
            os.fault.disarm();
            try std.testing.expectEqual(if (promised) 4 * g else 0, region.committed());
            if (promised) try region.purge(0, 4 * g);
            if (done) break;
            try std.testing.expect(!promised);
            try before.expectUnchanged();
        }
        try std.testing.expect(n > 4);
    }
}
