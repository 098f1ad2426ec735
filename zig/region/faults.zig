//! Tests: every system call of every operation fails once.
//!
//! After a failure nothing may have changed, and nothing may be left: descriptors, mappings, storage.

const std = @import("std");
const os = @import("../os.zig");
const region_zig = @import("region.zig");
const testing = @import("testing.zig");
const Region = region_zig.Region;
const FileOptions = region_zig.FileOptions;
const Step = region_zig.Step;
const Error = os.Error;
const default_granule = region_zig.default_granule;
const test_size = testing.test_size;

test "a failed creation leaves nothing behind, whichever call fails" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    defer os.fault.disarm();
    for (testing.makers) |maker| {
        for ([_]Error{ error.ENOMEM, error.ENOSPC, error.EINTR, error.EIO }) |injected| {
            const before = try testing.Holdings.now();
            var n: u64 = 1;
            while (true) : (n += 1) {
                errdefer std.debug.print("{s}: call {d} fails with {t}\n", .{ maker.label, n, injected });
                os.fault.arm(n, injected);
                if (maker.make(test_size)) |made| {
                    const done = os.fault.count() < n;
                    os.fault.disarm();
                    var region = made;
                    region.release();
                    try before.expectUnchanged();
                    if (done) break;
                } else |err| {
                    os.fault.disarm();
                    try std.testing.expectEqual(injected, err);
                    try before.expectUnchanged();
                }
                try std.testing.expect(n < 50);
            }
            // At least: open, file system, storage, reservation.
            if (std.mem.startsWith(u8, maker.label, "tmpfs")) try std.testing.expect(n > 4);
        }
    }
}

test "a failed commit or purge changes nothing, whichever call fails" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    defer os.fault.disarm();
    for (testing.makers) |maker| {
        for ([_]Error{ error.ENOMEM, error.ENOSPC }) |injected| {
            errdefer std.debug.print("{s}\n", .{maker.label});
            var region = try maker.make(test_size);
            defer region.release();
            if (!region.lazy) continue;
            const before = try testing.Holdings.now();
            const g = region.granule;
            const memory = testing.bytes(region.base, region.size);
            try region.commit(0, g);
            memory[0] = 42;
            var n: u64 = 1;
            while (true) : (n += 1) {
                os.fault.arm(n, injected);
                const committed = region.commit(g, 2 * g);
                os.fault.disarm();
                committed catch {
                    try std.testing.expectEqual(g, region.committed());
                    if (region.source == .file) try std.testing.expectEqual(g, try os.file.allocated(region.fd));
                    try testing.expectZero(memory[g..]);
                    continue;
                };
                try testing.expectZero(memory[g..]);
                @memset(memory[g .. 3 * g], 9);
                os.fault.arm(n, injected);
                const purged = region.purge(g, 2 * g);
                const done = os.fault.count() < n;
                os.fault.disarm();
                purged catch {
                    try std.testing.expectEqual(3 * g, region.committed());
                    @memset(memory[g .. 3 * g], 9);
                    try region.purge(g, 2 * g);
                };
                try testing.expectZero(memory[g..]);
                try std.testing.expectEqual(g, region.committed());
                if (done) break;
                try std.testing.expect(n < 50);
            }
            try std.testing.expectEqual(42, memory[0]);
            try region.purge(0, g);
            try before.expectUnchanged();
        }
    }
}

test "a purge whose file cannot be put back leaves zeros all the same" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    defer os.fault.disarm();
    var region = try Region.createFile("/dev/shm", .{ .size = 8 << 20, .lazy = true });
    defer region.release();
    const g = region.granule;
    const memory = testing.bytes(region.base, region.size);
    try region.commit(0, 2 * g);
    @memset(memory[0 .. 2 * g], 5);
    os.fault.armCallFrom(.fallocate, 1, error.EOPNOTSUPP);
    try std.testing.expectError(error.EOPNOTSUPP, region.purge(0, g));
    os.fault.disarm();
    try std.testing.expect(!region.can_purge);
    try std.testing.expectEqual(5, memory[0]);
    region.can_purge = true;
    // After the look at the descriptor and the mapping: the third call is the punch, the fourth would put the file back.
    os.fault.armFrom(3, error.EIO);
    try region.purge(0, g);
    os.fault.disarm();
    try std.testing.expectEqual(g, region.committed());
    try testing.expectZero(memory[0..g]);
    try region.commit(0, g);
    try testing.expectZero(memory[0..g]);
    try std.testing.expectEqual(5, memory[g]);
}

test "a file system that cannot allocate is refused, or accepted knowingly" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    defer os.fault.disarm();
    for ([_]bool{ true, false }) |lazy| {
        const before = try testing.Holdings.now();
        os.fault.armCallFrom(.fallocate, 1, error.EOPNOTSUPP);
        var options: FileOptions = .{ .size = test_size, .lazy = lazy, .unsafe_storage = .refuse };
        var step: Step = undefined;
        options.step = &step;
        try std.testing.expectError(error.EOPNOTSUPP, Region.createFile("/tmp", options));
        try std.testing.expectEqual(Step.allocate, step);
        options.unsafe_storage = .accept;
        var region = try Region.createFile("/tmp", options);
        try std.testing.expect(region.unsafe);
        try std.testing.expect(!region.can_purge);
        if (lazy) {
            try region.commit(default_granule, region.size - default_granule);
            try std.testing.expectError(error.EOPNOTSUPP, region.purge(default_granule, default_granule));
        }
        @memset(testing.bytes(region.base + default_granule, region.size - default_granule), 3);
        region.release();
        try before.expectUnchanged();
    }
}

test "abandon without a mapping to spare: storage goes back, and the next try succeeds" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    defer os.fault.disarm();
    for (testing.makers) |maker| {
        errdefer std.debug.print("{s}\n", .{maker.label});
        const before = try testing.Holdings.now();
        var region = try maker.make(test_size);
        if (region.lazy) try region.commit(0, region.size);
        const memory = testing.bytes(region.base, region.size);
        @memset(memory, 6);
        os.fault.armCallFrom(.mmap, 1, error.ENOMEM);
        region.abandon();
        try std.testing.expect(!region.isAbandoned());
        os.fault.disarm();
        if (region.fd != -1) try std.testing.expectEqual(0, try os.file.allocated(region.fd));
        try testing.expectZero(memory);
        memory[0] = 1;
        region.abandon();
        try std.testing.expect(region.isAbandoned());
        try testing.expectZero(memory);
        region.release();
        try before.expectUnchanged();
        // Private memory is refused, as under strict overcommit: a memory file takes the place. (The first mmap is a probe.)
        region = try maker.make(test_size);
        os.fault.armCall(.mmap, 2, error.ENOMEM);
        region.abandon();
        os.fault.disarm();
        try std.testing.expect(region.isAbandoned());
        try testing.expectZero(testing.bytes(region.base, region.size));
        @memset(testing.bytes(region.base, region.size), 1);
        try os.memory.discard(region.base, region.size);
        try std.testing.expectEqual(1, testing.bytes(region.base, region.size)[0]); // shared memory keeps its bytes
        region.release();
        try before.expectUnchanged();
    }
}

test "a descriptor is closed even when nothing can be learnt about it" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    defer os.fault.disarm();
    const before = try testing.Holdings.now();
    var region = try Region.createFile("/dev/shm", .{ .size = test_size, .lazy = true });
    os.fault.armCallFrom(.fstat, 1, error.EIO);
    try std.testing.expectError(error.EIO, region.commit(0, default_granule));
    region.release();
    os.fault.disarm();
    try before.expectUnchanged();
}

test "a region that survives what a filter of system calls forbids" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    const g = default_granule;
    for ([_]os.fault.Call{ .fallocate, .fstat }) |which| {
        for ([_]os.Error{ error.EPERM, error.EACCES, error.ENOSYS, error.EFBIG }) |err| {
            for ([_]bool{ true, false }) |survives| {
                var region = try Region.createFile("/dev/shm", .{ .size = 8 * g, .lazy = true, .survives_close = survives });
                defer region.release();
                try region.commit(0, g);
                const memory = testing.bytes(region.base, region.size);
                @memset(memory[0..g], 1);
                os.fault.armCallFrom(which, 1, err);
                defer os.fault.disarm();
                if (!survives) {
                    const known = if (err == error.ENOSYS and which == .fallocate) error.EOPNOTSUPP else err;
                    try std.testing.expectError(known, region.commit(g, g));
                    continue;
                }
                try region.commit(g, g);
                try testing.expectZero(memory[g .. 2 * g]);
                @memset(memory[g .. 2 * g], 2);
                try region.purge(0, 2 * g);
                try testing.expectZero(memory[0 .. 2 * g]);
            }
        }
    }
    var region = try Region.createFile("/dev/shm", .{ .size = 8 * g, .lazy = true, .survives_close = true });
    defer region.release();
    os.fault.armCallFrom(.fallocate, 1, error.ENOSPC);
    defer os.fault.disarm();
    try std.testing.expectError(error.ENOSPC, region.commit(0, g));
}
