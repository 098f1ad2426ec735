//! When a free of a face with `ticks` looks at the clock, and when that sends it the slow way.
//!
//! How many frees lie between two looks follows their pace: twice as many when no time has passed, an eighth when it was much.

const std = @import("std");
const os = @import("../os.zig");

const slow_tick_ns = 50 * std.time.ns_per_ms;

/// More would save nothing that can be measured.
const period_max = 256;

/// A look at the clock: whether a free is to go the slow way. It comes every few milliseconds at least, be there many frees or few, but
/// once late by up to `period_max` frees when they get rare. `t` is the thread's record.
pub noinline fn isTime(t: anytype) bool {
    @branchHint(.cold);
    const now = os.thread.nowCoarseNs();
    const elapsed = now -% t.ticked_ns;
    if (elapsed > 10 * std.time.ns_per_ms) t.period = @max(1, t.period / 8) else if (elapsed == 0) t.period = @min(period_max, t.period * 2);
    t.ticks = t.period;
    t.ticked_ns = now;
    if (now < t.due_ns) return false;
    t.due_ns = now + slow_tick_ns;
    return true;
}

test "many frees look seldom, few look each time" {
    var t: struct { period: u16 = 1, ticks: u32 = 0, ticked_ns: u64 = 0, due_ns: u64 = 0 } = .{};
    try std.testing.expect(isTime(&t));
    try std.testing.expect(!isTime(&t));
    t.period = 512;
    t.ticked_ns = os.thread.nowCoarseNs() - 11 * std.time.ns_per_ms;
    _ = isTime(&t);
    try std.testing.expectEqual(64, t.ticks);
    t.period = period_max;
    t.ticked_ns = os.thread.nowCoarseNs() + 1; // as if time ran backwards: that is long ago, too
    _ = isTime(&t);
    try std.testing.expectEqual(period_max / 8, t.period);
}
