//! libvmem's face when the system refuses: errno and message of what no C program can provoke (a quota, a table of files that is
//! full, a medium that fails).

const std = @import("std");
const testing = std.testing;
const os = @import("../os.zig");
const vmem = @import("vmem.zig").table;

fn expectRefused(code: os.Error, message: []const u8) !void {
    os.errno.set(0);
    const pool = vmem.vmem_create("/tmp", 14 << 20);
    os.fault.disarm();
    try testing.expectEqual(null, pool);
    try testing.expectEqual(os.errno.code(code), os.errno.get());
    try testing.expectEqualStrings(message, std.mem.span(vmem.vmem_errormsg()));
}

test "vmem_create says which step the system refused, and why" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    // What is made once is there after the first pool.
    vmem.vmem_delete(vmem.vmem_create("/tmp", 14 << 20));
    const Case = struct { os.fault.Call, os.Error, []const u8 };
    const cases = [_]Case{
        .{ .openat, error.ENFILE, "open: Too many open files in system" },
        .{ .openat, error.EDQUOT, "open: Disk quota exceeded" },
        .{ .openat, error.EROFS, "open: Read-only file system" },
        .{ .openat, error.EIO, "open: Input/output error" },
        .{ .fstatfs, error.EIO, "fstatfs: Input/output error" },
        .{ .fallocate, error.EDQUOT, "posix_fallocate: Disk quota exceeded" },
        .{ .fallocate, error.ENOSPC, "posix_fallocate: No space left on device" },
        .{ .fallocate, error.EFBIG, "posix_fallocate: File too large" },
        .{ .fallocate, error.EIO, "posix_fallocate: Input/output error" },
        .{ .ftruncate, error.EFBIG, "posix_fallocate: File too large" },
    };
    for (cases) |case| {
        os.fault.armCall(case[0], 1, case[1]);
        errdefer std.debug.print("{t} that fails with {t}\n", .{ case[0], case[1] });
        try expectRefused(case[1], case[2]);
    }
    // Addresses first, then the file: each mapping that can be refused.
    os.fault.armCallFrom(.mmap, 1, error.ENOMEM);
    try expectRefused(error.ENOMEM, "mmap MAP_ANONYMOUS: Cannot allocate memory");
    os.fault.armCallFrom(.mmap, 2, error.ENOMEM);
    try expectRefused(error.ENOMEM, "mmap: Cannot allocate memory");
    // All of them: what is opened ahead for the next pools may be refused without harm.
    os.fault.armCallFrom(.mprotect, 1, error.ENOMEM);
    try expectRefused(error.ENOMEM, "mmap MAP_ANONYMOUS: Cannot allocate memory");
}

test "a region that cannot be used says its address and why" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    const memory = try os.memory.mapAnonymous(14 << 20);
    defer os.memory.unmap(memory, 14 << 20) catch {};
    os.fault.armCall(.mprotect, 1, error.EACCES);
    os.errno.set(0);
    const pool = vmem.vmem_create_in_region(@ptrFromInt(memory), 14 << 20);
    os.fault.disarm();
    try testing.expectEqual(null, pool);
    try testing.expectEqual(os.errno.code(error.EACCES), os.errno.get());
    var buffer: [100]u8 = undefined;
    const expected = try std.fmt.bufPrint(&buffer, "Creating a pool of 14680064 bytes at 0x{x} failed: Permission denied", .{memory});
    try testing.expectEqualStrings(expected, std.mem.span(vmem.vmem_errormsg()));
}
