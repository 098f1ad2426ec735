//! The order in which locks are taken, and whether a thread keeps to it.
//!
//! Every lock has a rank, known when the code is compiled. A thread that holds a lock may take only those of higher
//! ranks, so that no two threads can wait for each other. Builds with `options.verify` or `options.debug` look at every lock
//! before they wait for it, and stop the process at the first one out of order, whether or not another thread is there to make it a
//! deadlock. In other builds nothing of this exists.

const std = @import("std");
const builtin = @import("builtin");
const options = @import("options");

pub const enabled: bool = options.verify or options.debug;

/// First to last.
pub const Rank = enum(u8) {
    /// The table of kinds.
    kinds,
    /// From the first handler of a fork to the last.
    fork,
    /// The table of pools.
    registry,
    /// The end of threads' caches against that of their heaps.
    lives,
    /// A heap's list of caches. All heaps' at once only under `registry`.
    members,
    /// A thread's cache. Several only under `members`.
    cache,
    /// Blocks that wait at hardening level 3.
    quarantine,
    /// Slabs and depot of a class in an arena. Several only under `members`.
    shard,
    /// The runs of pages.
    runs,
    /// Leaves: while one of them is held no other lock is taken.
    records,
    waiting,
    sites,
    exit,

    /// What has to be held for more than one lock of the rank.
    fn guard(rank: Rank) ?Rank {
        return switch (rank) {
            .members => .registry,
            .cache, .shard => .members,
            else => null,
        };
    }

    fn isLeaf(rank: Rank) bool {
        return @backingInt(rank) >= @backingInt(Rank.records);
    }
};

const rank_count = std.enums.values(Rank).len;

/// How many locks of each rank a thread holds.
pub const Held = [rank_count]u16;

/// The held rank that forbids taking one of `rank`, or null.
fn conflict(held: *const Held, rank: Rank) ?Rank {
    for (std.enums.values(Rank)) |other| {
        if (held[@backingInt(other)] == 0) continue;
        if (other.isLeaf() or @backingInt(other) > @backingInt(rank)) return other;
        if (other != rank) continue;
        const guard = rank.guard() orelse return other;
        if (held[@backingInt(guard)] == 0) return other;
    }
    return null;
}

/// Before a lock is waited for.
pub fn check(rank: Rank) void {
    if (conflict(place(), rank)) |other| stop(rank, other);
}

/// After a lock was taken.
pub fn note(rank: Rank) void {
    place()[@backingInt(rank)] += 1;
}

/// Whoever unlocks is the one who locked.
pub fn drop(rank: Rank) void {
    const count = &place()[@backingInt(rank)];
    if (count.* == 0) @panic("A lock is freed by a thread that does not hold it");
    count.* -= 1;
}

/// In the child of a fork a lock is made new: if the thread that forked held it, it does no more.
pub fn forget(rank: Rank) void {
    place()[@backingInt(rank)] -|= 1;
}

fn stop(rank: Rank, other: Rank) noreturn {
    @branchHint(.cold);
    var buffer: [96]u8 = undefined;
    const text = "The order of locks is broken: \"{s}\" is taken while \"{s}\" is held";
    @panic(std.fmt.bufPrint(&buffer, text, .{ @tagName(rank), @tagName(other) }) catch text);
}

// Exported because the access by assembler needs its symbol; the version scripts keep it local. A library that is opened late
// must not allocate here, as other access to thread-local memory does: the program's malloc may be what locks.
export threadlocal var vmem_held_locks: Held = @splat(0);

const initial_exec = builtin.zig_backend == .stage2_llvm and !options.general_dynamic and builtin.cpu.arch == .x86_64;

fn place() *Held {
    if (!initial_exec) return &vmem_held_locks;
    const address = asm (
        \\movq %%fs:0, %[address]
        \\addq vmem_held_locks@GOTTPOFF(%%rip), %[address]
        : [address] "=r" (-> usize),
        :
        : .{ .cc = true });
    return @ptrFromInt(address);
}

fn holding(ranks: []const Rank) Held {
    var held: Held = @splat(0);
    for (ranks) |rank| held[@backingInt(rank)] += 1;
    return held;
}

test "ranks may rise, not fall" {
    for (std.enums.values(Rank)) |rank| {
        try std.testing.expectEqual(null, conflict(&holding(&.{}), rank));
        for (std.enums.values(Rank)) |other| {
            const rises = @backingInt(other) < @backingInt(rank) and !other.isLeaf();
            const found = conflict(&holding(&.{other}), rank);
            try std.testing.expectEqual(if (rises) null else other, found);
        }
    }
}

test "several locks of a rank are for who holds their guard" {
    try std.testing.expectEqual(null, conflict(&holding(&.{ .registry, .members }), .members));
    try std.testing.expectEqual(.members, conflict(&holding(&.{ .lives, .members }), .members).?);
    try std.testing.expectEqual(null, conflict(&holding(&.{ .members, .cache, .cache }), .cache));
    try std.testing.expectEqual(.cache, conflict(&holding(&.{ .lives, .cache }), .cache).?);
    try std.testing.expectEqual(null, conflict(&holding(&.{ .members, .cache, .shard }), .shard));
    try std.testing.expectEqual(.shard, conflict(&holding(&.{ .cache, .shard }), .shard).?);
    try std.testing.expectEqual(.runs, conflict(&holding(&.{ .members, .runs }), .runs).?);
}

test "what a thread holds is known while it holds it" {
    if (!enabled) return error.SkipZigTest; // built without options.verify
    const before = place().*;
    const Mutex = @import("mutex.zig").Mutex;
    var members: Mutex(.members) = .{};
    var shard: Mutex(.shard) = .{};
    members.lock();
    try std.testing.expect(shard.tryLock());
    try std.testing.expectEqual(.shard, conflict(place(), .cache).?);
    try std.testing.expect(!shard.tryLock());
    shard.unlock();
    try std.testing.expectEqual(null, conflict(place(), .cache));
    members.reset();
    try std.testing.expectEqual(before, place().*);
    members.reset(); // in a child, one that another thread held or nobody
    try std.testing.expectEqual(before, place().*);
}
