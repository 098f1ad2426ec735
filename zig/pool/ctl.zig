//! Asking and setting by name, with the names, types and error codes of jemalloc's `mallctl`, for one pool.
//!
//! `ctl_names.zig` has the whole list; docs/controls.md explains it. What jemalloc has and a pool has not (profiling, background
//! threads, extent hooks, making arenas, huge page policy, and counters that the hot paths would have to keep) is unknown: ENOENT.
//! Numbers are of the moment of the call: `epoch` counts, but nothing waits for it.

const std = @import("std");
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const lifetime = @import("lifetime.zig");
const names = @import("ctl_names.zig");

const Call = names.Call;
const Entry = names.Entry;
const Error = os.Error;

pub const Kind = names.Kind;
pub const Value = names.Value;

/// C's form, by `mallctl`'s rules. `old` and `old_len` take the value if both are given; a length that is not the value's gets as
/// much as fits and EINVAL. `new` of `new_len` bytes is set. ENOENT: no such name. EPERM: it cannot be read or written. EINVAL: a
/// length is wrong. EFAULT: the new value is out of range, the thread keeps no blocks. Else see `lifetime.refuse`.
pub fn raw(handle: usize, name: []const u8, old: ?[*]u8, old_len: ?*usize, new: ?[*]const u8, new_len: usize) Error!void {
    const range = try lifetime.pinned(handle);
    defer range.release();
    var c: Call = .{ .handle = handle, .range = range, .h = range.heap, .name = name };
    const entry = try find(&c);
    const writes = new != null or new_len != 0;
    switch (entry.about) {
        .action => |perform| {
            if (writes or old != null or old_len != null) return c.refuse(error.EPERM, "it takes and gives no value", .{});
            try perform(&c);
        },
        .read => |read| {
            if (writes) return c.refuse(error.EPERM, "it cannot be set", .{});
            try give(&c, try read(&c), old, old_len);
        },
        .both => |both| {
            const before = try both.read(&c);
            if (both.order == .given_first) try give(&c, before, old, old_len);
            const wanted = try taken(&c, both.kind, new, new_len);
            if (both.order == .given_when_checked) try give(&c, before, old, old_len);
            if (wanted) |value| try both.write(&c, value);
            if (both.order == .given_when_set) try give(&c, before, old, old_len);
            if (both.order == .new_given_when_set) try give(&c, try both.read(&c), old, old_len);
        },
        .lookup => {
            const address = try taken(&c, .size, new, new_len) orelse return c.refuse(error.EINVAL, "no address is given", .{});
            const found = heap.controls.arenaOf(c.h, address.size) orelse return c.refuse(error.EINVAL, "no block starts at 0x{x}", .{address.size});
            try give(&c, .{ .unsigned = found }, old, old_len);
        },
    }
}

/// The value of a name. Errors as `raw`.
pub fn get(handle: usize, name: []const u8) Error!Value {
    const range = try lifetime.pinned(handle);
    defer range.release();
    var c: Call = .{ .handle = handle, .range = range, .h = range.heap, .name = name };
    const entry = try find(&c);
    return switch (entry.about) {
        .read => |read| read(&c),
        .both => |both| both.read(&c),
        .action, .lookup => c.refuse(error.EPERM, "it cannot be read", .{}),
    };
}

/// As `get`, but performs what is an action and gives null.
pub fn ask(handle: usize, name: []const u8) Error!?Value {
    const range = try lifetime.pinned(handle);
    defer range.release();
    var c: Call = .{ .handle = handle, .range = range, .h = range.heap, .name = name };
    const entry = try find(&c);
    switch (entry.about) {
        .read => |read| return try read(&c),
        .both => |both| return try both.read(&c),
        .action => |perform| try perform(&c),
        .lookup => return c.refuse(error.EPERM, "it cannot be read", .{}),
    }
    return null;
}

/// Sets a name whose value is a number or a truth value, or performs one without any (`number` null). Errors as `raw`; EFAULT also
/// for a number that the type has not.
pub fn set(handle: usize, name: []const u8, number: ?i64) Error!void {
    const range = try lifetime.pinned(handle);
    defer range.release();
    var c: Call = .{ .handle = handle, .range = range, .h = range.heap, .name = name };
    const entry = try find(&c);
    const wanted = number orelse return switch (entry.about) {
        .action => |perform| perform(&c),
        else => c.refuse(error.EINVAL, "no value is given", .{}),
    };
    const both = if (entry.about == .both) entry.about.both else return c.refuse(error.EPERM, "it cannot be set", .{});
    const value: Value = switch (both.kind) {
        .bool => .{ .bool = wanted != 0 },
        .text => unreachable, // no text can be set
        inline else => |tag| @unionInit(Value, @tagName(tag), std.math.cast(@FieldType(Value, @tagName(tag)), wanted) orelse
            return c.refuse(error.EFAULT, "{d} is out of range", .{wanted})),
    };
    try both.write(&c, value);
}

fn give(c: *const Call, value: Value, old: ?[*]u8, old_len: ?*usize) Error!void {
    const to = old orelse return;
    const len = old_len orelse return;
    const bytes = value.bytes();
    const before = len.*;
    const copied = @min(bytes.len, before);
    @memcpy(to[0..copied], bytes[0..copied]);
    len.* = copied;
    if (before != bytes.len) return c.refuse(error.EINVAL, "its value has {d} bytes, not {d}", .{ bytes.len, before });
}

/// The new value, null if there is none.
fn taken(c: *const Call, kind: Kind, new: ?[*]const u8, new_len: usize) Error!?Value {
    const from = new orelse return null;
    const len = Value.width(kind);
    if (new_len != len) return c.refuse(error.EINVAL, "its value has {d} bytes, not {d}", .{ len, new_len });
    return .of(kind, from[0..len]);
}

/// The entry of the call's name, with the indexes in it. ENOENT: there is none. EFAULT: it has no value for all arenas.
fn find(c: *Call) Error!*const Entry {
    for (&names.table) |*entry| if (matches(entry.name, c)) {
        for (entry.places, c.at[0..entry.places.len]) |place, index| {
            if (place == .arena and index == names.arenas_all and entry.about == .both) return c.refuse(error.EFAULT, "each arena has its own", .{});
            if (!place.has(c.h, index)) return c.refuse(error.ENOENT, "there is no index {d}", .{index});
        }
        return entry;
    };
    return c.refuse(error.ENOENT, "there is no such name", .{});
}

fn matches(pattern: []const u8, c: *Call) bool {
    var words = std.mem.splitScalar(u8, c.name, '.');
    var wanted = std.mem.splitScalar(u8, pattern, '.');
    var indexes: usize = 0;
    while (wanted.next()) |want| {
        const word = words.next() orelse return false;
        if (want[0] == '#') {
            c.at[indexes] = indexIn(word) orelse return false;
            indexes += 1;
        } else if (!std.mem.eql(u8, want, word)) return false;
    }
    return words.next() == null;
}

fn indexIn(word: []const u8) ?u32 {
    for (word) |letter| if (!std.ascii.isDigit(letter)) return null;
    return std.fmt.parseInt(u32, word, 10) catch null;
}
