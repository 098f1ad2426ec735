//! Whose memory an address is: the kinds' ranges of addresses in order, searched without a lock.
//!
//! Writers, who hold the lock of the kinds, make `version` odd while they move entries; a reader who met that, or sees another version
//! afterwards, searches again.

const std = @import("std");
const assert = std.debug.assert;
const layout = @import("layout.zig");

const Area = struct { start: usize, end: usize, slot: u32 };

var version: std.atomic.Value(u32) = .init(0);
var count: u32 = 0;
var areas: [layout.kinds_max]Area = undefined;

/// The slot of the kind whose memory it is. Any thread.
pub fn find(address: usize) ?u32 {
    while (true) {
        const before = version.load(.acquire);
        if (before & 1 == 0) {
            const found = search(address); // its loads are acquiring ones, so they come before the next
            if (version.load(.monotonic) == before) return found;
        }
        std.atomic.spinLoopHint();
    }
}

fn search(address: usize) ?u32 {
    const at = after(address);
    if (at == 0) return null;
    const area = &areas[at - 1];
    if (address >= @atomicLoad(usize, &area.end, .acquire)) return null;
    return @atomicLoad(u32, &area.slot, .acquire);
}

/// How many areas start at or before the address.
fn after(address: usize) u32 {
    var low: u32 = 0;
    var high: u32 = @min(@atomicLoad(u32, &count, .acquire), areas.len);
    while (low < high) {
        const middle = low + (high - low) / 2;
        if (@atomicLoad(usize, &areas[middle].start, .acquire) <= address) low = middle + 1 else high = middle;
    }
    return low;
}

/// False, and nothing is done, if some of it is another kind's. Under the lock of the kinds.
pub fn insert(start: usize, size: usize, slot: u32) bool {
    const at = after(start);
    const end = start + size;
    if (at > 0 and areas[at - 1].end > start) return false;
    if (at < count and areas[at].start < end) return false;
    beginChange();
    defer endChange();
    var i = count;
    while (i > at) : (i -= 1) set(i, areas[i - 1]);
    set(at, .{ .start = start, .end = end, .slot = slot });
    @atomicStore(u32, &count, count + 1, .release);
    return true;
}

/// Does nothing if the slot has no area. Under the lock of the kinds.
pub fn remove(slot: u32) void {
    const at = for (areas[0..count], 0..) |*area, i| {
        if (area.slot == slot) break i;
    } else return;
    beginChange();
    defer endChange();
    @atomicStore(u32, &count, count - 1, .release);
    for (at..count) |i| set(@intCast(i), areas[i + 1]);
}

/// Who sees one of these stores sees the version that was made odd before it, too.
fn set(at: u32, area: Area) void {
    @atomicStore(usize, &areas[at].start, area.start, .release);
    @atomicStore(usize, &areas[at].end, area.end, .release);
    @atomicStore(u32, &areas[at].slot, area.slot, .release);
}

fn beginChange() void {
    _ = version.fetchAdd(1, .acq_rel);
}

fn endChange() void {
    const before = version.fetchAdd(1, .release);
    assert(before & 1 == 1);
}

test "an address belongs to the area that it lies in" {
    try std.testing.expect(insert(100, 50, 1));
    try std.testing.expect(insert(10, 20, 2));
    try std.testing.expect(insert(150, 1, 3));
    try std.testing.expect(insert(40, 60, 4));
    for ([_]struct { usize, usize }{ .{ 149, 1 }, .{ 0, 11 }, .{ 99, 2 }, .{ 0, 1000 }, .{ 150, 1 } }) |range| try std.testing.expect(!insert(range[0], range[1], 9));
    for ([_]struct { usize, ?u32 }{ .{ 9, null }, .{ 10, 2 }, .{ 29, 2 }, .{ 30, null }, .{ 40, 4 }, .{ 100, 1 }, .{ 149, 1 }, .{ 150, 3 }, .{ 151, null } }) |case| {
        try std.testing.expectEqual(case[1], find(case[0]));
    }
    for ([_]u32{ 4, 9, 1, 2, 3 }) |slot| remove(slot);
    try std.testing.expectEqual(null, find(120));
    try std.testing.expectEqual(0, count);
}

test "readers are right while areas come and go" {
    const Reader = struct {
        fn run(stop: *std.atomic.Value(bool), wrong: *std.atomic.Value(u32)) void {
            while (!stop.load(.monotonic)) {
                if (find(1_000_050) != 7 or find(2_000_000) != null) _ = wrong.fetchAdd(1, .monotonic);
            }
        }
    };
    try std.testing.expect(insert(1_000_000, 100, 7));
    defer remove(7);
    var stop: std.atomic.Value(bool) = .init(false);
    var wrong: std.atomic.Value(u32) = .init(0);
    const reader = try std.Thread.spawn(.{}, Reader.run, .{ &stop, &wrong });
    for (0..20_000) |i| {
        const start = 900_000 + (i % 100) * 100 - @as(usize, if (i % 3 == 0) 0 else 50_000);
        try std.testing.expect(insert(start, 100, 8));
        remove(8);
    }
    stop.store(true, .monotonic);
    reader.join();
    try std.testing.expectEqual(0, wrong.raw);
}
