//! Which pages of a private mapping are the process's own, by /proc/self/pagemap: written since the mapping was made, so that
//! they differ from the file behind it.

const std = @import("std");
const sys = @import("sys.zig");
const file = @import("file.zig");
const memory = @import("memory.zig");
const Error = @import("errno.zig").Error;

/// See the kernel's Documentation/admin-guide/mm/pagemap.rst.
const present: u64 = 1 << 63;
const swapped: u64 = 1 << 62;
const of_file: u64 = 1 << 61;

pub const Reader = struct {
    fd: file.Fd,

    /// Errors of opening; ENOENT where there is no /proc.
    pub fn open() Error!Reader {
        return .{ .fd = try file.openPath("/proc/self/pagemap", .{ .CLOEXEC = true }) };
    }

    pub fn close(r: *Reader) void {
        file.close(r.fd);
    }

    /// Calls `each(context, address, length)` for every run of own pages in the range, in ascending order.
    pub fn forEach(
        r: *const Reader,
        address: usize,
        length: usize,
        context: anytype,
        comptime each: fn (@TypeOf(context), address: usize, length: usize) Error!void,
    ) Error!void {
        const page = memory.pageSize();
        var entries: [512]u64 = undefined;
        var run: usize = 0;
        var at = address;
        const end = address + length;
        while (at < end) {
            const wanted = @min(entries.len, (end - at) / page);
            const bytes = try r.read(at / page, entries[0..wanted]);
            for (entries[0 .. bytes / 8]) |entry| {
                const own = entry & (present | swapped) != 0 and entry & of_file == 0;
                if (own) run += page else if (run > 0) {
                    try each(context, at - run, run);
                    run = 0;
                }
                at += page;
            }
        }
        if (run > 0) try each(context, end - run, run);
    }

    fn read(r: *const Reader, first: usize, entries: []u64) Error!usize {
        while (true) {
            const bytes = sys.call(.pread64, .{ r.fd, entries.ptr, entries.len * 8, first * 8 }) catch |err| switch (err) {
                error.EINTR => continue,
                else => return err,
            };
            return if (bytes < 8) error.EIO else bytes;
        }
    }
};

test "pages that were written are found, and no others" {
    const page = memory.pageSize();
    const pages = 1200;
    for ([_][:0]const u8{ "/dev/shm", "/tmp" }) |directory| {
        const fd = try file.openTemporary(directory);
        defer file.close(fd);
        try file.truncate(fd, pages * page);
        const base = try memory.reserve(pages * page, page);
        defer memory.unmap(base, pages * page) catch {};
        try memory.mapFixedFile(base, pages * page, fd, 0);
        const bytes: [*]volatile u8 = @ptrFromInt(base);
        for (0..pages) |i| bytes[i * page] = 1;
        try memory.mapFixedPrivateFile(base, pages * page, fd, 0);
        for ([_]usize{ 0, 1, 511, 512, 513, 700, pages - 1 }) |i| bytes[i * page] = 2;
        for (300..400) |i| _ = bytes[i * page];
        var reader = try Reader.open();
        defer reader.close();
        const Seen = struct {
            runs: [8][2]usize = undefined,
            count: usize = 0,
            base: usize,
            fn note(seen: *@This(), address: usize, length: usize) Error!void {
                seen.runs[seen.count] = .{ (address - seen.base) / memory.pageSize(), length / memory.pageSize() };
                seen.count += 1;
            }
        };
        var seen: Seen = .{ .base = base };
        try reader.forEach(base, pages * page, &seen, Seen.note);
        try std.testing.expectEqualSlices([2]usize, &.{ .{ 0, 2 }, .{ 511, 3 }, .{ 700, 1 }, .{ pages - 1, 1 } }, seen.runs[0..seen.count]);
        // What was written there is not in the file.
        var byte: u8 = 0;
        _ = try sys.call(.pread64, .{ fd, &byte, 1, 700 * page });
        try std.testing.expectEqual(1, byte);
    }
}
