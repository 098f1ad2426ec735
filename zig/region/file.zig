//! Regions on a temporary file.
//!
//! Eager: all storage is allocated, the file is mapped once, the descriptor closed: the mapping keeps the file. Lazy: the
//! reservation is private zero memory, and the file is mapped over the granules that have storage, at the same offsets;
//! the descriptor stays open. Mapping a run beside another one gives one mapping, the kernel joins them.
//!
//! Refused, or accepted only knowingly (`unsafe_storage`): file systems on which allocated storage is no promise.

const std = @import("std");
const base = @import("../base.zig");
const os = @import("../os.zig");
const region_zig = @import("region.zig");
const forks = @import("forks.zig");
const promises = @import("promises.zig");
const Medium = @import("placement.zig").Medium;
const Placement = @import("placement.zig").Placement;
const Units = @import("units.zig").Units;
const Region = region_zig.Region;
const Step = region_zig.Step;
const FileOptions = region_zig.FileOptions;
const Error = os.Error;
const assert = base.assert;

pub fn create(directory: [:0]const u8, options: FileOptions) Error!Region {
    assert(std.math.isPowerOfTwo(options.alignment) and std.math.isPowerOfTwo(options.granule));
    var ignored: Step = undefined;
    const step = options.step orelse &ignored;
    step.* = .open;
    const low = if (options.descriptor) |given| try os.file.duplicate(given) else try open(directory, step);
    const fd = if (options.lazy and options.survives_close) os.file.moveUp(low) else low;
    errdefer os.file.close(fd);

    step.* = .inspect;
    const about = try os.file.about(fd);
    const page = os.memory.pageSize();
    const unit = if (about.kind == .hugetlbfs) about.block_size else page;
    const unsafe = about.kind.copiesOnWrite();
    if (unsafe and options.unsafe_storage == .refuse) return error.EOPNOTSUPP;
    const medium: Medium = .of(about.kind);
    try options.placement.check(medium, 0, step);

    step.* = .allocate;
    if (options.size == 0 or options.size > std.math.maxInt(usize) - (unit - 1)) return error.EINVAL;
    var region: Region = .{
        .base = 0,
        .size = std.mem.alignForward(usize, options.size, unit),
        .source = .file,
        .zeroed = true,
        .lazy = options.lazy,
        .granule = @max(options.granule, unit),
        .can_purge = options.lazy,
        .unsafe = unsafe,
        .medium = medium,
        .placement = options.placement,
        .fd = fd,
        .survives_close = options.survives_close,
    };
    region.forks.possible = options.lazy and about.kind != .hugetlbfs;
    region.forks.free_is_known = knowsFree(about.kind);
    if (options.lazy) {
        region.identity = try os.file.identity(fd);
        try probe(&region, about.kind, options);
    } else try allocateAll(&region, about, options);
    const alignment = @max(options.alignment, unit);
    if (options.promises and options.lazy and about.kind == .tmpfs and options.placement.isUsual()) {
        region.promised = try Units.init(Region.unitCount(region.size, region.granule));
    }
    errdefer region.promised.deinit();
    try if (options.lazy) placeLazy(&region, alignment, options.hint, step) else placeEager(&region, alignment, options.hint, step);
    return region;
}

fn open(directory: [:0]const u8, step: *Step) Error!os.Fd {
    return os.file.openNameless(directory) catch |err| switch (err) {
        error.EOPNOTSUPP => {
            step.* = .open_named;
            return os.file.openUnlinked(directory);
        },
        else => return err,
    };
}

/// What cannot fit is refused before anything is allocated: a file system that others use is not filled to the brim to
/// find out. (The size comes first: one that the file system can never hold is EFBIG.)
fn allocateAll(region: *Region, about: os.file.About, options: FileOptions) Error!void {
    try os.file.truncate(region.fd, region.size);
    if (knowsFree(about.kind) and region.size > about.free) return error.ENOSPC;
    allocate(region, 0, region.size) catch |err| switch (err) {
        error.EOPNOTSUPP => {
            if (options.unsafe_storage == .refuse) return err;
            region.unsafe = true;
            region.allocates = false;
        },
        else => return err,
    };
}

fn allocate(region: *const Region, offset: usize, len: usize) Error!void {
    const policy = try region.placement.enter();
    defer Placement.leave(policy);
    try os.file.allocate(region.fd, offset, len);
}

/// Whether what the file system says of its free space is what it has.
pub fn knowsFree(kind: os.file.Kind) bool {
    return switch (kind) {
        .tmpfs, .ext, .xfs => true,
        .hugetlbfs, .btrfs, .zfs, .bcachefs, .overlay, .other => false,
    };
}

/// Whether the file system allocates and punches, tried on the first page where the kind does not tell (an overlay stands for
/// whatever is below). Of those named ext, what allocates can also punch, and trying that would cost more (60 us) than
/// the rest of the creation: the page stays allocated.
fn probe(region: *Region, kind: os.file.Kind, options: FileOptions) Error!void {
    switch (kind) {
        .tmpfs, .hugetlbfs, .xfs, .btrfs => return,
        .ext, .zfs, .bcachefs, .overlay, .other => {},
    }
    const len = os.memory.pageSize();
    os.file.allocate(region.fd, 0, len) catch |err| switch (err) {
        error.EOPNOTSUPP => {
            if (options.unsafe_storage == .refuse) return err;
            region.unsafe = true;
            region.allocates = false;
        },
        else => return err,
    };
    if (kind == .ext and region.allocates) return;
    os.file.punch(region.fd, 0, len) catch |err| switch (err) {
        error.EOPNOTSUPP => region.can_purge = false,
        else => return err,
    };
}

fn placeEager(region: *Region, alignment: usize, hint: ?usize, step: *Step) Error!void {
    step.* = .reserve;
    region.base = if (hint) |address|
        try os.memory.reserveAt(address, region.size, alignment)
    else
        try os.memory.reserve(region.size, alignment);
    errdefer os.memory.unmap(region.base, region.size) catch {};
    step.* = .map;
    try os.memory.mapFixedFile(region.base, region.size, region.fd, 0);
    try place(region, 0, region.size, step);
    os.file.close(region.fd);
    region.fd = -1;
}

fn placeLazy(region: *Region, alignment: usize, hint: ?usize, step: *Step) Error!void {
    step.* = .reserve;
    region.units = try Units.init(Region.unitCount(region.size, region.granule));
    errdefer region.units.deinit();
    const memory = if (hint) |address|
        try os.memory.reserveReadableAt(address, region.size, alignment)
    else
        try os.memory.reserveReadable(region.size, alignment);
    region.base = memory.address;
    region.hole_protection = memory.protection;
}

/// EFAULT is what a touch would have been: there is no storage after all.
fn place(region: *const Region, offset: usize, len: usize, step: *Step) Error!void {
    region.placement.apply(region.medium, region.base + offset, len, step) catch |err|
        return if (err == error.EFAULT) error.ENOSPC else err;
}

/// See `Region.commit`. Allocation first: what is mapped has storage.
pub fn commit(region: *Region, offset: usize, len: usize) Error!void {
    if (try isPrivate(region)) return commitPrivate(region, offset, len);
    errdefer if (region.can_purge) os.file.punch(region.fd, offset, len) catch {};
    take(region, offset, len) catch |err| {
        if (!losesFile(region, err)) return err;
        return commitPrivate(region, offset, len);
    };
    const address = region.base + offset;
    os.memory.mapFixedFile(address, len, region.fd, offset) catch |err| {
        // A kernel may have taken the old mapping away before it failed: leave no gap for others to map into.
        os.memory.mapFixedAnonymous(address, len, region.hole_protection) catch {};
        return err;
    };
    var step: Step = undefined;
    place(region, offset, len, &step) catch |err| {
        os.memory.mapFixedAnonymous(address, len, region.hole_protection) catch {};
        return err;
    };
    if (region.stale) @memset(@as([*]u8, @ptrFromInt(address))[0..len], 0);
}

fn take(region: *Region, offset: usize, len: usize) Error!void {
    if (!region.allocates) return os.file.grow(region.fd, offset + len);
    try promises.prepare(region, len);
    try allocate(region, offset, len);
}

/// See `Region.purge`. Mapping first: no access ever reaches a hole of the file, whose pages would be allocated anew.
pub fn purge(region: *Region, offset: usize, len: usize) Error!void {
    const address = region.base + offset;
    if (try isPrivate(region)) return os.memory.mapFixedAnonymous(address, len, region.hole_protection);
    try os.memory.mapFixedAnonymous(address, len, region.hole_protection);
    os.file.punch(region.fd, offset, len) catch |err| {
        if (err == error.EOPNOTSUPP) region.can_purge = false;
        // If the file cannot be put back either, the range is uncommitted all the same; only its storage is still there.
        os.memory.mapFixedFile(address, len, region.fd, offset) catch {
            region.stale = true;
            return;
        };
        forks.noteShared(region, offset, len);
        return err;
    };
}

/// The reservation's own zero memory becomes usable.
pub fn commitPrivate(region: *Region, offset: usize, len: usize) Error!void {
    if (region.hole_protection != .read_write) try os.memory.protect(region.base + offset, len, .read_write);
}

/// Whether the file is out of reach, and that is allowed. Errors: see `checkDescriptor`.
fn isPrivate(region: *Region) Error!bool {
    if (region.private) return true;
    checkDescriptor(region) catch |err| return if (losesFile(region, err)) true else err;
    return false;
}

/// Whether an error means that the file is out of reach for good, and the region goes on without it: the descriptor is gone, or the
/// program, when it had opened its files, gave up the call (seccomp) or files that grow (RLIMIT_FSIZE).
fn losesFile(region: *Region, err: Error) bool {
    switch (err) {
        error.EBADF, error.EPERM, error.EACCES, error.ENOSYS, error.EOPNOTSUPP, error.EFBIG => {},
        else => return false,
    }
    if (region.survives_close) region.private = true;
    return region.private;
}

/// Whether the descriptor of a lazy region still names its file. 0.3 us, against the chance of punching holes into a file of the
/// user's. EBADF: it does not; other errors: it could not be found out.
pub fn checkDescriptor(region: *const Region) Error!void {
    const now = try os.file.identity(region.fd);
    if (!std.meta.eql(now, region.identity)) return error.EBADF;
}

/// Closes the descriptor unless it has come to mean another file.
pub fn close(region: *Region) void {
    const fd = region.fd;
    region.fd = -1;
    if (fd == -1) return;
    const now = os.file.identity(fd) catch |err| if (err == error.EBADF) return else region.identity;
    if (std.meta.eql(now, region.identity)) os.file.close(fd);
}

/// Gives all storage back where the file has to stay mapped. Best effort; a later write allocates again.
pub fn returnStorage(region: *Region) void {
    if (region.fd == -1) return os.memory.remove(region.base, region.size) catch {};
    checkDescriptor(region) catch return;
    os.file.punch(region.fd, 0, region.size) catch {};
}
