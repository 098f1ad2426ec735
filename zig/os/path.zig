//! What a path leads to, without opening it.

const std = @import("std");
const linux = std.os.linux;
const sys = @import("sys.zig");
const Error = @import("errno.zig").Error;

pub const Kind = enum { directory, character_device, other };

/// Symbolic links are followed. Errors of resolving the path (ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG ...); ENOSYS
/// before Linux 4.11.
pub fn kind(path: [:0]const u8) Error!Kind {
    var result: linux.Statx = undefined;
    _ = try sys.call(.statx, .{ linux.AT.FDCWD, path.ptr, 0, linux.STATX{ .TYPE = true }, &result });
    return switch (result.mode & linux.S.IFMT) {
        linux.S.IFDIR => .directory,
        linux.S.IFCHR => .character_device,
        else => .other,
    };
}

test "kinds of paths" {
    try std.testing.expectEqual(.directory, try kind("/proc/self/.."));
    try std.testing.expectEqual(.character_device, try kind("/dev/null"));
    try std.testing.expectEqual(.other, try kind("/proc/self/stat"));
    try std.testing.expectError(error.ENOENT, kind("/nonexistent"));
    try std.testing.expectError(error.ENOTDIR, kind("/dev/null/below"));
}
