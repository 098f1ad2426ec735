//! Environment variables, and the working directory, without allocation.
//!
//! The block is read in place: what is returned lives until the program changes its environment, so copy
//! what must last. Programs that run with more rights than their user (set-user-id, file capabilities)
//! see no variables here: they name files that would be written with those rights.

const std = @import("std");
const sys = @import("sys.zig");
const Error = @import("errno.zig").Error;

extern "c" var environ: ?[*:null]?[*:0]const u8;
extern "c" fn getauxval(kind: c_ulong) c_ulong;

/// Entry of the auxiliary vector, see getauxval(3).
const at_secure = 23;

/// Whether the variables can be asked for yet: the C library finds them when it is initialised, and the loader may call our
/// malloc before that.
pub fn isThere() bool {
    return environ != null;
}

/// Whether the program runs with more rights than its user, and `get` finds nothing.
pub fn isSecure() bool {
    return getauxval(at_secure) != 0;
}

/// The value of `name`, null when it is not set. Not safe beside a thread that calls setenv, like getenv.
pub fn get(name: [:0]const u8) ?[:0]const u8 {
    if (isSecure()) return null;
    const block = environ orelse return null;
    var index: usize = 0;
    while (block[index]) |entry| : (index += 1) {
        const line = std.mem.span(entry);
        if (line.len > name.len and line[name.len] == '=' and std.mem.startsWith(u8, line, name))
            return line[name.len + 1 ..];
    }
    return null;
}

/// `path` from the root on, in `buffer`. ENAMETOOLONG. ENOENT: the working directory has been removed.
pub fn absolute(path: [:0]const u8, buffer: []u8) Error![:0]const u8 {
    var len: usize = 0;
    if (path.len == 0 or path[0] != '/') {
        len = sys.call(.getcwd, .{ buffer.ptr, buffer.len }) catch |err| return if (err == error.ERANGE) error.ENAMETOOLONG else err;
        buffer[len - 1] = '/'; // in the place of the end mark
    }
    if (len + path.len >= buffer.len) return error.ENAMETOOLONG;
    @memcpy(buffer[len..][0 .. path.len + 1], path.ptr[0 .. path.len + 1]);
    return buffer[0 .. len + path.len :0];
}

test "get" {
    try std.testing.expect(isThere() and !isSecure());
    const c = struct {
        extern "c" fn setenv(name: [*:0]const u8, value: [*:0]const u8, overwrite: c_int) c_int;
        extern "c" fn unsetenv(name: [*:0]const u8) c_int;
    };
    try std.testing.expectEqual(@as(c_int, 0), c.setenv("VMEM_TEST_VARIABLE", "a=b", 1));
    try std.testing.expectEqualStrings("a=b", get("VMEM_TEST_VARIABLE").?);
    try std.testing.expectEqual(null, get("VMEM_TEST_VARIABL"));
    try std.testing.expectEqual(@as(c_int, 0), c.setenv("VMEM_TEST_VARIABLE", "", 1));
    try std.testing.expectEqualStrings("", get("VMEM_TEST_VARIABLE").?);
    try std.testing.expectEqual(@as(c_int, 0), c.unsetenv("VMEM_TEST_VARIABLE"));
    try std.testing.expectEqual(null, get("VMEM_TEST_VARIABLE"));
}

test "paths from the root on" {
    var buffer: [4200]u8 = undefined;
    try std.testing.expectEqualStrings("/a", try absolute("/a", &buffer));
    const here = try absolute(".", &buffer);
    try std.testing.expect(here[0] == '/' and std.mem.endsWith(u8, here, "/."));
    try std.testing.expectError(error.ENAMETOOLONG, absolute("/aaaa", buffer[0..4]));
    try std.testing.expectError(error.ENAMETOOLONG, absolute("a", buffer[0..2]));
}
