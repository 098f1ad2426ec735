//! Writing text: to standard error and to log files. Best effort where nobody could act on a failure;
//! errno of the C library is never touched.

const std = @import("std");
const linux = std.os.linux;
const sys = @import("sys.zig");
const file = @import("file.zig");
const Error = @import("errno.zig").Error;

/// Writes all of `bytes`.
pub fn write(fd: file.Fd, bytes: []const u8) Error!void {
    var rest = bytes;
    while (rest.len != 0) {
        const n = sys.call(.write, .{ fd, rest.ptr, rest.len }) catch |err| switch (err) {
            error.EINTR => continue,
            else => return err,
        };
        if (n == 0) return error.EIO;
        rest = rest[n..];
    }
}

/// Writes to standard error; a failure is ignored.
pub fn stderr(text: []const u8) void {
    write(2, text) catch {};
}

/// A `FILE *` of the C library.
pub const Stream = opaque {};

extern "c" fn fwrite(bytes: [*]const u8, size: usize, count: usize, to: *Stream) usize;

/// Adds to what the C library will write. EIO: it took less.
pub fn stream(to: *Stream, text: []const u8) Error!void {
    if (fwrite(text.ptr, 1, text.len, to) != text.len) return error.EIO;
}

/// Creates the file `path`, or empties it, for writing (mode 0666 and the umask). The caller closes it.
pub fn create(path: [:0]const u8) Error!file.Fd {
    return open(path, .{ .ACCMODE = .WRONLY, .CREAT = true, .TRUNC = true, .APPEND = true, .CLOEXEC = true, .NOCTTY = true });
}

/// Adds `text` to the end of the file `path`, which is created when it is not there.
pub fn append(path: [:0]const u8, text: []const u8) Error!void {
    const fd = try open(path, .{ .ACCMODE = .WRONLY, .CREAT = true, .APPEND = true, .CLOEXEC = true, .NOCTTY = true });
    defer file.close(fd);
    try write(fd, text);
}

fn open(path: [:0]const u8, flags: linux.O) Error!file.Fd {
    while (true) {
        const fd = sys.call(.openat, .{ linux.AT.FDCWD, path.ptr, flags, 0o666 }) catch |err| switch (err) {
            error.EINTR => continue,
            else => return err,
        };
        return @intCast(fd);
    }
}

test "create, append" {
    var tmp = std.testing.tmpDir(.{});
    defer tmp.cleanup();
    var buffer: [256]u8 = undefined;
    const path = try std.fmt.bufPrintSentinel(&buffer, ".zig-cache/tmp/{s}/log", .{tmp.sub_path}, 0);
    try append(path, "one ");
    try append(path, "two");
    try expectContents(path, "one two");
    const fd = try create(path);
    try write(fd, "three");
    file.close(fd);
    try expectContents(path, "three");
    try std.testing.expectError(error.ENOENT, append("/nonexistent/log", "x"));
}

fn expectContents(path: [:0]const u8, expected: []const u8) !void {
    const fd = try sys.call(.openat, .{ linux.AT.FDCWD, path.ptr, linux.O{}, 0 });
    defer file.close(@intCast(fd));
    var buffer: [64]u8 = undefined;
    const n = try sys.call(.read, .{ fd, &buffer, buffer.len });
    try std.testing.expectEqualStrings(expected, buffer[0..n]);
}
