//! What both forms of statistics are made of: the counts of one arena, and those of the whole pool.

const heap = @import("../heap.zig");

const counts = heap.counts;
const Heap = heap.Heap;

/// By class, less one: class 0 is none.
pub const Bins = [heap.small_count]counts.Bin;

pub const Totals = struct {
    small: Sum,
    /// Runs are the pool's; an arena has none of its own.
    large: ?Sum = null,

    pub const Sum = struct { allocated: u64 = 0, nmalloc: u64 = 0, ndalloc: u64 = 0, nfills: u64 = 0, nflushes: u64 = 0 };
};

/// One arena. Blocks that a thread's cache holds count as allocated here: which arena's they are, the cache does not know.
pub const Arena = struct {
    threads: u32,
    bins: Bins,

    pub fn take(h: *Heap, index: u16) Arena {
        var arena: Arena = .{ .threads = counts.threads(h, index), .bins = undefined };
        for (&arena.bins, 1..) |*bin, class| bin.* = counts.binOf(h, index, @intCast(class));
        return arena;
    }

    pub fn totals(arena: *const Arena) Totals {
        return .{ .small = sumOf(&arena.bins, null) };
    }
};

/// All arenas. Allocated is what is live: what caches and depots hold is taken off.
pub const Merged = struct {
    bins: Bins,
    extents: [counts.extent_count]counts.Extent,
    cached: counts.Cached,

    pub fn take(h: *Heap) Merged {
        var merged: Merged = .{ .bins = @splat(.{}), .extents = undefined, .cached = counts.cached(h) };
        for (0..h.arena_count) |arena| {
            for (&merged.bins, 1..) |*bin, class| bin.add(counts.binOf(h, @intCast(arena), @intCast(class)));
        }
        for (&merged.extents, 0..) |*extent, group| extent.* = counts.extentCounts(h, group);
        return merged;
    }

    /// Runs of a group that caches and depots hold.
    pub fn cachedRuns(merged: *const Merged, group: usize) u64 {
        const class = counts.extentClass(group) orelse return 0;
        const extent = merged.extents[group];
        return @min(merged.cached[class], extent.taken - extent.given);
    }

    /// Bytes of the live runs of a group.
    pub fn liveBytes(merged: *const Merged, group: usize) u64 {
        return merged.extents[group].pages * heap.page_size - merged.cachedRuns(group) * counts.extentSize(group);
    }

    pub fn totals(merged: *const Merged) Totals {
        var large: Totals.Sum = .{};
        for (merged.extents, 0..) |extent, group| {
            large.allocated += merged.liveBytes(group);
            large.nmalloc += extent.taken;
            large.ndalloc += extent.given;
        }
        // Each goes and comes alone.
        large.nfills = large.nmalloc;
        large.nflushes = large.ndalloc;
        return .{ .small = sumOf(&merged.bins, &merged.cached), .large = large };
    }
};

fn sumOf(bins: *const Bins, cached: ?*const counts.Cached) Totals.Sum {
    var sum: Totals.Sum = .{};
    for (bins, 1..) |bin, class| {
        const held = if (cached) |c| @min(bin.out, c[class]) else 0;
        sum.allocated += (bin.out - held) * heap.classes_table[class].size;
        sum.nmalloc += bin.nmalloc;
        sum.ndalloc += bin.ndalloc;
        sum.nfills += bin.nfills;
        sum.nflushes += bin.nflushes;
    }
    return sum;
}

pub fn caches(h: *const Heap) bool {
    return h.cached_max > 0 and h.hardening < 3;
}

/// As the conf string has it.
pub fn junk(h: *const Heap) [:0]const u8 {
    return switch (h.junk) {
        .none => "false",
        .allocated => "alloc",
        .freed => "free",
        .both => "true",
    };
}

/// How much of the blocks of its slabs a class has out, in thousandths.
pub fn utilization(bin: counts.Bin, class: usize) u64 {
    const blocks = bin.curslabs * heap.classes_table[class].blocks;
    return if (blocks == 0) 1000 else @min(1000, bin.out * 1000 / blocks);
}
