//! What a full pool is known not to have, so that a program which tries again and again pays little for each "no":
//! the classes and the run length that failed after everything cached had been taken back. It holds until a block or a
//! page becomes free outside the caches (`note`); what has come into a cache since is looked for each time
//! (`Heap.isKnownFull`).
//!
//! `known` is set after the caches were emptied and before the request is tried for the last time. So who frees a
//! block does it, by the order of the lock that guards it, before that try, which then finds it, or finds `known` set.

const Fullness = @This();

const std = @import("std");
const classes = @import("classes.zig");

known: std.atomic.Value(bool) = .init(false),
/// Changed under `members`.
failed: [(classes.count + 63) / 64]u64 = @splat(0),
pages: u32 = std.math.maxInt(u32),

/// Something became free. By whoever holds the lock that guards it.
pub inline fn note(f: *Fullness) void {
    if (f.known.load(.monotonic)) f.known.store(false, .monotonic);
}

/// Before the last try. Under `members`, everything taken back.
pub fn begin(f: *Fullness) void {
    if (f.known.load(.monotonic)) return;
    for (&f.failed) |*word| @atomicStore(u64, word, 0, .monotonic);
    @atomicStore(u32, &f.pages, std.math.maxInt(u32), .monotonic);
    f.known.store(true, .release);
}

/// The last try failed, for want of blocks and pages and nothing else. Under `members`.
pub fn addClass(f: *Fullness, class: u8) void {
    const word = &f.failed[class / 64];
    @atomicStore(u64, word, word.* | bit(class), .monotonic);
}

pub fn addRun(f: *Fullness, pages: u32) void {
    @atomicStore(u32, &f.pages, @min(f.pages, pages), .monotonic);
}

pub inline fn hasClass(f: *const Fullness, class: u8) bool {
    return f.known.load(.acquire) and @atomicLoad(u64, &f.failed[class / 64], .monotonic) & bit(class) != 0;
}

pub inline fn hasRun(f: *const Fullness, pages: u32) bool {
    return f.known.load(.acquire) and pages >= @atomicLoad(u32, &f.pages, .monotonic);
}

inline fn bit(class: u8) u64 {
    return @as(u64, 1) << @truncate(class);
}
