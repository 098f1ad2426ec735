//! Numbers across the TypeScript face: doubles in, and results that are `-errno` below 0.

const std = @import("std");
const builtin = @import("builtin");
const pool = @import("../pool.zig");
const heap = pool.heap;
const errno = pool.errno;

/// An error from any layer below; `EINVAL` is an argument that is no number of its kind.
pub const Error = pool.Error || heap.Error;

/// The numbers that src/errors.ts explains.
pub fn status(err: Error) i32 {
    return -errno.code(switch (err) {
        error.OutOfMemory => error.ENOMEM,
        error.DeadHandle => error.EBADF,
        error.InvalidPointer => error.EFAULT,
        error.AlreadyFree => error.ESTALE,
        else => |other| other,
    });
}

pub fn failure(err: Error) f64 {
    return @floatFromInt(status(err));
}

pub fn succeeded(result: Error!void) i32 {
    return if (result) 0 else |err| status(err);
}

pub fn yes(result: Error!bool) i32 {
    return if (result) |truth| @intFromBool(truth) else |err| status(err);
}

pub fn number(result: Error!usize) f64 {
    return if (result) |value| double(value) else |err| failure(err);
}

/// Every number here is below 2^63, which converts faster than an unsigned one.
pub inline fn double(value: usize) f64 {
    return @floatFromInt(@as(i64, @intCast(value)));
}

const whole_max = 1 << 53;

/// The double's whole number, or one that is not equal to it. Without the range checks that the language wants before a
/// conversion: they cost the hot paths 1 ns, and the instruction gives -2^63 for what it cannot convert.
inline fn truncated(value: f64) i64 {
    if (builtin.cpu.arch == .x86_64) return asm ("cvttsd2si %[value], %[result]"
        : [result] "=r" (-> i64),
        : [value] "x" (value),
    );
    return if (value >= 0 and value <= whole_max) @intFromFloat(value) else -1;
}

/// As `whole` without an upper limit, for those who compare with a limit of their own. Null is not whole.
pub inline fn wholeUnlimited(value: f64) ?usize {
    const integer = truncated(value);
    return if (@as(f64, @floatFromInt(integer)) == value) @bitCast(integer) else null;
}

/// The whole number in a double.
pub inline fn whole(value: f64) error{EINVAL}!usize {
    const integer = wholeUnlimited(value) orelse return error.EINVAL;
    return if (integer <= whole_max) integer else error.EINVAL;
}

/// A size, length or count: nothing is made of nothing.
pub inline fn positive(value: f64) error{EINVAL}!usize {
    const integer = try whole(value);
    return if (integer == 0) error.EINVAL else integer;
}

pub inline fn bits(handle: f64) usize {
    return @bitCast(handle);
}

const testing = std.testing;

test "doubles that are no whole numbers are refused, whatever they are" {
    const inf = std.math.inf(f64);
    for ([_]f64{ std.math.nan(f64), inf, -inf, -1, -0.5, 0.5, 1.5, 1e300, -1e300, whole_max + 2, -0x1p63, 0x1p63, 0x1p64, 5e-324 }) |value| {
        try testing.expectError(error.EINVAL, whole(value));
        try testing.expectError(error.EINVAL, positive(value));
    }
    for ([_]f64{ 1, 4096, 0x1p31, 0x1p32 + 1, 0x1p53 - 1, 0x1p53 }) |value| {
        try testing.expectEqual(value, double(try whole(value)));
        try testing.expectEqual(value, double(try positive(value)));
    }
    try testing.expectEqual(0, try whole(-0.0));
    try testing.expectError(error.EINVAL, positive(-0.0));
}
