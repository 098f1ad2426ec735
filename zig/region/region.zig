//! A region: one reserved range of addresses, its storage, and the operations a heap needs on it.
//!
//! **Eager** regions have all their storage from the start. **Lazy** ones begin as zero memory that may be read anywhere
//! at any time; `commit` allocates storage for whole granules and puts it there, `purge` gives it back and leaves zero memory
//! again. So no access to the reservation ever meets a full file system (SIGBUS): storage is allocated before it is mapped.
//!
//! Invariants: a granule is mapped from the file exactly when its bit in `units` is set; a granule whose bit is clear reads as
//! zeros, and so does a committed one that nobody has written since; a failed operation changes nothing; the number of
//! separate committed runs stays bounded, so that scattered purging cannot use up the process's mappings.
//!
//! **Closing.** `abandon` takes the storage away while others may still look: harmless memory takes its place.
//! `release` ends the range itself. The caller serialises everything on one region.

const std = @import("std");
const base = @import("../base.zig");
const os = @import("../os.zig");
const device = @import("device.zig");
const file = @import("file.zig");
const forks = @import("forks.zig");
const placement_zig = @import("placement.zig");
const promises = @import("promises.zig");
const Medium = placement_zig.Medium;
pub const Placement = placement_zig.Placement;
const Units = @import("units.zig").Units;
const assert = base.assert;
const Error = os.Error;

pub const Source = enum { file, device, borrowed, anonymous };

/// What to do with a file system that cannot promise storage: one without fallocate, or one that copies on write.
pub const UnsafeStorage = enum { accept, refuse };

/// How far a creation came: which operation an error belongs to.
pub const Step = enum {
    /// Opening a nameless file in the directory.
    open,
    /// Creating a file with a name, where nameless ones are not supported.
    open_named,
    /// Asking for the file system's kind, or refusing it; asking what a device is.
    inspect,
    /// Allocating storage; asking whether a device has that much.
    allocate,
    /// Taking a device for this process.
    lock,
    /// Reserving addresses, and memory for bookkeeping.
    reserve,
    /// Mapping the file.
    map,
    /// Touching a device's memory.
    touch,
    /// Asking for the NUMA node of `Placement`.
    node,
    /// Asking for its huge pages.
    huge_pages,
    /// Mapping pages ahead.
    prefault,
};

pub const FileOptions = struct {
    /// Bytes; rounded up to pages (on hugetlbfs to huge pages). The most a lazy region can grow to.
    size: usize,
    lazy: bool = false,
    /// Of the base address; a power of two.
    alignment: usize = 4 << 20,
    unsafe_storage: UnsafeStorage = .accept,
    /// Unit of commit and purge of a lazy region: a power of two, at least a page. The file system's pages are never cut.
    granule: usize = default_granule,
    /// An empty file of the caller's instead of one in the directory; its descriptor is duplicated.
    descriptor: ?os.Fd = null,
    /// Take the first fitting hole of the address space at or above this address.
    hint: ?usize = null,
    placement: Placement = .{},
    /// The program did not ask for a descriptor and may close those it does not know, or forbid itself system calls: a lazy
    /// region's gets a high number, and when the file is out of reach all the same, private memory takes the place of its storage.
    survives_close: bool = false,
    /// `promise` may promise storage instead of allocating it (tmpfs only, see promises.zig).
    promises: bool = false,
    /// Where to write which step was begun last.
    step: ?*Step = null,
};

/// A part of a region.
pub const Extent = struct { offset: usize, len: usize };

pub const DeviceOptions = struct {
    /// Bytes that the device must have at least. The region is all of the device.
    size: usize = 0,
    /// Of the base address, a power of two; at least the device's own is used.
    alignment: usize = 4 << 20,
    hint: ?usize = null,
    placement: Placement = .{},
    step: ?*Step = null,
};

pub const AnonymousOptions = struct {
    size: usize,
    lazy: bool = false,
    alignment: usize = 4 << 20,
    placement: Placement = .{},
    step: ?*Step = null,
};

/// Unit of commit and purge unless the file system's pages are larger.
pub const default_granule: usize = 2 << 20;

/// The most separate committed runs that `purge` may leave: each is up to two mappings of about 65 thousand.
pub const max_runs: usize = 1024;

pub const Region = struct {
    /// Address of byte 0.
    base: usize,
    /// Reserved bytes, a multiple of the page size unless borrowed; those of `lead` too.
    size: usize,
    /// Bytes at the beginning that are not the region's and must not be touched: of borrowed memory whose offsets are to count
    /// from a rounder address than its own.
    lead: usize = 0,
    source: Source,
    /// Bytes never handed out read as zero.
    zeroed: bool,
    /// Nothing is committed until `commit`; otherwise all of it is, from the start.
    lazy: bool,
    /// Offsets and lengths of `commit` and `purge` are multiples of it; the region's end may be ragged.
    granule: usize,
    /// `purge` gives storage back. Becomes false when the file system turns out not to be able to.
    can_purge: bool,
    /// Storage is not promised: a write may meet a full file system (only with `UnsafeStorage.accept`).
    unsafe: bool = false,
    medium: Medium,
    placement: Placement = .{},

    // The rest is private to region/.
    fd: os.Fd = -1,
    survives_close: bool = false,
    /// What is committed from now on is private memory instead of the file's: the file is out of reach.
    private: bool = false,
    identity: os.file.Identity = .{ .device = 0, .inode = 0 },
    /// commit allocates; false only where the file system cannot, and the region is `unsafe`.
    allocates: bool = true,
    /// Of memory that is not committed.
    hole_protection: os.memory.Protection = .read_write,
    units: Units = .none,
    /// Those of them whose storage is promised. Of `count` 0 where none ever is.
    promised: Units = .none,
    /// A purged granule may still have its old bytes in the file, so `commit` clears what it maps.
    stale: bool = false,
    /// Kept at the number of committed bytes, for those who only look.
    observed: ?*usize = null,
    state: enum { live, abandoning, abandoned, released } = .live,
    /// For regions that forks are to leave usable in the child.
    forks: forks.State = .{},

    /// See forks.zig.
    pub const followForks = forks.follow;
    pub const part = forks.part;
    pub const isParted = forks.isParted;
    pub const isApart = forks.isApart;
    pub const rejoin = forks.rejoin;
    pub const settle = forks.settle;
    pub const copy = forks.copy;
    pub const copyIntoMemory = forks.copyIntoMemory;
    pub const shield = forks.shield;
    pub const tidy = forks.tidy;
    pub const dropAside = forks.dropAside;
    /// Where the file is not needed any more.
    pub const closeFile = file.close;

    /// A temporary file without a name in `directory`. Errors: those of opening; EOPNOTSUPP: storage cannot be promised and
    /// `unsafe_storage` is `.refuse`; ENOSPC, EDQUOT, EFBIG: no room, or beyond a limit; ENOMEM: addresses or mappings; EINVAL: a size of
    /// 0 or one that cannot be rounded. Nothing is left behind. Lazy: tens of microseconds at any size; eager: the price of
    /// allocating all storage.
    pub const createFile = file.create;

    /// All memory of a DAX device, which nobody else can make a pool on meanwhile. It has old contents and keeps the last ones. Errors:
    /// those of looking at the path and opening it, among them ENXIO: no driver serves the device, and EACCES, EPERM: only its owner
    /// may; EINVAL: not a device of DAX; ENOSPC: it has less than `size`; EBUSY: in use, also by a child of fork that
    /// has not called exec; ENOMEM: addresses; EOPNOTSUPP: huge pages are disabled in this process; EIO: its memory cannot be
    /// reached. Nothing is left behind. The size does not matter for the time.
    pub const createDevice = device.create;

    /// Memory without a file. Lazy: commit and purge work as for files, but storage is the system's memory, which is promised only
    /// under strict overcommit. ENOMEM, EINVAL.
    pub fn createAnonymous(options: AnonymousOptions) Error!Region {
        assert(std.math.isPowerOfTwo(options.alignment));
        if (options.size == 0) return error.EINVAL;
        const size = os.memory.roundToPages(options.size) orelse return error.EINVAL;
        const alignment = @max(options.alignment, os.memory.pageSize());
        var ignored: Step = undefined;
        const step = options.step orelse &ignored;
        try options.placement.check(.memory, 0, step);
        step.* = .reserve;
        var region: Region = .{
            .base = 0,
            .size = size,
            .source = .anonymous,
            .medium = .memory,
            .placement = options.placement,
            .zeroed = true,
            .lazy = options.lazy,
            .granule = default_granule,
            .can_purge = options.lazy,
        };
        if (options.lazy) {
            region.units = try Units.init(unitCount(size, default_granule));
            errdefer region.units.deinit();
            const memory = try os.memory.reserveReadable(size, alignment);
            region.base = memory.address;
            region.hole_protection = memory.protection;
        } else {
            region.base = try os.memory.reserve(size, alignment);
            errdefer os.memory.unmap(region.base, size) catch {};
            try os.memory.protect(region.base, size, .read_write);
            try options.placement.apply(.memory, region.base, size, step);
        }
        return region;
    }

    /// Memory of the caller, who keeps it mapped, readable and writable until the release. Its contents mean nothing and are
    /// unspecified afterwards. EINVAL: the address is not a multiple of the page size, or the range is empty or wraps around, or
    /// cannot be written (where `placement` looks).
    /// `alignment`: offsets count from the multiple of it at or below the address.
    pub fn borrow(address: usize, size: usize, alignment: usize, placement: Placement, step: *Step) Error!Region {
        if (address % os.memory.pageSize() != 0 or address == 0 or size == 0) return error.EINVAL;
        _ = std.math.add(usize, address, size) catch return error.EINVAL;
        try placement.check(.borrowed, 0, step);
        try placement.apply(.borrowed, address, std.mem.alignBackward(usize, size, os.memory.pageSize()), step);
        const lead = address % alignment;
        return .{
            .base = address - lead,
            .size = size + lead,
            .lead = lead,
            .source = .borrowed,
            .medium = .borrowed,
            .zeroed = false,
            .lazy = false,
            .granule = default_granule,
            .can_purge = false,
        };
    }

    /// The address of the first byte that is the region's.
    pub fn start(r: *const Region) usize {
        return r.base + r.lead;
    }

    /// The bytes that are the region's.
    pub fn length(r: *const Region) usize {
        return r.size - r.lead;
    }

    pub fn unitCount(size: usize, granule: usize) usize {
        return size / granule + @intFromBool(size % granule != 0);
    }

    /// The granules of a range that `commit` or `purge` was given. For region/.
    pub fn range(r: *const Region, offset: usize, len: usize) Units.Run {
        assert(r.lazy and r.state == .live);
        assert(len != 0 and offset < r.size and len <= r.size - offset);
        assert(offset % r.granule == 0 and (len % r.granule == 0 or offset + len == r.size));
        return .{ .first = offset / r.granule, .count = unitCount(len, r.granule) };
    }

    /// Makes the bytes [offset, offset + len) usable: storage is allocated and in place. All of them must be uncommitted. They read
    /// as zeros. On an error nothing has changed. ENOSPC, EDQUOT, EFBIG: no storage. ENOMEM: no memory, or too many mappings.
    /// EBADF: the program has closed the region's descriptor, and storage can neither be had nor given back any more (not
    /// with `survives_close`).
    pub fn commit(r: *Region, offset: usize, len: usize) Error!void {
        const units = r.range(offset, len);
        assert(r.units.all(units.first, units.count, false));
        switch (r.source) {
            .file => if (r.forks.parted) try forks.commit(r, offset, len) else try file.commit(r, offset, len),
            .anonymous => {
                if (r.hole_protection != .read_write) try os.memory.protect(r.base + offset, len, .read_write);
                errdefer r.makeHole(offset, len) catch {};
                var step: Step = undefined;
                try r.placement.apply(r.medium, r.base + offset, len, &step);
            },
            .borrowed, .device => unreachable, // never lazy
        }
        r.note(units, offset, len);
    }

    /// As `commit`, but the storage of a file on tmpfs may be allocated as it is touched, if the file system has plenty: see
    /// promises.zig. False: nothing was done, `commit` is to be called.
    pub const promise = promises.promise;

    /// The granules are committed. For region/.
    pub fn note(r: *Region, units: Units.Run, offset: usize, len: usize) void {
        r.units.set(units.first, units.count);
        forks.noteShared(r, offset, len);
        r.show();
    }

    /// Gives the storage of [offset, offset + len) back. All of it must be committed, and is uncommitted afterwards; it reads as
    /// zeros. On an error nothing has changed. EOPNOTSUPP: the file system cannot (`can_purge` is false from then on). ENOMEM: too
    /// many mappings, or the committed parts would fall into more than 1024 pieces; purging beside an existing hole still works. EBADF: as for
    /// `commit`.
    pub fn purge(r: *Region, offset: usize, len: usize) Error!void {
        const units = r.range(offset, len);
        assert(r.units.all(units.first, units.count, true));
        if (!r.can_purge) return error.EOPNOTSUPP;
        const runs = r.units.runsAfterClear(units.first, units.count);
        if (runs > max_runs and runs > r.units.runs) return error.ENOMEM;
        switch (r.source) {
            .file => if (r.forks.parted) try forks.purge(r, offset, len) else try file.purge(r, offset, len),
            .anonymous => try r.makeHole(offset, len),
            .borrowed, .device => unreachable, // never lazy
        }
        r.units.clear(units.first, units.count);
        promises.forget(r, units);
        forks.noteHole(r, units.first, units.count);
        r.show();
    }

    fn show(r: *const Region) void {
        if (r.observed) |place| @atomicStore(usize, place, r.committed(), .monotonic);
    }

    /// Memory without a file as it is where nothing is committed.
    fn makeHole(r: *Region, offset: usize, len: usize) Error!void {
        if (r.hole_protection == .read_write) return os.memory.discard(r.base + offset, len);
        return os.memory.mapFixedAnonymous(r.base + offset, len, r.hole_protection);
    }

    /// Committed bytes, those whose storage is promised included.
    pub fn committed(r: *const Region) usize {
        if (!r.lazy) return r.length();
        const ragged = r.size % r.granule;
        const short = if (ragged != 0 and r.units.get(r.units.count - 1)) r.granule - ragged else 0;
        return r.units.set_count * r.granule - short;
    }

    /// Bytes of storage that the region's file has on its file system, where that can be asked; else what is committed.
    pub fn stored(r: *const Region) u64 {
        return if (r.fileAtHand()) os.file.allocated(r.fd) catch r.committed() else r.committed();
    }

    /// Bytes that the file system can still give an ordinary user beyond what is promised. Null: storage is not taken from one, or it does not say.
    pub fn roomLeft(r: *const Region) ?u64 {
        if (!r.lazy or !r.allocates or !r.fileAtHand()) return null;
        const bytes = os.file.available(r.fd) catch return null;
        return if (bytes == std.math.maxInt(u64)) null else bytes -| promises.owed(r);
    }

    fn fileAtHand(r: *const Region) bool {
        return r.source == .file and r.fd != -1 and !r.private and !r.forks.parted and r.state == .live;
    }

    /// Takes the storage away and leaves memory that reads as zeros and takes writes, for those who may still look. Afterwards only
    /// `abandon` and `release` are allowed. Borrowed memory is left as it is. Where the process has no mapping to spare, the
    /// storage goes back but the file stays mapped; another call tries again, and `isAbandoned` says whether it is done.
    pub fn abandon(r: *Region) void {
        if (r.state == .abandoned or r.state == .released) return;
        forks.dropAside(r);
        if (r.source != .borrowed) os.memory.replaceByZeros(r.base, r.size) catch {
            if (r.source == .file) file.returnStorage(r);
            if (r.source == .anonymous) os.memory.discard(r.base, r.size) catch {};
            r.state = .abandoning;
            return;
        };
        file.close(r);
        r.state = .abandoned;
    }

    pub fn isAbandoned(r: *const Region) bool {
        return r.state == .abandoned;
    }

    /// Ends the region: its addresses are free for others. Nobody may look any more. Not needed before: `abandon`.
    pub fn release(r: *Region) void {
        if (r.state == .released) return;
        if (r.source != .borrowed) os.memory.unmap(r.base, r.size) catch {
            // Would split a mapping at vm.max_map_count: the addresses are lost, the memory is not.
            if (r.source == .file and r.state != .abandoned) file.returnStorage(r);
            os.memory.discard(r.base, r.size) catch {};
        };
        file.close(r);
        r.units.deinit();
        r.promised.deinit();
        forks.deinit(r);
        r.state = .released;
    }
};

const testing = @import("testing.zig");
const test_size = testing.test_size;

test "a region is aligned, zero, rounded up, and gone after the release" {
    for (testing.makers) |maker| {
        errdefer std.debug.print("{s}\n", .{maker.label});
        const before = try testing.Holdings.now();
        var region = try maker.make(test_size - 100);
        try std.testing.expectEqual(0, region.base % (4 << 20));
        try std.testing.expectEqual(std.mem.alignForward(usize, test_size - 100, os.memory.pageSize()), region.size);
        try std.testing.expect(region.zeroed);
        try testing.expectZero(testing.bytes(region.base, region.size));
        try std.testing.expectEqual(if (region.lazy) 0 else region.size, region.committed());
        const keeps_file = region.lazy and region.source == .file;
        try std.testing.expectEqual(before.descriptors + @intFromBool(keeps_file), try os.file.openCount());
        if (region.lazy) try region.commit(0, region.size);
        @memset(testing.bytes(region.base, region.size), 0xa5);
        try std.testing.expectEqual(region.size, region.committed());
        region.abandon();
        try std.testing.expect(region.isAbandoned());
        try testing.expectZero(testing.bytes(region.base, region.size));
        @memset(testing.bytes(region.base, 4096), 1);
        region.abandon();
        region.release();
        region.release();
        try before.expectUnchanged();
        // Released without being abandoned first.
        region = try maker.make(test_size);
        if (region.lazy) try region.commit(default_granule, default_granule);
        region.release();
        try before.expectUnchanged();
    }
}

test "commit and purge in granules, the ragged end included" {
    for (testing.makers) |maker| {
        errdefer std.debug.print("{s}\n", .{maker.label});
        var region = try maker.make(test_size);
        defer region.release();
        if (!region.lazy) continue;
        const g = region.granule;
        const memory = testing.bytes(region.base, region.size);
        try region.commit(2 * g, g);
        try region.commit(3 * g, g);
        try region.commit(7 * g, region.size - 7 * g);
        try std.testing.expectEqual(2 * g + region.size - 7 * g, region.committed());
        @memset(memory[2 * g .. 4 * g], 7);
        @memset(memory[7 * g ..], 8);
        try testing.expectZero(memory[0 .. 2 * g]);
        try testing.expectZero(memory[4 * g .. 7 * g]);
        const probed = if (region.source == .file) try os.file.allocated(region.fd) - region.committed() else 0;
        try std.testing.expect(probed <= os.memory.pageSize());
        try region.purge(3 * g, g);
        try region.purge(7 * g, region.size - 7 * g);
        try std.testing.expectEqual(g, region.committed());
        try testing.expectZero(memory[3 * g ..]);
        try std.testing.expectEqual(7, memory[3 * g - 1]);
        if (region.source == .file) try std.testing.expectEqual(region.committed() + probed, try os.file.allocated(region.fd));
        try region.commit(3 * g, region.size - 3 * g);
        try testing.expectZero(memory[3 * g ..]);
        try std.testing.expectEqual(region.size - 2 * g, region.committed());
    }
}

test "committed neighbours are one mapping" {
    var region = try Region.createFile("/dev/shm", .{ .size = 64 << 20, .lazy = true });
    defer region.release();
    const g = region.granule;
    try region.commit(0, g);
    const before = (try os.memory.mapped()).mappings;
    for (1..16) |index| try region.commit(index * g, g);
    try std.testing.expectEqual(before, (try os.memory.mapped()).mappings);
    try region.purge(4 * g, 2 * g);
    try region.purge(6 * g, g);
    try std.testing.expectEqual(before + 2, (try os.memory.mapped()).mappings);
    try region.commit(4 * g, 3 * g);
    try std.testing.expectEqual(before, (try os.memory.mapped()).mappings);
}

test "purge refuses one hole too many, and only that" {
    var region = try Region.createFile("/tmp", .{ .size = (2 * max_runs + 8) * default_granule, .lazy = true });
    defer region.release();
    const g = region.granule;
    try region.commit(0, region.size);
    for (1..max_runs) |index| try region.purge(2 * index * g, g);
    try std.testing.expectEqual(max_runs, region.units.runs);
    const committed = region.committed();
    try std.testing.expectError(error.ENOMEM, region.purge(2 * max_runs * g, g));
    try std.testing.expectEqual(committed, region.committed());
    try region.purge(3 * g, g);
    try region.purge(2 * max_runs * g, g);
    try region.commit(2 * g, 3 * g);
    try region.commit(2 * max_runs * g, g);
}

test "a full file system is ENOSPC at create or commit, and nothing is lost" {
    try testing.withFileSystem("tmpfs", "size=16m", &struct {
        fn body(directory: [:0]const u8) anyerror!void {
            const before = try testing.Holdings.now();
            var step: Step = undefined;
            const eager: FileOptions = .{ .size = 32 << 20, .step = &step };
            try std.testing.expectError(error.ENOSPC, Region.createFile(directory, eager));
            try std.testing.expectEqual(Step.allocate, step);
            try std.testing.expectEqual(16 << 20, try os.file.availableAt(directory));
            var region = try Region.createFile(directory, .{ .size = 1 << 40, .lazy = true });
            try region.commit(0, 6 << 20);
            const memory = testing.bytes(region.base, 32 << 20);
            @memset(memory[0 .. 6 << 20], 1);
            try std.testing.expectError(error.ENOSPC, region.commit(6 << 20, 12 << 20));
            try std.testing.expectEqual(10 << 20, try os.file.availableAt(directory));
            try testing.expectZero(memory[6 << 20 ..]);
            memory[memory.len - 1] = 1; // would be SIGBUS in a hole of the file
            try region.commit(6 << 20, 10 << 20);
            @memset(memory[0 .. 16 << 20], 1);
            try region.purge(0, 16 << 20);
            try std.testing.expectEqual(16 << 20, try os.file.availableAt(directory));
            try region.commit(0, 16 << 20);
            region.abandon();
            try std.testing.expectEqual(16 << 20, try os.file.availableAt(directory));
            region.release();
            try before.expectUnchanged();
        }
    }.body);
}

test "errors of creation" {
    try std.testing.expectError(error.EINVAL, Region.createFile("/dev/shm", .{ .size = 0 }));
    try std.testing.expectError(error.EINVAL, Region.createFile("/dev/shm", .{ .size = std.math.maxInt(usize) }));
    try std.testing.expectError(error.EFBIG, Region.createFile("/dev/shm", .{ .size = 1 << 63 }));
    try std.testing.expectError(error.ENOMEM, Region.createFile("/dev/shm", .{ .size = 1 << 62, .lazy = true }));
    try std.testing.expectError(error.EINVAL, Region.createAnonymous(.{ .size = 0 }));
    try std.testing.expectError(error.EINVAL, Region.createAnonymous(.{ .size = std.math.maxInt(usize) }));
    try std.testing.expectError(error.ENOMEM, Region.createAnonymous(.{ .size = 1 << 62 }));
    var step: Step = undefined;
    try std.testing.expectError(error.ENOENT, Region.createFile("/nonexistent", .{ .size = 1, .step = &step }));
    try std.testing.expectEqual(Step.open, step);
    // Others than root are refused before the file system is asked.
    if (std.os.linux.geteuid() != 0) return;
    try std.testing.expectError(error.ENOENT, Region.createFile("/proc", .{ .size = 1, .step = &step }));
    try std.testing.expectEqual(Step.open_named, step);
}

test "borrowed memory stays the caller's" {
    const page = os.memory.pageSize();
    const address = try os.memory.mapAnonymous(4 * page);
    defer os.memory.unmap(address, 4 * page) catch {};
    const memory = testing.bytes(address, 4 * page);
    @memset(memory, 1);
    var step: Step = undefined;
    try std.testing.expectError(error.EINVAL, Region.borrow(address + 8, page, page, .{}, &step));
    try std.testing.expectError(error.EINVAL, Region.borrow(address, 0, page, .{}, &step));
    try std.testing.expectError(error.EINVAL, Region.borrow(0, page, page, .{}, &step));
    try std.testing.expectError(error.EINVAL, Region.borrow(address, std.math.maxInt(usize), page, .{}, &step));
    var region = try Region.borrow(address, 4 * page - 5, page, .{}, &step);
    try std.testing.expectEqual(4 * page - 5, region.committed());
    try std.testing.expect(!region.zeroed and !region.lazy);
    region.abandon();
    region.release();
    try std.testing.expectEqual(1, memory[memory.len - 1]);
}

test "a hint chooses the place" {
    if (@import("options").thread_sanitizer) return error.SkipZigTest; // its shadow takes the addresses
    const hint = 0x2100_0000_0000 + 12345;
    const expected = std.mem.alignForward(usize, hint, 4 << 20);
    for ([_]bool{ true, false }) |lazy| {
        var one = try Region.createFile("/dev/shm", .{ .size = 8 << 20, .hint = hint, .lazy = lazy });
        defer one.release();
        var two = try Region.createFile("/dev/shm", .{ .size = 8 << 20, .hint = hint, .lazy = lazy });
        defer two.release();
        try std.testing.expectEqual(expected, one.base);
        try std.testing.expectEqual(expected + (8 << 20), two.base);
    }
}
