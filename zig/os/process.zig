//! The process: where it runs, and its end.

const std = @import("std");
const errno = @import("errno.zig");
const sys = @import("sys.zig");
const linux = std.os.linux;
const Error = errno.Error;

extern "c" fn __cxa_atexit(function: *const fn (?*anyopaque) callconv(.c) void, argument: ?*anyopaque, library: ?*anyopaque) c_int;
const c = struct {
    extern "c" fn abort() noreturn;
};

/// `hook` runs when the program calls exit or returns from main, before hooks that were added earlier; not when a library
/// is unloaded, so pin it first. ENOMEM.
pub fn atExit(comptime hook: fn () void) Error!void {
    const run = struct {
        fn run(_: ?*anyopaque) callconv(.c) void {
            hook();
        }
    }.run;
    if (__cxa_atexit(&run, null, null) != 0) return error.ENOMEM;
}

/// Raises SIGABRT and does not come back.
pub fn abort() noreturn {
    c.abort();
}

/// The file of the running program. A path that does not fit is cut.
pub fn program(room: []u8) Error![]const u8 {
    const len = try sys.call(.readlinkat, .{ linux.AT.FDCWD, "/proc/self/exe", room.ptr, room.len });
    return room[0..len];
}

/// The folder that relative paths begin in. ERANGE: its path is longer than the room.
pub fn directory(room: []u8) Error![]const u8 {
    const len = try sys.call(.getcwd, .{ room.ptr, room.len });
    return room[0 .. len - 1]; // without the end mark
}

test "program and directory are absolute paths" {
    var room: [std.Io.Dir.max_path_bytes]u8 = undefined;
    try std.testing.expectEqual('/', (try program(&room))[0]);
    const here = try directory(&room);
    try std.testing.expect(here[0] == '/' and std.mem.findScalar(u8, here, 0) == null);
    try std.testing.expectError(error.ERANGE, directory(room[0..1]));
}
