//! The part of the TypeScript face that tells about a pool: live blocks, values by name, statistics by class and arena.

const std = @import("std");
const pool = @import("../pool.zig");
const heap = pool.heap;
const numbers = @import("numbers.zig");

const Error = numbers.Error;
const bits = numbers.bits;
const double = numbers.double;
const status = numbers.status;
const whole = numbers.whole;

fn pinned(handle: f64) Error!*pool.Pool {
    return pool.find(bits(handle)) orelse error.DeadHandle;
}

const Block = heap.walk.Block;

/// Live blocks from a place on, `out[0]`, which is 0 at first and moved on: pairs of pointer and bytes from `out[1]` on, as far as there
/// is room for `capacity` doubles in all. How many blocks; 0: there are no more. EINVAL: `capacity` is less than 1025.
pub fn blocks(handle: f64, out: ?[*]f64, capacity: f64) callconv(.c) f64 {
    return numbers.number(gather(handle, out, capacity));
}

fn gather(handle: f64, out: ?[*]f64, capacity: f64) Error!usize {
    const room = ((whole(capacity) catch 0) -| 1) / 2;
    const to = out orelse return error.EINVAL;
    if (room < heap.walk.room_min) return error.EINVAL;
    const range = try pinned(handle);
    defer pool.unpin(range);
    var at: u32 = std.math.cast(u32, try whole(to[0])) orelse return error.EINVAL;
    const found: []Block = @as([*]Block, @ptrCast(to + 1))[0..room];
    const count = try pool.blocks(bits(handle), &at, found);
    to[0] = @floatFromInt(at);
    // Each pair is read before it is written over.
    for (found[0..count], 0..) |block, i| {
        to[1 + 2 * i] = double(block.address - range.region.base);
        to[2 + 2 * i] = double(block.size);
    }
    return count;
}

/// What a name gave: nothing, because it was an action, a truth value, a number, or text.
pub const Control = enum(i32) { done, truth, number, text };

/// The value of a name, by its `Control`: in `out[0]` a truth value, a number, or the length of the text, whose bytes follow from
/// `out[1]` on as far as they fit. What is an action is performed. ENOENT, EPERM and others, see `ctl.raw`; the last message says why.
pub fn ctl(handle: f64, name: ?[*]const u8, name_len: f64, out: ?[*]f64, capacity: f64) callconv(.c) i32 {
    return ask(handle, name, name_len, out, capacity) catch |err| status(err);
}

fn ask(handle: f64, name: ?[*]const u8, name_len: f64, out: ?[*]f64, capacity: f64) Error!i32 {
    const to = out orelse return error.EINVAL;
    const room = try numbers.positive(capacity);
    const words = try textOf(name, name_len);
    const value = try pool.ctl.ask(bits(handle), words) orelse return @backingInt(Control.done);
    switch (value) {
        .bool => |truth| to[0] = @floatFromInt(@intFromBool(truth)),
        .text => |text| {
            const bytes = std.mem.span(text);
            to[0] = double(bytes.len);
            const rest: [*]u8 = @ptrCast(to + 1);
            const count = @min(bytes.len, (room - 1) * 8);
            @memcpy(rest[0..count], bytes[0..count]);
        },
        inline else => |number| to[0] = @floatFromInt(number),
    }
    return @backingInt(@as(Control, switch (value) {
        .bool => .truth,
        .text => .text,
        else => .number,
    }));
}

/// Sets a name to a number, or to a truth value as 0 or 1. Errors as for `ctl`; EFAULT: the number is out of range.
pub fn ctlSet(handle: f64, name: ?[*]const u8, name_len: f64, value: f64) callconv(.c) i32 {
    change(handle, name, name_len, value) catch |err| return status(err);
    return 0;
}

fn change(handle: f64, name: ?[*]const u8, name_len: f64, value: f64) Error!void {
    const number = if (value < 0) -@as(i64, @intCast(try whole(-value))) else @as(i64, @intCast(try whole(value)));
    try pool.ctl.set(bits(handle), try textOf(name, name_len), number);
}

fn textOf(text: ?[*]const u8, length: f64) Error![]const u8 {
    const bytes = text orelse return error.EINVAL;
    return bytes[0..try numbers.positive(length)];
}

/// Columns of `statsClasses`: bytes of a block, blocks in use, blocks that caches keep, slabs, and what was taken and given back
/// ever, in blocks and in batches.
pub const ClassStatistic = enum(u32) { size, live, cached, slabs, nmalloc, ndalloc, nfills, nflushes };

/// A row for each class of small blocks and then for each group of larger ones, into `out` of `capacity` doubles. How many rows there
/// are; 0 written if they do not fit.
pub fn statsClasses(handle: f64, out: ?[*]f64, capacity: f64) callconv(.c) f64 {
    return numbers.number(classRows(handle, out, capacity));
}

const width = @typeInfo(ClassStatistic).@"enum".field_names.len;

fn classRows(handle: f64, out: ?[*]f64, capacity: f64) Error!usize {
    const range = try pinned(handle);
    defer pool.unpin(range);
    const rows = heap.small_count + heap.counts.extent_count;
    const to = out orelse return rows;
    if ((whole(capacity) catch 0) < rows * width) return rows;
    const merged: pool.snapshot.Merged = .take(range.heap);
    for (&merged.bins, 0..) |*bin, i| {
        const cached = @min(bin.out, merged.cached[i + 1]);
        put(to + i * width, .{ heap.classes_table[i + 1].size, bin.out - cached, cached, bin.curslabs, bin.nmalloc, bin.ndalloc, bin.nfills, bin.nflushes });
    }
    for (&merged.extents, 0..) |*extent, group| {
        const cached = merged.cachedRuns(group);
        const live = extent.taken - extent.given - cached;
        put(to + (heap.small_count + group) * width, .{ heap.counts.extentSize(group), live, cached, 0, extent.taken, extent.given, extent.taken, extent.given });
    }
    return rows;
}

fn put(row: [*]f64, values: [width]u64) void {
    for (values, row[0..width]) |value, *cell| cell.* = @floatFromInt(value);
}

/// What `statsArena` fills in: threads, bytes of small blocks that are in use or cached, and what was taken and given back ever.
pub const ArenaStatistic = enum(u32) { threads, allocated, nmalloc, ndalloc, nfills, nflushes };

/// One arena's small blocks. EINVAL: there is no such arena.
pub fn statsArena(handle: f64, index: f64, out: ?[*]f64, count: f64) callconv(.c) i32 {
    arenaRow(handle, index, out, count) catch |err| return status(err);
    return 0;
}

fn arenaRow(handle: f64, index: f64, out: ?[*]f64, count: f64) Error!void {
    const range = try pinned(handle);
    defer pool.unpin(range);
    const to = out orelse return error.EINVAL;
    const number = try whole(index);
    if (number >= range.heap.arena_count or !(count == @typeInfo(ArenaStatistic).@"enum".field_names.len)) return error.EINVAL;
    const arena: pool.snapshot.Arena = .take(range.heap, @intCast(number));
    const small = arena.totals().small;
    to[@backingInt(ArenaStatistic.threads)] = @floatFromInt(arena.threads);
    inline for (.{ "allocated", "nmalloc", "ndalloc", "nfills", "nflushes" }) |name| {
        to[@backingInt(@field(ArenaStatistic, name))] = @floatFromInt(@field(small, name));
    }
}
