//! Tests: what parent and child of a fork see of a region, and whose storage it is.

const std = @import("std");
const os = @import("../os.zig");
const region_zig = @import("region.zig");
const testing = @import("testing.zig");
const Region = region_zig.Region;
const Extent = region_zig.Extent;
const linux = std.os.linux;
const page = 4096;
const g = region_zig.default_granule;

fn make(directory: [:0]const u8) !Region {
    var region = try Region.createFile(directory, .{ .size = 7 * g + 3 * page, .lazy = true });
    errdefer region.release();
    try region.followForks(directory);
    return region;
}

/// Runs `body` in a child; an error there is one here.
fn inChild(context: anytype, comptime body: fn (@TypeOf(context)) anyerror!void) !void {
    const child = linux.fork();
    if (child == 0) {
        body(context) catch |err| {
            std.debug.print("in the child: {t}\n", .{err});
            linux.exit_group(1);
        };
        linux.exit_group(0);
    }
    var status: i32 = 0;
    while (linux.errno(linux.waitpid(@intCast(child), &status, 0)) == .INTR) {}
    try std.testing.expectEqual(0, status);
}

const Extents = struct {
    list: []const Extent,
    at: usize = 0,

    pub fn next(e: *Extents) ?Extent {
        if (e.at == e.list.len) return null;
        defer e.at += 1;
        return e.list[e.at];
    }
};

/// Granules 0, 1 and the ragged last one are committed; some pages of them are in use and have contents.
const used = [_]Extent{
    .{ .offset = page, .len = 3 * page },
    .{ .offset = g - page, .len = 2 * page },
    .{ .offset = 7 * g + page, .len = 2 * page },
};

fn prepare(region: *Region) !void {
    try region.commit(0, 2 * g);
    try region.commit(7 * g, 3 * page);
    for (used, 1..) |extent, i| @memset(at(region, extent), @intCast(i));
}

fn at(region: *const Region, extent: Extent) []u8 {
    return testing.bytes(region.base + extent.offset, extent.len);
}

fn expectContents(region: *const Region) !void {
    for (used, 1..) |extent, i| {
        if (!std.mem.allEqual(u8, at(region, extent), @intCast(i))) return error.WrongContents;
    }
}

fn expectEqual(a: anytype, b: anytype) !void {
    if (a == b) return;
    std.debug.print("{any} instead of {any}\n", .{ b, a });
    return error.NotEqual;
}

test "parted: parent and child write, neither sees the other, and the file stays" {
    for (testing.directories) |directory| {
        const before = try testing.Holdings.now();
        var region = try make(directory);
        try prepare(&region);
        try region.part();
        try std.testing.expect(region.isParted() and region.isApart());
        try expectContents(&region);
        const memory = testing.bytes(region.base, region.size);
        memory[page] = 100; // before the fork: the child's, too
        const Child = struct {
            fn body(r: *Region) !void {
                const bytes = testing.bytes(r.base, r.size);
                try expectEqual(100, bytes[page]);
                bytes[page] = 101;
                @memset(bytes[g .. 2 * g], 102);
                // Purging and committing, here and there.
                try r.purge(g, g);
                try testing.expectZero(bytes[g .. 2 * g]);
                try r.commit(g, 2 * g);
                try testing.expectZero(bytes[g .. 3 * g]);
                @memset(bytes[g .. 3 * g], 103);
            }
        };
        try inChild(&region, Child.body);
        try std.testing.expectEqual(100, memory[page]);
        memory[page] = 1;
        try expectContents(&region);
        try region.purge(g, g);
        try testing.expectZero(memory[g .. 2 * g]);
        try region.commit(g, g);
        try testing.expectZero(memory[g .. 2 * g]);
        // Nobody has written to the file.
        try region.purge(0, g);
        const whole = try os.memory.reserve(2 * g, page);
        defer os.memory.unmap(whole, 2 * g) catch {};
        try os.memory.mapFixedFile(whole, 2 * g, region.fd, 0);
        var view: Region = region;
        view.base = whole;
        for (used[0..2], 1..) |extent, i| try std.testing.expect(std.mem.allEqual(u8, at(&view, extent), @intCast(i)));
        region.closeFile();
        try region.part(); // again: nothing
        region.release();
        try os.memory.unmap(whole, 2 * g);
        try before.expectUnchanged();
    }
}

test "a copy has the contents, storage for all of it, and is the child's alone; the parent takes its file back" {
    for (testing.directories) |directory| {
        const before = try testing.Holdings.now();
        var region = try make(directory);
        defer region.release();
        try prepare(&region);
        const storage = try os.file.allocated(region.fd);
        const mapped = (try os.memory.mapped()).mappings;
        const memory = testing.bytes(region.base, region.size);
        const Child = struct {
            region: *Region,
            storage: u64,
            fd: os.Fd,
            fn body(c: @This()) !void {
                const r = c.region;
                var extents: Extents = .{ .list = &used };
                try r.copy(&extents);
                try expectEqual(c.fd, r.fd);
                try expectEqual(r.committed(), r.forks.shared.set_count * g - (g - 3 * page));
                try expectContents(r);
                const bytes = testing.bytes(r.base, r.size);
                try testing.expectZero(bytes[4 * page .. g - page]); // not in use, so not copied
                const has = try os.file.allocated(r.fd);
                if (has + page < r.committed() or has > c.storage + page) return error.WrongStorage;
                // From here on it is a region as any other.
                @memset(bytes[0 .. 2 * g], 50);
                try r.purge(0, g);
                try testing.expectZero(bytes[0..g]);
                try expectEqual(has - g, try os.file.allocated(r.fd));
                try r.commit(0, g);
                try r.commit(3 * g, g);
                try testing.expectZero(bytes[3 * g .. 4 * g]);
                // And forks as any other.
                try r.part();
                @memset(bytes[3 * g .. 4 * g], 51);
                try inChild(r, grandchild);
                r.rejoin();
                r.settle();
                try expectEqual(51, bytes[3 * g]);
                try expectEqual(4, r.forks.shared.set_count);
                r.release();
            }
            fn grandchild(r: *Region) !void {
                try expectEqual(51, testing.bytes(r.base, r.size)[4 * g - 1]);
                try expectEqual(50, testing.bytes(r.base, r.size)[g]);
            }
        };
        for (0..3) |round| {
            memory[page] = 1;
            try region.part();
            memory[2 * page] = 7; // meanwhile
            memory[2 * page] = 1;
            if (round == 1) try region.commit(5 * g, g);
            if (round == 1) memory[5 * g] = 9;
            if (round == 0) try inChild(Child{ .region = &region, .storage = storage, .fd = region.fd }, Child.body);
            memory[page] = 77; // after the fork
            region.rejoin();
            region.settle();
            try std.testing.expectEqual(77, memory[page]);
            memory[page] = 1;
            try expectContents(&region);
            // All of it is the file's: pages that were copied are memory no more.
            try std.testing.expectEqual(region.units.set_count, region.forks.shared.set_count);
            var byte: u8 = 0;
            _ = linux.pread(region.fd, @ptrCast(&byte), 1, page);
            try std.testing.expectEqual(1, byte);
        }
        try std.testing.expectEqual(9, memory[5 * g]);
        try region.purge(5 * g, g);
        try std.testing.expectEqual(storage, try os.file.allocated(region.fd));
        try std.testing.expectEqual(mapped, (try os.memory.mapped()).mappings);
        region.release();
        try before.expectUnchanged();
    }
}

test "what was not settled leaves as it is purged" {
    var region = try make("/dev/shm");
    defer region.release();
    try prepare(&region);
    const memory = testing.bytes(region.base, region.size);
    try region.part();
    try region.commit(2 * g, g);
    memory[2 * g] = 1;
    region.rejoin();
    try std.testing.expectEqual(0, region.forks.shared.set_count);
    try region.purge(g, 2 * g);
    try testing.expectZero(memory[g .. 3 * g]);
    try region.commit(g, g);
    try std.testing.expectEqual(1, region.forks.shared.set_count);
    memory[g] = 8;
    // A later fork leaves the rest alone, which is private already.
    memory[page] = 100;
    try region.part();
    try std.testing.expectEqual(100, memory[page]);
    try std.testing.expectEqual(8, memory[g]);
    region.rejoin();
    region.settle();
    try std.testing.expectEqual(region.units.set_count, region.forks.shared.set_count);
    try std.testing.expectEqual(100, memory[page]);
    try std.testing.expectEqual(8, memory[g]);
}

test "no room for a copy: nothing is changed, here or on the file system" {
    try testing.withFileSystem("tmpfs", "size=12m", &struct {
        fn body(directory: [:0]const u8) anyerror!void {
            const before = try testing.Holdings.now();
            var region = try make(directory);
            try prepare(&region);
            try region.commit(2 * g, 2 * g);
            const free = try os.file.availableAt(directory);
            try region.part();
            for ([_]bool{ true, false }) |known| {
                region.forks.free_is_known = known; // else it fails in the middle
                var extents: Extents = .{ .list = &used };
                try std.testing.expectError(error.ENOSPC, region.copy(&extents));
                try std.testing.expect(region.isParted());
                try expectContents(&region);
                try std.testing.expectEqual(free, try os.file.availableAt(directory));
            }
            region.release();
            try before.expectUnchanged();
        }
    }.body);
}

test "what cannot be private is copied into memory" {
    const before = try testing.Holdings.now();
    var region = try make("/dev/shm");
    try prepare(&region);
    region.forks.possible = false;
    try std.testing.expectError(error.EOPNOTSUPP, region.part());
    try std.testing.expect(!region.isApart());
    const Child = struct {
        fn body(r: *Region) !void {
            var extents: Extents = .{ .list = &used };
            try r.copyIntoMemory(&extents);
            if (!r.isApart() or r.source != .anonymous) return error.NotApart;
            try expectContents(r);
            const bytes = testing.bytes(r.base, r.size);
            bytes[page] = 9;
            try r.purge(g, g);
            try testing.expectZero(bytes[g .. 2 * g]);
            try r.commit(g, 2 * g);
            @memset(bytes[g .. 3 * g], 9);
            r.release();
        }
    };
    try inChild(&region, Child.body);
    try expectContents(&region);
    try std.testing.expectEqual(2 * g + 3 * page, region.committed());
    region.release();
    var eager = try Region.createFile("/tmp", .{ .size = 2 * g });
    try eager.followForks("/tmp");
    try std.testing.expectError(error.EOPNOTSUPP, eager.part());
    eager.release();
    try before.expectUnchanged();
}

test "forks that cannot be followed: the region still ends whole" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    defer os.fault.disarm();
    const before = try testing.Holdings.now();
    var n: u64 = 1;
    while (true) : (n += 1) {
        errdefer std.debug.print("call {d} fails\n", .{n});
        var region = try Region.createFile("/dev/shm", .{ .size = 2 << 30, .lazy = true }); // more granules than fit into the record
        os.fault.arm(n, error.ENOMEM);
        const outcome = region.followForks(".");
        const done = os.fault.count() < n;
        os.fault.disarm();
        if (outcome) |_| {} else |err| try std.testing.expectEqual(error.ENOMEM, err);
        // What the release unmaps is the region's: it must not have been unmapped before, when others may map there.
        const directory = region.forks.directory;
        if (directory.len > 0) _ = try os.memory.isResident(@intFromPtr(directory.ptr));
        region.release();
        try before.expectUnchanged();
        if (done) break;
    }
    try std.testing.expect(n > 4);
}

test "whichever call fails, the contents stay, and what is parted is known" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    defer os.fault.disarm();
    for ([_]os.Error{ error.ENOMEM, error.ENOSPC }) |injected| {
        const before = try testing.Holdings.now();
        var n: u64 = 1;
        while (true) : (n += 1) {
            errdefer std.debug.print("call {d} fails with {t}\n", .{ n, injected });
            var region = try make("/dev/shm");
            defer region.release();
            try prepare(&region);
            os.fault.arm(n, injected);
            const parted = region.part();
            var done = os.fault.count() < n;
            os.fault.disarm();
            try expectContents(&region);
            if (parted) |_| try std.testing.expect(region.isApart()) else |_| {
                try std.testing.expect(!region.isApart());
                // Those granules are private now, which makes no difference as long as nobody else looks.
                @memset(at(&region, used[0]), 1);
                try region.part();
            }
            os.fault.arm(n, injected);
            var extents: Extents = .{ .list = &used };
            const copied = region.copy(&extents);
            done = done and os.fault.count() < n;
            os.fault.disarm();
            try expectContents(&region);
            if (copied) |_| try std.testing.expect(!region.isParted()) else |_| {}
            if (!region.isParted()) try region.part();
            @memset(at(&region, used[0]), 1);
            region.rejoin();
            os.fault.arm(n, injected);
            region.settle();
            done = done and os.fault.count() < n;
            os.fault.disarm();
            try expectContents(&region);
            @memset(at(&region, used[1]), 2);
            region.settle();
            try expectContents(&region);
            try std.testing.expectEqual(region.units.set_count, region.forks.shared.set_count);
            try region.purge(0, 2 * g);
            try testing.expectZero(testing.bytes(region.base, 2 * g));
            if (done) break;
            try std.testing.expect(n < 100);
        }
        try std.testing.expect(n > 15);
        try before.expectUnchanged();
    }
}

test "a program that closed the descriptor cannot be parted" {
    var region = try make("/dev/shm");
    defer region.release();
    try region.part(); // nothing is committed: nothing to do
    region.rejoin();
    try prepare(&region);
    os.file.close(region.fd);
    try std.testing.expectError(error.EBADF, region.part());
    try expectContents(&region);
    const Child = struct {
        fn body(r: *Region) !void {
            var extents: Extents = .{ .list = &used };
            try r.copyIntoMemory(&extents);
            try expectContents(r);
        }
    };
    try inChild(&region, Child.body);
}

// A directory on a file system with reflinks, which a machine lends to this test.
test "a copy that shares its storage: what was written since is the writer's, on both sides" {
    const directory = os.environment.get("VMEM_TEST_REFLINK") orelse {
        std.debug.print("skipped: VMEM_TEST_REFLINK names no directory\n", .{});
        return error.SkipZigTest;
    };
    const before = try testing.Holdings.now();
    var region = try make(directory);
    region.unsafe = true; // as on file systems that copy on write anyway
    try prepare(&region);
    const memory = testing.bytes(region.base, region.size);
    const Child = struct {
        region: *Region,
        directory: [:0]const u8,
        fn body(c: @This()) !void {
            const free = try os.file.availableAt(c.directory);
            testing.bytes(c.region.base, c.region.size)[page] = 100; // by the child, before it copies
            var extents: Extents = .{ .list = &.{} }; // which only copying asks for
            try c.region.copy(&extents);
            if (free - try os.file.availableAt(c.directory) > 1 << 20) return error.NotShared;
            const bytes = testing.bytes(c.region.base, c.region.size);
            try expectEqual(100, bytes[page]);
            try expectEqual(9, bytes[2 * page]);
            bytes[page] = 1;
            bytes[2 * page] = 1;
            try expectContents(c.region);
            for (used) |extent| @memset(at(c.region, extent), 77);
            try c.region.purge(g, g);
            c.region.release();
        }
    };
    try region.part();
    memory[2 * page] = 9; // by the parent, between
    try inChild(Child{ .region = &region, .directory = directory }, Child.body);
    region.rejoin();
    region.settle();
    memory[2 * page] = 1;
    try expectContents(&region);
    region.release();
    try before.expectUnchanged();
}
