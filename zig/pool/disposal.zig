//! The end of a pool: what its last user sets off, and the queue of address ranges that are unmapped later.
//!
//! A closed FFI pool's range is harmless anonymous memory when its last counted user leaves. There are users that
//! nobody counts: Deno's `node:net` keeps the address of a buffer it is still sending. So the range is not
//! unmapped at once but after some more closes *and* some time, while address space and mappings allow it. A pool of the
//! C face is unmapped at once, as its manual says.

const std = @import("std");
const os = @import("../os.zig");
const fork = @import("fork.zig");
const registry = @import("registry.zig");
const Range = @import("Range.zig");

/// A range is unmapped when this many closed after it and `age_min` has passed,
const closes_min = 8;
const age_min = 2 * std.time.ns_per_s;
/// or when there are more of them or they take more address space.
const count_max = 256;
const bytes_max = 16 << 40;

var first: ?*Range = null;
var last: ?*Range = null;
var count: usize = 0;
var bytes: usize = 0;

/// Called once in a range's life, by `Range.release`, when no user is left. `closed`: it was closed before.
pub fn finish(range: *Range, closed: bool) void {
    if (!closed) {
        registry.lock.lock();
        registry.unlink(range);
        fork.unfollow(range);
        registry.lock.unlock();
        range.heap.kill();
        abandon(range);
    }
    forget(range);
    range.sites.end();
    range.heap.destroy();
    if (range.numbered) {
        range.left_at = os.thread.nowNs();
        push(range);
        _ = sweep(.due);
    } else {
        range.region.release();
        recycle(range);
    }
}

/// Ranges whose storage is back but whose file is still mapped, because the process had no mapping to spare.
var waiting: ?*Range = null;
var waiting_any: std.atomic.Value(bool) = .init(false);

/// Takes the storage of a closed range away. The caller keeps it from being released.
pub fn abandon(range: *Range) void {
    range.region.abandon();
    if (!range.region.isAbandoned()) {
        registry.lock.lock();
        defer registry.lock.unlock();
        range.next = waiting;
        waiting = range;
        waiting_any.store(true, .monotonic);
    }
    retry();
}

/// Tries again what could not be abandoned before.
pub fn retry() void {
    if (!waiting_any.load(.monotonic)) return;
    registry.lock.lock();
    defer registry.lock.unlock();
    while (waiting) |range| {
        range.region.abandon();
        if (!range.region.isAbandoned()) return;
        waiting = range.next;
        range.next = null;
    }
    waiting_any.store(false, .monotonic);
}

/// Before the range goes to the queue of the unmapped: it has only one link.
fn forget(range: *Range) void {
    if (!waiting_any.load(.monotonic)) return;
    registry.lock.lock();
    defer registry.lock.unlock();
    var link = &waiting;
    while (link.*) |other| {
        if (other == range) {
            link.* = range.next;
            break;
        }
        link = &other.next;
    }
    waiting_any.store(waiting != null, .monotonic);
}

pub const Which = enum { due, all };

/// Unmaps ranges of the queue: those that are due, or all of them when address space has run out. True if there
/// was one.
pub fn sweep(which: Which) bool {
    var any = false;
    while (pop(which)) |range| {
        range.region.release();
        recycle(range);
        any = true;
    }
    return any;
}

fn push(range: *Range) void {
    registry.lock.lock();
    defer registry.lock.unlock();
    range.next = null;
    if (last) |tail| tail.next = range else first = range;
    last = range;
    count += 1;
    bytes += range.region.length();
}

fn pop(which: Which) ?*Range {
    const now = os.thread.nowNs();
    registry.lock.lock();
    defer registry.lock.unlock();
    const range = first orelse return null;
    const old = count > closes_min and now -% range.left_at >= age_min;
    if (which == .due and !old and count <= count_max and bytes <= bytes_max) return null;
    first = range.next;
    if (first == null) last = null;
    count -= 1;
    bytes -= range.region.length();
    return range;
}

fn recycle(range: *Range) void {
    registry.lock.lock();
    defer registry.lock.unlock();
    registry.giveRecord(range);
}
