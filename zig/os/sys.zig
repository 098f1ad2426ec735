//! The choke point: every system call of the library is made here.
//!
//! Raw, because the C library's wrappers are cancellation points, set errno, and can be interposed; one
//! place, because that is where faults are injected. The result is the kernel's value or an `Error`.

const std = @import("std");
const linux = std.os.linux;
const errno = @import("errno.zig");
const fault = @import("fault.zig");

/// Makes the system call `which`. Arguments are integers, enums, packed flags, booleans or pointers
/// (optional ones too).
pub inline fn call(comptime which: linux.SYS, arguments: anytype) errno.Error!usize {
    if (fault.next(which)) |err| {
        if (which == .close) _ = raw(which, arguments);
        return err;
    }
    const result = raw(which, arguments);
    if (result > std.math.maxInt(usize) - 4095) {
        @branchHint(.unlikely);
        return failed(result);
    }
    return result;
}

/// As `call` where nobody could act on a failure.
pub inline fn attempt(comptime which: linux.SYS, arguments: anytype) void {
    _ = call(which, arguments) catch {};
}

noinline fn failed(result: usize) errno.Error {
    @branchHint(.cold);
    const signed: isize = @bitCast(result);
    return errno.fromCode(@intCast(-signed));
}

inline fn raw(comptime which: linux.SYS, a: anytype) usize {
    return switch (a.len) {
        0 => linux.syscall0(which),
        1 => linux.syscall1(which, word(a[0])),
        2 => linux.syscall2(which, word(a[0]), word(a[1])),
        3 => linux.syscall3(which, word(a[0]), word(a[1]), word(a[2])),
        4 => linux.syscall4(which, word(a[0]), word(a[1]), word(a[2]), word(a[3])),
        5 => linux.syscall5(which, word(a[0]), word(a[1]), word(a[2]), word(a[3]), word(a[4])),
        6 => linux.syscall6(which, word(a[0]), word(a[1]), word(a[2]), word(a[3]), word(a[4]), word(a[5])),
        else => @compileError("a system call has at most 6 arguments"),
    };
}

inline fn word(value: anytype) usize {
    return switch (@typeInfo(@TypeOf(value))) {
        .int => |int| if (int.signedness == .signed) @bitCast(@as(isize, value)) else value,
        .comptime_int => if (value < 0) @bitCast(@as(isize, value)) else value,
        .pointer, .optional => @intFromPtr(value),
        .@"enum" => @intCast(@backingInt(value)),
        .@"struct" => @as(u32, @bitCast(value)), // flags
        .bool => @intFromBool(value),
        else => @compileError("not an argument of a system call: " ++ @typeName(@TypeOf(value))),
    };
}

test "values and errors" {
    try std.testing.expect(try call(.getpid, .{}) > 1);
    try std.testing.expectError(error.EBADF, call(.close, .{@as(i32, -1)}));
    var bytes: [8]u8 = undefined;
    try std.testing.expectEqual(@as(usize, 8), try call(.getrandom, .{ &bytes, bytes.len, 0 }));
}
