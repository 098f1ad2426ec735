//! The process's mappings as the kernel lists them in /proc/self/maps: where a hole is, and how many there are.

const std = @import("std");
const linux = std.os.linux;
const sys = @import("sys.zig");
const text = @import("../base.zig").text;
const Error = @import("errno.zig").Error;
const Fd = i32;

/// Reads the list line by line without allocating. The kernel gives whole lines, in ascending order.
const Reader = struct {
    fd: Fd,
    buffer: [4096]u8 = undefined,
    start: usize = 0,
    end: usize = 0,
    /// The rest of a line that was returned cut is still to come.
    cut: bool = false,

    fn open(path: [*:0]const u8) Error!Reader {
        const fd = try sys.call(.openat, .{ linux.AT.FDCWD, path, linux.O{ .CLOEXEC = true }, 0 });
        return .{ .fd = @intCast(fd) };
    }

    fn close(r: *Reader) void {
        sys.attempt(.close, .{r.fd});
    }

    /// The next line, cut to the buffer, null at the end.
    fn line(r: *Reader) Error!?[]const u8 {
        while (true) {
            const rest = r.buffer[r.start..r.end];
            if (std.mem.indexOfScalar(u8, rest, '\n')) |len| {
                r.start += len + 1;
                if (!r.cut) return rest[0..len];
                r.cut = false;
                continue;
            }
            if (rest.len == r.buffer.len) {
                r.start = r.end;
                if (r.cut) continue;
                r.cut = true;
                return rest;
            }
            std.mem.copyForwards(u8, &r.buffer, rest);
            r.start = 0;
            r.end = rest.len;
            const n = sys.call(.read, .{ r.fd, r.buffer[r.end..].ptr, r.buffer.len - r.end }) catch |err| switch (err) {
                error.EINTR => continue,
                else => return err,
            };
            if (n == 0) return null;
            r.end += n;
        }
    }

    fn next(r: *Reader) Error!?struct { start: usize, end: usize, data: bool } {
        const bytes = try r.line() orelse return null;
        const start = text.leadingNumber(bytes, 16) orelse return error.EIO;
        if (start.rest.len == 0 or start.rest[0] != '-') return error.EIO;
        const end = text.leadingNumber(start.rest[1..], 16) orelse return error.EIO;
        // "rw-p": what RLIMIT_DATA counts, and the stacks.
        return .{ .start = start.value, .end = end.value, .data = std.mem.startsWith(u8, end.rest, " ") and std.mem.eql(u8, end.rest[2..@min(end.rest.len, 5)], "w-p") };
    }
};

/// Address of the first hole of `length` bytes at a multiple of `alignment` at or above `from`. ENOMEM: none. Also the errors of
/// reading /proc.
pub fn findHole(from: usize, length: usize, alignment: usize) Error!usize {
    var reader = try Reader.open("/proc/self/maps");
    defer reader.close();
    // Address 0 and a few more pages cannot be mapped.
    var at = try alignUp(@max(from, alignment), alignment);
    while (try reader.next()) |mapping| {
        if (mapping.end <= at) continue;
        if (mapping.start >= std.math.add(usize, at, length) catch return error.ENOMEM) break;
        at = try alignUp(mapping.end, alignment);
    }
    _ = std.math.add(usize, at, length) catch return error.ENOMEM;
    return at;
}

fn alignUp(address: usize, alignment: usize) Error!usize {
    return (std.math.add(usize, address, alignment - 1) catch return error.ENOMEM) & ~(alignment - 1);
}

/// What /proc/self/smaps says of one mapping's pages of 2 MiB.
pub const HugePages = struct { bytes: usize = 0, advised: bool = false };

pub fn hugePagesAt(address: usize) Error!HugePages {
    var reader = try Reader.open("/proc/self/smaps");
    defer reader.close();
    var result: HugePages = .{};
    var inside = false;
    while (try reader.line()) |bytes| {
        if (text.leadingNumber(bytes, 16)) |start| if (start.rest.len != 0 and start.rest[0] == '-') {
            const end = text.leadingNumber(start.rest[1..], 16) orelse return error.EIO;
            inside = start.value <= address and address < end.value;
        };
        if (!inside) continue;
        for ([_][]const u8{ "AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:" }) |name| {
            if (!std.mem.startsWith(u8, bytes, name)) continue;
            const count = text.leadingNumber(std.mem.trimStart(u8, bytes[name.len..], " "), 10) orelse return error.EIO;
            result.bytes += count.value * 1024;
        }
        if (std.mem.startsWith(u8, bytes, "VmFlags:")) result.advised = std.mem.find(u8, bytes, " hg") != null;
    }
    return result;
}

/// `writable`: the bytes of those that are private and writable.
pub const Totals = struct { mappings: usize, bytes: usize, writable: usize };

/// How much the process has mapped. For tests and reports: reads the whole list.
pub fn totals() Error!Totals {
    var reader = try Reader.open("/proc/self/maps");
    defer reader.close();
    var result: Totals = .{ .mappings = 0, .bytes = 0, .writable = 0 };
    while (try reader.next()) |mapping| {
        result.mappings += 1;
        result.bytes += mapping.end - mapping.start;
        if (mapping.data) result.writable += mapping.end - mapping.start;
    }
    return result;
}

test "totals follow what is mapped" {
    const memory = @import("memory.zig");
    const before = try totals();
    const page = memory.pageSize();
    const address = try memory.reserve(3 * page, page);
    try memory.protect(address + page, page, .read_write);
    const during = try totals();
    try std.testing.expect(during.mappings >= before.mappings + 2);
    try std.testing.expectEqual(before.bytes + 3 * page, during.bytes);
    try std.testing.expectEqual(before.writable + page, during.writable);
    try memory.unmap(address, 3 * page);
    try std.testing.expectEqual(before, try totals());
}

test "findHole skips what is mapped" {
    const memory = @import("memory.zig");
    const page = memory.pageSize();
    const address = try memory.reserve(4 * page, page);
    defer memory.unmap(address, 4 * page) catch {};
    try std.testing.expect(try findHole(address, page, page) >= address + 4 * page);
}
