//! Where the threads of an arena exchange free blocks of a class in batches: what overflows one thread's cache
//! fills another's, under one short lock, without a look at the slabs.
//!
//! A depot is a stack of cells in its shard, guarded by the shard's lock. What it holds counts
//! against the heap's budget for cached bytes.

const std = @import("std");
const classes = @import("classes.zig");
const records = @import("records.zig");
const Heap = @import("Heap.zig");

const bytes_max = 8 << 20;

/// The most cells that are given or taken at once.
pub const batch_max = 127;

fn capacity(class: u8) u32 {
    return std.math.clamp(bytes_max / classes.sizes[class], 8, 1024);
}

/// Gives cells to the arena's depot. False, and nothing was done, if that has enough of them.
pub fn give(h: *Heap, arena: u16, class: u8, cells: []const usize) bool {
    const to = h.shard(arena, class);
    const count: u32 = @intCast(cells.len);
    if (@atomicLoad(u32, &to.depot_count, .monotonic) + count > capacity(class)) return false;
    const bytes = @as(u64, count) * classes.sizes[class];
    if (!h.takeBudget(bytes)) return false;
    to.lock.lock();
    defer to.lock.unlock();
    if (to.depot_count + count > capacity(class) or !hasRecord(h, to, class)) {
        h.giveBudget(bytes);
        return false;
    }
    h.runs.full.note();
    @memcpy(to.depot.?[to.depot_count..][0..count], cells);
    @atomicStore(u32, &to.depot_count, to.depot_count + count, .monotonic);
    _ = @atomicRmw(u32, &h.depot_counts[class], .Add, count, .monotonic);
    return true;
}

/// Fills cells from the arena's depot, or another's; says how many.
pub fn take(h: *Heap, arena: u16, class: u8, cells: []usize) usize {
    if (@atomicLoad(u32, &h.depot_counts[class], .monotonic) == 0) return 0;
    for (0..h.arena_count) |i| {
        const from = h.shard(@intCast((arena + i) % h.arena_count), class);
        if (@atomicLoad(u32, &from.depot_count, .monotonic) == 0) continue;
        from.lock.lock();
        defer from.lock.unlock();
        const count: u32 = @intCast(@min(cells.len, from.depot_count));
        if (count == 0) continue;
        const rest = from.depot_count - count;
        @memcpy(cells[0..count], from.depot.?[rest..][0..count]);
        @atomicStore(u32, &from.depot_count, rest, .monotonic);
        _ = @atomicRmw(u32, &h.depot_counts[class], .Sub, count, .monotonic);
        h.giveBudget(@as(u64, count) * classes.sizes[class]);
        return count;
    }
    return 0;
}

/// All blocks of all depots go back to slabs and runs.
pub fn drainAll(h: *Heap) void {
    for (1..classes.cached_count + 1) |class| drain(h, @intCast(class));
}

/// As `drainAll` for one class.
pub fn drain(h: *Heap, class: u8) void {
    var cells: [batch_max]usize = undefined;
    while (true) {
        const count = take(h, 0, class, &cells);
        if (count == 0) break;
        h.putCells(class, cells[0..count]);
    }
}

/// As `drainAll` when the blocks are nobody's any more.
pub fn dropAll(h: *Heap) void {
    var cells: [batch_max]usize = undefined;
    for (1..classes.cached_count + 1) |class| {
        while (take(h, 0, @intCast(class), &cells) > 0) {}
    }
}

/// The memory of the depots; those of classes that no depot ever had are not touched.
pub fn destroyAll(h: *Heap) void {
    for (h.depot_used, 0..) |used, class| {
        if (!used) continue;
        for (h.arenas[0..h.arena_count]) |*arena| {
            const cells = arena.shards[class].depot orelse continue;
            records.give(@intFromPtr(cells), recordLen(@intCast(class)));
        }
    }
}

/// Under the shard's lock.
fn hasRecord(h: *Heap, shard: *Heap.Shard, class: u8) bool {
    if (shard.depot != null) return true;
    shard.depot = @ptrFromInt(records.take(recordLen(class)) orelse return false);
    @atomicStore(bool, &h.depot_used[class], true, .monotonic);
    return true;
}

fn recordLen(class: u8) usize {
    return capacity(class) * @sizeOf(usize);
}
