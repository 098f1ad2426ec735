//! Which limit stood in the way of a mapping: the kernel says ENOMEM for each of them.
//!
//! Found out afterwards, for messages: what was undone meanwhile is allowed for, and another thread may have changed
//! things. Nothing is allocated, and without a descriptor left nothing is known.

const std = @import("std");
const linux = std.os.linux;
const sys = @import("sys.zig");
const maps = @import("maps.zig");
const file = @import("file.zig");
const text = @import("../base.zig").text;
const Error = @import("errno.zig").Error;

pub const Limit = struct {
    /// As administrators know it.
    name: []const u8,
    value: usize,
    unit: []const u8,
};

/// How many mappings a creation makes at most, and may have undone.
const undone_max = 16;

/// The limit that does not allow `size` bytes more, of address space and of data; null if none of those known here is
/// near. Reads the list of all mappings.
pub fn reached(size: usize) ?Limit {
    const mapped = maps.totals() catch return null;
    if (readNumber("/proc/sys/vm/max_map_count")) |most| {
        if (mapped.mappings + undone_max >= most) return .{ .name = "vm.max_map_count", .value = most, .unit = "mappings" };
    } else |_| {}
    if (resource(.AS)) |most| {
        if (mapped.bytes +| size >= most) return .{ .name = "RLIMIT_AS", .value = most, .unit = "bytes" };
    }
    if (resource(.DATA)) |most| {
        if (size >= most or mapped.writable +| size >= most) return .{ .name = "RLIMIT_DATA", .value = most, .unit = "bytes" };
    }
    return null;
}

/// How many descriptors the process may have; null: any number.
pub fn descriptors() ?usize {
    return resource(.NOFILE);
}

/// The process's limit, null if it has none.
fn resource(which: linux.rlimit_resource) ?usize {
    var limit: linux.rlimit = undefined;
    const none: ?*const linux.rlimit = null;
    _ = sys.call(.prlimit64, .{ @as(i32, 0), which, none, &limit }) catch return null;
    return if (limit.cur == linux.RLIM.INFINITY) null else limit.cur;
}

fn readNumber(path: [:0]const u8) Error!usize {
    const fd = try file.openPath(path, .{ .CLOEXEC = true });
    defer file.close(fd);
    var buffer: [32]u8 = undefined;
    while (true) {
        const len = sys.call(.read, .{ fd, &buffer, buffer.len }) catch |err| switch (err) {
            error.EINTR => continue,
            else => return err,
        };
        const number = text.leadingNumber(buffer[0..len], 10) orelse return error.EIO;
        return number.value;
    }
}

test "no limit is near, and the one that is is named" {
    if (resource(.AS) != null or resource(.DATA) != null) return error.SkipZigTest;
    try std.testing.expectEqual(null, reached(1 << 20));
    const before: linux.rlimit = .{ .cur = linux.RLIM.INFINITY, .max = linux.RLIM.INFINITY };
    const none: ?*linux.rlimit = null;
    inline for (.{ .{ linux.rlimit_resource.AS, "RLIMIT_AS" }, .{ linux.rlimit_resource.DATA, "RLIMIT_DATA" } }) |case| {
        const limit: linux.rlimit = .{ .cur = 1 << 40, .max = before.max };
        _ = try sys.call(.prlimit64, .{ @as(i32, 0), case[0], &limit, none });
        defer _ = sys.call(.prlimit64, .{ @as(i32, 0), case[0], &before, none }) catch {};
        const named = reached(1 << 40).?;
        try std.testing.expectEqualStrings(case[1], named.name);
        try std.testing.expectEqual(@as(usize, 1 << 40), named.value);
    }
}

test "the number of mappings has a limit" {
    try std.testing.expect(try readNumber("/proc/sys/vm/max_map_count") > 1000);
    try std.testing.expectError(error.ENOENT, readNumber("/proc/sys/vm/no_such_limit"));
}
