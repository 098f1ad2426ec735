//! An array of free blocks of one class (Bonwick, Adams, *Magazines and Vmem*, USENIX 2001). A thread
//! cache works on the cells of one through a `Bin`. It grows with what the bin may hold. Lives in `records`.

const Magazine = @This();

const std = @import("std");
const records = @import("records.zig");

capacity: usize,

comptime {
    std.debug.assert(@sizeOf(Magazine) == @sizeOf(usize));
}

/// Null when the system has no memory.
pub fn create(capacity: usize) ?*Magazine {
    const m: *Magazine = @ptrFromInt(records.take(bytes(capacity)) orelse return null);
    m.* = .{ .capacity = capacity };
    return m;
}

pub fn destroy(m: *Magazine) void {
    records.give(@intFromPtr(m), bytes(m.capacity));
}

pub inline fn cells(m: *Magazine) [*]usize {
    return @ptrFromInt(@intFromPtr(m) + @sizeOf(Magazine));
}

fn bytes(capacity: usize) usize {
    return @sizeOf(Magazine) + capacity * @sizeOf(usize);
}
