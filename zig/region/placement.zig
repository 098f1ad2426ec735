//! How the pages of a region come to be: on which NUMA node, how large, and when.
//!
//! Node and size are asked for before a page exists. What storage is made of decides whether that can be heard: memory files
//! (tmpfs, hugetlbfs) and memory without a file are placed by us; a disk's pages belong to the system's page cache
//! and a device's are where the device is, so that a node is refused there. The size of pages is a wish: the system may
//! have none of 2 MiB left.

const std = @import("std");
const os = @import("../os.zig");
const Error = os.Error;
const Step = @import("region.zig").Step;

/// Bytes of what `huge_pages` asks for.
pub const huge_page: usize = 2 << 20;

/// What the pages are made of.
pub const Medium = enum {
    memory,
    tmpfs,
    hugetlbfs,
    disk,
    device,
    /// The caller's, whatever it is.
    borrowed,

    pub fn of(kind: os.file.Kind) Medium {
        return switch (kind) {
            .tmpfs => .tmpfs,
            .hugetlbfs => .hugetlbfs,
            .ext, .xfs, .btrfs, .zfs, .bcachefs, .overlay, .other => .disk,
        };
    }
};

pub const Placement = struct {
    /// Pages are mapped as soon as they have storage, so that no touch waits for one.
    prefault: bool = false,
    /// Pages of 2 MiB where the system has them.
    huge_pages: bool = false,
    /// Pages come from this NUMA node as long as it has any.
    node: ?u32 = null,
    /// Pages of memory without a file come from these NUMA nodes, whatever the process may use; nobody has checked that there are such.
    among: ?Among = null,

    pub const Among = struct { policy: os.nodes.Policy, set: os.nodes.Set };

    pub fn isUsual(p: Placement) bool {
        return !p.prefault and !p.huge_pages and p.node == null and p.among == null;
    }

    /// Whether it can be done at all; the later steps rely on it. `unit`: bytes of a device's pages. EINVAL: the process has no such
    /// node; EOPNOTSUPP: the medium or the system cannot; EPERM: placing is not permitted.
    pub fn check(p: Placement, medium: Medium, unit: usize, step: *Step) Error!void {
        if (p.node) |node| {
            step.* = .node;
            const allowed = os.numa.isAllowed(node) catch |err| return if (err == error.ENOSYS) error.EOPNOTSUPP else err;
            if (!allowed) return error.EINVAL;
            switch (medium) {
                .disk, .device => return error.EOPNOTSUPP,
                .memory, .tmpfs, .hugetlbfs, .borrowed => {},
            }
        }
        if (p.huge_pages) {
            step.* = .huge_pages;
            switch (medium) {
                .hugetlbfs => {},
                .device => if (unit < huge_page) return error.EOPNOTSUPP,
                .memory, .tmpfs, .disk, .borrowed => if (os.memory.hugePagesDisabled() or !os.memory.hasHugePages()) return error.EOPNOTSUPP,
            }
        }
    }

    /// Around the allocation of storage.
    pub fn enter(p: Placement) Error!?os.numa.Policy {
        return if (p.node) |node| try .enter(node) else null;
    }

    pub fn leave(policy: ?os.numa.Policy) void {
        if (policy) |before| before.leave();
    }

    /// For pages that have storage and are mapped, none of them in use yet. ENOMEM, EIO, EFAULT, EINVAL: they cannot be touched. With
    /// `among` what `os.nodes.place` says.
    pub fn apply(p: Placement, medium: Medium, address: usize, length: usize, step: *Step) Error!void {
        if (p.isUsual()) return;
        if (p.node) |node| {
            step.* = .node;
            try os.numa.prefer(address, length, node);
        }
        if (p.among) |among| {
            step.* = .node;
            try os.nodes.place(address, length, among.policy, among.set);
        }
        const ours = p.huge_pages and medium != .hugetlbfs and medium != .device;
        if (ours) os.memory.adviseHugePages(address, length);
        if (p.prefault) {
            step.* = .prefault;
            os.memory.populate(address, length) catch |err| switch (err) {
                // Linux before 5.14, or memory that cannot be written, which only the caller's may be.
                error.EINVAL => if (medium == .borrowed) return err else touch(address, length),
                else => return err,
            };
        }
        // A tmpfs gives pages of 2 MiB only if it was mounted so, but pages that are there may be joined on any. Its storage is
        // memory; elsewhere pages that nobody wanted yet would be made.
        if (ours and (medium == .tmpfs or p.prefault)) os.memory.joinPages(address, length);
    }
};

/// Writes to each page what it holds.
fn touch(address: usize, length: usize) void {
    var at = address;
    while (at < address + length) : (at += os.memory.pageSize()) {
        const byte: *volatile u8 = @ptrFromInt(at);
        byte.* = byte.*;
    }
}

const testing = @import("testing.zig");
const Region = @import("region.zig").Region;
const test_size = 4 * huge_page;

fn make(place: enum { tmpfs, disk, memory }, lazy: bool, placement: Placement, step: *Step) Error!Region {
    return switch (place) {
        .tmpfs, .disk => .createFile(if (place == .tmpfs) "/dev/shm" else "/tmp", .{ .size = test_size, .lazy = lazy, .placement = placement, .step = step }),
        .memory => .createAnonymous(.{ .size = test_size, .lazy = lazy, .placement = placement, .step = step }),
    };
}

fn residentPages(region: *const Region, offset: usize, length: usize) !usize {
    var count: usize = 0;
    var at = offset;
    while (at < offset + length) : (at += os.memory.pageSize()) count += @intFromBool(try os.memory.isResident(region.base + at));
    return count;
}

test "prefault: pages are there before they are touched, in a lazy region with their storage" {
    var step: Step = undefined;
    const page = os.memory.pageSize();
    inline for (.{ .tmpfs, .disk, .memory }) |place| inline for (.{ false, true }) |lazy| {
        var region = try make(place, lazy, .{ .prefault = true }, &step);
        defer region.release();
        if (lazy) try region.commit(region.granule, region.granule);
        const offset, const length = if (lazy) .{ region.granule, region.granule } else .{ 0, region.size };
        const before = testing.faults();
        var at: usize = offset;
        while (at < offset + length) : (at += page) @as(*volatile u8, @ptrFromInt(region.base + at)).* = 1;
        const faults = testing.faults() - before;
        try std.testing.expect(faults < length / page / 8);
        try std.testing.expectEqual(length / page, try residentPages(&region, offset, length));
    };
}

test "huge pages: a tmpfs that was not mounted for them has some" {
    if (!os.memory.hasHugePages()) return error.SkipZigTest; // a kernel without them
    var step: Step = undefined;
    inline for (.{ .tmpfs, .memory }) |place| inline for (.{ false, true }) |lazy| {
        var region = try make(place, lazy, .{ .huge_pages = true, .prefault = true }, &step);
        defer region.release();
        if (lazy) try region.commit(0, region.size);
        try testing.expectZero(testing.bytes(region.base, region.size));
        @memset(testing.bytes(region.base, region.size), 7);
        // A machine short of memory has none to give; that they were asked for shows in the advice.
        const pages = try os.memory.hugePagesAt(region.base);
        try std.testing.expect(pages.bytes > 0 or pages.advised);
        if (lazy) try region.purge(0, huge_page);
        if (lazy) try region.commit(0, huge_page);
    };
}

test "borrowed memory is placed as it is lent" {
    const address = try os.memory.reserve(test_size, huge_page);
    defer os.memory.unmap(address, test_size) catch {};
    var step: Step = undefined;
    try os.memory.protect(address, test_size, .read);
    try std.testing.expectError(error.EINVAL, Region.borrow(address, test_size, 4096, .{ .prefault = true }, &step));
    try std.testing.expectEqual(Step.prefault, step);
    try os.memory.protect(address, test_size, .read_write);
    @as(*u8, @ptrFromInt(address + 5)).* = 42;
    const huge_pages = os.memory.hasHugePages();
    var region = try Region.borrow(address, test_size - 5, 4096, .{ .prefault = true, .huge_pages = huge_pages }, &step);
    defer region.release();
    try std.testing.expectEqual((test_size - huge_page) / os.memory.pageSize(), try residentPages(&region, 0, test_size - huge_page));
    try std.testing.expectEqual(42, @as(*u8, @ptrFromInt(address + 5)).*);
    if (huge_pages) try std.testing.expect((try os.memory.hugePagesAt(address)).advised);
}

test "a node that is there, one that is not, and what has no choice" {
    var step: Step = undefined;
    const there = os.numa.isAllowed(0) catch return error.SkipZigTest; // no NUMA here
    if (!there) return error.SkipZigTest;
    const before = try testing.Holdings.now();
    inline for (.{ false, true }) |lazy| {
        inline for (.{ .tmpfs, .memory }) |place| {
            var region = try make(place, lazy, .{ .node = 0, .prefault = true }, &step);
            if (lazy) try region.commit(0, region.size);
            @memset(testing.bytes(region.base, region.size), 7);
            region.release();
            try std.testing.expectError(error.EINVAL, make(place, lazy, .{ .node = 1000 }, &step));
            try std.testing.expectEqual(Step.node, step);
        }
        // What is below /tmp is not known.
        if (make(.disk, lazy, .{ .node = 0 }, &step)) |made| {
            var region = made;
            try std.testing.expectEqual(.tmpfs, region.medium);
            region.release();
        } else |err| try std.testing.expectEqual(error.EOPNOTSUPP, err);
        try std.testing.expectError(error.EINVAL, make(.disk, lazy, .{ .node = std.math.maxInt(u32) }, &step));
    }
    try before.expectUnchanged();
}

test "pages among nodes: what is committed is bound, again after it was given back, and a node that is not there is refused" {
    const linux = std.os.linux;
    var step: Step = undefined;
    if (!(os.numa.isAllowed(0) catch false)) return error.SkipZigTest; // no NUMA here
    var region = try make(.memory, true, .{ .among = .{ .policy = .bind, .set = 1 } }, &step);
    defer region.release();
    for (0..2) |_| {
        try region.commit(0, region.granule);
        var mode: c_int = -1;
        var mask: [16]usize = @splat(0);
        const at_address = 2;
        const result = linux.syscall5(.get_mempolicy, @intFromPtr(&mode), @intFromPtr(&mask), @bitSizeOf(@TypeOf(mask)), region.base, at_address);
        try std.testing.expectEqual(0, result);
        try std.testing.expectEqual(@backingInt(os.nodes.Policy.bind), @as(u32, @intCast(mode)));
        try std.testing.expectEqual(1, mask[0]);
        try region.purge(0, region.granule);
    }
    var other = try make(.memory, true, .{ .among = .{ .policy = .bind, .set = 1 << 63 } }, &step);
    defer other.release();
    try std.testing.expectError(error.EINVAL, other.commit(0, other.granule));
    try std.testing.expectEqual(0, other.committed());
}

test "huge pages are refused where the process may not have them" {
    const linux = std.os.linux;
    var step: Step = undefined;
    const set: i32 = @backingInt(linux.PR.SET_THP_DISABLE);
    try std.testing.expectEqual(0, linux.prctl(set, 1, 0, 0, 0));
    defer _ = linux.prctl(set, 0, 0, 0, 0);
    const before = try testing.Holdings.now();
    inline for (.{ .tmpfs, .disk, .memory }) |place| {
        try std.testing.expectError(error.EOPNOTSUPP, make(place, true, .{ .huge_pages = true }, &step));
        try std.testing.expectEqual(Step.huge_pages, step);
    }
    try before.expectUnchanged();
}

test "placing: nothing is left and nothing has changed, whichever call fails" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    if (!(os.numa.isAllowed(0) catch false)) return error.SkipZigTest; // no NUMA here
    defer os.fault.disarm();
    const all: Placement = .{ .prefault = true, .huge_pages = true, .node = 0 };
    var step: Step = undefined;
    const policy = try os.numa.Policy.enter(0);
    policy.leave();
    inline for (.{ .tmpfs, .memory }) |place| inline for (.{ false, true }) |lazy| {
        const before = try testing.Holdings.now();
        var n: u64 = 1;
        while (true) : (n += 1) {
            os.fault.arm(n, error.ENOMEM);
            var made = make(place, lazy, all, &step);
            if (made) |*region| if (lazy) {
                if (region.commit(0, region.granule)) |_| {} else |err| {
                    try std.testing.expectEqual(error.ENOMEM, err);
                    try std.testing.expectEqual(0, region.committed());
                }
            } else {} else |err| try std.testing.expectEqual(error.ENOMEM, err);
            const done = os.fault.count() < n;
            os.fault.disarm();
            if (made) |*region| region.release() else |_| {}
            try before.expectUnchanged();
            if (done) break;
        }
        const after = try os.numa.Policy.enter(0);
        after.leave();
        try std.testing.expectEqual(policy, after);
    };
}
