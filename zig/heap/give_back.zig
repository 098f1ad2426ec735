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
    const began = if (h.frugal.is) os.thread.nowNs() else 0;
    // The quarantine of level 3 is not what others cached: it stays.
    _ = if (h.hardening >= 3) h.runs.trim() else h.trim();
    if (h.frugal.is) pay(h, began);
}

/// As `whenDue` where locks are held: what is cached stays where it is.
pub fn runsWhenDue(h: *Heap) void {
    if (isDue(h)) _ = h.runs.trim();
}

pub fn decayMs(h: *const Heap) i64 {
    return @atomicLoad(i64, &h.decay_ms, .monotonic);
}

/// As `whenDue` where a block was freed.
pub fn whenFreed(h: *Heap) void {
    if (isDue(h) or h.frugal.is and isPaid(h)) perform(h);
}

/// Whether the heap gives storage back by itself.
pub fn inTime(h: *const Heap) bool {
    return h.region.lazy and decayMs(h) >= 0;
}

/// Whether enough was freed since the last time to be worth system calls, and that was long enough ago. True for one
/// caller only.
pub fn isDue(h: *Heap) bool {
    if (!inTime(h)) return false;
    const least = if (h.frugal.is) frugal_enough else @max(h.region.granule, enough);
    // What is scattered keeps whole granules, however few its bytes are.
    if (@atomicLoad(u64, &h.runs.dirty_pages, .monotonic) * classes.page_size < least and
        @atomicLoad(u64, &h.runs.idle_granules, .monotonic) * h.region.granule < idle_factor * least) return false;
    if (!h.region.can_purge) return false;
    const decay_ms = decayMs(h);
    if (decay_ms <= 0) return decay_ms == 0; // it may be set meanwhile
    return claim(h, os.thread.nowNs());
}

/// Bytes freed that are worth it in any case.
const enough = 2 << 20;
/// Storage that would come back is worth it from this many times as much: a block of a few pages that comes and goes by itself in a
/// granule must not cost system calls each time.
const idle_factor = 4;

/// As `isDue`, however little was freed: blocks that threads have cached keep storage too. For one free in many, because it costs
/// what it costs even if there is nothing.
pub fn isDueByTime(h: *Heap, now: u64) bool {
    return decayMs(h) > 0 and h.region.lazy and h.region.can_purge and claim(h, now);
}

fn claim(h: *Heap, now: u64) bool {
    const wait_ns = @as(u64, @max(0, decayMs(h))) *| std.time.ns_per_ms;
    const last = @atomicLoad(u64, &h.trimmed_ns, .monotonic);
    if (now -| last < wait_ns) return false;
    return @cmpxchgStrong(u64, &h.trimmed_ns, last, now, .monotonic, .monotonic) == null;
}

// A frugal heap gives back at once what is freed, be it a single small block, and pays for that with time: sixteen times what it took, so that it seldom takes more than a sixteenth of the
// program's. Time in which it did not is saved up, to a limit, and so is debt, so that one that took long does not put off the next
// for long. A few times in a row it goes at once whatever it costs (a disk that is busy takes milliseconds), for programs that
// look at the file after every block.

pub const Frugal = struct {
    is: bool,
    /// Until when giving back is paid for, in either way.
    paid_ns: u64 = 0,
    passes_ns: u64 = 0,
};

const price = 16;
const saved_max_ns = 32 * std.time.ns_per_ms;
const debt_max_ns = 16 * std.time.ns_per_ms;
const passes_max = 16;
const pass_ns = 64 * std.time.ns_per_ms;
/// Bytes freed that are not kept whatever it costs.
const frugal_enough = 4 << 20;

fn isPaid(h: *Heap) bool {
    if (!h.region.can_purge) return false;
    const now = os.thread.nowNs();
    return @atomicLoad(u64, &h.frugal.paid_ns, .monotonic) <= now or @atomicLoad(u64, &h.frugal.passes_ns, .monotonic) <= now;
}

/// What it cost since `began`. Of two threads that do it at once one may go unpaid.
fn pay(h: *Heap, began: u64) void {
    const now = os.thread.nowNs();
    const paid = @atomicLoad(u64, &h.frugal.paid_ns, .monotonic);
    if (paid <= began) {
        const from = @max(paid, now -| saved_max_ns);
        return @atomicStore(u64, &h.frugal.paid_ns, @min(from + price * (now -| began), now + debt_max_ns), .monotonic);
    }
    const passes = @max(@atomicLoad(u64, &h.frugal.passes_ns, .monotonic), now -| passes_max * pass_ns);
    @atomicStore(u64, &h.frugal.passes_ns, passes + pass_ns, .monotonic);
}
