//! Asking and setting by name. That codes and types are jemalloc's is shown by tests/abi/vmemx_ctl_jemalloc.c, beside it.

const std = @import("std");
const heap = @import("../heap.zig");
const pool = @import("../pool.zig");

const testing = std.testing;
const names = @import("ctl_names.zig");
const ctl = pool.ctl;

fn create(options: struct { hardening: u8 = 1, arenas: u32 = 3 }) !usize {
    return pool.create(&.{ .source = .anonymous, .maximum = 64 << 20, .hardening = options.hardening, .arenas = options.arenas });
}

fn number(handle: usize, name: []const u8) !u64 {
    return switch (try ctl.get(handle, name)) {
        .bool => |value| @intFromBool(value),
        .unsigned => |value| value,
        .size => |value| value,
        .uint64 => |value| value,
        .ssize => |value| @bitCast(@as(i64, value)),
        .text => error.Text,
    };
}

test "every name can be read, and is what statistics say" {
    const handle = try create(.{});
    defer pool.close(handle) catch {};
    for (0..500) |i| {
        const block = try heap.allocate(handle, 48, 1, false);
        if (i % 5 == 0) try heap.release(handle, block);
    }
    for (0..7) |_| _ = try heap.allocate(handle, 70_000, 1, false);
    for (names.table) |entry| {
        if (entry.about == .action or entry.about == .lookup) continue;
        var buffer: [100]u8 = undefined;
        const name = buffer[0..std.mem.replacementSize(u8, entry.name, "#", "1")];
        _ = std.mem.replace(u8, entry.name, "#", "1", name);
        _ = try ctl.get(handle, name);
    }
    const stats = try pool.stats(handle);
    try testing.expectEqual(400 * 48 + 7 * 73_728, stats.allocated);
    for ([_]struct { []const u8, u64 }{
        .{ "stats.allocated", stats.allocated },
        .{ "stats.mapped", 64 << 20 },
        .{ "stats.arenas.4096.bins.3.curregs", 400 },
        .{ "stats.arenas.4096.small.allocated", 400 * 48 },
        .{ "stats.arenas.4096.large.allocated", 7 * 73_728 },
        .{ "stats.arenas.0.large.allocated", 7 * 73_728 },
        .{ "stats.arenas.1.large.allocated", 0 },
        .{ "stats.arenas.4096.nthreads", 1 },
        .{ "arenas.bin.3.size", 48 },
        .{ "arenas.narenas", 3 },
        .{ "arenas.nbins", heap.small_count },
        .{ "vmem.hardening", 1 },
        .{ "opt.tcache", 1 },
    }) |case| {
        errdefer std.debug.print("{s}\n", .{case[0]});
        try testing.expectEqual(case[1], try number(handle, case[0]));
    }
    var pages: u64 = 0;
    for ([_][]const u8{ "0", "1", "2" }) |arena| {
        var buffer: [40]u8 = undefined;
        pages += try number(handle, try std.fmt.bufPrint(&buffer, "stats.arenas.{s}.pactive", .{arena}));
    }
    try testing.expectEqual(try number(handle, "stats.arenas.4096.pactive"), pages);
    const metadata = try number(handle, "stats.metadata");
    try testing.expect(metadata > 10_000 and metadata < 4 << 20);
}

test "lengths, directions and values that are wrong" {
    const handle = try create(.{});
    defer pool.close(handle) catch {};
    var value: [16]u8 = @splat(0xee);
    var len: usize = 8;
    const eight: [8]u8 = @splat(0);
    try ctl.raw(handle, "arenas.page", &value, &len, null, 0);
    try testing.expectEqual(4096, std.mem.readInt(u64, value[0..8], .little));
    for ([_]struct { usize, usize }{ .{ 4, 4 }, .{ 16, 8 }, .{ 0, 0 } }) |case| {
        len = case[0];
        try testing.expectError(error.EINVAL, ctl.raw(handle, "arenas.page", &value, &len, null, 0));
        try testing.expectEqual(case[1], len);
    }
    try testing.expectEqualStrings("Control \"arenas.page\" failed: its value has 8 bytes, not 0", pool.last_error.text());
    try testing.expectError(error.EPERM, ctl.raw(handle, "arenas.page", null, null, &eight, 8));
    try testing.expectError(error.EPERM, ctl.raw(handle, "thread.idle", &value, &len, null, 0));
    try testing.expectError(error.EINVAL, ctl.raw(handle, "epoch", null, null, &eight, 7));
    try testing.expectError(error.ENOENT, ctl.get(handle, "arenas.bin.71.size"));
    try testing.expectError(error.ENOENT, ctl.get(handle, "arenas.bin.99999999999999999999.size"));
    try testing.expectError(error.ENOENT, ctl.get(handle, "stats.arenas.3.nthreads"));
    try testing.expectError(error.EFAULT, ctl.get(handle, "arena.4096.dirty_decay_ms"));
    try testing.expectError(error.EFAULT, ctl.set(handle, "arenas.dirty_decay_ms", -2));
    try testing.expectError(error.EFAULT, ctl.set(handle, "thread.arena", 3));
    try testing.expectError(error.EFAULT, ctl.set(handle, "thread.arena", -1));
    try testing.expectError(error.EPERM, ctl.set(handle, "arenas.page", 1));
    try testing.expectError(error.EINVAL, ctl.set(handle, "arenas.page", null));
    try testing.expectError(error.EPERM, ctl.get(handle, "thread.idle"));
    for ([_][]const u8{
        "",                          ".",                "stats",             "stats.",             "stats..allocated", "version.",
        "arenas.bin.0",              "arenas.bin..size", "arenas.bin.x.size", "prof.active",        "opt.prof",         "background_thread",
        "arena.0.extent_hooks",      "arenas.create",    "arena.0.destroy",   "tcache.create",      "arena.0.dss",      "thread.allocated",
        "stats.mutexes.ctl.num_ops", "opt.percpu_arena", "opt.hpa",           "arenas.bin.-1.size", "Version",          "\xff\n",
    }) |name| try testing.expectError(error.ENOENT, ctl.get(handle, name));
    try testing.expectEqualStrings("Control \"\\xff\\x0a\" failed: there is no such name", pool.last_error.text());
    try testing.expectError(error.EINVAL, ctl.get(0, "version"));
}

test "epoch counts from 1 in each pool" {
    for (0..2) |_| {
        const handle = try create(.{});
        defer pool.close(handle) catch {};
        try testing.expectEqual(1, try number(handle, "epoch"));
        try ctl.set(handle, "epoch", 1);
        var now: u64 = 0;
        var len: usize = 8;
        const any: u64 = 77;
        try ctl.raw(handle, "epoch", std.mem.asBytes(&now), &len, std.mem.asBytes(&any), 8);
        try testing.expectEqual(3, now);
    }
}

test "a thread's arena, its cache, and what it keeps" {
    const handle = try create(.{});
    defer pool.close(handle) catch {};
    for ([_]u32{ 2, 1 }) |arena| {
        try ctl.set(handle, "thread.arena", arena);
        try testing.expectEqual(arena, try number(handle, "thread.arena"));
        try ctl.set(handle, "thread.tcache.flush", null);
        const block = try heap.allocate(handle, 6000, 1, false);
        var found: u32 = 77;
        var len: usize = 4;
        try ctl.raw(handle, "arenas.lookup", std.mem.asBytes(&found), &len, std.mem.asBytes(&block), 8);
        try testing.expectEqual(arena, found);
        try heap.release(handle, block);
        try testing.expect(try number(handle, "vmem.cached") > 0);
        try ctl.set(handle, "thread.idle", null);
        try testing.expectEqual(0, try number(handle, "vmem.cached"));
    }
    const outside: usize = 4096;
    try testing.expectError(error.EINVAL, ctl.raw(handle, "arenas.lookup", null, null, std.mem.asBytes(&outside), 8));
    try testing.expectError(error.EINVAL, ctl.raw(handle, "arenas.lookup", null, null, null, 0));
    try heap.release(handle, try heap.allocate(handle, 100, 1, false));
    try ctl.set(handle, "thread.tcache.enabled", 0);
    for (0..100) |i| {
        try heap.release(handle, try heap.allocate(handle, 1 + i * 300, 1, false));
        try testing.expectEqual(0, try number(handle, "vmem.cached"));
    }
    try testing.expectEqual(0, try number(handle, "thread.tcache.enabled"));
    try testing.expectError(error.EFAULT, ctl.set(handle, "thread.tcache.flush", null));
    try ctl.set(handle, "thread.idle", null);
    try ctl.set(handle, "thread.tcache.enabled", 1);
    try heap.release(handle, try heap.allocate(handle, 100, 1, false));
    try testing.expect(try number(handle, "vmem.cached") > 0);
    try testing.expect(try pool.check(handle));
}

test "where threads have no caches, what is about them says so" {
    const handle = try create(.{ .hardening = 3 });
    defer pool.close(handle) catch {};
    try testing.expectEqual(0, try number(handle, "thread.tcache.enabled"));
    try ctl.set(handle, "thread.tcache.enabled", 0);
    try testing.expectError(error.EPERM, ctl.set(handle, "thread.tcache.enabled", 1));
    try testing.expectError(error.EFAULT, ctl.set(handle, "thread.tcache.flush", null));
    try ctl.set(handle, "thread.arena", 0);
    try testing.expectError(error.EAGAIN, ctl.set(handle, "thread.arena", 1));
}

test "storage goes back by name" {
    const handle = try create(.{ .arenas = 1 });
    defer pool.close(handle) catch {};
    const block = try heap.allocate(handle, 20 << 20, 1, false);
    try heap.release(handle, block);
    try testing.expect(try number(handle, "stats.resident") >= 20 << 20);
    try ctl.set(handle, "arena.0.decay", null);
    try testing.expect(try number(handle, "stats.resident") >= 20 << 20);
    try ctl.set(handle, "arena.4096.purge", null);
    try testing.expectEqual(0, try number(handle, "stats.resident"));
    try testing.expect(try number(handle, "stats.arenas.0.dirty_purged") >= 20 << 8);
    try heap.release(handle, try heap.allocate(handle, 20 << 20, 1, false));
    try ctl.set(handle, "arena.0.dirty_decay_ms", 0);
    try testing.expectEqual(0, try number(handle, "stats.resident"));
    try testing.expectEqual(0, try number(handle, "arenas.dirty_decay_ms"));
    try testing.expectEqual(10_000, try number(handle, "opt.dirty_decay_ms"));
}
