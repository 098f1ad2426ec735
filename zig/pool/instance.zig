//! A number by which a process knows itself again.
//!
//! Handles are numbers that every process counts from the same beginning. What is sent to somebody who shall use one carries
//! this number with it, so that a handle of another process is refused instead of meaning some other pool.

const std = @import("std");
const os = @import("../os.zig");

var known: std.atomic.Value(u64) = .init(0);

/// From 1 to 2^53, the same for the life of the process; a child of a fork keeps it, and finds the parent's pools closed.
pub fn number() u64 {
    const before = known.load(.monotonic);
    if (before != 0) return before;
    var hash: std.hash.Wyhash = .init(@intFromPtr(&known)); // where the library was loaded
    for ([_]u64{ os.thread.processId(), os.thread.nowNs() }) |each| hash.update(std.mem.asBytes(&each));
    const made = hash.final() % (1 << 53) + 1;
    return known.cmpxchgStrong(0, made, .monotonic, .monotonic) orelse made;
}

test "the number is a whole double and stays" {
    const first = number();
    try std.testing.expect(first >= 1 and first <= 1 << 53);
    try std.testing.expectEqual(first, number());
}
