//! Size classes: the block sizes of the heap, and everything that follows from a class at compile
//! time. Pure tables.
//!
//! Small classes contain jemalloc's (jemalloc(3), "Size classes"), so that no request gets a larger block than there: 8,
//! then steps of 16 to 512, then eight a doubling, to 14 KiB (71 classes). A small block comes from a slab of 1 to 16 pages.
//! Above that a block is a run of whole pages: runs of up to 256 pages (1 MiB) have a class too, so
//! that thread caches can keep them: every page count from 4 to 32, then sixteen a doubling. Larger
//! runs are exact in pages and share the class `large`, which no cache keeps.
//!
//! Class 0 is "nothing here". It and `large` have no blocks in any cache, so a pointer that is not
//! a cached block leads to a bin that is always full and from there to the slow path: bad pointers
//! cost the fast path nothing.

const std = @import("std");
const assert = std.debug.assert;

pub const page_shift = 12;
pub const page_size: usize = 1 << page_shift;

pub const small_count = 71;
pub const small_max: usize = 14336;
pub const run_pages_min: u32 = 4;
pub const run_pages_max: u32 = 256;
const run_count = (32 - 4 + 1) + 3 * 16;
pub const cached_max: usize = run_pages_max * page_size;
/// Classes that a thread cache keeps are 1 .. cached_count.
pub const cached_count = small_count + run_count;
pub const none: u8 = 0;
/// A run of more pages than any class has.
pub const large: u8 = cached_count + 1;
pub const count = cached_count + 2;

pub const Class = struct {
    /// Bytes of a block.
    size: u32,
    /// Pages of a slab; for a run class the pages of the block itself.
    pages: u16,
    /// Blocks in a slab; 1 for a run class.
    blocks: u16,
    /// The most blocks that a thread's cache keeps.
    magazine: u16,
};

pub const table: [count]Class = build();

/// ceil(2^32 / size): `(offset * reciprocal) >> 32` is `offset / size` for every offset below
/// 64 KiB, since the error of the product stays below 2^32 / size. 0 for classes without slabs, so
/// that the index of a run is 0 by the same formula.
pub const reciprocals: [count]u32 = blk: {
    var result: [count]u32 = @splat(0);
    for (1..small_count + 1) |i| result[i] = @intCast((@as(u64, 1) << 32) / table[i].size + 1);
    break :blk result;
};

pub const sizes: [count]u32 = blk: {
    var result: [count]u32 = undefined;
    for (&result, table) |*to, from| to.* = from.size;
    break :blk result;
};

/// Where blocks have a byte of state (hardening level 2): one byte for each granule of this many bits of the
/// address. A block starts at a granule, every granule has at most one block's start, and a page has whole
/// 64-byte units of granules. A run has one byte for its start.
pub const state_shifts: [count]u8 = blk: {
    var result: [count]u8 = @splat(page_shift);
    for (1..small_count + 1) |i| result[i] = @min(6, @ctz(table[i].size));
    break :blk result;
};

/// 64-byte units of states that a page of the class has.
pub fn stateUnits(class: u8) u8 {
    return @intCast((page_size >> @as(u6, @intCast(state_shifts[class]))) / 64);
}

/// Class of a request of up to `small_max` bytes, by `(size + 7) >> 3`.
pub const small_index: [small_max / 8 + 1]u8 align(64) = blk: {
    @setEvalBranchQuota(20_000);
    var result: [small_max / 8 + 1]u8 = undefined;
    var class: u8 = 1;
    for (&result, 0..) |*to, i| {
        while (table[class].size < i * 8) class += 1;
        to.* = class;
    }
    break :blk result;
};

/// The same without the 8-byte class, for heaps that keep a byte a block: at 8 the bytes would be an eighth of it.
pub const small_index_16: [small_max / 8 + 1]u8 align(64) = blk: {
    @setEvalBranchQuota(20_000);
    var result = small_index;
    for (&result) |*class| class.* = @max(class.*, 2);
    break :blk result;
};

/// Class of a run request, by its pages rounded up: `(size + 4095) >> 12`.
pub const run_index: [run_pages_max + 1]u8 align(64) = blk: {
    @setEvalBranchQuota(20_000);
    var result: [run_pages_max + 1]u8 = undefined;
    var class: u8 = small_count + 1;
    for (&result, 0..) |*to, pages| {
        while (table[class].pages < pages) class += 1;
        to.* = class;
    }
    break :blk result;
};

/// Class of a request, `large` where no cached class is big enough.
pub inline fn ofSize(size: usize) u8 {
    if (size <= small_max) return small_index[(size + 7) >> 3];
    if (size <= cached_max) return run_index[(size + page_size - 1) >> page_shift];
    return large;
}

/// Class of a request whose address must be a multiple of `alignment` (a power of two up to a page).
/// Blocks start at multiples of their size from a page boundary, so the class's size must be such a
/// multiple. The class of the size rounded up to one is: sizes are multiples of the spacing of their doubling, and where
/// the alignment is larger than that, the doubling's multiples of it are sizes themselves.
pub inline fn ofAligned(size: usize, alignment: usize) u8 {
    return ofSize(std.mem.alignForward(usize, @max(size, 1), alignment));
}

pub inline fn isSmall(class: u8) bool {
    return class -% 1 < small_count;
}

/// Pages that a run for this many bytes gets. Up to 256 pages a run has a class's page count, so
/// that it can be cached when it is freed.
pub fn runPages(size: usize) usize {
    const pages = (size + page_size - 1) >> page_shift;
    if (pages > run_pages_max) return pages;
    return table[run_index[@max(pages, run_pages_min)]].pages;
}

/// Class of a run of exactly this many pages; `large` also where no class has them.
pub fn ofRun(pages: usize) u8 {
    if (pages > run_pages_max) return large;
    const class = run_index[pages];
    return if (table[class].pages == pages) class else large;
}

/// Usable bytes of a block for a request of `size`; 0 for what no address space holds.
pub fn usable(size: usize) usize {
    const class = ofSize(size);
    if (class != large) return table[class].size;
    return if (size > std.math.maxInt(isize)) 0 else std.mem.alignForward(usize, size, page_size);
}

fn build() [count]Class {
    @setEvalBranchQuota(200_000);
    var result: [count]Class = @splat(.{ .size = 0, .pages = 0, .blocks = 0, .magazine = 0 });
    var next: usize = 1;
    var size: u32 = 8;
    while (size <= small_max) {
        const pages = slabPages(size);
        result[next] = .{
            .size = size,
            .pages = pages,
            .blocks = pages * page_size / size,
            .magazine = cells(size),
        };
        next += 1;
        size += step(size);
    }
    assert(next == small_count + 1);
    var pages: u16 = run_pages_min;
    while (pages <= run_pages_max) : (pages += if (pages < 32) 1 else @as(u16, 1) << (std.math.log2_int(u16, pages) - 4)) {
        const bytes = @as(u32, pages) * page_size;
        result[next] = .{ .size = bytes, .pages = pages, .blocks = 1, .magazine = cells(bytes) };
        next += 1;
    }
    assert(next == large);
    return result;
}

fn step(size: u32) u32 {
    if (size == 8) return 8;
    if (size < 512) return 16;
    return @as(u32, 1) << (std.math.log2_int(u32, size) - 3);
}

/// A thread's cache holds at most 1023 blocks of a class (8 KiB of cells) and 2 MiB (a few blocks where those are
/// large). How much of that it may use is the heap's budget.
fn cells(size: u32) u16 {
    return @intCast(std.math.clamp((2 << 20) / size, 8, 1023));
}

/// The smallest slab that leaves at most 1/64 of itself unused and holds enough blocks to make its
/// descriptor (64 bytes) and a refill worth it; where no slab of up to 16 pages does, the one with the
/// least tail. At most 256 blocks, whose bitmap fits the descriptor (512 for the 8-byte class). Larger slabs would be no
/// faster, and one block that lives long keeps all of its slab.
fn slabPages(size: u32) u16 {
    const blocks_min: usize = if (size <= 1024) 16 else 4;
    const blocks_max: usize = if (size == 8) 512 else 256;
    var best: u16 = 0;
    var best_tail: usize = std.math.maxInt(usize);
    for (1..17) |pages| {
        const bytes = pages * page_size;
        const blocks = bytes / size;
        if (blocks < blocks_min or blocks > blocks_max) continue;
        const tail = bytes - blocks * size;
        if (tail * 64 <= bytes) return pages;
        if (tail * 1024 / bytes < best_tail) {
            best_tail = tail * 1024 / bytes;
            best = pages;
        }
    }
    assert(best != 0);
    return best;
}

comptime {
    assert(count <= 255);
    for (1..small_count + 1) |i| {
        const class = table[i];
        assert(class.pages >= 1 and class.pages <= 16);
        assert(class.blocks >= 4 and class.blocks <= 512);
        assert(class.pages * page_size <= 1 << 16); // the reciprocals are exact
    }
}

test "the small classes contain jemalloc's" {
    const theirs = [_]u32{
        8,    16,   32,   48,   64,   80,   96,   112,  128,  160,   192,   224,
        256,  320,  384,  448,  512,  640,  768,  896,  1024, 1280,  1536,  1792,
        2048, 2560, 3072, 3584, 4096, 5120, 6144, 7168, 8192, 10240, 12288, 14336,
    };
    for (theirs) |size| try std.testing.expectEqual(size, usable(size));
    var doubling: usize = 16384;
    while (doubling <= 1 << 30) : (doubling *= 2) { // and so do those above
        for (0..4) |i| {
            const size = doubling + i * doubling / 4;
            try std.testing.expectEqual(size, usable(size));
        }
    }
}

test "every request gets the smallest class that holds it" {
    for (0..cached_max + 2) |size| {
        const class = ofSize(size);
        if (size > cached_max) {
            try std.testing.expectEqual(large, class);
            continue;
        }
        try std.testing.expect(table[class].size >= size);
        if (class > 1) try std.testing.expect(table[class - 1].size < size);
    }
}

test "a slab leaves little unused, and reciprocals divide exactly" {
    for (1..small_count + 1) |i| {
        const class = table[i];
        const bytes = class.pages * page_size;
        const tail = bytes - class.blocks * @as(usize, class.size);
        try std.testing.expect(tail * 40 <= bytes);
        for (0..bytes) |offset| {
            const index = (offset * reciprocals[i]) >> 32;
            try std.testing.expectEqual(offset / class.size, index);
        }
    }
}

test "an aligned request gets blocks that are multiples of the alignment" {
    var alignment: usize = 1;
    while (alignment <= page_size) : (alignment *= 2) {
        for (0..20_000) |size| {
            const class = ofAligned(size, alignment);
            try std.testing.expect(table[class].size >= size);
            try std.testing.expectEqual(0, table[class].size % alignment);
        }
    }
}
