//! When a lazy region's storage that no block needs goes back to the file system.
//!
//! Nothing runs by itself, so the slow paths ask, as the last thing they do, those of allocating included: the thread
//! that freed may never call again.

const std = @import("std");
const os = @import("../os.zig");
const classes = @import("classes.zig");
const Heap = @import("Heap.zig");

/// Gives back what is due. What threads and depots have cached comes back first: a block here and there would keep
/// its granule. No lock is held.
pub fn whenDue(h: *Heap) void {
    if (isDue(h)) perform(h);
}

/// What `whenDue` does after `isDue`.
pub fn perform(h: *Heap) void {
    // The quarantine of level 3 is not what others cached: it stays.
    _ = if (h.hardening >= 3) h.runs.trim() else h.trim();
}

/// As `whenDue` where locks are held: what is cached stays where it is.
pub fn runsWhenDue(h: *Heap) void {
    if (isDue(h)) _ = h.runs.trim();
}

pub fn decayMs(h: *const Heap) i64 {
    return @atomicLoad(i64, &h.decay_ms, .monotonic);
}

/// Whether the heap gives storage back by itself.
pub fn inTime(h: *const Heap) bool {
    return h.region.lazy and decayMs(h) >= 0;
}

/// Whether enough was freed since the last time to be worth system calls, and that was long enough ago. True for one
/// caller only.
pub fn isDue(h: *Heap) bool {
    if (!inTime(h)) return false;
    if (@atomicLoad(u64, &h.runs.dirty_pages, .monotonic) * classes.page_size < h.region.granule) return false;
    if (!h.region.can_purge) return false;
    const decay_ms = decayMs(h);
    if (decay_ms <= 0) return decay_ms == 0; // it may be set meanwhile
    const now = os.thread.nowNs();
    const wait_ns = @as(u64, @intCast(decay_ms)) *| std.time.ns_per_ms;
    const last = @atomicLoad(u64, &h.trimmed_ns, .monotonic);
    if (now -% last < wait_ns) return false;
    return @cmpxchgStrong(u64, &h.trimmed_ns, last, now, .monotonic, .monotonic) == null;
}
