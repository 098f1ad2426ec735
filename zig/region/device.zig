//! Regions on a DAX device: all of its memory, mapped once.
//!
//! The device is this process's alone: a lock on it, which the mapping keeps when the descriptor is closed, makes a second
//! pool EBUSY, and whoever takes the mapping away (`abandon`, `release`, the process's end) frees the device. A child of
//! fork that still has the mapping keeps it, too.
//!
//! Nothing can be given back (no holes, no sizes), pages have old contents, and everything is in units of the device's alignment. What
//! would raise SIGBUS later is looked for here: a size that is not there, huge pages that the process may not have, a
//! device that was taken away after it was opened. One that is taken away later, or memory that fails, still raises it.

const std = @import("std");
const base = @import("../base.zig");
const os = @import("../os.zig");
const region_zig = @import("region.zig");
const Region = region_zig.Region;
const Step = region_zig.Step;
const Error = os.Error;
const assert = base.assert;

pub fn create(path: [:0]const u8, options: region_zig.DeviceOptions) Error!Region {
    assert(std.math.isPowerOfTwo(options.alignment));
    var ignored: Step = undefined;
    const step = options.step orelse &ignored;
    step.* = .open;
    const number = try os.device.numberAt(path) orelse {
        step.* = .inspect;
        return error.EINVAL;
    };
    step.* = .inspect;
    const about = try os.device.about(number) orelse return error.EINVAL;
    const unit = @max(about.alignment, os.memory.pageSize());
    const size = std.mem.alignBackward(usize, about.size, unit);

    try options.placement.check(.device, unit, step);

    step.* = .open;
    const fd = try os.device.open(path, number);
    defer os.file.close(fd);
    step.* = .allocate;
    if (size == 0 or options.size > size) return error.ENOSPC;
    step.* = .lock;
    try os.device.lock(fd);

    step.* = .reserve;
    const alignment = @max(options.alignment, unit);
    const address = if (options.hint) |hint| try os.memory.reserveAt(hint, size, alignment) else try os.memory.reserve(size, alignment);
    errdefer os.memory.unmap(address, size) catch {};
    step.* = .map;
    try os.memory.mapFixedFile(address, size, fd, 0);
    step.* = .touch;
    try touch(address, size, unit);
    try options.placement.apply(.device, address, size, step);
    return .{
        .base = address,
        .size = size,
        .source = .device,
        .medium = .device,
        .zeroed = false,
        .lazy = false,
        .granule = unit,
        .can_purge = false,
    };
}

/// The first and the last unit, so that an error takes the place of a signal. EOPNOTSUPP: the process may not have the
/// huge pages that the device consists of. EIO: its memory cannot be reached.
fn touch(address: usize, size: usize, unit: usize) Error!void {
    const huge = unit > os.memory.pageSize();
    for ([_]usize{ address, address + size - unit }) |at| {
        os.memory.populate(at, unit) catch |err| switch (err) {
            error.EINVAL => if (huge and os.memory.hugePagesDisabled()) return error.EOPNOTSUPP, // Linux before 5.14
            error.EFAULT => return if (huge and os.memory.hugePagesDisabled()) error.EOPNOTSUPP else error.EIO,
            else => return err,
        };
    }
}

const testing = @import("testing.zig");

test "what is not a DAX device is refused" {
    var step: Step = undefined;
    const cases = .{
        .{ "/dev/null", error.EINVAL, Step.inspect },
        .{ "/dev", error.EINVAL, Step.inspect },
        .{ "/proc/self/maps", error.EINVAL, Step.inspect },
        .{ "/nonexistent", error.ENOENT, Step.open },
        .{ "/dev/null/below", error.ENOTDIR, Step.open },
    };
    const before = try testing.Holdings.now();
    inline for (cases) |case| {
        try std.testing.expectError(case[1], Region.createDevice(case[0], .{ .step = &step }));
        try std.testing.expectEqual(case[2], step);
    }
    try before.expectUnchanged();
}

/// The device that a machine lends to these tests; all that is on it is lost.
fn lent() error{SkipZigTest}![:0]const u8 {
    return os.environment.get("VMEM_TEST_DAX") orelse {
        std.debug.print("skipped: VMEM_TEST_DAX names no DAX device\n", .{});
        return error.SkipZigTest;
    };
}

test "a device: all of it, with old contents, for one at a time" {
    const path = try lent();
    const before = try testing.Holdings.now();
    var step: Step = undefined;
    var region = try Region.createDevice(path, .{});
    const size = region.size;
    try std.testing.expectEqual(before.descriptors, try os.file.openCount());
    const about = (try os.device.about((try os.device.numberAt(path)).?)).?;
    try std.testing.expectEqual(std.mem.alignBackward(usize, about.size, about.alignment), size);
    try std.testing.expectEqual(0, region.base % @max(region.granule, 4 << 20));
    try std.testing.expect(!region.zeroed and !region.lazy and !region.can_purge);
    try std.testing.expectEqual(size, region.committed());
    const memory = testing.bytes(region.base, region.size);
    @memset(memory[0..4096], 0xd1);
    memory[size - 1] = 0xd2;
    try std.testing.expectError(error.EBUSY, Region.createDevice(path, .{ .step = &step }));
    try std.testing.expectEqual(Step.lock, step);
    try std.testing.expectError(error.ENOSPC, Region.createDevice(path, .{ .size = size + 1, .step = &step }));
    try std.testing.expectEqual(Step.allocate, step);

    // Those who still look see zeros, and the device is free again.
    region.abandon();
    try std.testing.expect(region.isAbandoned());
    try std.testing.expectEqual(0, memory[0] | memory[4095] | memory[size - 1]);
    memory[0] = 1;
    var next = try Region.createDevice(path, .{ .size = size, .alignment = 4096, .hint = 0x2300_0000_0000 });
    if (!@import("options").thread_sanitizer) try std.testing.expectEqual(0x2300_0000_0000, next.base);
    try std.testing.expectEqual(0xd1, testing.bytes(next.base, 1)[0]);
    try std.testing.expectEqual(0xd2, testing.bytes(next.base, size)[size - 1]);
    next.release(); // without being abandoned first
    region.release();
    try before.expectUnchanged();
}

test "a device: nothing is left, whichever call fails" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    const path = try lent();
    defer os.fault.disarm();
    for ([_]Error{ error.ENOMEM, error.EINTR, error.EIO }) |injected| {
        const before = try testing.Holdings.now();
        var n: u64 = 1;
        while (true) : (n += 1) {
            errdefer std.debug.print("call {d} fails with {t}\n", .{ n, injected });
            os.fault.arm(n, injected);
            const made = Region.createDevice(path, .{});
            const done = os.fault.count() < n;
            os.fault.disarm();
            if (made) |region| {
                var ours = region;
                ours.release();
            } else |err| try std.testing.expectEqual(injected, err);
            try before.expectUnchanged();
            if (done) break;
        }
        // Look at the path, the link and two numbers, open, lock, reserve, map, touch.
        try std.testing.expect(n > 15);
    }
}

test "a device cannot be used without huge pages if it consists of them" {
    const path = try lent();
    const linux = std.os.linux;
    var region = try Region.createDevice(path, .{});
    const unit = region.granule;
    region.release();
    const before = try testing.Holdings.now();
    const set: i32 = @backingInt(linux.PR.SET_THP_DISABLE);
    try std.testing.expectEqual(0, linux.prctl(set, 1, 0, 0, 0));
    defer _ = linux.prctl(set, 0, 0, 0, 0);
    const made = Region.createDevice(path, .{});
    if (unit > os.memory.pageSize()) return std.testing.expectError(error.EOPNOTSUPP, made);
    region = try made;
    region.release();
    try before.expectUnchanged();
}

test "abandoning a device without a mapping to spare keeps it busy until it works" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    const path = try lent();
    defer os.fault.disarm();
    const before = try testing.Holdings.now();
    var region = try Region.createDevice(path, .{});
    os.fault.armCallFrom(.mmap, 1, error.ENOMEM);
    region.abandon();
    os.fault.disarm();
    try std.testing.expect(!region.isAbandoned());
    try std.testing.expectError(error.EBUSY, Region.createDevice(path, .{}));
    region.abandon();
    try std.testing.expect(region.isAbandoned());
    var next = try Region.createDevice(path, .{});
    next.release();
    region.release();
    try before.expectUnchanged();
}
