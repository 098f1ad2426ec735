//! What forks do to heaps.
//!
//! In the child there is one thread. What others were doing to their caches without a lock stops half way, which commit-first
//! (Cache.zig) makes harmless: a block that was just being taken or given is in nobody's hands, the rest is whole. What is done
//! under locks is whole if the thread that forks holds those locks.
//!
//! **A heap whose bytes stay the parent's** is dead in the child (`bury`). Only its list of caches must be whole (`prepare`).
//!
//! **A heap that the child gets for itself** lives on: every lock of it is held around the fork (`hold`), and in the child what
//! the other threads had cached is free again (`adopt`).

const region_layer = @import("../region.zig");
const classes = @import("classes.zig");
const memcheck = @import("memcheck.zig");
const records = @import("records.zig");
const thread = @import("thread.zig");
const Heap = @import("Heap.zig");

/// Before a fork: nobody joins, leaves or reclaims until `parent`.
pub fn prepare(h: *Heap) void {
    h.members.hold();
}

pub fn parent(h: *Heap) void {
    h.members.letGo();
}

/// In the child, before the heaps' own, where the locks of `holdShared` are not held.
pub fn child() void {
    thread.lives.reset();
    records.reset();
}

/// In the child: the heap is dead.
pub fn bury(h: *Heap) void {
    resetLocks(h);
    memcheck.inherited(h);
    h.dead = true;
    h.runs.closed = true;
    while (h.caches) |c| {
        c.lock.reset();
        c.kill();
        h.unlink(c);
    }
}

/// Whether somebody holds a lock of the heap.
pub fn isBusy(h: *const Heap) bool {
    if (h.members.isLocked() or h.runs.lock.isLocked() or h.quarantine.lock.isLocked()) return true;
    var cache = h.caches;
    while (cache) |c| : (cache = c.next) if (c.lock.isLocked()) return true;
    for (h.arenas[0..h.arena_count]) |*arena| for (&arena.shards) |*s| if (s.lock.isLocked()) return true;
    return false;
}

pub fn isBusyShared() bool {
    return records.lock.isLocked() or thread.lives.isLocked();
}

/// In the child: the heap is dead, and nothing else of it is changed.
pub fn end(h: *Heap) void {
    h.dead = true;
    h.runs.closed = true;
}

/// Before `hold`, and after `holdRecords`: what all heaps share, first and last in the order of locks.
pub fn holdLives() void {
    thread.lives.hold();
}

pub fn holdRecords() void {
    records.lock.hold();
}

pub fn letGoShared() void {
    records.lock.letGo();
    thread.lives.letGo();
}

pub fn resetShared() void {
    records.lock.reset();
    thread.lives.reset();
}

/// Takes every lock of the heap; the thread that forks walks through them (os/mutex.zig).
pub fn hold(h: *Heap) void {
    h.members.hold();
    var cache = h.caches;
    while (cache) |c| : (cache = c.next) c.lock.hold();
    h.quarantine.lock.hold();
    for (h.arenas[0..h.arena_count]) |*arena| for (&arena.shards) |*s| s.lock.hold();
    h.runs.lock.hold();
}

/// Ends `hold` in the parent.
pub fn letGo(h: *Heap) void {
    h.runs.lock.letGo();
    for (h.arenas[0..h.arena_count]) |*arena| for (&arena.shards) |*s| s.lock.letGo();
    h.quarantine.lock.letGo();
    var cache = h.caches;
    while (cache) |c| : (cache = c.next) c.lock.letGo();
    h.members.letGo();
}

fn resetLocks(h: *Heap) void {
    h.members.reset();
    h.runs.lock.reset();
    h.quarantine.lock.reset();
    for (h.arenas[0..h.arena_count]) |*arena| for (&arena.shards) |*s| s.lock.reset();
}

/// Ends `hold` in the child: the heap lives, for the one thread there is. What the others had cached is free; at most a block
/// a thread is lost.
pub fn adopt(h: *Heap) void {
    resetLocks(h);
    const own = thread.ownCache(h.handle);
    var cache = h.caches;
    while (cache) |c| {
        cache = c.next;
        c.lock.reset();
        if (c == own) continue;
        c.flush();
        h.unlink(c);
        thread.destroyOrphan(c);
    }
    // Others may have taken a part of it that they did not come to use.
    var cached: u64 = if (own) |c| c.held else 0;
    for (h.depot_counts, classes.sizes) |blocks, size| cached += @as(u64, blocks) * size;
    h.budget_used = cached;
}

/// The parts of the region that have contents, in ascending order. Nothing may change meanwhile.
pub const Used = struct {
    heap: *const Heap,
    page: u32,

    pub fn next(used: *Used) ?region_layer.Extent {
        const runs = &used.heap.runs;
        while (used.page < runs.top and used.isFree()) used.skip();
        if (used.page >= runs.top) return null;
        const first = used.page;
        while (used.page < runs.top and !used.isFree()) used.skip();
        return .{ .offset = @as(usize, first) * classes.page_size, .len = @as(usize, used.page - first) * classes.page_size };
    }

    fn isFree(used: *const Used) bool {
        const metadata = &used.heap.metadata;
        return metadata.descriptor(metadata.heads[used.page]).kind == .free_run;
    }

    fn skip(used: *Used) void {
        const metadata = &used.heap.metadata;
        used.page += metadata.descriptor(metadata.heads[used.page]).pages;
    }
};

pub fn usedOf(h: *const Heap) Used {
    return .{ .heap = h, .page = h.runs.bottom };
}

/// Gives up the storage that no used page needs.
pub fn drop(h: *Heap) void {
    _ = h.runs.trim();
}

/// Keeps the region from being changed by other threads, while `body` changes it.
pub fn withRegion(h: *Heap, comptime body: fn (*region_layer.Region) void) void {
    h.runs.lock.lock();
    defer h.runs.lock.unlock();
    body(h.region);
}
