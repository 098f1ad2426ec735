//! An array of free blocks of one class (Bonwick, Adams, *Magazines and Vmem*, USENIX 2001). A thread
//! cache works on the cells of one through a `Bin`, keeps a second, and exchanges full ones for empty
//! ones with the depot of its arena. Lives in `records`.

const Magazine = @This();

const std = @import("std");
const classes = @import("classes.zig");
const records = @import("records.zig");

next: ?*Magazine,
/// Blocks in `cells()`; 0 while a bin works on them.
count: u32,
class: u32,

const header = 16;

comptime {
    std.debug.assert(@sizeOf(Magazine) == header);
}

/// Empty; null when the system has no memory.
pub fn create(class: u8) ?*Magazine {
    const m: *Magazine = @ptrFromInt(records.take(bytes(class)) orelse return null);
    m.* = .{ .next = null, .count = 0, .class = class };
    return m;
}

pub fn destroy(m: *Magazine) void {
    records.give(@intFromPtr(m), bytes(@intCast(m.class)));
}

pub inline fn cells(m: *Magazine) [*]usize {
    return @ptrFromInt(@intFromPtr(m) + header);
}

pub fn blocks(m: *Magazine) []usize {
    return m.cells()[0..m.count];
}

fn bytes(class: u8) usize {
    return header + classes.table[class].magazine * @sizeOf(usize);
}
