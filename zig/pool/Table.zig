//! From the address of a pool to its slot: a hash table that is read without a lock.
//!
//! Open addressing with linear probing; memory is backed as it is used. A key never moves while it
//! is in the table, so a reader cannot miss it, whatever writers do meanwhile. Writers hold the registry's lock. A
//! removed key leaves a mark behind, unless the next place is empty: then its mark and those before it go, and
//! the table stays as clean as its present contents allow.
//!
//! A reader may get the slot of a place that was removed and used again after it had looked at the key; it
//! compares the handle of what it finds, see `Range.pin`.

const Table = @This();

const std = @import("std");
const assert = @import("../base.zig").assert;
const os = @import("../os.zig");

const bits = 17;
/// Twice the number of slots, so that half the places are always empty.
const places = 1 << bits;

const empty: usize = 0;
const removed: usize = 1;

const Place = extern struct {
    key: std.atomic.Value(usize),
    slot: std.atomic.Value(u32),
};

memory: [*]Place,

pub fn create() os.Error!Table {
    return .{ .memory = @ptrFromInt(try os.memory.mapAnonymous(places * @sizeOf(Place))) };
}

pub fn destroy(table: *Table) void {
    os.memory.unmap(@intFromPtr(table.memory), places * @sizeOf(Place)) catch {};
    table.* = undefined;
}

/// Fibonacci hashing: pools are aligned to 4 MiB or a page, so the low bits say nothing.
fn home(key: usize) usize {
    return (key *% 0x9E37_79B9_7F4A_7C15) >> (64 - bits);
}

fn next(place: usize) usize {
    return (place + 1) % places;
}

fn before(place: usize) usize {
    return (place + places - 1) % places;
}

fn locate(table: *const Table, key: usize) ?usize {
    if (key <= removed) return null;
    var place = home(key);
    for (0..places) |_| {
        const found = table.memory[place].key.load(.acquire);
        if (found == key) return place;
        if (found == empty) return null;
        place = next(place);
    }
    return null;
}

/// Lock-free.
pub fn get(table: *const Table, key: usize) ?u32 {
    const place = table.locate(key) orelse return null;
    return table.memory[place].slot.load(.monotonic);
}

/// `key` is not in the table, and fewer than `places / 2` keys are.
pub fn insert(table: *const Table, key: usize, slot: u32) void {
    assert(key > removed and table.locate(key) == null);
    var place = home(key);
    while (table.memory[place].key.load(.monotonic) > removed) place = next(place);
    table.memory[place].slot.store(slot, .monotonic);
    table.memory[place].key.store(key, .release);
}

pub fn remove(table: *const Table, key: usize) void {
    var place = table.locate(key) orelse unreachable;
    if (table.memory[next(place)].key.load(.monotonic) != empty) {
        table.memory[place].key.store(removed, .monotonic);
        return;
    }
    table.memory[place].key.store(empty, .monotonic);
    while (true) {
        place = before(place);
        if (table.memory[place].key.load(.monotonic) != removed) return;
        table.memory[place].key.store(empty, .monotonic);
    }
}

test "the table agrees with a plain map over random inserts and removals" {
    var table = try create();
    defer table.destroy();
    var model: std.AutoHashMapUnmanaged(usize, u32) = .empty;
    defer model.deinit(std.testing.allocator);
    var prng: std.Random.DefaultPrng = .init(1);
    const random = prng.random();
    for (0..200_000) |step| {
        // Few distinct keys, so that places are used again all the time.
        const key = (1 + random.uintLessThan(usize, 40_000)) << 22;
        if (model.fetchRemove(key)) |entry| {
            try std.testing.expectEqual(entry.value, table.get(key).?);
            table.remove(key);
            try std.testing.expectEqual(null, table.get(key));
        } else {
            try std.testing.expectEqual(null, table.get(key));
            table.insert(key, @truncate(step));
            try model.put(std.testing.allocator, key, @truncate(step));
        }
    }
    var entries = model.iterator();
    while (entries.next()) |entry| try std.testing.expectEqual(entry.value_ptr.*, table.get(entry.key_ptr.*).?);

    // Once everything is removed the table is as clean as a new one.
    entries = model.iterator();
    while (entries.next()) |entry| table.remove(entry.key_ptr.*);
    for (table.memory[0..places]) |*place| try std.testing.expectEqual(empty, place.key.raw);
}

test "keys with the same home do not hide each other" {
    var table = try create();
    defer table.destroy();
    var same: [4]usize = undefined;
    var found: usize = 0;
    var key: usize = 1 << 12;
    while (found < same.len) : (key += 1 << 12) {
        if (home(key) != home(1 << 12)) continue;
        same[found] = key;
        found += 1;
    }
    for (same, 0..) |each, slot| table.insert(each, @intCast(slot));
    table.remove(same[1]);
    try std.testing.expectEqual(3, table.get(same[3]).?);
    table.insert(same[1], 9);
    try std.testing.expectEqual(9, table.get(same[1]).?);
    try std.testing.expectEqual(2, table.get(same[2]).?);
    try std.testing.expectEqual(null, table.get(0));
    try std.testing.expectEqual(null, table.get(1));
}
