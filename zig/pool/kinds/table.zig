//! All kinds of the process by slot. A kind's slot is its partition number, and its record's address is the handle of its pool, so
//! that the hot paths of the heap take a kind as it is.
//!
//! The lock comes before the registry's. It is held while a slot changes hands, not while a pool is made.

const std = @import("std");
const os = @import("../../os.zig");
const built_in = @import("built_in.zig");
const layout = @import("layout.zig");
const Kind = layout.Kind;

pub const State = enum(u8) {
    unused,
    /// Somebody is making or ending its pool.
    busy,
    /// Its pool is made when it is used first.
    waiting,
    open,
    /// It has no pool and will have none: no room in its area, or the pool was taken away.
    barren,
    /// Ended in the child of a fork, where its pool cannot be. Not used again.
    retired,
};

/// What a kind that waits will be.
pub const Source = enum(u8) { memory, descriptor, none };

pub const Record = struct {
    kind: *Kind,
    state: State = .unused,
    source: Source = .none,
    private: layout.Private = .{},
    /// Bytes of address space that its pool has reserved.
    reserved: usize = 0,
    /// Of `layout.Statistic`, as they were when they were last looked at; null before.
    numbers: ?[3]usize = null,
};

const own_count = layout.kinds_max - layout.built_in_count;

pub var lock: os.Mutex(.kinds) = .{};
var made: [own_count]Kind = undefined;
var records: [layout.kinds_max]Record = undefined;
/// The built-in kinds are there from the start, and the records below this have been used.
var records_end: u32 = 0;
/// Kinds whose records are callers'.
var adopted: u32 = 0;

/// Before anything else, once, while there is one thread.
pub fn open() void {
    if (records_end != 0) return;
    for (&built_in.kinds, records[0..layout.built_in_count]) |*kind, *record| {
        record.* = .{ .kind = kind, .state = .waiting, .source = .memory };
    }
    // As in memkind, the numbers of this one can be asked for before they were looked at.
    records[0].numbers = @splat(0);
    records_end = layout.built_in_count;
}

/// The record of a kind that exists. Under `lock`, or by who uses the kind.
pub fn find(kind: ?*const Kind) ?*Record {
    const slot = slotOf(kind orelse return null) orelse return null;
    const record = &records[slot];
    return if (record.state == .unused or record.state == .retired) null else record;
}

pub fn at(slot: u32) *Record {
    return &records[slot];
}

/// The kind with that partition number. Under `lock`.
pub fn ofPartition(partition: u32) ?*Record {
    if (partition >= records_end) return null;
    const record = &records[partition];
    return if (record.state == .unused or record.state == .retired) null else record;
}

pub fn slotOfRecord(record: *const Record) u32 {
    return @intCast((@intFromPtr(record) - @intFromPtr(&records)) / @sizeOf(Record));
}

fn slotOf(kind: *const Kind) ?u32 {
    if (indexIn(kind, &built_in.kinds)) |i| return i;
    if (indexIn(kind, &made)) |i| return if (layout.built_in_count + i < records_end) layout.built_in_count + i else null;
    if (adopted == 0) return null;
    for (records[layout.built_in_count..records_end], layout.built_in_count..) |*record, i| {
        if (record.kind == kind and record.state != .unused) return @intCast(i);
    }
    return null;
}

fn indexIn(kind: *const Kind, array: []const Kind) ?u32 {
    const offset = @intFromPtr(kind) -% @intFromPtr(array.ptr);
    if (offset >= array.len * @sizeOf(Kind) or offset % @sizeOf(Kind) != 0) return null;
    return @intCast(offset / @sizeOf(Kind));
}

pub fn isBuiltIn(kind: *const Kind) ?built_in.Name {
    return @fromBackingInt(indexIn(kind, &built_in.kinds) orelse return null);
}

/// The lowest unused slot, with a record that is busy; its kind is the caller's if one is given. Null: there is none. Under `lock`.
pub fn take(theirs: ?*Kind) ?*Record {
    const slot = for (records[layout.built_in_count..@max(records_end, layout.built_in_count)], layout.built_in_count..) |*record, i| {
        if (record.state == .unused) break i;
    } else records_end;
    if (slot == layout.kinds_max) return null;
    records_end = @max(records_end, @as(u32, @intCast(slot + 1)));
    const own = &made[slot - layout.built_in_count];
    const record = &records[slot];
    record.* = .{ .kind = theirs orelse own, .state = .busy };
    record.kind.* = .{ .partition = @intCast(slot), .private = &record.private };
    if (theirs != null) adopted += 1;
    return record;
}

/// The slot is free again. Under `lock`.
pub fn give(record: *Record) void {
    if (record.kind != &made[slotOfRecord(record) - layout.built_in_count]) adopted -= 1;
    record.state = .unused;
}

/// Bytes of address space that all kinds have reserved. Under `lock`.
pub fn reservedBytes() usize {
    var sum: usize = 0;
    for (records[0..records_end]) |*record| {
        if (record.state == .open or record.state == .busy) sum += record.reserved;
    }
    return sum;
}

/// All slots that were ever used. Under `lock`.
pub fn all() []Record {
    return records[0..records_end];
}
