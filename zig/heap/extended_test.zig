//! The functions that say how: sizes, alignments, zeros, arenas, and what they refuse.

const std = @import("std");
const calls = @import("calls.zig");
const controls = @import("controls.zig");
const extended = @import("extended.zig");
const harness = @import("harness.zig");

const testing = std.testing;
const Pool = harness.Pool;
const MiB = 1 << 20;

fn bytesAt(address: usize, len: usize) []u8 {
    const bytes: [*]u8 = @ptrFromInt(address);
    return bytes[0..len];
}

test "blocks have the size that was foretold, at every level, size and alignment" {
    for (0..4) |level| {
        const p: Pool = try .create(1, 64 * MiB, .{ .hardening = @intCast(level) });
        defer p.delete();
        var prng: std.Random.DefaultPrng = .init(level);
        const random = prng.random();
        for (0..2000) |_| {
            const size = 1 + random.uintLessThan(usize, @as(usize, 1) << random.intRangeAtMost(u6, 1, 21));
            const how: extended.How = .{
                .alignment = @as(usize, 1) << random.uintLessThan(u6, 17),
                .zero = random.boolean(),
                .cached = random.boolean(),
                .arena = if (random.boolean()) 0 else null,
            };
            const address = try extended.allocate(1, size, how);
            const real = try calls.usableSize(1, address);
            try testing.expectEqual((try extended.usableSize(1, size, how.alignment)).?, real);
            try testing.expectEqual(0, address % how.alignment);
            if (how.zero) try testing.expect(std.mem.allEqual(u8, bytesAt(address, real), 0));
            @memset(bytesAt(address, real), 0xcc);
            if (level > 0) try testing.expectError(error.InvalidPointer, extended.releaseSized(1, address, real + 1, how));
            try extended.releaseSized(1, address, if (random.boolean()) size else real, how);
        }
        try p.expectEmpty();
    }
}

test "a size that is not the block's is refused but at level 0" {
    for (0..2) |level| {
        const p: Pool = try .create(1, 14 * MiB, .{ .hardening = @intCast(level) });
        defer p.delete();
        for ([_]usize{ 100, 20_000, 3 * MiB }) |size| {
            for ([_]usize{ 0, 1, size / 2, size * 2, std.math.maxInt(usize) }) |wrong| {
                const address = try extended.allocate(1, size, .{});
                if (level == 0) {
                    try extended.releaseSized(1, address, wrong, .{});
                } else {
                    const before = harness.misuse.load(.monotonic);
                    try testing.expectError(error.InvalidPointer, extended.releaseSized(1, address, wrong, .{}));
                    try testing.expectEqual(before + 1, harness.misuse.load(.monotonic));
                    try extended.releaseSized(1, address, size, .{ .cached = false });
                }
            }
        }
        try p.expectEmpty();
    }
}

test "resizing keeps what was there and clears what was not" {
    const p: Pool = try .create(1, 64 * MiB, .{});
    defer p.delete();
    var prng: std.Random.DefaultPrng = .init(2);
    const random = prng.random();
    // Pages that are not zero any more.
    const dirty = try extended.allocate(1, 40 * MiB, .{});
    @memset(bytesAt(dirty, 40 * MiB), 0xdd);
    try extended.release(1, dirty, .{});
    for (0..300) |_| {
        var how: extended.How = .{ .alignment = @as(usize, 1) << random.uintLessThan(u6, 14), .zero = true, .cached = random.boolean() };
        var address = try extended.allocate(1, 1 + random.uintLessThan(usize, 3000), how);
        var filled: usize = 0;
        for (0..8) |_| {
            const real = try calls.usableSize(1, address);
            try testing.expect(std.mem.allEqual(u8, bytesAt(address, real)[0..filled], 0x77));
            try testing.expect(std.mem.allEqual(u8, bytesAt(address, real)[filled..], 0));
            @memset(bytesAt(address, real), 0x77);
            const size = 1 + random.uintLessThan(usize, @as(usize, 1) << random.intRangeAtMost(u6, 3, 20));
            how.alignment = @as(usize, 1) << random.uintLessThan(u6, 14);
            address = try extended.resize(1, address, size, how);
            try testing.expectEqual(0, address % how.alignment);
            filled = @min(real, try calls.usableSize(1, address));
            try testing.expectEqual((try extended.usableSize(1, size, how.alignment)).?, try calls.usableSize(1, address));
        }
        try extended.release(1, address, how);
    }
    try p.expectEmpty();
}

test "in place: as much as there is room for, or nothing" {
    const p: Pool = try .create(1, 14 * MiB, .{});
    defer p.delete();
    const small = try extended.allocate(1, 100, .{});
    for ([_]usize{ 1, 100, 112, 113, 5 * MiB }) |size| try testing.expectEqual(112, try extended.resizeInPlace(1, small, size, 0, .{}));
    const run = try extended.allocate(1, 2 * MiB, .{ .zero = true });
    const behind = try extended.allocate(1, 2 * MiB, .{});
    try testing.expectEqual(2 * MiB, try extended.resizeInPlace(1, run, 2 * MiB, 1, .{}));
    try testing.expectEqual(2 * MiB, try extended.resizeInPlace(1, run, 4 * MiB, 0, .{}));
    @memset(bytesAt(behind, 2 * MiB), 0xdd);
    try extended.release(1, behind, .{});
    try testing.expectEqual(3 * MiB, try extended.resizeInPlace(1, run, 2 * MiB, 1 * MiB, .{ .zero = true }));
    try testing.expect(std.mem.allEqual(u8, bytesAt(run, 3 * MiB), 0));
    // All that there is would not do, the least does.
    try testing.expectEqual(4 * MiB, try extended.resizeInPlace(1, run, 4 * MiB, 40 * MiB, .{}));
    try testing.expectEqual(4 * MiB, try extended.resizeInPlace(1, run, 1, 4 * MiB - 1, .{}));
    try testing.expectEqual(4 * MiB, try extended.resizeInPlace(1, run, 40 * MiB, std.math.maxInt(usize), .{}));
    try testing.expectEqual(1 * MiB, try extended.resizeInPlace(1, run, 1 * MiB, 0, .{}));
    try testing.expectEqual(1 * MiB, try extended.resizeInPlace(1, run, 4, 4, .{}));
    try testing.expectEqual(1 * MiB, try extended.resizeInPlace(1, run, 2 * MiB, 0, .{ .alignment = 1 << 40 }));
    try testing.expectError(error.InvalidPointer, extended.resizeInPlace(1, run + 16, 1, 0, .{}));
    try extended.release(1, run, .{});
    try extended.release(1, small, .{});
    try p.expectEmpty();
}

test "a block comes from the arena that is named" {
    const p: Pool = try .create(1, 14 * MiB, .{ .arenas = 4 });
    defer p.delete();
    for ([_]u16{ 3, 1, 0, 2 }) |arena| {
        for (0..50) |i| {
            const address = try extended.allocate(1, 1 + i * 200, .{ .arena = arena });
            try testing.expectEqual(arena, controls.arenaOf(p.heap, address).?);
            try extended.release(1, address, .{ .cached = false });
        }
    }
    try testing.expectError(error.NoArena, extended.allocate(1, 1, .{ .arena = 4 }));
    try testing.expectError(error.DeadHandle, extended.allocate(2, 1, .{ .arena = 4 }));
    try testing.expectEqual(0, p.heap.stats().cached);
}

test "nothing fits: blocks stay, shrinking works" {
    const p: Pool = try .create(1, 14 * MiB, .{});
    defer p.delete();
    const block = try extended.allocate(1, 100, .{});
    @memset(bytesAt(block, 100), 0x77);
    while (extended.allocate(1, 100, .{})) |_| {} else |_| {}
    while (extended.allocate(1, 8, .{ .cached = false })) |_| {} else |_| {}
    for ([_]usize{ 200, 5 * MiB, 20 * MiB, std.math.maxInt(usize) }) |size| {
        try testing.expectError(error.OutOfMemory, extended.resize(1, block, size, .{}));
        try testing.expectError(error.OutOfMemory, extended.allocate(1, size, .{ .zero = true }));
        try testing.expectError(error.OutOfMemory, extended.allocate(1, size, .{ .arena = 0 }));
    }
    try testing.expectError(error.OutOfMemory, extended.allocate(1, 1, .{ .alignment = 1 << 60 }));
    try testing.expect(std.mem.allEqual(u8, bytesAt(block, 100), 0x77));
    _ = try extended.resize(1, block, 16, .{});
    try testing.expectEqual(null, try extended.usableSize(1, 14 * MiB + 1, 1));
    try testing.expectEqual(null, try extended.usableSize(1, 1, 1 << 60));
}
