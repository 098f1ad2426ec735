//! What went wrong with making or finding a pool, in words.
//!
//! Two wordings exist. The C face keeps the shape that programs written for libvmem know ("open: No such file or
//! directory"); everybody else gets a sentence that begins with what failed. Each function sets the thread's last
//! message and the log, and returns the error it was given, to be used as `return messages.opening(...)`.

const std = @import("std");
const base = @import("../base.zig");
const os = @import("../os.zig");
const Step = @import("../region.zig").Step;
const last_error = @import("last_error.zig");
const log = @import("log.zig");

pub const Wording = enum { sentence, libvmem };

fn resolves(path: [:0]const u8) bool {
    return if (os.device.numberAt(path)) |_| true else |_| false;
}

fn say(err: os.Error, comptime format: []const u8, args: anytype) os.Error {
    last_error.set(format, args);
    log.write(.errors, "{s}", .{last_error.text()});
    return err;
}

/// " (RLIMIT_AS: 1073741824 bytes)" after ENOMEM and EMFILE, where a limit is the reason; else "".
const Reason = struct {
    buffer: [80]u8 = undefined,

    /// `size` bytes of addresses were wanted, and memory for bookkeeping beside them.
    fn of(r: *Reason, err: os.Error, size: usize) []const u8 {
        if (err == error.EMFILE) {
            const most = os.limits.descriptors() orelse return "";
            return base.text.format(&r.buffer, " (RLIMIT_NOFILE: {d} descriptors; a growing pool keeps one)", .{most});
        }
        if (err != error.ENOMEM) return "";
        const bookkeeping = size / 32 + (1 << 20);
        const limit = os.limits.reached(size +| bookkeeping) orelse return "";
        return base.text.format(&r.buffer, " ({s}: {d} {s})", .{ limit.name, limit.value, limit.unit });
    }
};

pub fn tooSmall(wording: Wording, size: usize, minimum: usize) os.Error {
    return switch (wording) {
        .libvmem => say(error.EINVAL, "size {d} smaller than {d}", .{ size, minimum }),
        .sentence => say(error.EINVAL, "Creating a pool of {d} bytes failed: the smallest pool is {d} bytes", .{ size, minimum }),
    };
}

pub fn noDirectory(wording: Wording) os.Error {
    return switch (wording) {
        .libvmem => say(error.EINVAL, "invalid (NULL) path", .{}),
        .sentence => say(error.EINVAL, "Creating a pool failed: no directory is given", .{}),
    };
}

/// The size cannot be that of a file: EINVAL when rounding it up to a page wraps, else EFBIG.
pub fn tooLarge(wording: Wording, size: usize) os.Error {
    const wraps = size > std.math.maxInt(usize) - (os.memory.pageSize() - 1);
    switch (wording) {
        .libvmem => return if (wraps)
            say(error.EINVAL, "posix_fallocate: {s}", .{os.errno.text(error.EINVAL)})
        else
            say(error.EFBIG, "invalid size ({d}) for os_off_t", .{size}),
        .sentence => return say(
            if (wraps) error.EINVAL else error.EFBIG,
            "Creating a pool of {d} bytes failed: the largest file is {d} bytes",
            .{ size, std.math.maxInt(i64) },
        ),
    }
}

/// The file of a pool could not be made, given its storage or mapped; `step` is where that ended.
pub fn file(wording: Wording, err: os.Error, step: Step, directory: [:0]const u8, size: usize) os.Error {
    const text = os.errno.text(err);
    var storage: Reason = .{};
    const reason = storage.of(err, size);
    if (err == error.ENOTDIR) if (deviceAt(directory)) |number| return deviceAsDirectory(wording, number, directory);
    switch (wording) {
        .sentence => return if (size == 0)
            say(err, "Creating a pool in \"{s}\" failed: {s}{s}", .{ directory, text, reason })
        else
            say(err, "Creating a pool of {d} bytes in \"{s}\" failed: {s}{s}", .{ size, directory, text, reason }),
        .libvmem => return switch (step) {
            // What looking at the path says before anything is opened.
            .open => if (err != error.ENOENT and err != error.EACCES and !resolves(directory))
                say(err, "os_access \"{s}\": {s}", .{ directory, text })
            else
                say(err, "open: {s}", .{text}),
            .open_named => say(err, "mkstemp: {s}", .{text}),
            .inspect => say(err, "fstatfs: {s}", .{text}),
            .allocate => say(err, "posix_fallocate: {s}", .{text}),
            .reserve => say(err, "mmap MAP_ANONYMOUS: {s}{s}", .{ text, reason }),
            .map => say(err, "mmap: {s}{s}", .{ text, reason }),
            .lock, .touch, .node, .huge_pages, .prefault => unreachable, // a device's, and those of `placement`
        },
    }
}

fn deviceAt(path: [:0]const u8) ?os.device.Number {
    return os.device.numberAt(path) catch null;
}

fn aboutDevice(number: os.device.Number) ?os.device.About {
    return os.device.about(number) catch null;
}

fn notDax(wording: Wording, path: []const u8) os.Error {
    return switch (wording) {
        .libvmem => say(error.EINVAL, "\"{s}\" is a character device, but not a DAX device", .{path}),
        .sentence => say(error.EINVAL, "Creating a pool on \"{s}\" failed: it is a character device, but not a DAX device", .{path}),
    };
}

/// Those who take a device as such are to name it as such.
fn deviceAsDirectory(wording: Wording, number: os.device.Number, path: []const u8) os.Error {
    if (aboutDevice(number) == null) return notDax(wording, path);
    return say(error.EINVAL, "Creating a pool in \"{s}\" failed: it is a DAX device, not a directory", .{path});
}

/// A pool could not be made on a device of at least `size` bytes; `step` is where that ended.
pub fn device(wording: Wording, err: os.Error, step: Step, path: [:0]const u8, size: usize, minimum: usize) os.Error {
    const text = os.errno.text(err);
    const number = deviceAt(path);
    const about = if (number) |of| aboutDevice(of) else null;
    if (step == .inspect and err == error.EINVAL and number != null) return notDax(wording, path);
    if (step == .inspect and err == error.EINVAL) return say(err, "Creating a pool on \"{s}\" failed: it is not a DAX device", .{path});
    if (step == .allocate and about != null) {
        const has = std.mem.alignBackward(u64, about.?.size, about.?.alignment);
        if (err == error.EINVAL) return tooSmall(wording, has, minimum);
        return switch (wording) {
            .libvmem => say(err, "size {d} larger than {d}", .{ size, has }),
            .sentence => say(err, "Creating a pool of {d} bytes on \"{s}\" failed: the device has {d} bytes", .{ size, path, has }),
        };
    }
    const reason: []const u8 = switch (err) {
        error.ENXIO => " (the device is bound to no driver, or serves as system memory)",
        error.EOPNOTSUPP => " (huge pages are disabled in this process: prctl PR_SET_THP_DISABLE)",
        else => "",
    };
    switch (wording) {
        .sentence => return if (err == error.EBUSY)
            say(err, "Creating a pool on \"{s}\" failed: the device is in use, by this process or another one", .{path})
        else
            say(err, "Creating a pool on \"{s}\" failed: {s}{s}", .{ path, text, reason }),
        .libvmem => return say(err, "{s}: {s}{s}", .{
            switch (step) {
                .open, .open_named => "open",
                .inspect, .allocate => "sysfs",
                .lock => "flock",
                .reserve => "mmap MAP_ANONYMOUS",
                .map, .touch => "mmap",
                .node, .huge_pages, .prefault => unreachable, // see `placement`
            },
            text,
            reason,
        }),
    }
}

pub fn unaligned(address: usize) os.Error {
    return say(error.EINVAL, "Creating a pool at 0x{x} failed: the address is not a multiple of the page size, {d} bytes", .{ address, os.memory.pageSize() });
}

pub fn beyondAddresses(address: usize, size: usize) os.Error {
    return say(error.EINVAL, "Creating a pool of {d} bytes at 0x{x} failed: the region does not lie in the address space", .{ size, address });
}

pub fn region(err: os.Error, address: usize, size: usize) os.Error {
    if (err == error.EBUSY) {
        return say(err, "Creating a pool of {d} bytes at 0x{x} failed: a pool has this address already", .{ size, address });
    }
    var storage: Reason = .{};
    return say(err, "Creating a pool of {d} bytes at 0x{x} failed: {s}{s}", .{ size, address, os.errno.text(err), storage.of(err, 0) });
}

/// A region that is to be of one pool only lies in another.
pub fn shared(address: usize, size: usize) os.Error {
    return say(error.EEXIST, "Creating a pool of {d} bytes at 0x{x} failed: another pool has a part of this memory", .{ size, address });
}

/// How the pages shall come to be cannot be had.
pub fn placement(err: os.Error, step: Step, node: u32) os.Error {
    const text = os.errno.text(err);
    return switch (step) {
        .node => switch (err) {
            error.EINVAL => say(err, "Creating a pool failed: this process has no memory on a NUMA node {d}", .{node}),
            error.EOPNOTSUPP => say(err, "Creating a pool on NUMA node {d} failed: only memory, tmpfs and hugetlbfs can be placed, by a kernel with NUMA", .{node}),
            else => say(err, "Creating a pool on NUMA node {d} failed: {s}", .{ node, text }),
        },
        .huge_pages => switch (err) {
            error.EOPNOTSUPP => say(err, "Creating a pool with huge pages failed: the device's pages are smaller, the kernel has none, or the process may not have them (prctl PR_SET_THP_DISABLE)", .{}),
            else => say(err, "Creating a pool with huge pages failed: {s}", .{text}),
        },
        .prefault => say(err, "Mapping the pages of a pool in advance failed: {s}", .{text}),
        else => unreachable,
    };
}

pub fn anonymous(err: os.Error, size: usize) os.Error {
    var storage: Reason = .{};
    return say(err, "Creating a pool of {d} bytes failed: {s}{s}", .{ size, os.errno.text(err), storage.of(err, size) });
}

pub fn tooMany(err: os.Error, most: usize) os.Error {
    return switch (err) {
        error.EMFILE => say(err, "Creating a pool failed: {d} pools are open, the limit", .{most}),
        else => {
            var storage: Reason = .{};
            return say(err, "Creating a pool failed: {s}{s}", .{ os.errno.text(err), storage.of(err, 0) });
        },
    };
}

/// No open pool has this handle.
pub fn handle(handle_: usize, inherited: bool) os.Error {
    const number: f64 = @bitCast(handle_);
    if (inherited) return say(error.EBADF, "Using a pool failed: it was created before fork and belongs to the parent process", .{});
    if (number >= 1) return say(error.EBADF, "Using pool {d} failed: it is closed", .{number});
    return say(error.EINVAL, "invalid pool handle: 0x{x}", .{handle_});
}

/// The record of options that C gives.
pub fn options(comptime reason: []const u8, args: anytype) os.Error {
    return say(error.EINVAL, "Creating a pool failed: the options are wrong: " ++ reason, args);
}

pub fn setting(pair: []const u8, reason: []const u8) os.Error {
    const shown = std.ascii.hexEscape(pair[0..@min(pair.len, 100)], .lower);
    return say(error.EINVAL, "Creating a pool failed: setting \"{f}\" refused: {s}", .{ shown, reason });
}

pub fn flags(given: u32, reason: []const u8) os.Error {
    return say(error.EINVAL, "Flags 0x{x} refused: {s}", .{ given, reason });
}

pub fn sizeZero() os.Error {
    return say(error.EINVAL, "A size of 0 refused: the smallest is 1 byte", .{});
}

/// A name of `ctl` could not be read or set.
pub fn control(err: os.Error, name: []const u8, comptime reason: []const u8, args: anytype) os.Error {
    const shown = std.ascii.hexEscape(name[0..@min(name.len, 100)], .lower);
    return say(err, "Control \"{f}\" failed: " ++ reason, .{shown} ++ args);
}

/// A line about a pool that failed its check.
pub fn inconsistent(text: []const u8) void {
    last_error.set("Checking the pool failed: {s}", .{std.mem.trimEnd(u8, text, "\n")});
    log.write(.errors, "{s}", .{last_error.text()});
}

/// Nobody asked whether that was possible, so only the log is told.
pub fn noStatistics(err: os.Error) void {
    log.write(.errors, "Printing statistics at exit failed: {s}", .{os.errno.text(err)});
}

pub fn notAttached(handle_: usize) os.Error {
    const number: f64 = @bitCast(handle_);
    return say(error.EBADF, "Detaching from pool {d} failed: this thread is not attached to it", .{number});
}

test "the C face's messages have the shape of the table" {
    try std.testing.expectEqual(error.EINVAL, tooSmall(.libvmem, 5, 14 << 20));
    try std.testing.expectEqualStrings("size 5 smaller than 14680064", last_error.text());
    try std.testing.expectEqual(error.EINVAL, tooLarge(.libvmem, std.math.maxInt(usize)));
    try std.testing.expectEqualStrings("posix_fallocate: Invalid argument", last_error.text());
    try std.testing.expectEqual(error.EFBIG, tooLarge(.libvmem, 1 << 63));
    try std.testing.expectEqualStrings("invalid size (9223372036854775808) for os_off_t", last_error.text());
    try std.testing.expectEqual(error.ENOTDIR, file(.libvmem, error.ENOTDIR, .open, "/dev/null/a", 1));
    try std.testing.expectEqualStrings("os_access \"/dev/null/a\": Not a directory", last_error.text());
    try std.testing.expectEqual(error.EMFILE, file(.libvmem, error.EMFILE, .open, "/", 1));
    try std.testing.expectEqualStrings("open: Too many open files", last_error.text());
    try std.testing.expectEqual(error.ENOSPC, file(.libvmem, error.ENOSPC, .allocate, "/", 1));
    try std.testing.expectEqualStrings("posix_fallocate: No space left on device", last_error.text());
    try std.testing.expectEqual(error.EINVAL, file(.libvmem, error.ENOTDIR, .open, "/dev/null", 1));
}

test "messages about devices" {
    const Case = struct { os.Error, Step, []const u8, []const u8 };
    const cases = [_]Case{
        .{ error.EINVAL, .inspect, "\"/dev/null\" is a character device, but not a DAX device", "Creating a pool on \"/dev/null\" failed: it is a character device, but not a DAX device" },
        .{ error.EBUSY, .lock, "flock: Device or resource busy", "Creating a pool on \"/dev/null\" failed: the device is in use, by this process or another one" },
        .{ error.EACCES, .open, "open: Permission denied", "Creating a pool on \"/dev/null\" failed: Permission denied" },
        .{ error.ENXIO, .open, "open: No such device or address (the device is bound to no driver, or serves as system memory)", "Creating a pool on \"/dev/null\" failed: No such device or address (the device is bound to no driver, or serves as system memory)" },
        .{ error.ENOMEM, .reserve, "mmap MAP_ANONYMOUS: Cannot allocate memory", "Creating a pool on \"/dev/null\" failed: Cannot allocate memory" },
        .{ error.EIO, .inspect, "sysfs: Input/output error", "Creating a pool on \"/dev/null\" failed: Input/output error" },
        .{ error.EOPNOTSUPP, .touch, "mmap: Operation not supported (huge pages are disabled in this process: prctl PR_SET_THP_DISABLE)", "Creating a pool on \"/dev/null\" failed: Operation not supported (huge pages are disabled in this process: prctl PR_SET_THP_DISABLE)" },
    };
    for (cases) |case| {
        try std.testing.expectEqual(case[0], device(.libvmem, case[0], case[1], "/dev/null", 0, 1));
        try std.testing.expectEqualStrings(case[2], last_error.text());
        try std.testing.expectEqual(case[0], device(.sentence, case[0], case[1], "/dev/null", 0, 1));
        try std.testing.expectEqualStrings(case[3], last_error.text());
    }
    try std.testing.expectEqual(error.EINVAL, device(.sentence, error.EINVAL, .inspect, "/tmp", 0, 1));
    try std.testing.expectEqualStrings("Creating a pool on \"/tmp\" failed: it is not a DAX device", last_error.text());
}

test "a handle that leads nowhere says what kind it was" {
    try std.testing.expectEqual(error.EINVAL, handle(0, false));
    try std.testing.expectEqualStrings("invalid pool handle: 0x0", last_error.text());
    try std.testing.expectEqual(error.EBADF, handle(@bitCast(@as(f64, 65537)), false));
    try std.testing.expectEqualStrings("Using pool 65537 failed: it is closed", last_error.text());
    try std.testing.expectEqual(error.EBADF, handle(4096, true));
}
