//! The walker: whether a heap's knowledge of itself is consistent. It costs time by the metadata in use, never
//! reads the pool's own bytes, and assumes that everything cached was taken back and `members` is held
//! (`Heap.check`). It takes every lock of the heap, in their order.
//!
//! 1. The descriptors tile the pages from `bottom` to `top` without gap or overlap, and the heads of a
//!    run's first and last page (all pages of a slab) name its descriptor.
//! 2. No two free runs are side by side; the free runs are exactly those in the lists and the tree, and their pages
//!    are counted right.
//! 3. Class bytes: none on free pages and inside runs, the run's class on its first page, the slab's on all.
//! 4. A slab's bitmap has as many bits as `free` says, none beyond its blocks; its arena exists.
//! 5. A slab with free blocks is its shard's current one or in its tree, a full or empty one is not in the tree
//!    (empty ones were released, but for the current one).
//! 6. Each shard's counts of slabs, of those in its tree, and of blocks that are out are what its slabs say.
//! 7. Pages in use are counted right, and never more than the peak.
//! 8. Every used page of a lazy region has storage.
//! 9. Where the heap keeps states, a slab's pages and a run's first one lead to their own.

const std = @import("std");
const classes = @import("classes.zig");
const Heap = @import("Heap.zig");
const Metadata = @import("Metadata.zig");

pub const Report = ?*const fn (text: []const u8) void;

const Walk = struct {
    h: *Heap,
    report: Report,
    good: bool = true,
    used: u64 = 0,
    free: u64 = 0,
    free_runs: u64 = 0,

    fn expect(w: *Walk, holds: bool, invariant: u8, page: u32, what: []const u8) void {
        if (holds) return;
        w.good = false;
        const tell = w.report orelse return;
        var buffer: [160]u8 = undefined;
        tell(std.fmt.bufPrint(&buffer, "Heap invariant {d} broken at page {d}: {s}", .{ invariant, page, what }) catch what);
    }
};

pub fn walk(h: *Heap, report: Report) bool {
    lockAll(h);
    defer unlockAll(h);
    var w: Walk = .{ .h = h, .report = report };
    tiles(&w);
    tree(&w);
    if (w.good) shards(&w); // its loops rely on a sound tiling
    const runs = &h.runs;
    w.expect(w.used == runs.used_pages, 7, runs.top, "the count of used pages is wrong");
    w.expect(runs.used_pages <= runs.used_pages_peak, 7, runs.top, "more pages are used than at the peak");
    w.expect(w.free == runs.free_pages, 2, runs.top, "the count of free pages is wrong");
    return w.good;
}

/// Every shard, then the runs.
pub fn lockAll(h: *Heap) void {
    for (h.arenas[0..h.arena_count]) |*arena| for (&arena.shards) |*s| s.lock.lock();
    h.runs.lock.lock();
}

pub fn unlockAll(h: *Heap) void {
    h.runs.lock.unlock();
    for (h.arenas[0..h.arena_count]) |*arena| for (&arena.shards) |*s| s.lock.unlock();
}

fn tiles(w: *Walk) void {
    const h = w.h;
    const runs = &h.runs;
    var page = runs.bottom;
    var previous_free = false;
    while (page < runs.top) {
        const number = h.metadata.heads[page];
        if (number == 0 or number >= h.metadata.units_top) return w.expect(false, 1, page, "no descriptor");
        const d = h.metadata.descriptor(number);
        if (d.start != page or d.pages == 0 or d.pages > runs.top - page)
            return w.expect(false, 1, page, "the descriptor is of other pages");
        w.expect(h.metadata.heads[page + d.pages - 1] == number, 1, page, "the last page names another descriptor");
        switch (d.kind) {
            .unused => return w.expect(false, 1, page, "the descriptor is not in use"),
            .free_run => {
                w.expect(!previous_free, 2, page, "two free runs are side by side");
                w.expect(allClass(h, page, d.pages, classes.none), 3, page, "a free page has a class");
                w.free += d.pages;
                w.free_runs += 1;
            },
            .run => {
                w.used += d.pages;
                w.expect(h.metadata.classes[page] == d.class and (d.guarded or d.class == classes.ofRun(d.pages)), 3, page, "the class is not the run's");
                w.expect(allClass(h, page + 1, d.pages - 1, classes.none), 3, page, "a page inside a run has a class");
                w.expect(!h.states or h.metadata.state_places[page] == h.metadata.statePlace(number, d.class), 9, page, "the run's state is elsewhere");
                storage(w, d);
            },
            .slab => {
                w.used += d.pages;
                slab(w, d, number);
                storage(w, d);
            },
        }
        previous_free = d.kind == .free_run;
        page += d.pages;
    }
}

fn allClass(h: *Heap, page: u32, pages: u32, class: u8) bool {
    return std.mem.allEqual(u8, h.metadata.classes[page..][0..pages], class);
}

fn slab(w: *Walk, d: *Metadata.Descriptor, number: u32) void {
    const h = w.h;
    if (!classes.isSmall(d.class)) return w.expect(false, 4, d.start, "the slab has no small class");
    const geometry = classes.table[d.class];
    const fitting = @as(usize, d.pages) * classes.page_size / geometry.size;
    w.expect(d.pages <= geometry.pages and d.blocks == fitting, 4, d.start, "the slab is not of its class");
    w.expect(d.arena < h.arena_count, 4, d.start, "the slab's arena does not exist");
    w.expect(allClass(h, d.start, d.pages, d.class), 3, d.start, "a page of the slab has another class");
    w.expect(std.mem.allEqual(u32, h.metadata.heads[d.start..][0..d.pages], number), 1, d.start, "a page of the slab names another descriptor");
    if (h.states) places(w, d, number);
    var bits: usize = 0;
    for (d.words()) |word| bits += @popCount(word);
    w.expect(bits == d.free, 4, d.start, "the bitmap and the count of free blocks differ");
    const words = d.words();
    const tail: u6 = @intCast(d.blocks % 64);
    if (tail != 0) w.expect(words[words.len - 1] >> tail == 0, 4, d.start, "a block beyond the slab is free");
    if (d.arena >= h.arena_count) return;
    const current = h.shard(d.arena, d.class).current == number;
    const should_list = !current and d.free > 0 and d.free < d.blocks;
    w.expect(d.listed == should_list, 5, d.start, "the slab is listed wrongly");
    w.expect(current or d.free < d.blocks, 5, d.start, "an empty slab was not released");
}

fn places(w: *Walk, d: *Metadata.Descriptor, number: u32) void {
    const units = classes.stateUnits(d.class);
    const first = number + Metadata.statesAt(d.class);
    w.expect(d.units >= first - number + d.pages * units, 9, d.start, "the slab's states are outside its descriptor");
    for (w.h.metadata.state_places[d.start..][0..d.pages], 0..) |place, i| {
        const unit = first + @as(u32, @intCast(i)) * units;
        w.expect(place == w.h.metadata.statePlace(unit, d.class), 9, d.start, "the slab's states are elsewhere");
    }
}

fn storage(w: *Walk, d: *Metadata.Descriptor) void {
    const region = w.h.region;
    if (!region.lazy) return;
    const first = @as(usize, d.start) * classes.page_size / region.granule;
    const last = ((@as(usize, d.start) + d.pages) * classes.page_size - 1) / region.granule;
    for (w.h.metadata.granules[first .. last + 1]) |state| w.expect(state == 1, 8, d.start, "a used page has no storage");
}

fn tree(w: *Walk) void {
    const runs = &w.h.runs;
    var listed: u64 = 0;
    var found = runs.free.atLeast(1);
    while (found != 0) : (found = runs.free.next(found)) {
        const d = runs.metadata.descriptor(found);
        w.expect(d.kind == .free_run, 2, d.start, "a listed run is not free");
        listed += 1;
        if (d.kind != .free_run or listed > w.free_runs) break;
    }
    w.expect(listed == w.free_runs, 2, runs.top, "the lists do not have all free runs");
}

/// Per shard: what its slabs say, gathered in one pass over the pages.
fn shards(w: *Walk) void {
    const h = w.h;
    const arenas = h.arenas[0..h.arena_count];
    for (arenas) |*arena| for (&arena.shards) |*s| {
        s.walked = .{};
    };
    var page = h.runs.bottom;
    while (page < h.runs.top) {
        const d = h.metadata.descriptor(h.metadata.heads[page]);
        page += d.pages;
        if (d.kind != .slab) continue;
        const walked = &h.shard(d.arena, d.class).walked;
        walked.slabs += 1;
        walked.out += d.blocks - d.free;
        walked.nonfull += @intFromBool(d.listed);
    }
    for (arenas) |*arena| for (arena.shards[1 .. classes.small_count + 1]) |*s| {
        w.expect(s.walked.slabs == s.slabs, 6, page, "a shard's count of slabs is wrong");
        w.expect(s.walked.nonfull == s.nonfull, 6, page, "a shard's count of slabs with free blocks is wrong");
        w.expect(s.walked.out == s.out, 6, page, "a shard's count of blocks that are out is wrong");
    };
}
