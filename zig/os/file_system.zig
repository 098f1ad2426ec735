//! What the kernel says about file systems: their kinds, and the room that they have.

const std = @import("std");
const sys = @import("sys.zig");
const Error = @import("errno.zig").Error;
const file = @import("file.zig");
const Fd = file.Fd;

pub const Kind = enum {
    tmpfs,
    hugetlbfs,
    ext,
    xfs,
    btrfs,
    zfs,
    bcachefs,
    overlay,
    other,

    /// Allocated storage is no promise here: overwriting a block needs a new one.
    pub fn copiesOnWrite(kind_: Kind) bool {
        return switch (kind_) {
            .btrfs, .zfs, .bcachefs => true,
            .tmpfs, .hugetlbfs, .ext, .xfs, .overlay, .other => false,
        };
    }
};

/// What the kernel says about the file's file system (statfs of a 64-bit Linux).
const FileSystem = extern struct {
    type: u64,
    block_size: u64,
    blocks: u64,
    blocks_free: u64,
    blocks_available: u64,
    files: u64,
    files_free: u64,
    id: [2]u32,
    name_max: u64,
    fragment_size: u64,
    flags: u64,
    spare: [4]u64,
};

fn statistics(fd: Fd) Error!FileSystem {
    var result: FileSystem = undefined;
    while (true) {
        _ = sys.call(.fstatfs, .{ fd, &result }) catch |err| switch (err) {
            error.EINTR => continue,
            else => return err,
        };
        return result;
    }
}

/// Bytes an ordinary user can still allocate on the file's file system; the largest number when it knows no limit.
pub fn available(fd: Fd) Error!u64 {
    const fs = try statistics(fd);
    return bytes(fs, fs.blocks_available);
}

/// As `available` for the file system a path lies on, without opening anything. Errors of resolving the path.
pub fn availableAt(path: [:0]const u8) Error!u64 {
    const fs = try statisticsAt(path);
    return bytes(fs, fs.blocks_available);
}

/// As `capacity` for the file system a path lies on.
pub fn capacityAt(path: [:0]const u8) Error!u64 {
    const fs = try statisticsAt(path);
    return bytes(fs, fs.blocks);
}

fn statisticsAt(path: [:0]const u8) Error!FileSystem {
    var result: FileSystem = undefined;
    while (true) {
        _ = sys.call(.statfs, .{ path.ptr, &result }) catch |err| switch (err) {
            error.EINTR => continue,
            else => return err,
        };
        return result;
    }
}

/// Bytes that the file's file system has in all, in use or not; the largest number when it knows no limit.
pub fn capacity(fd: Fd) Error!u64 {
    const fs = try statistics(fd);
    return bytes(fs, fs.blocks);
}

fn bytes(fs: FileSystem, blocks: u64) u64 {
    if (fs.blocks == 0) return std.math.maxInt(u64);
    const unit = if (fs.fragment_size != 0) fs.fragment_size else fs.block_size;
    return std.math.mul(u64, blocks, unit) catch std.math.maxInt(u64);
}

/// Kind and preferred unit of the file's file system, and the bytes that are free there for anybody.
pub const About = struct { kind: Kind, block_size: usize, free: u64 };

pub fn about(fd: Fd) Error!About {
    const fs = try statistics(fd);
    return .{ .kind = kindOf(fs.type), .block_size = fs.block_size, .free = bytes(fs, fs.blocks_free) };
}

pub fn kind(fd: Fd) Error!Kind {
    return kindOf((try statistics(fd)).type);
}

pub fn kindOf(magic: u64) Kind {
    return switch (magic & 0xffff_ffff) { // signed on some architectures
        0x01021994 => .tmpfs,
        0x958458f6 => .hugetlbfs,
        0xef53 => .ext,
        0x58465342 => .xfs,
        0x9123683e => .btrfs,
        0x2fc12fc1 => .zfs,
        0xca451a4e => .bcachefs,
        0x794c7630 => .overlay,
        else => .other,
    };
}

test "kinds of file systems" {
    try std.testing.expectEqual(Kind.tmpfs, kindOf(0x01021994));
    try std.testing.expectEqual(Kind.btrfs, kindOf(@bitCast(@as(i64, @as(i32, @bitCast(@as(u32, 0x9123683e)))))));
    const fd = try file.openTemporary("/dev/shm");
    defer file.close(fd);
    try std.testing.expectEqual(Kind.tmpfs, try kind(fd));
    try std.testing.expect(try available(fd) > 0);
    try std.testing.expect(try availableAt("/dev/shm") > 0);
    try std.testing.expectError(error.ENOENT, availableAt("/nonexistent"));
    try std.testing.expect(try capacity(fd) >= try available(fd));
    try std.testing.expectEqual(try capacity(fd), try capacityAt("/dev/shm"));
}
