//! All caches of a thread by handle: open addressing, at most half full. Dead ones are dropped when it is
//! rebuilt.

const Table = @This();

const std = @import("std");
const thread = @import("thread.zig");
const Entry = thread.Entry;

capacity: u32,
count: u32,

pub fn entries(table: *Table) []Entry {
    const first: [*]Entry = @ptrFromInt(@intFromPtr(table) + @sizeOf(Entry));
    return first[0..table.capacity];
}

fn bytes(capacity: u32) usize {
    return @sizeOf(Entry) * (1 + @as(usize, capacity));
}

pub fn create(capacity: u32) ?*Table {
    const table: *Table = @ptrFromInt(thread.takeRecord(bytes(capacity)) orelse return null);
    table.* = .{ .capacity = capacity, .count = 0 };
    @memset(table.entries(), .{});
    return table;
}

pub fn destroy(table: *Table) void {
    thread.giveRecord(@intFromPtr(table), bytes(table.capacity));
}

/// Where the handle is or would be.
pub fn slot(table: *Table, handle: usize) *Entry {
    const all = table.entries();
    var i = (handle *% 0x9e3779b97f4a7c15) >> 32;
    while (true) : (i += 1) {
        const e = &all[i & (all.len - 1)];
        if (e.handle == handle or e.handle == 0) return e;
    }
}

pub fn put(table: *Table, entry: Entry) void {
    const e = table.slot(entry.handle);
    if (e.handle == 0) table.count += 1;
    e.* = entry;
}

comptime {
    std.debug.assert(@sizeOf(Table) <= @sizeOf(Entry));
}
