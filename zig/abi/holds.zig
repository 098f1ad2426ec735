//! Blocks that two buffers share for a moment.
//!
//! An array that is resized in place gets a new buffer over its old block. The old one dies when it is detached, or,
//! if unfinished I/O still uses it, any time later and on any thread; whichever dies first must leave the block alive. A
//! held block is one entry here, and the first death takes it out. There are as many entries as resizes whose I/O is
//! unfinished, and the one in progress on each thread, so a small table does; when it is full a resize moves the block.

const std = @import("std");

const capacity = 64;

var blocks: [capacity]std.atomic.Value(usize) = @splat(.init(0));
/// Lets the ordinary death of a buffer, which finds nothing here, pass by one load.
var count: std.atomic.Value(u32) = .init(0);

/// The next death of a buffer over this block does not free it. false: the table is full.
pub fn hold(block: usize) bool {
    std.debug.assert(block != 0);
    _ = count.fetchAdd(1, .seq_cst);
    for (&blocks) |*entry| {
        if (entry.cmpxchgStrong(0, block, .seq_cst, .monotonic) == null) return true;
    }
    _ = count.fetchSub(1, .seq_cst);
    return false;
}

/// Whether nobody has died yet.
pub fn isHeld(block: usize) bool {
    for (&blocks) |*entry| {
        if (entry.load(.seq_cst) == block) return true;
    }
    return false;
}

/// Called when a buffer over the block died: true if the block stays alive.
pub fn take(block: usize) bool {
    if (count.load(.seq_cst) == 0) return false;
    for (&blocks) |*entry| {
        if (entry.load(.monotonic) != block) continue;
        if (entry.cmpxchgStrong(block, 0, .seq_cst, .monotonic) != null) continue;
        _ = count.fetchSub(1, .seq_cst);
        return true;
    }
    return false;
}

test "the first of two deaths leaves the block alive" {
    try std.testing.expect(!take(4096));
    try std.testing.expect(hold(4096));
    try std.testing.expect(isHeld(4096));
    try std.testing.expect(!take(8192));
    try std.testing.expect(take(4096));
    try std.testing.expect(!isHeld(4096));
    try std.testing.expect(!take(4096));
}

test "a full table says so and loses nothing" {
    for (1..capacity + 1) |block| try std.testing.expect(hold(block));
    try std.testing.expect(!hold(4096));
    for (1..capacity + 1) |block| try std.testing.expect(take(block));
    try std.testing.expectEqual(0, count.raw);
}
