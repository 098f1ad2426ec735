//! NUMA nodes: which memory pages come from.
//!
//! A range has a policy (mbind), and so has a thread (set_mempolicy), which is what counts where storage is allocated without
//! a mapping, as by fallocate. "Preferred" is used, not "bind": where a bound node is full the kernel kills a process.

const std = @import("std");
const sys = @import("sys.zig");
const memory = @import("memory.zig");
const Error = @import("errno.zig").Error;

/// Nodes are below it. Kernels have at most 1024 and want masks that are not smaller than theirs.
pub const limit = 1024;
/// What the calls are told: the kernel takes one off.
const mask_bits = limit + 1;

const Mask = [limit / 64]u64;

/// From linux/mempolicy.h.
const preferred = 1;
const flag_mems_allowed = 4;
const flag_move = 2;

fn maskOf(node: u32) Mask {
    var mask: Mask = @splat(0);
    mask[node / 64] = @as(u64, 1) << @intCast(node % 64);
    return mask;
}

/// Whether the node exists, has memory, and may be used by this process. ENOSYS: a kernel without NUMA; EPERM: the calls are not
/// permitted, as in some containers.
pub fn isAllowed(node: u32) Error!bool {
    if (node >= limit) return false;
    var mask: Mask = @splat(0);
    _ = try sys.call(.get_mempolicy, .{ 0, &mask, mask_bits, 0, flag_mems_allowed });
    return mask[node / 64] >> @intCast(node % 64) & 1 != 0;
}

/// Pages of the range come from the node as long as it has any; those of private memory that are there already move.
pub fn prefer(address: usize, length: usize, node: u32) Error!void {
    const mask = maskOf(node);
    _ = try sys.call(.mbind, .{ address, length, preferred, &mask, mask_bits, flag_move });
}

/// What a thread's policy was.
pub const Policy = struct {
    mode: i32,
    mask: Mask,

    /// From now on the calling thread's pages come from the node. `leave` ends it.
    pub fn enter(node: u32) Error!Policy {
        var before: Policy = .{ .mode = 0, .mask = @splat(0) };
        _ = try sys.call(.get_mempolicy, .{ &before.mode, &before.mask, mask_bits, 0, 0 });
        const mask = maskOf(node);
        _ = try sys.call(.set_mempolicy, .{ preferred, &mask, mask_bits });
        return before;
    }

    pub fn leave(before: *const Policy) void {
        // Twice, because it cannot be told to anybody that the thread still has the other one.
        _ = sys.call(.set_mempolicy, .{ before.mode, &before.mask, mask_bits }) catch
            sys.attempt(.set_mempolicy, .{ before.mode, &before.mask, mask_bits });
    }
};

test "the first node, and one that is not there" {
    const there = isAllowed(0) catch |err| switch (err) {
        error.ENOSYS, error.EPERM => return error.SkipZigTest, // no NUMA here
        else => return err,
    };
    if (!there) return error.SkipZigTest;
    try std.testing.expect(!try isAllowed(limit - 1));
    try std.testing.expect(!try isAllowed(limit));
    const page = memory.pageSize();
    const address = try memory.mapAnonymous(page);
    defer memory.unmap(address, page) catch {};
    try prefer(address, page, 0);
    try std.testing.expectError(error.EINVAL, prefer(address, page, limit - 1));

    const outer = try Policy.enter(0);
    const inner = try Policy.enter(0);
    try std.testing.expectEqual(preferred, inner.mode);
    try std.testing.expectEqual(1, inner.mask[0]);
    inner.leave();
    outer.leave();
    const now = try Policy.enter(0);
    now.leave();
    try std.testing.expectEqual(outer, now);
}
