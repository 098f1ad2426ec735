//! The memory of one pool and everything that dies with it: region, heap, number of users.
//!
//! A slot of the registry leads to a range while its pool is open; the range lives on until its last user is gone.
//! Users are: threads (isolates) that created or attached the pool, buffers over its memory, calls that are slow
//! or wait, and for a pool of the C face the pool itself. They share one counter, in one word with the dead bit:
//!
//!     bits 0..30   references
//!     bit  31      dead: the pool is closed, no new user is let in
//!     bits 32..63  how often this record has served before
//!
//! so that one compare-and-swap takes a reference of a living pool or none at all. Records are recycled but their
//! memory stays a record's for good: a reader that comes late finds dead bit or another handle, never garbage.

const Range = @This();

const std = @import("std");
const assert = @import("../base.zig").assert;
const Heap = @import("../heap.zig").Heap;
const Region = @import("../region.zig").Region;
const Sites = @import("Sites.zig");
const disposal = @import("disposal.zig");
const waiting = @import("waiting.zig");

const reference: u64 = 1;
const references_mask: u64 = (1 << 31) - 1;
const dead_bit: u64 = 1 << 31;
const service: u64 = 1 << 32;

word: std.atomic.Value(u64) = .init(dead_bit),
handle: usize = 0,
slot: u32 = 0,
/// Handle is a number (FFI face), not an address.
numbered: bool = false,
/// The first page cannot be touched until the pool is closed.
protected: bool = false,
/// The pool goes on in the child of a fork, on memory of the child's own.
lives: bool = false,
/// The pool was inherited through a fork. Set in the child only, where nothing of it is ever freed.
inherited: std.atomic.Value(bool) = .init(false),
region: Region = undefined,
heap: *Heap = undefined,
/// Buffers over blocks: each is a user, and as long as there is one the pool cannot be reset.
arrays: std.atomic.Value(u32) = .init(0),
/// How often all blocks were freed at once, in this record's life.
resets: std.atomic.Value(u32) = .init(0),
/// What a program that reads statistics by name counts on.
epoch: std.atomic.Value(u64) = .init(1),
waiters: waiting.Queue = .{},
/// Where blocks were allocated, if somebody wants to know.
sites: Sites = .{},
/// Next in the one list the record is in: unused records, or one of `disposal`'s.
next: ?*Range = null,
/// When the last user left, on the monotonic clock, in ns.
left_at: u64 = 0,

/// Takes a reference of the range if it is alive and still the one `handle` means.
pub fn pin(range: *Range, handle: usize) bool {
    var word = range.word.load(.acquire);
    while (true) {
        if (word & dead_bit != 0) return false;
        assert(word & references_mask < references_mask);
        word = range.word.cmpxchgWeak(word, word + reference, .acquire, .acquire) orelse break;
    }
    // What the caller found the range by may have been used again since then.
    if (@atomicLoad(usize, &range.handle, .monotonic) == handle) return true;
    range.release();
    return false;
}

/// Another reference for one who already has one.
pub fn retain(range: *Range) void {
    const before = range.word.fetchAdd(reference, .acquire);
    assert(before & references_mask > 0 and before & references_mask < references_mask);
}

/// Drops a reference; the last one takes the pool down. Any thread, no allocation, no thread cache.
pub fn release(range: *Range) void {
    var word = range.word.load(.monotonic);
    while (true) {
        assert(word & references_mask > 0);
        const last = word & references_mask == reference;
        const left = (word - reference) | if (last) dead_bit else 0;
        word = range.word.cmpxchgWeak(word, left, .acq_rel, .monotonic) orelse {
            if (last) disposal.finish(range, word & dead_bit != 0);
            return;
        };
    }
}

/// Closes the range for new users; false if somebody was faster.
pub fn kill(range: *Range) bool {
    return range.word.fetchOr(dead_bit, .acq_rel) & dead_bit == 0;
}

/// Begins a life with one reference. `handle` and what the range holds are set.
pub fn revive(range: *Range) void {
    const word = range.word.load(.monotonic);
    assert(word & dead_bit != 0 and word & references_mask == 0);
    range.word.store((word +% service) & ~dead_bit | reference, .release);
}

pub fn isAlive(range: *const Range) bool {
    return range.word.load(.acquire) & dead_bit == 0;
}

/// For a fork's child: closed, and never to be freed, because the parent's threads that hold references are not here.
pub fn inherit(range: *Range) void {
    range.inherited.store(true, .monotonic);
    _ = range.word.fetchAdd(reference, .monotonic);
    _ = range.word.fetchOr(dead_bit, .release);
}

pub fn isInherited(range: *const Range) bool {
    return range.inherited.load(.monotonic);
}

pub fn overlaps(a: *const Range, b: *const Range) bool {
    return a.region.start() < b.region.base + b.region.size and b.region.start() < a.region.base + a.region.size;
}

pub fn contains(range: *const Range, address: usize) bool {
    return address -% range.region.start() < range.region.length();
}

/// The range of a heap that was made over a range's region.
pub fn ofHeap(heap: *Heap) *Range {
    return @alignCast(@fieldParentPtr("region", heap.region));
}

test "a dead range lets nobody in, and its handle must match" {
    var range: Range = .{ .handle = 7 };
    try std.testing.expect(!range.pin(7));
    range.revive();
    try std.testing.expect(range.pin(7));
    try std.testing.expect(!range.pin(8));
    range.release();
    range.retain();
    try std.testing.expect(range.kill());
    try std.testing.expect(!range.kill());
    try std.testing.expect(!range.pin(7));
    range.release();
    try std.testing.expectEqual(reference | dead_bit | service, range.word.raw);
}
