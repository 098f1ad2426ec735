//! Temporary files and their storage.
//!
//! `openNameless` and its substitute `openUnlinked` give a file without a name: nothing is left behind when the process dies. Storage is
//! allocated with fallocate(2) itself: the C library's posix_fallocate would, on a file system that cannot, write a
//! byte into every block, which is slow and promises nothing on copy-on-write.

const std = @import("std");
const linux = std.os.linux;
const sys = @import("sys.zig");
const fault = @import("fault.zig");
const thread = @import("thread.zig");
const Error = @import("errno.zig").Error;

pub const Fd = i32;

const file_system = @import("file_system.zig");
pub const Kind = file_system.Kind;
pub const About = file_system.About;
pub const about = file_system.about;
pub const kind = file_system.kind;
pub const available = file_system.available;
pub const availableAt = file_system.availableAt;
pub const capacity = file_system.capacity;
pub const capacityAt = file_system.capacityAt;

/// Opens a nameless file in `directory`: mode 0600, never inherited by a program, never linkable. Errors are those of
/// opening (ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, EROFS, EMFILE, ENOSPC ...); EOPNOTSUPP: the file
/// system has no nameless files, use `openUnlinked`.
pub fn openNameless(directory: [:0]const u8) Error!Fd {
    const flags: linux.O = .{
        .ACCMODE = .RDWR,
        .TMPFILE = true,
        .DIRECTORY = true,
        .EXCL = true,
        .CLOEXEC = true,
    };
    return openPath(directory, flags) catch |err| switch (err) {
        // A kernel that does not know the flag tries to open the directory itself for writing.
        error.EISDIR => error.EOPNOTSUPP,
        else => err,
    };
}

/// `openNameless`, or `openUnlinked` where that is not supported.
pub fn openTemporary(directory: [:0]const u8) Error!Fd {
    return openNameless(directory) catch |err| switch (err) {
        error.EOPNOTSUPP => openUnlinked(directory),
        else => err,
    };
}

/// Opens what is at `path`; the descriptor is above 2.
pub fn openPath(path: [:0]const u8, flags: linux.O) Error!Fd {
    return open(linux.AT.FDCWD, path, flags);
}

fn open(at: Fd, path: [:0]const u8, flags: linux.O) Error!Fd {
    while (true) {
        const fd = sys.call(.openat, .{ at, path.ptr, flags, 0o600 }) catch |err| switch (err) {
            error.EINTR => continue,
            else => return err,
        };
        return aboveStandard(@intCast(fd));
    }
}

/// A program that has closed its standard streams still writes to them: no pool may lie under 0, 1 or 2.
fn aboveStandard(fd: Fd) Error!Fd {
    if (fd > 2) return fd;
    defer close(fd);
    return @intCast(try sys.call(.fcntl, .{ fd, linux.F.DUPFD_CLOEXEC, 3 }));
}

const name_tries = 64;

/// As `openNameless` for file systems without O_TMPFILE: a random name, removed at once. Signals are held back
/// meanwhile, so that no handler leaves (exit, longjmp) between the two.
pub fn openUnlinked(directory: [:0]const u8) Error!Fd {
    const at = try open(linux.AT.FDCWD, directory, .{ .DIRECTORY = true, .PATH = true, .CLOEXEC = true });
    defer close(at);
    const before = try thread.holdSignals();
    defer thread.restoreSignals(&before);
    var tries: u32 = 0;
    while (true) {
        var name: [16:0]u8 = undefined;
        randomName(&name, tries);
        const flags: linux.O = .{ .ACCMODE = .RDWR, .CREAT = true, .EXCL = true, .CLOEXEC = true, .NOFOLLOW = true };
        const fd = open(at, &name, flags) catch |err| {
            tries += 1;
            if (err == error.EEXIST and tries < name_tries) continue;
            return err;
        };
        errdefer close(fd);
        unlink(at, &name) catch try unlink(at, &name);
        return fd;
    }
}

fn unlink(at: Fd, name: [:0]const u8) Error!void {
    _ = try sys.call(.unlinkat, .{ at, name.ptr, 0 });
}

/// "vmem." and 11 random letters and digits (55 bits).
fn randomName(name: *[16:0]u8, salt: u32) void {
    var bits: u64 = 0;
    const nonblock = 1; // GRND_NONBLOCK
    const filled = sys.call(.getrandom, .{ &bits, @sizeOf(u64), nonblock }) catch 0;
    if (filled != @sizeOf(u64)) {
        // No random source (Linux before 3.17, a filter): the name only has to be free, O_EXCL sees to the rest.
        const seed = thread.nowNs() ^ (@as(u64, thread.id()) << 32) ^ salt;
        var generator = std.Random.SplitMix64.init(seed ^ @intFromPtr(name));
        bits = generator.next();
    }
    const letters = "abcdefghijklmnopqrstuvwxyz012345";
    name.* = "vmem.00000000000".*;
    for (name[5..]) |*letter| {
        letter.* = letters[@as(u5, @truncate(bits))];
        bits >>= 5;
    }
}

/// Another descriptor of the same open file, never inherited by a program. EBADF, EMFILE.
pub fn duplicate(fd: Fd) Error!Fd {
    return @intCast(try sys.call(.fcntl, .{ fd, linux.F.DUPFD_CLOEXEC, 3 }));
}

/// EIO and EINTR of close mean nothing to a file without a name.
pub fn close(fd: Fd) void {
    sys.attempt(.close, .{fd});
}

/// Sets the file's size; growing allocates nothing. EFBIG: beyond the limit of the process or the file system.
pub fn truncate(fd: Fd, size: u64) Error!void {
    try checkLimit(size);
    _ = try sys.call(.ftruncate, .{ fd, size });
}

/// Makes the file at least `size` bytes long, for file systems that cannot allocate. One that is longer keeps its size.
pub fn grow(fd: Fd, size: u64) Error!void {
    const length = try sys.call(.lseek, .{ fd, 0, linux.SEEK.END });
    if (length < size) try truncate(fd, size);
}

/// The first offset from `offset` on where something was written, the largest number where there is none. Moves the file's
/// position.
pub fn nextData(fd: Fd, offset: u64) Error!u64 {
    return sys.call(.lseek, .{ fd, offset, seek_data }) catch |err| if (err == error.ENXIO) std.math.maxInt(u64) else err;
}

/// The first offset from `offset` on, which is in the file, where nothing was written: its end at the latest. Moves the file's
/// position.
pub fn nextHole(fd: Fd, offset: u64) Error!u64 {
    return sys.call(.lseek, .{ fd, offset, seek_hole });
}

const seek_data = 3;
const seek_hole = 4;

/// A sparse file of `size` bytes in memory, without a name, never inherited by a program.
pub fn openMemory(size: u64) Error!Fd {
    const close_on_exec = 1;
    const fd: Fd = @intCast(try sys.call(.memfd_create, .{ "vmem", close_on_exec }));
    errdefer close(fd);
    try truncate(fd, size);
    return fd;
}

/// How much one call of fallocate covers at first, and at least. tmpfs undoes all of its work when a signal arrives, so
/// calls become smaller then: in a process with a profiler's timer a large one might never end.
const allocation_step: u64 = 64 << 20;
const allocation_step_min: u64 = 256 << 10;

/// Allocates storage for a range, which reads as zeros where nothing was written; the file grows to its end. On
/// failure a part may stay allocated. ENOSPC, EDQUOT: no room. EFBIG: beyond the limit of
/// the process or the file system. EOPNOTSUPP: the file system cannot promise storage.
pub fn allocate(fd: Fd, offset: u64, length: u64) Error!void {
    const end = std.math.add(u64, offset, length) catch return error.EFBIG;
    try checkLimit(end);
    var at = offset;
    var most = allocation_step;
    while (at != end) {
        const step = @min(end - at, most);
        _ = sys.call(.fallocate, .{ fd, 0, at, step }) catch |err| switch (err) {
            error.EINTR => {
                most = @max(most / 4, allocation_step_min);
                continue;
            },
            // What kernels and FUSE servers say that do not know the operation.
            error.ENOSYS, error.ENODEV => return error.EOPNOTSUPP,
            else => return err,
        };
        at += step;
    }
}

/// From now on the descriptor `at` means what `fd` means, which is closed.
pub fn moveTo(fd: Fd, at: Fd) Error!void {
    _ = try sys.call(.dup3, .{ fd, at, linux.O{ .CLOEXEC = true } });
    close(fd);
}

/// Gives the storage of a range back; it reads as zeros. The size stays. EOPNOTSUPP: the file system cannot.
pub fn punch(fd: Fd, offset: u64, length: u64) Error!void {
    const mode = linux.FALLOC.FL_PUNCH_HOLE | linux.FALLOC.FL_KEEP_SIZE;
    while (true) {
        _ = sys.call(.fallocate, .{ fd, mode, offset, length }) catch |err| switch (err) {
            error.EINTR => continue,
            error.ENOSYS, error.ENODEV => return error.EOPNOTSUPP,
            else => return err,
        };
        return;
    }
}

/// The kernel answers growth beyond RLIMIT_FSIZE with SIGXFSZ, which ends the process: so the limit is asked first.
pub fn checkLimit(size: u64) Error!void {
    if (size > std.math.maxInt(i64)) return error.EFBIG;
    var limit: linux.rlimit = undefined;
    _ = try sys.call(.prlimit64, .{ 0, linux.rlimit_resource.FSIZE, 0, &limit });
    if (size > limit.cur) return error.EFBIG;
}

/// The same open file under the first free number from about 1000 on, or as near to that as the limit on descriptors allows;
/// `fd` is closed. Small numbers are those that programs and shells give to files of their own, whatever has them. What cannot
/// be moved stays where it is.
pub fn moveUp(fd: Fd) Fd {
    var limit: linux.rlimit = undefined;
    _ = sys.call(.prlimit64, .{ 0, linux.rlimit_resource.NOFILE, 0, &limit }) catch return fd;
    const from = @min(limit.cur, 1024) -| 24;
    const moved = sys.call(.fcntl, .{ fd, linux.F.DUPFD_CLOEXEC, from }) catch return fd;
    close(fd);
    return @intCast(moved);
}

/// Which file a descriptor means.
pub const Identity = struct { device: u64, inode: u64 };

/// Tells whether a descriptor kept for long is still the one that was opened: some programs close every descriptor they do
/// not know, and the number then names another file. EBADF.
pub fn identity(fd: Fd) Error!Identity {
    const stat = try status(fd);
    return .{ .device = stat.device, .inode = stat.inode };
}

/// Bytes of storage the file has allocated.
pub fn allocated(fd: Fd) Error!u64 {
    return @intCast((try status(fd)).blocks * 512);
}

/// Links to what is at `path`. Errors of opening.
pub fn linkCount(path: [:0]const u8) Error!u64 {
    const fd = try open(linux.AT.FDCWD, path, .{ .PATH = true, .CLOEXEC = true });
    defer close(fd);
    return (try status(fd)).links;
}

/// The number of the device that a descriptor of one means; of other files nobody's number.
pub fn deviceNumber(fd: Fd) Error!@import("device.zig").Number {
    const stat = try status(fd);
    if (stat.mode & linux.S.IFMT != linux.S.IFCHR) return .{ .major = 0, .minor = 0 };
    // 12 bits of the major above 8 of the minor, the higher bits of both above these.
    return .{
        .major = @intCast((stat.special >> 8 & 0xfff) | (stat.special >> 32 & 0xffff_f000)),
        .minor = @intCast((stat.special & 0xff) | (stat.special >> 12 & 0xffff_ff00)),
    };
}

/// fstat rather than statx, which kernels before 4.11 lack.
const Status = switch (@import("builtin").cpu.arch) {
    .x86_64 => extern struct {
        device: u64,
        inode: u64,
        links: u64,
        mode: u32,
        user: u32,
        group: u32,
        padding: u32,
        special: u64,
        size: i64,
        block_size: i64,
        blocks: i64,
        rest: [9]u64,
    },
    else => extern struct { // of the architectures that came after 64-bit numbers, as aarch64
        device: u64,
        inode: u64,
        mode: u32,
        links: u32,
        user: u32,
        group: u32,
        special: u64,
        padding: u64,
        size: i64,
        block_size: i32,
        padding_2: i32,
        blocks: i64,
        rest: [8]u64,
    },
};

fn status(fd: Fd) Error!Status {
    var result: Status = undefined;
    _ = try sys.call(.fstat, .{ fd, &result });
    return result;
}

/// How many descriptors the process has open. For tests and reports: reads /proc/self/fd.
pub fn openCount() Error!usize {
    const path: [:0]const u8 = "/proc/self/fd";
    const fd = try open(linux.AT.FDCWD, path, .{ .DIRECTORY = true, .CLOEXEC = true });
    defer close(fd);
    var total: usize = 0;
    var buffer: [1024]u8 align(8) = undefined;
    while (true) {
        const end = try sys.call(.getdents64, .{ fd, &buffer, buffer.len });
        if (end == 0) return total - 1; // without the one that reads
        var at: usize = 0;
        while (at < end) {
            const length_offset = 16; // of struct linux_dirent64
            const length = std.mem.readInt(u16, buffer[at + length_offset ..][0..2], @import("builtin").cpu.arch.endian());
            if (buffer[at + length_offset + 3] != '.') total += 1;
            at += length;
        }
    }
}

test "moveUp keeps small numbers free, and the limit on descriptors" {
    const fd = moveUp(try openTemporary("/tmp"));
    defer close(fd);
    try std.testing.expect(fd >= 1000 and fd < 1024);
    const same = moveUp(-1);
    try std.testing.expectEqual(-1, same);
    try truncate(fd, 4096);
    const flags = try sys.call(.fcntl, .{ fd, linux.F.GETFD, 0 });
    try std.testing.expect(flags & 1 != 0);
    var before: linux.rlimit = undefined;
    _ = try sys.call(.prlimit64, .{ 0, linux.rlimit_resource.NOFILE, 0, &before });
    defer _ = sys.call(.prlimit64, .{ 0, linux.rlimit_resource.NOFILE, &before, 0 }) catch {};
    const low: linux.rlimit = .{ .cur = 64, .max = before.max };
    _ = try sys.call(.prlimit64, .{ 0, linux.rlimit_resource.NOFILE, &low, 0 });
    const lower = moveUp(try openTemporary("/tmp"));
    defer close(lower);
    try std.testing.expect(lower >= 40 and lower < 64);
}

test "storage: allocate, punch, grow" {
    for ([_][:0]const u8{ "/dev/shm", "/tmp" }) |directory| {
        const fd = try openTemporary(directory);
        defer close(fd);
        const size = (allocation_step << 1) + 4096; // three steps
        try allocate(fd, 0, size);
        try std.testing.expectEqual(size, try allocated(fd));
        try grow(fd, 4096);
        try punch(fd, 0, size);
        try std.testing.expectEqual(@as(u64, 0), try allocated(fd));
        try std.testing.expectEqual(size, try sys.call(.lseek, .{ fd, 0, linux.SEEK.END }));
        try grow(fd, size + 1);
        try std.testing.expectEqual(size + 1, try sys.call(.lseek, .{ fd, 0, linux.SEEK.END }));
        try std.testing.expectError(error.EFBIG, allocate(fd, 1 << 62, 1 << 62));
        try std.testing.expectError(error.EFBIG, truncate(fd, 1 << 63));
    }
}

test "the limit on file sizes is an error, not a signal" {
    const fd = try openTemporary("/dev/shm");
    defer close(fd);
    var before: linux.rlimit = undefined;
    _ = try sys.call(.prlimit64, .{ 0, linux.rlimit_resource.FSIZE, 0, &before });
    const limit: linux.rlimit = .{ .cur = 1 << 20, .max = before.max };
    _ = try sys.call(.prlimit64, .{ 0, linux.rlimit_resource.FSIZE, &limit, 0 });
    defer sys.attempt(.prlimit64, .{ 0, linux.rlimit_resource.FSIZE, &before, 0 });
    try allocate(fd, 0, 1 << 20);
    try std.testing.expectError(error.EFBIG, allocate(fd, 0, (1 << 20) + 1));
    try std.testing.expectError(error.EFBIG, truncate(fd, (1 << 20) + 1));
}

test "errors of opening" {
    const name: [256:0]u8 = @splat('n');
    try std.testing.expectError(error.ENOENT, openNameless(""));
    try std.testing.expectError(error.ENOENT, openNameless("/nonexistent"));
    try std.testing.expectError(error.ENOTDIR, openNameless("/proc/self/maps"));
    try std.testing.expectError(error.ENOTDIR, openNameless("/proc/self/maps/x"));
    try std.testing.expectError(error.ENOTDIR, openNameless("/dev/null"));
    try std.testing.expectError(error.ENAMETOOLONG, openNameless(&name));
    // File systems without nameless files that refuse files with a name, too (others than root are refused earlier).
    if (linux.geteuid() != 0) return;
    try std.testing.expectError(error.EOPNOTSUPP, openNameless("/proc"));
    try std.testing.expectError(error.ENOENT, openTemporary("/proc"));
    try std.testing.expectError(error.EACCES, openTemporary("/sys"));
}

const ForUnlinked = struct {
    tmp: std.testing.TmpDir,
    buffer: [128]u8 = undefined,
    descriptors: usize,
    mask: linux.sigset_t,

    fn init() !ForUnlinked {
        return .{
            .tmp = std.testing.tmpDir(.{ .iterate = true }),
            .descriptors = try openCount(),
            .mask = signalMask(),
        };
    }

    fn directory(t: *ForUnlinked) ![:0]const u8 {
        return std.fmt.bufPrintSentinel(&t.buffer, ".zig-cache/tmp/{s}", .{t.tmp.sub_path}, 0);
    }

    fn names(t: *ForUnlinked) !usize {
        var total: usize = 0;
        var entries = t.tmp.dir.iterate();
        while (try entries.next(std.testing.io)) |_| total += 1;
        return total;
    }

    fn expectClean(t: *ForUnlinked) !void {
        // Nothing below may fail by injection.
        if (fault.enabled) fault.disarm();
        try std.testing.expectEqual(t.descriptors, try openCount());
        try std.testing.expectEqual(t.mask, signalMask());
    }

    fn signalMask() linux.sigset_t {
        var mask: linux.sigset_t = undefined;
        _ = linux.sigprocmask(linux.SIG.BLOCK, null, &mask);
        return mask;
    }
};

test "openUnlinked leaves no name, descriptor or blocked signal" {
    var t = try ForUnlinked.init();
    defer t.tmp.cleanup();
    close(try openUnlinked(try t.directory()));
    try t.expectClean();
    try std.testing.expectEqual(0, try t.names());
    try std.testing.expectEqual(0, t.mask[0] & 1 << 9); // SIGUSR1: earlier tests opened files this way, too
}

test "openUnlinked leaves nothing whichever call fails" {
    if (!fault.enabled) return error.SkipZigTest; // built without options.fault
    var t = try ForUnlinked.init();
    defer t.tmp.cleanup();
    defer fault.disarm();
    var n: u64 = 1;
    while (true) : (n += 1) {
        fault.arm(n, error.EIO);
        const opened = openUnlinked(try t.directory());
        const done = fault.count() < n;
        if (opened) |fd| close(fd) else |err| try std.testing.expectEqual(error.EIO, err);
        try t.expectClean();
        try std.testing.expectEqual(0, try t.names());
        if (done) break;
    }
    try std.testing.expect(n > 6);
    // A name that cannot be removed stays, but nothing else does.
    fault.armCallFrom(.unlinkat, 1, error.EROFS);
    try std.testing.expectError(error.EROFS, openUnlinked(try t.directory()));
    try t.expectClean();
    try std.testing.expectEqual(1, try t.names());
}

test "openUnlinked tries another name when one is taken, and does without random bytes" {
    if (!fault.enabled) return error.SkipZigTest; // built without options.fault
    var t = try ForUnlinked.init();
    defer t.tmp.cleanup();
    defer fault.disarm();
    fault.armCall(.openat, 2, error.EEXIST);
    close(try openUnlinked(try t.directory()));
    fault.armCallFrom(.openat, 2, error.EEXIST);
    try std.testing.expectError(error.EEXIST, openUnlinked(try t.directory()));
    fault.armCallFrom(.getrandom, 1, error.ENOSYS);
    close(try openUnlinked(try t.directory()));
    try t.expectClean();
}

test "a timer's signals do not keep an allocation from ending" {
    const Timer = struct {
        var ticks: u32 = 0;
        fn tick(_: linux.SIG) callconv(.c) void {
            ticks += 1;
        }
    };
    var before: linux.Sigaction = undefined;
    const action: linux.Sigaction = .{ .handler = .{ .handler = &Timer.tick }, .mask = @splat(0), .flags = 0 };
    try std.testing.expectEqual(0, linux.sigaction(.ALRM, &action, &before));
    defer _ = linux.sigaction(.ALRM, &before, null);
    // setitimer's second field is microseconds, whatever the type says.
    const every: linux.timespec = .{ .sec = 0, .nsec = 1000 };
    var spec: linux.itimerspec = .{ .it_interval = every, .it_value = every };
    try std.testing.expectEqual(0, linux.setitimer(0, &spec, null));
    defer {
        spec = std.mem.zeroes(linux.itimerspec);
        _ = linux.setitimer(0, &spec, null);
    }
    const fd = try openTemporary("/dev/shm");
    defer close(fd);
    try allocate(fd, 0, allocation_step);
    try std.testing.expectEqual(allocation_step, try allocated(fd));
    try std.testing.expect(Timer.ticks > 0);
}

test "no file lies under a standard descriptor" {
    const saved: Fd = @intCast(try sys.call(.fcntl, .{ @as(Fd, 0), linux.F.DUPFD_CLOEXEC, 10 }));
    defer {
        sys.attempt(.dup3, .{ saved, 0, 0 });
        close(saved);
    }
    close(0);
    const fd = try openTemporary("/dev/shm");
    defer close(fd);
    try std.testing.expect(fd > 2);
    try std.testing.expectError(error.EBADF, status(0));
}
