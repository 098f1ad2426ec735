//! Tests: regions at the limits that the kernel sets a process and a machine, with the real limits.
//!
//! Strict overcommit is a setting of the whole machine; RLIMIT_DATA refuses private writable memory in the same way
//! (ENOMEM from mmap) and can be set for the test alone.

const std = @import("std");
const options = @import("options");
const os = @import("../os.zig");
const region_zig = @import("region.zig");
const testing = @import("testing.zig");
const Region = region_zig.Region;
const linux = std.os.linux;
const g = region_zig.default_granule;

const Limit = struct {
    resource: linux.rlimit_resource,
    before: linux.rlimit,

    fn set(resource: linux.rlimit_resource, value: u64) !Limit {
        var before: linux.rlimit = undefined;
        const now: linux.rlimit = .{ .cur = value, .max = linux.RLIM.INFINITY };
        try std.testing.expectEqual(0, linux.getrlimit(resource, &before));
        try std.testing.expectEqual(0, linux.setrlimit(resource, &.{ .cur = @min(now.cur, before.max), .max = before.max }));
        return .{ .resource = resource, .before = before };
    }

    fn lift(l: *const Limit) void {
        _ = linux.setrlimit(l.resource, &l.before);
    }
};

test "where writable memory is charged ahead, the reservation is readable and the rest works" {
    if (options.thread_sanitizer) return error.SkipZigTest; // its shadow takes the addresses
    const size = 1 << 40;
    const before = try testing.Holdings.now();
    // Above what other tests of this process have and keep.
    const limit = try Limit.set(.DATA, before.mapped.writable + (1 << 30));
    defer limit.lift();
    for ([_]?usize{ null, 0x2200_0000_0000 }) |hint| {
        var region = try Region.createFile("/dev/shm", .{ .size = size, .lazy = true, .hint = hint });
        try std.testing.expectEqual(os.memory.Protection.read, region.hole_protection);
        try useLazily(&region);
        region.abandon();
        // The kernel lets memory be replaced beyond the limit.
        try std.testing.expect(region.isAbandoned());
        try std.testing.expectEqual(-1, region.fd);
        try testing.expectZero(testing.bytes(region.base, 4 * g));
        testing.bytes(region.base, size)[size - 1] = 1;
        region.release();
    }
    var region = try Region.createAnonymous(.{ .size = size, .lazy = true });
    try std.testing.expectEqual(os.memory.Protection.read, region.hole_protection);
    try useLazily(&region);
    try std.testing.expectError(error.ENOMEM, region.commit(4 * g, 2 << 30));
    try testing.expectZero(testing.bytes(region.base + 4 * g, g));
    region.release();
    try std.testing.expectError(error.ENOMEM, Region.createAnonymous(.{ .size = 2 << 30 }));
    try before.expectUnchanged();
}

test "where writable memory is charged ahead, a forked child gets what is committed" {
    if (options.thread_sanitizer) return error.SkipZigTest; // its shadow takes the addresses
    const before = try testing.Holdings.now();
    // Above what other tests of this process have and keep.
    const limit = try Limit.set(.DATA, before.mapped.writable + (1 << 30));
    defer limit.lift();
    for ([_]bool{ true, false }) |private| {
        var region = try Region.createFile("/dev/shm", .{ .size = 1 << 40, .lazy = true });
        try region.followForks("/dev/shm");
        region.forks.possible = private;
        try region.commit(2 * g, 2 * g);
        const memory = testing.bytes(region.base, 8 * g);
        @memset(memory[2 * g .. 4 * g], 7);
        const Extents = struct {
            done: bool = false,
            pub fn next(e: *@This()) ?region_zig.Extent {
                defer e.done = true;
                return if (e.done) null else .{ .offset = 2 * g, .len = 2 * g };
            }
        };
        var extents: Extents = .{};
        if (private) try region.part() else try region.copyIntoMemory(&extents);
        try std.testing.expect(region.isApart());
        try std.testing.expect(std.mem.allEqual(u8, memory[2 * g .. 4 * g], 7));
        try region.commit(4 * g, g);
        try testing.expectZero(memory[4 * g .. 5 * g]);
        @memset(memory[4 * g .. 5 * g], 8);
        try region.purge(3 * g, 2 * g);
        try testing.expectZero(memory[3 * g ..]);
        try std.testing.expectError(error.ENOMEM, region.commit(8 * g, 2 << 30));
        try std.testing.expect(std.mem.allEqual(u8, memory[2 * g .. 3 * g], 7));
        region.release();
    }
    try before.expectUnchanged();
}

fn useLazily(region: *Region) !void {
    const memory = testing.bytes(region.base, region.size);
    try region.commit(0, 3 * g);
    @memset(memory[0 .. 3 * g], 1);
    try region.purge(g, g);
    try testing.expectZero(memory[g .. 2 * g]);
    try std.testing.expectEqual(1, memory[2 * g]);
    try testing.expectZero(memory[memory.len - 4096 ..]);
}

test "beyond the limit on address space: ENOMEM, nothing left" {
    if (options.thread_sanitizer) return error.SkipZigTest; // its shadow takes the addresses
    const before = try testing.Holdings.now();
    const limit = try Limit.set(.AS, before.mapped.bytes + (64 << 20));
    defer limit.lift();
    for ([_]bool{ true, false }) |lazy| {
        var step: region_zig.Step = undefined;
        const large: region_zig.FileOptions = .{ .size = 128 << 20, .lazy = lazy, .step = &step };
        try std.testing.expectError(error.ENOMEM, Region.createFile("/tmp", large));
        try std.testing.expectEqual(region_zig.Step.reserve, step);
    }
    try before.expectUnchanged();
}

test "a full descriptor table: EMFILE, nothing left" {
    const before = try testing.Holdings.now();
    const limit = try Limit.set(.NOFILE, 0);
    defer limit.lift();
    const result = Region.createFile("/dev/shm", .{ .size = 1 << 20 });
    limit.lift();
    try std.testing.expectError(error.EMFILE, result);
    try before.expectUnchanged();
}

test "beyond the limit on file sizes: EFBIG at create or commit" {
    const before = try testing.Holdings.now();
    const limit = try Limit.set(.FSIZE, 4 << 20);
    defer limit.lift();
    try std.testing.expectError(error.EFBIG, Region.createFile("/dev/shm", .{ .size = 8 << 20 }));
    var region = try Region.createFile("/dev/shm", .{ .size = 8 << 20, .lazy = true });
    try region.commit(0, 4 << 20);
    try std.testing.expectError(error.EFBIG, region.commit(4 << 20, 2 << 20));
    region.release();
    try before.expectUnchanged();
}

/// Uses up the mappings a process may have, by pages whose protections alternate.
const Crowd = struct {
    address: usize,
    length: usize,

    const largest = 1 << 17;

    fn gather() !Crowd {
        const page = os.memory.pageSize();
        const length = 2 * largest * page;
        const address = try os.memory.reserve(length, page);
        var at = address;
        while (at < address + length) : (at += 2 * page) {
            os.memory.protect(at, page, .read) catch |err| {
                try std.testing.expectEqual(error.ENOMEM, err);
                break;
            };
        } else {
            try os.memory.unmap(address, length);
            std.debug.print("skipped: this machine allows too many mappings to use them up\n", .{});
            return error.SkipZigTest;
        }
        // A split is refused at the limit, a new mapping only beyond it. Shared ones never join.
        while (true) {
            const extra = linux.mmap(null, page, .{ .READ = true }, .{ .TYPE = .SHARED, .ANONYMOUS = true }, -1, 0);
            if (linux.errno(extra) == .NOMEM) return .{ .address = address, .length = length };
            try std.testing.expectEqual(linux.E.SUCCESS, linux.errno(extra));
        }
    }

    fn leave(c: *const Crowd) void {
        os.memory.unmap(c.address, c.length) catch {};
    }
};

test "no mapping to spare: commit and purge change nothing, abandon gives the storage back and succeeds later" {
    for ([_]bool{ true, false }) |lazy| {
        var region = try Region.createFile("/dev/shm", .{ .size = 16 << 20, .lazy = lazy });
        const memory = testing.bytes(region.base, region.size);
        if (lazy) try region.commit(0, 4 * g);
        @memset(memory[0 .. 4 * g], 1);
        const crowd = try Crowd.gather();
        {
            defer crowd.leave();
            if (lazy) {
                try std.testing.expectError(error.ENOMEM, region.purge(g, g));
                try std.testing.expectError(error.ENOMEM, region.commit(6 * g, g));
                try std.testing.expectEqual(4 * g, region.committed());
                try std.testing.expectEqual(4 * g, try os.file.allocated(region.fd));
                try testing.expectZero(memory[4 * g ..]);
                try std.testing.expectEqual(1, memory[g]);
            }
            region.abandon();
            try std.testing.expect(!region.isAbandoned());
            if (lazy) try std.testing.expectEqual(0, try os.file.allocated(region.fd));
            try testing.expectZero(memory);
            memory[0] = 1;
        }
        region.abandon();
        try std.testing.expect(region.isAbandoned());
        try testing.expectZero(memory);
        region.release();
    }
}

test "a process that locks its future memory: reserving and abandoning fill nothing" {
    const future = 2; // MCL_FUTURE
    if (linux.geteuid() != 0 or linux.errno(linux.syscall1(.mlockall, future)) != .SUCCESS) {
        std.debug.print("skipped: locking memory without a limit needs root\n", .{});
        return error.SkipZigTest;
    }
    defer _ = linux.syscall0(.munlockall);
    const size = 1 << 30;
    var region = try Region.createFile("/dev/shm", .{ .size = size, .lazy = true });
    try std.testing.expect(!try os.memory.isResident(region.base + size / 2));
    try useLazily(&region);
    const during = try testing.Holdings.now();
    if (os.fault.enabled) {
        os.fault.armCall(.mremap, 1, error.ENOMEM);
        region.abandon();
        os.fault.disarm();
        try std.testing.expect(!region.isAbandoned());
        try during.expectUnchanged();
    }
    region.abandon();
    try std.testing.expect(region.isAbandoned());
    const memory = testing.bytes(region.base, size);
    try std.testing.expect(!try os.memory.isResident(region.base + size / 2));
    try testing.expectZero(memory[0 .. 4 * g]);
    memory[0] = 1;
    region.release();
}

test "a descriptor that the program closed or reused is left alone" {
    const victim = try os.file.openTemporary("/dev/shm");
    defer os.file.close(victim);
    try os.file.allocate(victim, 0, 4 * g);
    for ([_]bool{ true, false }) |reused| {
        var region = try Region.createFile("/dev/shm", .{ .size = 8 * g, .lazy = true });
        try region.commit(0, g);
        const memory = testing.bytes(region.base, region.size);
        @memset(memory[0..g], 1);
        os.file.close(region.fd);
        if (reused) try std.testing.expectEqual(@as(usize, @intCast(region.fd)), linux.dup2(victim, region.fd));
        const fd = region.fd;
        try std.testing.expectError(error.EBADF, region.commit(g, g));
        try std.testing.expectError(error.EBADF, region.purge(0, g));
        try std.testing.expectEqual(1, memory[g - 1]);
        region.abandon();
        try std.testing.expect(region.isAbandoned());
        try testing.expectZero(memory);
        region.release();
        if (reused) os.file.close(fd);
        try std.testing.expectEqual(4 * g, try os.file.allocated(victim));
    }
}

test "a region that survives its descriptor goes on in private memory" {
    for ([_]bool{ true, false }) |reused| {
        const before = try testing.Holdings.now();
        var region = try Region.createFile("/dev/shm", .{ .size = 8 * g, .lazy = true, .survives_close = true });
        try std.testing.expect(region.fd >= 1000);
        try region.commit(0, 2 * g);
        const memory = testing.bytes(region.base, region.size);
        @memset(memory[0 .. 2 * g], 1);
        const victim = try os.file.openTemporary("/dev/shm");
        try os.file.allocate(victim, 0, 4 * g);
        os.file.close(region.fd);
        if (reused) try std.testing.expectEqual(@as(usize, @intCast(region.fd)), linux.dup2(victim, region.fd));
        const fd = region.fd;
        try region.commit(2 * g, 2 * g);
        try testing.expectZero(memory[2 * g .. 4 * g]);
        @memset(memory[2 * g .. 4 * g], 2);
        // Of the file's part and of the private one; both come back as zeros.
        try region.purge(g, 2 * g);
        try std.testing.expectEqual(2 * g, region.committed());
        try testing.expectZero(memory[g .. 3 * g]);
        try region.commit(g, g);
        try testing.expectZero(memory[g .. 3 * g]);
        try std.testing.expectEqual(1, memory[0]);
        try std.testing.expectEqual(2, memory[3 * g]);
        region.release();
        if (reused) os.file.close(fd);
        try std.testing.expectEqual(4 * g, try os.file.allocated(victim));
        os.file.close(victim);
        try before.expectUnchanged();
    }
}

test "errors of the directory" {
    var tmp = std.testing.tmpDir(.{});
    defer tmp.cleanup();
    var buffer: [128]u8 = undefined;
    const at: i32 = tmp.dir.handle;
    try std.testing.expectEqual(0, linux.symlinkat("loop", at, "loop"));
    try std.testing.expectEqual(0, linux.symlinkat("nowhere", at, "dangling"));
    try std.testing.expectEqual(0, linux.symlinkat("/dev/shm", at, "good"));
    try std.testing.expectEqual(0, linux.mknodat(at, "fifo", linux.S.IFIFO | 0o600, 0));
    const cases = .{ .{ "loop", error.ELOOP }, .{ "loop/x", error.ELOOP }, .{ "dangling", error.ENOENT }, .{ "fifo", error.ENOTDIR } };
    inline for (cases) |case| {
        const path = try std.fmt.bufPrintSentinel(&buffer, ".zig-cache/tmp/{s}/" ++ case[0], .{tmp.sub_path}, 0);
        try std.testing.expectError(case[1], Region.createFile(path, .{ .size = 1 << 20 }));
    }
    const path = try std.fmt.bufPrintSentinel(&buffer, ".zig-cache/tmp/{s}/good", .{tmp.sub_path}, 0);
    var region = try Region.createFile(path, .{ .size = 1 << 20 });
    region.release();
}

test "a read-only file system: EROFS" {
    try testing.withFileSystem("tmpfs", "size=1m", &struct {
        fn body(directory: [:0]const u8) anyerror!void {
            const remounted = linux.mount("none", "/mnt", null, linux.MS.REMOUNT | linux.MS.RDONLY, 0);
            try std.testing.expectEqual(linux.E.SUCCESS, linux.errno(remounted));
            try std.testing.expectError(error.EROFS, Region.createFile(directory, .{ .size = 1 << 20 }));
        }
    }.body);
}

test "a directory without permission: EACCES" {
    try testing.withFileSystem("tmpfs", "mode=0700", &struct {
        fn body(directory: [:0]const u8) anyerror!void {
            // The raw call changes this thread alone.
            try std.testing.expectEqual(0, linux.setresuid(65534, 65534, 65534));
            try std.testing.expectError(error.EACCES, Region.createFile(directory, .{ .size = 1 << 20 }));
        }
    }.body);
}

test "more than the file system holds or can ever hold" {
    for (testing.directories) |directory| {
        const fd = try os.file.openTemporary(directory);
        defer os.file.close(fd);
        const about = try os.file.about(fd);
        if (about.kind != .ext and about.kind != .tmpfs) continue;
        var step: region_zig.Step = undefined;
        const beyond: region_zig.FileOptions = .{ .size = about.free + (1 << 40), .step = &step };
        try std.testing.expectError(error.ENOSPC, Region.createFile(directory, beyond));
        try std.testing.expectEqual(region_zig.Step.allocate, step);
        const huge: region_zig.FileOptions = .{ .size = 100 << 40 };
        const expected = if (about.kind == .ext) error.EFBIG else error.ENOSPC;
        try std.testing.expectError(expected, Region.createFile(directory, huge));
    }
}

fn freeHugePages() !usize {
    const fd = linux.openat(linux.AT.FDCWD, "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", .{}, 0);
    if (linux.errno(fd) != .SUCCESS) return 0;
    defer _ = linux.close(@intCast(fd));
    var buffer: [32]u8 = undefined;
    const len = linux.read(@intCast(fd), &buffer, buffer.len);
    return std.fmt.parseInt(usize, std.mem.trim(u8, buffer[0..len], "\n"), 10);
}

test "hugetlbfs: whole huge pages" {
    if (try freeHugePages() < 12) {
        std.debug.print("skipped: this machine has fewer than 12 free huge pages (vm.nr_hugepages)\n", .{});
        return error.SkipZigTest;
    }
    try testing.withFileSystem("hugetlbfs", "pagesize=2M", &struct {
        fn body(directory: [:0]const u8) anyerror!void {
            const free = try freeHugePages();
            const before = try testing.Holdings.now();
            var eager = try Region.createFile(directory, .{ .size = 3 * g - 5, .alignment = 4096, .unsafe_storage = .refuse });
            try std.testing.expectEqual(3 * g, eager.size);
            try std.testing.expectEqual(0, eager.base % g);
            try std.testing.expectEqual(free - 3, try freeHugePages());
            @memset(testing.bytes(eager.base, eager.size), 1);
            eager.abandon();
            try std.testing.expectEqual(free, try freeHugePages());
            eager.release();
            var lazy = try Region.createFile(directory, .{ .size = 1 << 40, .lazy = true, .unsafe_storage = .refuse });
            try useLazily(&lazy);
            try std.testing.expectEqual(free - 2, try freeHugePages());
            try std.testing.expectError(error.ENOSPC, lazy.commit(4 * g, (free - 1) * g));
            try std.testing.expectEqual(free - 2, try freeHugePages());
            try lazy.commit(4 * g, (free - 2) * g);
            @memset(testing.bytes(lazy.base + 4 * g, (free - 2) * g), 1);
            lazy.release();
            try std.testing.expectEqual(free, try freeHugePages());
            try before.expectUnchanged();
        }
    }.body);
}
