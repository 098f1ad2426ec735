//! Regions whose bytes parent and child of a fork shall not share.
//!
//! The kernel copies a mapping at the moment of the fork if it is private, so the region's file is mapped privately before
//! (`part`): for threads that write meanwhile nothing changes, because a private view shows the file until a page
//! is written. From then on the file is never written to, by nobody: other processes may see it. What is committed is
//! memory of the process, what is purged gives only that back. The region is **parted**.
//!
//! The child may copy what it sees into a file of its own (`copy`) and be as it was before. When no other process sees the old
//! file any more the parent takes it back: `rejoin` for what is committed from now on, `settle` for all of it. Settling writes
//! the process's own pages to the file and maps that in their place; what another thread wrote in between would be
//! lost, so a process with other threads keeps those pages until they are purged.
//!
//! A committed granule is **shared**, the file's pages; or a **view**, private, of a file that must not change where nobody has
//! written; or else it is memory.
//!
//! Taking shared pages out of the process's page tables takes long (15 ms for 256 MiB), so they are not: the tables are
//! moved to another place, **aside**, from where they come back when the region is settled. Otherwise they are taken apart there by
//! and by (`tidy`).
//!
//! A device and files on hugetlbfs cannot be mapped privately: their bytes are copied into memory (`copyIntoMemory`).

const std = @import("std");
const base = @import("../base.zig");
const os = @import("../os.zig");
const file = @import("file.zig");
const promises = @import("promises.zig");
const region_zig = @import("region.zig");
const Units = @import("units.zig").Units;
const Region = region_zig.Region;
const Extent = region_zig.Extent;
const Error = os.Error;
const assert = base.assert;

pub const State = struct {
    follows: bool = false,
    /// The file can be mapped privately.
    possible: bool = false,
    parted: bool = false,
    /// Something was purged while the region was parted: the file still has it.
    purged: bool = false,
    shared: Units = .none,
    views: Units = .none,
    /// Views whose page tables are aside.
    kept: Units = .none,
    /// As many addresses as the region has, from `tidied` on; 0: none.
    aside: usize = 0,
    tidied: usize = 0,
    /// The file system tells what it has.
    free_is_known: bool = false,
    /// Where the file is, and copies of it shall be.
    directory: [:0]const u8 = "",
};

/// Longest path (4096 bytes with the end mark), in whole pages.
const directory_room = 8192;

/// Before anything is committed: forks will be followed. `directory` is where copies of the file are made; it is
/// remembered from the root on. ENOMEM, ENAMETOOLONG, ENOENT (the working directory is gone).
pub fn follow(r: *Region, directory: [:0]const u8) Error!void {
    assert(!r.forks.follows and (!r.lazy or r.units.set_count == 0));
    if (r.source == .file and r.forks.possible) {
        const room = os.memory.roundToPages(directory_room).?;
        const memory = try os.memory.mapAnonymous(room);
        r.forks.directory = os.environment.absolute(directory, @as([*]u8, @ptrFromInt(memory))[0..room]) catch |err| {
            os.memory.unmap(memory, room) catch {};
            return err;
        };
        // What follows ends with the region, made as far as it is.
        r.forks.shared = try Units.init(r.units.count);
        r.forks.views = try Units.init(r.units.count);
        r.forks.kept = try Units.init(r.units.count);
    }
    r.forks.follows = true;
}

pub fn deinit(r: *Region) void {
    if (r.forks.directory.len > 0) os.memory.unmap(@intFromPtr(r.forks.directory.ptr), os.memory.roundToPages(directory_room).?) catch {};
    r.forks.directory = "";
    r.forks.shared.deinit();
    r.forks.views.deinit();
    dropAside(r);
    r.forks.kept.deinit();
}

/// The file belongs to other processes, too.
pub fn isParted(r: *const Region) bool {
    return r.forks.parted;
}

/// Whether a child that is forked now gets bytes of its own.
pub fn isApart(r: *const Region) bool {
    return r.source == .anonymous or r.forks.parted;
}

fn offsetOf(r: *const Region, run: Units.Run) usize {
    return run.first * r.granule;
}

fn lengthOf(r: *const Region, run: Units.Run) usize {
    return @min((run.first + run.count) * r.granule, r.size) - run.first * r.granule;
}

/// Makes the region private to the process, as it is at the next fork. Other threads may write meanwhile. Some system calls and the
/// price of unmapping. On an error some of it is, and `isApart` says no: EOPNOTSUPP: this source cannot; EBADF: the program has closed
/// the descriptor; ENOMEM: a limit on private memory.
pub fn part(r: *Region) Error!void {
    if (isApart(r)) return;
    const f = &r.forks;
    if (!f.possible) return error.EOPNOTSUPP;
    if (f.shared.set_count > 0) try file.checkDescriptor(r);
    if (f.aside == 0 and f.shared.set_count > 0) {
        f.aside = os.memory.reserve(r.size, @max(r.granule, region_zig.default_granule)) catch 0;
        f.tidied = 0;
    }
    while (f.shared.find(0, f.shared.count, true)) |run| {
        const address = r.base + offsetOf(r, run);
        const kept = keep(r, run);
        os.memory.mapFixedPrivateFile(address, lengthOf(r, run), r.fd, offsetOf(r, run)) catch |err| {
            os.memory.mapFixedFile(address, lengthOf(r, run), r.fd, offsetOf(r, run)) catch {}; // see `file.commit`
            return err;
        };
        f.shared.clear(run.first, run.count);
        setAll(&f.views, run, true);
        setAll(&f.kept, run, kept);
    }
    f.parted = true;
}

/// Moves the page tables of shared granules aside. False: they are where they were.
fn keep(r: *Region, run: Units.Run) bool {
    const f = &r.forks;
    if (f.aside == 0 or f.tidied > 0) return false;
    os.memory.movePages(r.base + offsetOf(r, run), lengthOf(r, run), f.aside + offsetOf(r, run)) catch return false;
    return true;
}

/// Takes apart some of what is aside, `len` bytes, where it will not come back. 0.1 ms a MiB of pages.
pub fn tidy(r: *Region, len: usize) void {
    const f = &r.forks;
    if (f.aside == 0) return;
    const end = @min(r.size, f.tidied + std.mem.alignForward(usize, @min(len, r.size), r.granule));
    setAll(&f.kept, .{ .first = 0, .count = Region.unitCount(end, r.granule) }, false);
    os.memory.unmap(f.aside + f.tidied, end - f.tidied) catch return;
    f.tidied = end;
    if (end == r.size) f.aside = 0;
}

/// Takes apart all of it: cheap in the child of a fork, where the kernel copied no page tables for it.
pub fn dropAside(r: *Region) void {
    tidy(r, r.size);
}

fn setAll(units: *Units, range: Units.Run, value: bool) void {
    var at = range.first;
    const end = range.first + range.count;
    while (units.find(at, end, !value)) |run| : (at = run.first + run.count) {
        if (value) units.set(run.first, run.count) else units.clear(run.first, run.count);
    }
}

/// See `Region.commit`, while the region is parted: the reservation is memory of the process already.
pub fn commit(r: *Region, offset: usize, len: usize) Error!void {
    try file.commitPrivate(r, offset, len);
    tidy(r, 4 * len);
}

/// See `Region.purge`, while the region is parted.
pub fn purge(r: *Region, offset: usize, len: usize) Error!void {
    try os.memory.mapFixedAnonymous(r.base + offset, len, r.hole_protection);
    r.forks.purged = true;
}

/// What was just committed, or could not be purged, is mapped from the file, if that is within reach.
pub fn noteShared(r: *Region, offset: usize, len: usize) void {
    const f = &r.forks;
    if (f.shared.count == 0 or f.parted or r.private) return;
    const first = offset / r.granule;
    const range: Units.Run = .{ .first = first, .count = Region.unitCount(len, r.granule) };
    setAll(&f.shared, range, true);
    setAll(&f.views, range, false);
}

/// It is nothing any more.
pub fn noteHole(r: *Region, first: usize, count: usize) void {
    const f = &r.forks;
    if (f.shared.count == 0) return;
    const range: Units.Run = .{ .first = first, .count = count };
    setAll(&f.shared, range, false);
    setAll(&f.views, range, false);
}

/// The granules around the stack that the caller of this file runs on, if that lies in the region: its pages change while they
/// are written to a file, so they stay what they are.
fn stack(r: *const Region) Units.Run {
    const reach = 64 << 10;
    const place = @frameAddress() -% r.base;
    if (place >= r.size) return .{ .first = r.units.count, .count = 0 };
    const first = (place -| reach) / r.granule;
    return .{ .first = first, .count = @min((place + reach) / r.granule + 1, r.units.count) - first };
}

/// No other process sees the file any more: what is committed and purged from now on is in it again.
pub fn rejoin(r: *Region) void {
    const f = &r.forks;
    assert(f.parted);
    f.parted = false;
    if (!f.purged) return;
    // What is not in use any more, and what has become memory.
    f.purged = false;
    var at: usize = 0;
    while (f.views.find(at, f.views.count, false)) |run| : (at = run.first + run.count) {
        if (file.checkDescriptor(r)) |_| {} else |_| return;
        os.file.punch(r.fd, offsetOf(r, run), lengthOf(r, run)) catch {
            r.stale = true;
        };
    }
}

/// After `rejoin`, in a process whose only thread is the caller, with no signal handler to interrupt it: all that is committed
/// is the file's again. What cannot be (no /proc, no storage for what was committed meanwhile, no memory) stays the process's,
/// as it was.
pub fn settle(r: *Region) void {
    assert(!r.forks.parted);
    if (!r.forks.possible) return; // huge pages are the file's all the time
    file.checkDescriptor(r) catch return;
    var pages = os.PrivatePages.open() catch return;
    defer pages.close();
    const kept = stack(r);
    settleBetween(r, &pages, 0, kept.first);
    settleBetween(r, &pages, kept.first + kept.count, r.units.count);
    dropAside(r);
}

fn settleBetween(r: *Region, pages: *const os.PrivatePages, start: usize, stop: usize) void {
    var at = start;
    while (r.units.find(at, stop, true)) |committed| : (at = committed.first + committed.count) {
        const end = committed.first + committed.count;
        var from = committed.first;
        while (r.forks.shared.find(from, end, false)) |private| {
            const view = r.forks.views.get(private.first);
            const run = r.forks.views.find(private.first, private.first + private.count, view).?;
            from = run.first + run.count;
            settleRun(r, pages, run, view) catch continue;
        }
    }
}

fn settleRun(r: *Region, pages: *const os.PrivatePages, run: Units.Run, view: bool) Error!void {
    const f = &r.forks;
    const offset = offsetOf(r, run);
    const len = lengthOf(r, run);
    if (!view) {
        if (r.stale) return; // untouched pages read as zeros, the file perhaps not
        if (r.allocates) try os.file.allocate(r.fd, offset, len) else try os.file.grow(r.fd, offset + len);
    }
    try pages.forEach(r.base + offset, len, @as(*const Region, r), writeBack);
    const all_kept = view and f.kept.all(run.first, run.count, true);
    const moved = all_kept and if (os.memory.movePages(f.aside + offset, len, r.base + offset)) |_| true else |_| false;
    if (!moved) try os.memory.mapFixedFile(r.base + offset, len, r.fd, offset);
    noteShared(r, offset, len);
}

fn writeBack(r: *const Region, address: usize, len: usize) Error!void {
    try os.contents.write(r.fd, address, len, address - r.base);
}

/// In the child of a fork: moves the region into a file of its own. `extents`, in ascending order (`next() ?Extent`), are what
/// has contents; everything committed gets storage, or (ENOSPC, EDQUOT, EFBIG) nothing is changed. Also the errors of opening
/// a file. Storage that was promised still is, or is allocated where room is short. ENOMEM: some of it may be in the file already, the rest is as it was.
pub fn copy(r: *Region, extents: anytype) Error!void {
    assert(r.forks.parted);
    dropAside(r); // no page tables are there: the kernel copies only those of private pages
    const fd = os.file.openTemporary(r.forks.directory) catch |err| blk: {
        if (err != error.EMFILE) return err;
        file.close(r); // one too many; what it has is in memory, too
        break :blk try os.file.openTemporary(r.forks.directory);
    };
    const identity = fill(r, fd, extents) catch |err| {
        os.file.close(fd);
        return err;
    };
    // The descriptor keeps its number: programs count on those they use themselves.
    const moved = if (file.checkDescriptor(r)) |_| (if (os.file.moveTo(fd, r.fd)) |_| true else |_| false) else |_| false;
    if (!moved) {
        file.close(r); // if it is the region's
        r.fd = if (r.survives_close) os.file.moveUp(fd) else fd;
    }
    r.identity = identity;
    r.private = false;
    r.forks.parted = false;
    r.forks.purged = false;
    r.stale = false;
    const kept = stack(r);
    own(r, kept);
    try mapBetween(r, 0, kept.first);
    try mapBetween(r, kept.first + kept.count, r.units.count);
}

fn mapBetween(r: *Region, start: usize, stop: usize) Error!void {
    var at = start;
    while (r.units.find(at, stop, true)) |run| : (at = run.first + run.count) {
        try os.memory.mapFixedFile(r.base + offsetOf(r, run), lengthOf(r, run), r.fd, offsetOf(r, run));
        noteShared(r, offsetOf(r, run), lengthOf(r, run));
    }
}

/// Makes every page of the granules the process's own, so that the file behind them does not matter any more.
fn own(r: *const Region, granules: Units.Run) void {
    const end = granules.first + granules.count;
    var run_at = granules.first;
    while (r.units.find(run_at, end, true)) |run| : (run_at = run.first + run.count) {
        var address = r.base + offsetOf(r, run);
        const stop = address + lengthOf(r, run);
        while (address < stop) : (address += os.memory.pageSize()) {
            const byte: *volatile u8 = @ptrFromInt(address);
            byte.* = byte.*;
        }
    }
}

/// Says which file the new one is.
fn fill(r: *const Region, fd: os.Fd, extents: anytype) Error!os.file.Identity {
    const identity = try os.file.identity(fd);
    // A file system that others use is not filled to the brim to find out.
    if (r.forks.free_is_known and r.committed() > (try os.file.about(fd)).free) return error.ENOSPC;
    var end: usize = 0;
    var at: usize = 0;
    while (r.units.find(at, r.units.count, true)) |run| : (at = run.first + run.count) end = offsetOf(r, run) + lengthOf(r, run);
    try os.file.truncate(fd, end);
    if (!clone(r, fd)) {
        var copier: Copier = .{ .r = r, .fd = fd };
        copier.open();
        defer copier.close();
        var next = extents.next();
        at = 0;
        while (r.units.find(at, r.units.count, true)) |run| : (at = run.first + run.count) {
            var from = offsetOf(r, run);
            const stop = from + lengthOf(r, run);
            while (next) |extent| : (next = extents.next()) {
                if (extent.offset >= stop) break;
                assert(extent.offset >= from and extent.offset + extent.len <= stop);
                try allocate(r, fd, from, extent.offset);
                try copier.copy(extent);
                from = extent.offset + extent.len;
            }
            try allocate(r, fd, from, stop);
        }
    }
    try promises.prepareCopy(r, fd);
    return identity;
}

/// Copies from file to file where the region is a view that nobody has written to: reading through it would map every page,
/// which took a third of the time.
const Copier = struct {
    r: *const Region,
    fd: os.Fd,
    pages: ?os.PrivatePages = null,
    at: usize = 0,

    fn open(c: *Copier) void {
        file.checkDescriptor(c.r) catch return;
        c.pages = os.PrivatePages.open() catch null;
    }

    fn close(c: *Copier) void {
        if (c.pages) |*pages| pages.close();
    }

    fn copy(c: *Copier, extent: Extent) Error!void {
        const r = c.r;
        const end = extent.offset + extent.len;
        c.at = extent.offset;
        while (c.at < end) {
            const first = c.at / r.granule;
            const view = r.forks.views.get(first);
            const run = r.forks.views.find(first, Region.unitCount(end, r.granule), view).?;
            const stop = @min(end, (run.first + run.count) * r.granule);
            if (view) if (c.pages) |*pages| {
                try pages.forEach(r.base + c.at, stop - c.at, c, own_);
                try c.fromFile(stop);
                continue;
            };
            try c.fromMemory(stop);
        }
    }

    /// A run of pages that were written, and before it what was not.
    fn own_(c: *Copier, address: usize, len: usize) Error!void {
        try c.fromFile(address - c.r.base);
        try c.fromMemory(address - c.r.base + len);
    }

    fn fromFile(c: *Copier, stop: usize) Error!void {
        while (c.at < stop) {
            // What is promised and was not touched stays a hole.
            const hole = promises.holeAt(c.r, c.at, stop);
            if (hole.len > 0) c.at = hole.offset + hole.len else try c.dataFromFile(hole.offset);
        }
    }

    fn dataFromFile(c: *Copier, stop: usize) Error!void {
        os.contents.copyRange(c.fd, c.r.fd, c.at, stop - c.at) catch |err| switch (err) {
            error.ENOSPC, error.EDQUOT => return err,
            else => return c.fromMemory(stop),
        };
        c.at = stop;
    }

    fn fromMemory(c: *Copier, stop: usize) Error!void {
        try os.contents.write(c.fd, c.r.base + c.at, stop - c.at, c.at);
        c.at = stop;
    }
};

/// What no block needs has storage all the same, unless it was only promised.
fn allocate(r: *const Region, fd: os.Fd, from: usize, to: usize) Error!void {
    if (!r.allocates) return;
    var at = from;
    while (at < to) {
        const promised = promises.extentAt(r, at, to);
        if (!promised.is) try os.file.allocate(fd, at, promised.end - at);
        at = promised.end;
    }
}

/// Lets the new file share the old one's storage, and writes what was changed since. Only where storage is no promise anyway:
/// whoever writes to shared blocks first needs new ones, and SIGBUS would come to the parent, too, when there are none.
/// False: the caller copies.
fn clone(r: *const Region, fd: os.Fd) bool {
    if (!r.unsafe or !r.allocates or r.stale) return false;
    file.checkDescriptor(r) catch return false;
    var pages = os.PrivatePages.open() catch return false;
    defer pages.close();
    const Target = struct {
        r: *const Region,
        fd: os.Fd,
        fn write(t: @This(), address: usize, len: usize) Error!void {
            try os.contents.write(t.fd, address, len, address - t.r.base);
        }
    };
    var at: usize = 0;
    while (r.units.find(at, r.units.count, true)) |run| : (at = run.first + run.count) {
        const offset = offsetOf(r, run);
        const len = lengthOf(r, run);
        if (!r.forks.views.all(run.first, run.count, true)) return false;
        os.contents.cloneRange(fd, r.fd, offset, len) catch return false;
        pages.forEach(r.base + offset, len, Target{ .r = r, .fd = fd }, Target.write) catch return false;
    }
    return true;
}

/// In the child of a fork, its parent waiting: what is shared with the parent is copied into memory of the child. ENOMEM: there is
/// none, and nothing is changed; or the limit on mappings is near, and the region is of no use any more.
pub fn copyIntoMemory(r: *Region, extents: anytype) Error!void {
    const fresh = try os.memory.reserveReadable(r.size, os.memory.pageSize());
    errdefer os.memory.unmap(fresh.address, r.size) catch {};
    if (fresh.protection != .read_write) try openCommitted(r, fresh.address);
    while (extents.next()) |extent| {
        const from: [*]const u8 = @ptrFromInt(r.base + extent.offset);
        const to: [*]u8 = @ptrFromInt(fresh.address + extent.offset);
        @memcpy(to[0..extent.len], from);
    }
    try moveOver(r, fresh.address, fresh.protection != .read_write);
    file.close(r);
    r.source = .anonymous;
    r.hole_protection = fresh.protection;
    promises.forget(r, .{ .first = 0, .count = r.promised.count });
    r.forks.parted = false;
    setAll(&r.forks.shared, .{ .first = 0, .count = r.forks.shared.count }, false);
    setAll(&r.forks.views, .{ .first = 0, .count = r.forks.views.count }, false);
    dropAside(r);
}

/// Moves memory that stands for the region to where the region is. In parts if what is committed has a mapping of its own: before
/// Linux 6.17 mremap takes one mapping at a time.
fn moveOver(r: *const Region, from: usize, in_parts: bool) Error!void {
    if (!in_parts or !r.lazy) return os.memory.moveOver(from, r.size, r.base);
    var done: usize = 0;
    while (r.units.find(done / r.granule, r.units.count, true)) |run| {
        const parts = [_]usize{ offsetOf(r, run), offsetOf(r, run) + lengthOf(r, run) };
        for (parts) |end| {
            if (end > done) try os.memory.moveOver(from + done, end - done, r.base + done);
            done = end;
        }
        if (done == r.size) return;
    }
    try os.memory.moveOver(from + done, r.size - done, r.base + done);
}

/// Where writable memory is charged ahead.
fn openCommitted(r: *const Region, address: usize) Error!void {
    if (!r.lazy) return os.memory.protect(address, r.size, .read_write);
    var at: usize = 0;
    while (r.units.find(at, r.units.count, true)) |run| : (at = run.first + run.count) {
        try os.memory.protect(address + offsetOf(r, run), lengthOf(r, run), .read_write);
    }
}

/// In the child of a fork that does not follow: what it writes does not reach the parent from now on. Best effort.
pub fn shield(r: *Region) void {
    const f = &r.forks;
    file.checkDescriptor(r) catch return;
    while (f.shared.find(0, f.shared.count, true)) |run| {
        os.memory.mapFixedPrivateFile(r.base + offsetOf(r, run), lengthOf(r, run), r.fd, offsetOf(r, run)) catch return;
        f.shared.clear(run.first, run.count);
    }
}
