//! What can still be allocated: within the limit of the heap's region, and with the storage that its file system has left.
//!
//! A program that runs out of memory is told both, and a cache asks before it does (`isLow`). What the file system says is what
//! an ordinary user may still take; quotas and the process's own limits it does not know.

const std = @import("std");
const Heap = @import("Heap.zig");
const Runs = @import("Runs.zig");

const page_size = @import("classes.zig").page_size;

/// What `left` says where no limit is known.
pub const unlimited: u64 = std.math.maxInt(i64);

/// Bytes of storage that the region's file system has left; `unlimited` where all storage is there from the start, or nothing says.
pub fn left(h: *const Heap) u64 {
    return @min(h.region.roomLeft() orelse unlimited, unlimited);
}

/// What can be taken of it: storage goes by granules.
fn obtainable(r: *const Runs, room: u64) u64 {
    return if (room == unlimited) room else room - room % r.region.granule;
}

/// Bytes of blocks that can still be allocated, given those that are live. The runs are locked.
pub fn available(r: *const Runs, allocated: u64, room: u64) u64 {
    const total = @as(u64, r.end - r.bottom) * page_size;
    const storage = (obtainable(r, room) +| r.region.committed()) -| r.bottom * page_size;
    return @min(total, storage) -| allocated;
}

/// Pages of the largest run that can be allocated once the caches are empty, of those that the limit allows (`most`): what
/// `Heap.reclaim` would get by giving the storage of unused granules back and taking it elsewhere. The runs are locked. Where the file
/// system is nearly full: by the number of lengths that free runs have.
pub fn largest(r: *const Runs, most: u32, room: u64) u32 {
    if (!r.region.lazy or room >= (@as(u64, most) + r.bottom) * page_size) return most;
    var storage = obtainable(r, room);
    const top = topRun(r);
    if (r.region.can_purge) {
        storage += idle(r, top).committed;
        const least: u32 = @intCast(@max(1, r.region.granule / page_size -| r.bottom));
        var found = r.free.atLeast(least);
        while (found != 0) : (found = r.free.next(found)) {
            const run = r.metadata.descriptor(found);
            if (run.start + run.pages != r.top) storage += idle(r, .{ .start = run.start, .stop = run.start + run.pages }).committed;
        }
    }
    // However long the run, it begins in a granule that is in use, or with one: but for the first, of which pages are withheld.
    var best: u64 = @min(most, (storage / page_size) -| r.bottom);
    // Runs that need no more than that as a whole. Of those of one length the first is taken.
    var found = r.free.atLeast(1);
    while (found != 0) {
        const run = r.metadata.descriptor(found);
        const stop = run.start + run.pages;
        if (stop != r.top and idle(r, .{ .start = run.start, .stop = stop }).bytes(r) <= storage) best = @max(best, run.pages);
        found = r.free.atLeast(run.pages + 1);
    }
    const behind = top.stop - top.start;
    if (idle(r, top).bytes(r) <= storage) best = @max(best, behind);
    return @intCast(best);
}

const Span = struct { start: u32, stop: u32 };

/// The free pages that end with the region.
fn topRun(r: *const Runs) Span {
    var start = r.top;
    if (r.top > r.bottom) {
        const d = r.metadata.descriptor(r.metadata.heads[r.top - 1]);
        if (d.kind == .free_run) start = d.start;
    }
    return .{ .start = start, .stop = r.end };
}

/// The granules that only free pages of a span lie in.
const Idle = struct {
    first: usize,
    stop: usize,
    committed: u64,

    fn bytes(i: Idle, r: *const Runs) u64 {
        return (i.stop -| i.first) * @as(u64, r.region.granule);
    }
};

fn idle(r: *const Runs, span: Span) Idle {
    const granule = r.region.granule;
    const from: usize = if (span.start == r.bottom) 0 else span.start;
    const first = (from * page_size + granule - 1) / granule;
    const stop = if (span.stop == r.end) r.metadata.granules.len else @as(usize, span.stop) * page_size / granule;
    var committed: u64 = 0;
    for (first..@max(first, @min(stop, r.granules_end))) |i| committed += r.metadata.granules[i];
    return .{ .first = first, .stop = stop, .committed = committed * granule };
}

/// Whether fewer than `bytes` can still be allocated. Cheap while there is more: the counts of pages in use say so, and at
/// most one question to the file system. Only near the mark are free blocks in caches counted, as by `Heap.stats`.
pub fn isLow(h: *Heap, bytes: u64) bool {
    if (hasPages(h, bytes, 0) or hasPages(h, bytes, left(h))) return false;
    return h.stats().available < bytes;
}

fn hasPages(h: *Heap, bytes: u64, room: u64) bool {
    const r = &h.runs;
    r.lock.lock();
    defer r.lock.unlock();
    return available(r, r.used_pages * page_size, room) >= bytes;
}

const testing = std.testing;
const harness = @import("harness.zig");

test "what the file system has left bounds what can be allocated, by granules" {
    const pool = try harness.Pool.create(1, 64 << 20, .{ .lazy = true, .guards = false });
    defer pool.delete();
    const h = pool.heap;
    const r = &h.runs;
    const granule: u64 = h.region.granule;
    const all = r.end - r.bottom;
    try testing.expectEqual(unlimited, left(h));
    try testing.expectEqual(all, largest(r, all, unlimited));
    try testing.expectEqual(0, largest(r, all, granule - 1));
    try testing.expectEqual(0, available(r, 0, granule - 1));
    const withheld = @as(u64, r.bottom) * page_size;
    try testing.expectEqual(2 * granule - withheld, largest(r, all, 3 * granule - 1) * @as(u64, page_size));
    try testing.expectEqual(granule - withheld, available(r, granule, 2 * granule));
    const pages: u32 = @intCast(granule / page_size);
    for ([_]u32{ pages / 2, 2 * pages, pages / 4 }) |count| _ = h.takeRun(count, 1).?;
    try testing.expectEqual(all - r.used_pages, largest(r, r.largest(), 64 << 20));
    r.release(h.metadata.heads[r.bottom + pages / 2]);
    const most = r.largest();
    // What lies between is served by its own granule, which nobody needs now, and the edges of two others.
    try testing.expectEqual(2 * pages, largest(r, most, 0));
    try testing.expect(largest(r, most, 4 * granule) >= 4 * pages);
    try testing.expect(!isLow(h, 32 << 20));
    try testing.expect(isLow(h, 64 << 20));
}
