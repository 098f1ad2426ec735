//! The options of `vmemx_create` as C has them: a record that begins with its own size, so that older programs go on working when
//! it gets longer, and newer ones are told when they want what this library does not know.
//!
//! What is 0 is not said. Numbers for which 0 means something are stored plus one.

const std = @import("std");
const os = @import("../os.zig");
const conf = @import("conf.zig");
const creation = @import("creation.zig");
const messages = @import("messages.zig");

const Error = os.Error;

/// Longest record that is looked at.
const record_max = 4096;

pub const Record = extern struct {
    struct_size: usize = @sizeOf(Record),
    dir: ?[*:0]const u8 = null,
    region: ?*anyopaque = null,
    size: usize = 0,
    max_size: usize = 0,
    conf: ?[*:0]const u8 = null,
    hardening: u32 = 0,
    narenas: u32 = 0,
    give_back: u32 = 0,
    numa_node: u32 = 0,
    flags: u32 = 0,
    reserved: u32 = 0,

    const flag_prefault = 1;
    const flag_huge_pages = 2;
    const flag_private = 4;
    const flags_known = flag_prefault | flag_huge_pages | flag_private;
};

comptime {
    // What include/libvmem_ext.h has.
    std.debug.assert(@sizeOf(Record) == 72);
}

/// EINVAL: something in it cannot be, and the last message says what.
pub fn read(given: ?*const Record) Error!creation.Options {
    const record = try whole(given orelse return messages.options("they are NULL", .{}));
    const source = try sourceOf(&record);
    if (record.size != 0 and record.max_size != 0) {
        return messages.options("size ({d} bytes, allocated at once) and max_size ({d} bytes, allocated as needed) are both given", .{ record.size, record.max_size });
    }
    if (record.max_size != 0 and (source == .region or isDevice(source))) {
        return messages.options("max_size is {d} bytes, but a region or device does not grow", .{record.max_size});
    }
    if (record.hardening > conf.hardening_max + 1) {
        return messages.options("hardening level {d} is asked for, of 0 to {d}", .{ record.hardening - 1, conf.hardening_max });
    }
    if (record.narenas > conf.arenas_max) return messages.options("narenas is {d}, of 0 to {d}", .{ record.narenas, conf.arenas_max });
    const give_backs = [_]?creation.GiveBack{ null, .decay, .immediate, .never };
    if (record.give_back >= give_backs.len) return messages.options("give_back is {d}, of 0 to {d}", .{ record.give_back, give_backs.len - 1 });
    if (record.flags & ~@as(u32, Record.flags_known) != 0) {
        return messages.options("flags are 0x{x}, of which 0x{x} mean something", .{ record.flags, Record.flags_known });
    }
    if (record.reserved != 0) return messages.options("reserved is {d}, not 0", .{record.reserved});
    return .{
        .source = source,
        .size = record.size,
        .maximum = record.max_size,
        .conf = if (record.conf) |text| std.mem.span(text) else "",
        .hardening = if (record.hardening == 0) null else @intCast(record.hardening - 1),
        .arenas = record.narenas,
        .give_back = give_backs[record.give_back],
        .placement = .{
            .prefault = record.flags & Record.flag_prefault != 0,
            .huge_pages = record.flags & Record.flag_huge_pages != 0,
            .node = if (record.numa_node == 0) null else record.numa_node - 1,
        },
        .protect_first_page = source != .anonymous,
        .numbered = false,
        .address_from_environment = true,
    };
}

/// The record with zeros for what a shorter one has not.
fn whole(given: *const Record) Error!Record {
    const size = given.struct_size;
    if (size < @sizeOf(usize) or size > record_max) {
        return messages.options("struct_size is {d} bytes, of {d} to {d}", .{ size, @sizeOf(usize), record_max });
    }
    const bytes: [*]const u8 = @ptrCast(given);
    const known = @min(size, @sizeOf(Record));
    for (bytes[known..size], known..) |byte, at| {
        if (byte != 0) return messages.options("this library knows the first {d} bytes, and byte {d} of {d} is not 0", .{ @sizeOf(Record), at, size });
    }
    var record: Record = std.mem.zeroes(Record);
    @memcpy(std.mem.asBytes(&record)[0..known], bytes[0..known]);
    return record;
}

fn sourceOf(record: *const Record) Error!creation.Source {
    const private = record.flags & Record.flag_private != 0;
    const given = @as(u32, @intFromBool(record.dir != null)) + @intFromBool(record.region != null) + @intFromBool(private);
    if (given == 0) return messages.options("neither dir nor region nor VMEMX_PRIVATE is given", .{});
    if (given > 1) return messages.options("of dir, region and VMEMX_PRIVATE more than one is given", .{});
    if (record.dir) |path| return .{ .path = std.mem.span(path) };
    if (record.region) |address| return .{ .region = .{ .address = @intFromPtr(address), .size = record.size } };
    return .anonymous;
}

fn isDevice(source: creation.Source) bool {
    const path = if (source == .path) source.path.? else return false;
    return (os.device.numberAt(path) catch null) != null;
}

test "what is not said is the default" {
    const path = "/tmp";
    const options = try read(&.{ .dir = path });
    try std.testing.expectEqualStrings(path, options.source.path.?);
    const expected: creation.Options = .{ .source = options.source, .protect_first_page = true, .numbered = false, .address_from_environment = true, .conf = options.conf };
    try std.testing.expectEqual(expected, options);
    try std.testing.expectEqual(0, options.conf.len);
    const said = try read(&.{ .region = @ptrFromInt(4096), .size = 1 << 20, .hardening = 1, .narenas = 9, .give_back = 3, .numa_node = 1, .flags = 3, .conf = "zero:true" });
    try std.testing.expectEqual(0, said.hardening.?);
    try std.testing.expectEqual(.never, said.give_back.?);
    try std.testing.expectEqual(0, said.placement.node.?);
    try std.testing.expect(said.placement.prefault and said.placement.huge_pages);
    try std.testing.expectEqualStrings("zero:true", said.conf);
    try std.testing.expectEqual(.anonymous, std.meta.activeTag((try read(&.{ .flags = 4 })).source));
}

test "shorter records are filled up, longer ones may not say more" {
    var bytes: [128]u8 align(8) = @splat(0);
    const record: *Record = @ptrCast(&bytes);
    record.* = .{ .dir = "/tmp", .max_size = 5, .hardening = 99 };
    record.struct_size = @offsetOf(Record, "hardening");
    try std.testing.expectEqual(null, (try read(record)).hardening);
    record.* = .{ .struct_size = 128, .dir = "/tmp" };
    _ = try read(record);
    bytes[127] = 1;
    try std.testing.expectError(error.EINVAL, read(record));
    for ([_]usize{ 0, 7, 4097, std.math.maxInt(usize) }) |size| {
        record.struct_size = size;
        try std.testing.expectError(error.EINVAL, read(record));
    }
}

test "what cannot be is refused with its value and limit" {
    const last_error = @import("last_error.zig");
    const Case = struct { record: Record, part: []const u8 };
    for ([_]Case{
        .{ .record = .{}, .part = "neither dir nor region" },
        .{ .record = .{ .dir = "/tmp", .flags = 4 }, .part = "more than one" },
        .{ .record = .{ .dir = "/tmp", .region = @ptrFromInt(4096) }, .part = "more than one" },
        .{ .record = .{ .dir = "/tmp", .size = 5, .max_size = 6 }, .part = "size (5 bytes, allocated at once) and max_size (6 bytes" },
        .{ .record = .{ .region = @ptrFromInt(4096), .max_size = 6 }, .part = "max_size is 6 bytes, but a region" },
        .{ .record = .{ .dir = "/dev/null", .max_size = 6 }, .part = "or device does not grow" },
        .{ .record = .{ .dir = "/tmp", .hardening = 5 }, .part = "level 4 is asked for, of 0 to 3" },
        .{ .record = .{ .dir = "/tmp", .narenas = 1025 }, .part = "narenas is 1025, of 0 to 1024" },
        .{ .record = .{ .dir = "/tmp", .give_back = 4 }, .part = "give_back is 4, of 0 to 3" },
        .{ .record = .{ .dir = "/tmp", .flags = 8 }, .part = "flags are 0x8, of which 0x7" },
        .{ .record = .{ .dir = "/tmp", .reserved = 1 }, .part = "reserved is 1, not 0" },
    }) |case| {
        try std.testing.expectError(error.EINVAL, read(&case.record));
        errdefer std.debug.print("{s}\n", .{last_error.text()});
        try std.testing.expect(std.mem.find(u8, last_error.text(), case.part) != null);
    }
    try std.testing.expectError(error.EINVAL, read(null));
}
