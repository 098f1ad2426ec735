//! Device DAX: character devices whose memory is mapped without a file system.
//!
//! Nothing but sysfs tells what a device is and what it allows: fstat gives size 0, lseek 0, ioctls ENOTTY, and mmap accepts
//! lengths beyond the end (SIGBUS when touched). The device's folder is `/sys/dev/char/MAJOR:MINOR`; its link `subsystem`
//! ends in `dax`, `size` and `align` are decimal numbers. A device is looked at by its number before it is opened,
//! because opening other character devices may do things (a tape rewinds, a watchdog starts).

const std = @import("std");
const linux = std.os.linux;
const sys = @import("sys.zig");
const file = @import("file.zig");
const text = @import("../base.zig").text;
const Error = @import("errno.zig").Error;

pub const Number = struct { major: u32, minor: u32 };

/// The number of the character device that a path leads to; null: it leads to something else. Symbolic links are followed.
/// Errors of resolving the path; ENOSYS before Linux 4.11.
pub fn numberAt(path: [:0]const u8) Error!?Number {
    var result: linux.Statx = undefined;
    _ = try sys.call(.statx, .{ linux.AT.FDCWD, path.ptr, 0, linux.STATX{ .TYPE = true }, &result });
    if (result.mode & linux.S.IFMT != linux.S.IFCHR) return null;
    return .{ .major = result.rdev_major, .minor = result.rdev_minor };
}

/// What sysfs says of a DAX device, in bytes. Offsets, lengths and addresses of its mappings are multiples of `alignment`.
pub const About = struct { size: u64, alignment: usize };

/// Null: the device is not one of DAX. EIO: sysfs does not say how large it is, or nonsense; also the errors of reading sysfs.
pub fn about(number: Number) Error!?About {
    var link: [512]u8 = undefined;
    const path = attribute(number, "subsystem");
    const len = sys.call(.readlinkat, .{ linux.AT.FDCWD, path.slice().ptr, &link, link.len }) catch |err| switch (err) {
        error.ENOENT, error.ENOTDIR => return null,
        else => return err,
    };
    if (!isDax(link[0..len])) return null;
    const size = try readNumber(number, "size");
    const alignment = readNumber(number, "align") catch |err| switch (err) {
        error.ENOENT => try readNumber(number, "../dax_region/align"), // before Linux 5.10
        else => return err,
    };
    return try sane(size, alignment);
}

fn isDax(subsystem: []const u8) bool {
    return std.mem.eql(u8, std.fs.path.basenamePosix(subsystem), "dax");
}

fn sane(size: u64, alignment: u64) error{EIO}!About {
    if (size > std.math.maxInt(i64) or alignment > 1 << 40 or @popCount(alignment) != 1) return error.EIO;
    return .{ .size = size, .alignment = @intCast(alignment) };
}

const Path = struct {
    buffer: [96]u8 = undefined,
    len: usize,

    fn slice(p: *const Path) [:0]const u8 {
        return p.buffer[0..p.len :0];
    }
};

fn attribute(number: Number, comptime name: []const u8) Path {
    var path: Path = .{ .len = 0 };
    path.len = text.format(&path.buffer, "/sys/dev/char/{d}:{d}/" ++ name, .{ number.major, number.minor }).len;
    return path;
}

fn readNumber(number: Number, comptime name: []const u8) Error!u64 {
    const path = attribute(number, name);
    const fd = try file.openPath(path.slice(), .{ .CLOEXEC = true });
    defer file.close(fd);
    var buffer: [32]u8 = undefined;
    while (true) {
        const len = sys.call(.read, .{ fd, &buffer, buffer.len }) catch |err| switch (err) {
            error.EINTR => continue,
            else => return err,
        };
        return parse(buffer[0..len]);
    }
}

/// An attribute of sysfs: a decimal number, or a hexadecimal one with 0x, and a line break.
fn parse(line: []const u8) error{EIO}!u64 {
    const digits = std.mem.trimEnd(u8, line, "\n");
    return std.fmt.parseUnsigned(u64, digits, 0) catch error.EIO;
}

/// Opens the device for reading and writing, never inherited by a program. ENXIO: no driver serves it as a device (it is
/// unbound, or in use as the system's memory); EACCES, EPERM: only its owner, usually root, may; ESTALE: the path
/// leads to another device by now.
pub fn open(path: [:0]const u8, number: Number) Error!file.Fd {
    const fd = try file.openPath(path, .{ .ACCMODE = .RDWR, .CLOEXEC = true, .NOCTTY = true, .NONBLOCK = true });
    errdefer file.close(fd);
    if (!std.meta.eql(try file.deviceNumber(fd), number)) return error.ESTALE;
    return fd;
}

/// Takes the device for this process alone (flock). The lock lives as long as the descriptor or a mapping made with it, in
/// forked children, too. It belongs to the file of the device: another file of the same device (mknod) knows nothing of
/// it. EBUSY: somebody has it.
pub fn lock(fd: file.Fd) Error!void {
    const exclusive_nonblocking = 2 | 4; // LOCK_EX | LOCK_NB
    while (true) {
        _ = sys.call(.flock, .{ fd, exclusive_nonblocking }) catch |err| switch (err) {
            error.EINTR => continue,
            error.EAGAIN => return error.EBUSY,
            else => return err,
        };
        return;
    }
}

test "what sysfs says" {
    try std.testing.expect(isDax("../../../../../../../../bus/dax"));
    try std.testing.expect(isDax("../../class/dax"));
    try std.testing.expect(!isDax("../../../../class/mem"));
    try std.testing.expect(!isDax("../../bus/notdax"));
    try std.testing.expect(!isDax("../../bus/dax/x"));
    try std.testing.expect(!isDax(""));
    try std.testing.expectEqual(534773760, try parse("534773760\n"));
    try std.testing.expectEqual(2 << 20, try parse("0x200000\n"));
    try std.testing.expectEqual(0, try parse("0"));
    for ([_][]const u8{ "", "\n", "x\n", "-1\n", "1 2\n", "18446744073709551616\n" }) |line| {
        try std.testing.expectError(error.EIO, parse(line));
    }
    try std.testing.expectEqual(About{ .size = 5, .alignment = 4096 }, try sane(5, 4096));
    try std.testing.expectError(error.EIO, sane(1 << 63, 4096));
    try std.testing.expectError(error.EIO, sane(4096, 0));
    try std.testing.expectError(error.EIO, sane(4096, 3));
    try std.testing.expectError(error.EIO, sane(4096, 1 << 41));
}

test "devices that are not DAX, and what is no device" {
    const null_device = (try numberAt("/dev/null")).?;
    try std.testing.expectEqual(Number{ .major = 1, .minor = 3 }, null_device);
    try std.testing.expectEqual(null, try about(null_device));
    try std.testing.expectEqual(null, try about(.{ .major = 4095, .minor = 1 << 19 })); // nobody's
    try std.testing.expectEqual(null, try numberAt("/dev"));
    try std.testing.expectError(error.ENOENT, numberAt("/nonexistent"));
    const zero = (try numberAt("/dev/zero")).?;
    file.close(try open("/dev/zero", zero));
    try std.testing.expectError(error.ESTALE, open("/dev/zero", null_device));
    try std.testing.expectError(error.ESTALE, open("/proc/self/maps", null_device));
}

test "a device of DAX, and where older kernels have its alignment" {
    const path = @import("environment.zig").get("VMEM_TEST_DAX") orelse {
        std.debug.print("skipped: VMEM_TEST_DAX names no DAX device\n", .{});
        return error.SkipZigTest;
    };
    const number = (try numberAt(path)).?;
    const found = (try about(number)).?;
    try std.testing.expect(found.size >= found.alignment);
    try std.testing.expectEqual(found.alignment, try readNumber(number, "../dax_region/align"));
    try std.testing.expectError(error.ENOENT, readNumber(number, "nothing"));
}

test "a lock lives as long as the descriptor or a mapping" {
    // Of a file in memory: overlay file systems map another file than they open.
    const memory = @import("memory.zig");
    const page = memory.pageSize();
    const one = try file.openMemory(page);
    var buffer: [64]u8 = undefined;
    const two = try file.openPath(text.format(&buffer, "/proc/self/fd/{d}", .{one}), .{ .ACCMODE = .RDWR, .CLOEXEC = true });
    defer file.close(two);
    try lock(one);
    try lock(one);
    try std.testing.expectError(error.EBUSY, lock(two));
    const address = try memory.reserve(page, page);
    try memory.mapFixedFile(address, page, one, 0);
    file.close(one);
    try std.testing.expectError(error.EBUSY, lock(two));
    try memory.mapFixedAnonymous(address, page, .none);
    try lock(two);
    try memory.unmap(address, page);
}
