//! A heap's numbers by size class, for statistics: what the shards and the runs have counted, and what caches hold.
//!
//! Nothing here is counted on the hot paths. What passes between a thread's cache and the program leaves no trace;
//! what leaves and enters slabs and runs is counted under the lock that guards it. The blocks that are live are those that
//! are out, less those that caches and depots hold.
//!
//! Sizes of runs are grouped as jemalloc groups its large classes: every class that thread caches keep, and above 1 MiB
//! four a doubling.

const std = @import("std");
const assert = @import("../base.zig").assert;
const classes = @import("classes.zig");
const Heap = @import("Heap.zig");

/// One small class.
pub const Bin = struct {
    /// Blocks that left slabs, ever, and that came back.
    nmalloc: u64 = 0,
    ndalloc: u64 = 0,
    /// Batches in which they left and came.
    nfills: u64 = 0,
    nflushes: u64 = 0,
    /// Slabs ever made.
    nslabs: u64 = 0,
    curslabs: u64 = 0,
    /// Slabs with a free block, but the one that blocks are taken from.
    nonfull_slabs: u64 = 0,
    /// Blocks out of slabs, whether live or cached.
    out: u64 = 0,

    pub fn add(b: *Bin, other: Bin) void {
        inline for (@typeInfo(Bin).@"struct".field_names) |name| @field(b, name) += @field(other, name);
    }
};

/// One group of runs.
pub const Extent = extern struct {
    /// Runs that were taken, ever, and that were given back. A run that changes its size in place leaves one group and enters
    /// another.
    taken: u64 = 0,
    given: u64 = 0,
    /// Of the runs that are out.
    pages: u64 = 0,

    pub fn count(extents: *[extent_count]Extent, pages: u32, way: enum { take, give }) void {
        const e = &extents[extentOf(pages)];
        switch (way) {
            .take => {
                e.taken += 1;
                e.pages += pages;
            },
            .give => {
                e.given += 1;
                e.pages -= pages;
            },
        }
    }
};

/// Groups of runs.
pub const extent_count = run_classes + 4 * (32 - doubling_first);
const run_classes = classes.cached_count - classes.small_count;
/// Runs above `run_pages_max` pages: the doubling of the first group.
const doubling_first: u32 = std.math.log2_int(u32, classes.run_pages_max);

/// The group of runs of this many pages.
pub fn extentOf(pages: u32) usize {
    assert(pages > 0);
    if (pages <= classes.run_pages_max) return classes.run_index[@max(pages, classes.run_pages_min)] - classes.small_count - 1;
    const last = pages - 1;
    const doubling = std.math.log2_int(u32, last);
    const quarter = (last >> (doubling - 2)) - 4;
    return run_classes + 4 * @as(usize, doubling - doubling_first) + quarter;
}

/// Bytes of the largest run of a group.
pub fn extentSize(group: usize) u64 {
    if (group < run_classes) return classes.sizes[classes.small_count + 1 + group];
    const above = group - run_classes;
    const quarters: u64 = 5 + above % 4;
    return (quarters << @intCast(doubling_first - 2 + above / 4)) * classes.page_size;
}

/// The class whose blocks caches count for a group, or null: caches keep none of them.
pub fn extentClass(group: usize) ?u8 {
    return if (group < run_classes) @intCast(classes.small_count + 1 + group) else null;
}

/// What one arena has counted for a small class.
pub fn binOf(h: *Heap, arena: u16, class: u8) Bin {
    assert(classes.isSmall(class));
    const s = h.shard(arena, class);
    s.lock.lock();
    defer s.lock.unlock();
    return .{
        .nmalloc = s.nmalloc,
        .ndalloc = s.nmalloc - s.out,
        .nfills = s.nfills,
        .nflushes = s.nflushes,
        .nslabs = s.nslabs,
        .curslabs = s.slabs,
        .nonfull_slabs = s.nonfull,
        .out = s.out,
    };
}

/// What a group has counted.
pub fn extentCounts(h: *Heap, group: usize) Extent {
    h.runs.lock.lock();
    defer h.runs.lock.unlock();
    return h.runs.extents[group];
}

/// Blocks of each class in caches and depots. Nearly: their owners may be at work.
pub const Cached = [classes.count]u64;

pub fn cached(h: *Heap) Cached {
    h.members.lock();
    defer h.members.unlock();
    return cachedLocked(h);
}

/// Under `members`.
pub fn cachedLocked(h: *Heap) Cached {
    var result: Cached = @splat(0);
    var cache = h.caches;
    while (cache) |c| : (cache = c.next) {
        c.lock.lock();
        defer c.lock.unlock();
        c.countBlocks(&result);
    }
    for (h.arenas[0..h.arena_count]) |*arena| {
        for (arena.shards[1..], result[1 .. classes.cached_count + 1]) |*s, *sum| {
            sum.* += @atomicLoad(u32, &s.depot_count, .monotonic);
        }
    }
    return result;
}

/// Threads that have a cache and take their small blocks from an arena.
pub fn threads(h: *Heap, arena: u16) u32 {
    h.members.lock();
    defer h.members.unlock();
    var count: u32 = 0;
    var cache = h.caches;
    while (cache) |c| : (cache = c.next) count += @intFromBool(c.arena == arena);
    return count;
}

test "every run belongs to the smallest group that holds it" {
    var pages: u32 = 1;
    while (pages < 1 << 20) : (pages += 1 + pages / 97) {
        const group = extentOf(pages);
        const bytes = @as(u64, pages) * classes.page_size;
        try std.testing.expect(bytes <= extentSize(group));
        if (group > 0) try std.testing.expect(bytes > extentSize(group - 1));
    }
    try std.testing.expectEqual(extent_count - 1, extentOf(std.math.maxInt(u32)));
    try std.testing.expectEqual(1310720, extentSize(extentOf(257)));
    for (0..extent_count - 1) |i| try std.testing.expect(extentSize(i) < extentSize(i + 1));
}
