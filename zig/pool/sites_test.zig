//! Where blocks were allocated: what is known of those that live, and nothing of those that do not.

const std = @import("std");
const testing = std.testing;
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const pool = @import("../pool.zig");

const Traced = struct {
    handle: usize,
    range: *pool.Range,

    fn create(level: u2) !Traced {
        const handle = try pool.create(&.{ .source = .anonymous, .maximum = 256 << 20, .hardening = level });
        return .{ .handle = handle, .range = pool.find(handle).? };
    }

    fn end(t: Traced) void {
        pool.close(t.handle) catch {};
        pool.unpin(t.range);
    }

    fn allocate(t: Traced, size: usize, site: u32) !usize {
        const address = try heap.allocate(t.handle, size, 1, false);
        try testing.expect(t.range.sites.record(t.range.heap, address, site));
        return address;
    }

    fn siteOf(t: Traced, address: usize) u32 {
        return t.range.sites.siteOf(t.range.heap, address);
    }
};

test "sites have numbers by their names, and names by their numbers" {
    const t: Traced = try .create(2);
    defer t.end();
    const sites = &t.range.sites;
    try testing.expectEqual(1, sites.intern("a.ts:1:2"));
    try testing.expectEqual(2, sites.intern("b.ts:3:4"));
    try testing.expectEqual(1, sites.intern("a.ts:1:2"));
    try testing.expectEqual(3, sites.intern(""));
    var name: [64]u8 = undefined;
    for (4..5000) |number| {
        const text = try std.fmt.bufPrint(&name, "module {d}.ts", .{number});
        try testing.expectEqual(number, sites.intern(text));
    }
    try testing.expectEqual(8, sites.nameOf(2, &name).?);
    try testing.expectEqualStrings("b.ts:3:4", name[0..8]);
    try testing.expectEqual(14, sites.nameOf(4999, name[0..3]).?);
    try testing.expectEqual(0, sites.nameOf(3, &name).?);
    for ([_]u32{ 0, 5000, std.math.maxInt(u32) }) |wrong| try testing.expectEqual(null, sites.nameOf(wrong, &name));
}

test "a block is known until it is freed, and who gets its place is not taken for it" {
    for ([_]u2{ 2, 3 }) |level| {
        const t: Traced = try .create(level);
        defer t.end();
        for ([_]usize{ 16, 100, 14336, 50_000, 2 << 20 }) |size| {
            const address = try t.allocate(size, 7);
            try testing.expectEqual(7, t.siteOf(address));
            try testing.expectEqual(0, t.siteOf(address + 8));
            try testing.expect(try heap.owns(t.handle, address));
            try testing.expect(try heap.usableSize(t.handle, address) >= size);
            try heap.release(t.handle, address);
            try testing.expectEqual(0, t.siteOf(address));
            // At once noticed as the second one, unless its pages are no block's any more.
            const second = heap.release(t.handle, address);
            try testing.expect(second == error.AlreadyFree or second == error.InvalidPointer);
            if (level == 3) continue; // its place is not given out at once
            const again = try heap.allocate(t.handle, size, 1, false);
            try testing.expectEqual(address, again);
            try testing.expectEqual(0, t.siteOf(again));
            try heap.release(t.handle, again);
        }
        try testing.expect(try pool.check(t.handle));
        try testing.expectEqual(0, (try pool.stats(t.handle)).allocated);
    }
}

test "what is resized in place stays known, and a finalizer frees it" {
    const t: Traced = try .create(2);
    defer t.end();
    const address = try t.allocate(4 << 20, 5);
    try testing.expect(try heap.resizeInPlace(t.handle, address, 2 << 20));
    try testing.expectEqual(5, t.siteOf(address));
    const moved = try heap.resize(t.handle, address, 100);
    try testing.expectEqual(0, t.siteOf(moved));
    const small = try t.allocate(100, 6);
    heap.releaseUncached(t.range.heap, small);
    try testing.expectEqual(0, t.siteOf(small));
}

test "the table grows with the blocks that live, not with those that ever did" {
    const t: Traced = try .create(2);
    defer t.end();
    for (0..200_000) |i| try heap.release(t.handle, try t.allocate(16 + i % 3000, 9));
    try testing.expectEqual(4096, t.range.sites.records.len);
    var all: [100_000]usize = undefined;
    for (&all, 0..) |*address, i| address.* = try t.allocate(16, @intCast(1 + i % 1000));
    for (all, 0..) |address, i| try testing.expectEqual(1 + i % 1000, t.siteOf(address));
    try testing.expect(t.range.sites.records.len <= 4 * all.len);
    try pool.reset(t.handle);
    try testing.expectEqual(0, t.range.sites.records.len);
    try testing.expectEqual(0, t.siteOf(all[0]));
}

test "without states a record is believed while there is a block" {
    const t: Traced = try .create(1);
    defer t.end();
    const address = try t.allocate(2 << 20, 3);
    try testing.expectEqual(3, t.siteOf(address));
    try heap.release(t.handle, address);
    try testing.expectEqual(0, t.siteOf(address));
}

test "without memory records are dropped, and blocks are not" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    const t: Traced = try .create(2);
    defer t.end();
    const address = try heap.allocate(t.handle, 100, 1, false);
    os.fault.armCallFrom(.mmap, 1, error.ENOMEM);
    try testing.expect(!t.range.sites.record(t.range.heap, address, 1));
    try testing.expectEqual(0, t.range.sites.intern("a"));
    os.fault.disarm();
    try testing.expectEqual(0, t.siteOf(address));
    try heap.release(t.handle, address);
}

/// Allocates and tells; the other one frees what it finds, while both of them look things up.
const Pair = struct {
    traced: Traced,
    cells: [64]std.atomic.Value(usize) = @splat(.init(0)),
    done: std.atomic.Value(bool) = .init(false),
    freed: usize = 0,

    fn free(p: *Pair) void {
        var random: u32 = 1;
        while (!p.done.load(.acquire)) {
            random = random *% 1664525 +% 1013904223;
            const address = p.cells[random >> 26].swap(0, .acq_rel);
            if (address == 0) continue;
            heap.release(p.traced.handle, address) catch @panic("a block that was told of cannot be freed");
            p.freed += 1;
        }
    }
};

test "one thread tells of blocks that another frees" {
    const t: Traced = try .create(2);
    defer t.end();
    var pair: Pair = .{ .traced = t };
    const thread = try std.Thread.spawn(.{}, Pair.free, .{&pair});
    for (0..200_000) |i| {
        const address = try t.allocate(16 + i % 200, @intCast(1 + i % 5));
        const before = pair.cells[i % 64].swap(address, .acq_rel);
        if (before == 0) continue;
        // What nobody took is still known, by what was said of it.
        try testing.expect(t.siteOf(before) != 0);
        try heap.release(t.handle, before);
    }
    pair.done.store(true, .release);
    thread.join();
    for (&pair.cells) |*cell| {
        const address = cell.load(.monotonic);
        if (address != 0) try heap.release(t.handle, address);
    }
    try testing.expect(pair.freed > 0);
    try testing.expect(try pool.check(t.handle));
    try testing.expectEqual(0, (try pool.stats(t.handle)).allocated);
}

test "a closed pool keeps no records" {
    const t: Traced = try .create(2);
    _ = try t.allocate(100, 1);
    try pool.close(t.handle);
    try testing.expectEqual(0, t.range.sites.records.len);
    pool.unpin(t.range);
}
