//! Contents of files: from memory, or shared with another file.

const std = @import("std");
const linux = std.os.linux;
const sys = @import("sys.zig");
const file = @import("file.zig");
const Error = @import("errno.zig").Error;
const Fd = file.Fd;

/// Writes `length` bytes of memory to the file. ENOSPC, EDQUOT: no room. EFAULT: they cannot be read. The limit on file
/// sizes is not asked: `truncate` the file first.
pub fn write(fd: Fd, address: usize, length: usize, offset: u64) Error!void {
    var done: usize = 0;
    while (done < length) {
        done += sys.call(.pwrite64, .{ fd, address + done, length - done, offset + done }) catch |err| switch (err) {
            error.EINTR => continue,
            else => return err,
        };
    }
}

/// Copies a range of `source` to the same range of `fd`, which it may not pass the end of. ENOSPC, EDQUOT: no room. EINVAL, ENOSYS: such files
/// cannot be copied so.
pub fn copyRange(fd: Fd, source: Fd, offset: u64, length: usize) Error!void {
    _ = try sys.call(.lseek, .{ fd, offset, linux.SEEK.SET });
    var at: i64 = @intCast(offset);
    const end = at + @as(i64, @intCast(length));
    while (at < end) {
        // Not copy_file_range: some file systems would share the storage.
        const done = sys.call(.sendfile, .{ fd, source, &at, @as(usize, @intCast(end - at)) }) catch |err| switch (err) {
            error.EINTR => continue,
            else => return err,
        };
        if (done == 0) return error.EINVAL; // the source is shorter
    }
}

/// Shares the storage of a range of `source` with the same range of `fd` (a reflink), in units of the file system's blocks. An error where that
/// is not possible.
pub fn cloneRange(fd: Fd, source: Fd, offset: u64, length: u64) Error!void {
    const Range = extern struct { source: i64, source_offset: u64, length: u64, offset: u64 };
    const range: Range = .{ .source = source, .source_offset = offset, .length = length, .offset = offset };
    _ = try sys.call(.ioctl, .{ fd, linux.IOCTL.IOW(0x94, 13, Range), &range });
}

test "contents are written, descriptors moved" {
    const fd = try file.openTemporary("/dev/shm");
    const at = try file.openTemporary("/dev/shm");
    try file.truncate(fd, 3 * 4096);
    const bytes: [5000]u8 = @splat(7);
    try write(fd, @intFromPtr(&bytes), bytes.len, 4000);
    try std.testing.expectError(error.EFAULT, write(fd, 16, 1, 0));
    // tmpfs has no reflinks.
    if (cloneRange(at, fd, 0, 4096)) |_| return error.Cloned else |_| {}
    for ([_]u64{ 4096, 0 }) |offset| try copyRange(at, fd, offset, 4096);
    var copy: [8192]u8 = undefined;
    try std.testing.expectEqual(8192, try sys.call(.pread64, .{ at, &copy, copy.len, 0 }));
    try std.testing.expectEqual(0, copy[3999]);
    try std.testing.expectEqualSlices(u8, bytes[0..4192], copy[4000..]);
    try std.testing.expectError(error.EINVAL, copyRange(at, fd, 8192, 8192));
    const before = try file.identity(fd);
    try file.moveTo(fd, at);
    try std.testing.expectEqual(before, try file.identity(at));
    try std.testing.expectError(error.EBADF, file.identity(fd));
    var back: [5002]u8 = undefined;
    try std.testing.expectEqual(5002, try sys.call(.pread64, .{ at, &back, back.len, 3999 }));
    try std.testing.expectEqual(0, back[0]);
    try std.testing.expectEqualSlices(u8, &bytes, back[1..5001]);
    file.close(at);
}
