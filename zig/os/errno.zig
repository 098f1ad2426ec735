//! Operating errors: made here once, travel as one closed error set, are turned back into numbers and
//! texts here.
//!
//! The names are the kernel's, so `@errorName` is what users see as `code`. The texts are glibc's English
//! ones, kept here because strerror is neither thread-safe everywhere nor free of allocation, and because
//! users of the originals compare them. Switches over the set are exhaustive: a new member does not
//! compile until it has a text.

const std = @import("std");
const E = std.os.linux.E;
/// The kernel's numbers by name.
pub const Number = E;

pub const Error = error{
    EPERM,
    ENOENT,
    EINTR,
    EIO,
    ENXIO,
    E2BIG,
    EBADF,
    EAGAIN,
    ENOMEM,
    EACCES,
    EFAULT,
    EBUSY,
    EEXIST,
    ENODEV,
    ENOTDIR,
    EISDIR,
    EINVAL,
    ENFILE,
    EMFILE,
    ETXTBSY,
    EFBIG,
    ENOSPC,
    EROFS,
    ERANGE,
    ENAMETOOLONG,
    ENOSYS,
    ELOOP,
    EOVERFLOW,
    EOPNOTSUPP,
    EDQUOT,
    ESTALE,
    ETIMEDOUT,
    /// A number that is none of the above.
    EUNKNOWN,
};

/// The kernel's number. EUNKNOWN has none and is reported as EIO.
pub fn code(err: Error) i32 {
    return switch (err) {
        error.EUNKNOWN => @backingInt(E.IO),
        inline else => |e| @backingInt(@field(E, @errorName(e)[1..])),
    };
}

/// The symbolic name, for example "ENOSPC".
pub fn name(err: Error) [:0]const u8 {
    return @errorName(err);
}

/// What strerror says in the C locale.
pub fn text(err: Error) [:0]const u8 {
    return switch (err) {
        error.EPERM => "Operation not permitted",
        error.ENOENT => "No such file or directory",
        error.EINTR => "Interrupted system call",
        error.EIO => "Input/output error",
        error.ENXIO => "No such device or address",
        error.E2BIG => "Argument list too long",
        error.EBADF => "Bad file descriptor",
        error.EAGAIN => "Resource temporarily unavailable",
        error.ENOMEM => "Cannot allocate memory",
        error.EACCES => "Permission denied",
        error.EFAULT => "Bad address",
        error.EBUSY => "Device or resource busy",
        error.EEXIST => "File exists",
        error.ENODEV => "No such device",
        error.ENOTDIR => "Not a directory",
        error.EISDIR => "Is a directory",
        error.EINVAL => "Invalid argument",
        error.ENFILE => "Too many open files in system",
        error.EMFILE => "Too many open files",
        error.ETXTBSY => "Text file busy",
        error.EFBIG => "File too large",
        error.ENOSPC => "No space left on device",
        error.EROFS => "Read-only file system",
        error.ERANGE => "Numerical result out of range",
        error.ENAMETOOLONG => "File name too long",
        error.ENOSYS => "Function not implemented",
        error.ELOOP => "Too many levels of symbolic links",
        error.EOVERFLOW => "Value too large for defined data type",
        error.EOPNOTSUPP => "Operation not supported",
        error.EDQUOT => "Disk quota exceeded",
        error.ESTALE => "Stale file handle",
        error.ETIMEDOUT => "Connection timed out",
        error.EUNKNOWN => "Unknown error",
    };
}

/// The error with this number; EUNKNOWN for one outside the set.
pub fn fromCode(number: i32) Error {
    inline for (comptime std.meta.tags(Error)) |e| {
        if (e != error.EUNKNOWN and number == comptime code(e)) return e;
    }
    return error.EUNKNOWN;
}

extern "c" fn __errno_location() *c_int;

/// Sets the C library's errno of this thread.
pub fn set(number: i32) void {
    __errno_location().* = number;
}

/// The C library's errno of this thread.
pub fn get() i32 {
    return __errno_location().*;
}

extern "c" fn strerror(number: c_int) [*:0]const u8;

test "texts are those of the C library" {
    if (!@import("builtin").abi.isGnu()) return error.SkipZigTest; // the texts are glibc's
    for (std.meta.tags(Error)) |e| {
        if (e == error.EUNKNOWN) continue;
        try std.testing.expectEqualStrings(std.mem.span(strerror(code(e))), text(e));
    }
}

test "numbers round-trip" {
    for (std.meta.tags(Error)) |e| {
        if (e == error.EUNKNOWN) continue;
        try std.testing.expectEqual(e, fromCode(code(e)));
    }
    try std.testing.expectEqual(error.EUNKNOWN, fromCode(4000));
    try std.testing.expectEqual(error.EUNKNOWN, fromCode(0));
    try std.testing.expectEqual(@as(i32, 28), code(error.ENOSPC));
    try std.testing.expectEqualStrings("ENOSPC", name(error.ENOSPC));
}

test "errno of the C library" {
    const before = get();
    set(17);
    try std.testing.expectEqual(@as(i32, 17), get());
    set(before);
}
