//! Which granules of a lazy region are committed: one bit each, and the number of runs of set bits.
//!
//! A run of committed granules is one mapping of the file, and the process may have about 65 thousand
//! mappings (`vm.max_map_count`): that is why runs are counted. The bits of more than a GiB live in memory of
//! their own, backed as they are touched: 64 KiB of address space for 1 TiB.

const std = @import("std");
const base = @import("../base.zig");
const os = @import("../os.zig");
const assert = base.assert;

pub const Units = struct {
    /// Empty where `few` is enough.
    many: []u64,
    few: [few_max / 64]u64 = @splat(0),
    count: usize,
    set_count: usize = 0,
    runs: usize = 0,

    pub const none: Units = .{ .many = &.{}, .count = 0 };
    /// So that a small pool needs no mapping for them: it cost 3 us of its life.
    const few_max = 512;

    /// All clear. ENOMEM.
    pub fn init(count: usize) os.Error!Units {
        assert(count != 0);
        if (count <= few_max) return .{ .many = &.{}, .count = count };
        const bytes = os.memory.roundToPages(std.math.divCeil(usize, count, 8) catch unreachable) orelse return error.ENOMEM;
        const memory: [*]u64 = @ptrFromInt(try os.memory.mapAnonymous(bytes));
        return .{ .many = memory[0 .. bytes / 8], .count = count };
    }

    pub fn deinit(u: *Units) void {
        if (u.many.len != 0) os.memory.unmap(@intFromPtr(u.many.ptr), u.many.len * 8) catch {};
        u.* = none;
    }

    fn words(u: *const Units) []const u64 {
        return if (u.many.len != 0) u.many else &u.few;
    }

    pub fn get(u: *const Units, index: usize) bool {
        assert(index < u.count);
        return u.words()[index / 64] >> @intCast(index % 64) & 1 != 0;
    }

    /// Whether all of [first, first + len) have the value.
    pub fn all(u: *const Units, first: usize, len: usize, value: bool) bool {
        var index = first;
        const end = first + len;
        assert(end <= u.count);
        while (index < end) {
            const step = chunk(index, end);
            const bits = u.words()[index / 64] & step.mask;
            if (bits != if (value) step.mask else 0) return false;
            index = step.next;
        }
        return true;
    }

    pub const Run = struct { first: usize, count: usize };

    /// The first run of bits with the value in [from, end), cut to it.
    pub fn find(u: *const Units, from: usize, end: usize, value: bool) ?Run {
        const first = u.seek(from, end, value) orelse return null;
        return .{ .first = first, .count = (u.seek(first, end, !value) orelse end) - first };
    }

    fn seek(u: *const Units, from: usize, end: usize, value: bool) ?usize {
        assert(end <= u.count);
        var index = from;
        while (index < end) {
            const step = chunk(index, end);
            const word = u.words()[index / 64];
            const bits = (if (value) word else ~word) & step.mask;
            if (bits != 0) return index - index % 64 + @ctz(bits);
            index = step.next;
        }
        return null;
    }

    /// Sets a range that is clear.
    pub fn set(u: *Units, first: usize, len: usize) void {
        u.flip(first, len, true);
        u.runs = u.runs + 1 - u.neighbours(first, len);
        u.set_count += len;
    }

    /// Clears a range that is set.
    pub fn clear(u: *Units, first: usize, len: usize) void {
        u.runs = u.runsAfterClear(first, len);
        u.flip(first, len, false);
        u.set_count -= len;
    }

    /// What `runs` would be after `clear`.
    pub fn runsAfterClear(u: *const Units, first: usize, len: usize) usize {
        return u.runs + u.neighbours(first, len) - 1;
    }

    /// How many of the two granules beside a range are set.
    fn neighbours(u: *const Units, first: usize, len: usize) usize {
        const left = first != 0 and u.get(first - 1);
        const right = first + len != u.count and u.get(first + len);
        return @as(usize, @intFromBool(left)) + @intFromBool(right);
    }

    fn flip(u: *Units, first: usize, len: usize, to: bool) void {
        assert(len != 0 and u.all(first, len, !to));
        var index = first;
        const end = first + len;
        const all_words: []u64 = if (u.many.len != 0) u.many else &u.few;
        while (index < end) {
            const step = chunk(index, end);
            all_words[index / 64] ^= step.mask;
            index = step.next;
        }
    }

    fn chunk(index: usize, end: usize) struct { mask: u64, next: usize } {
        const next = @min(end, (index / 64 + 1) * 64);
        const ones = @as(u64, std.math.maxInt(u64)) >> @intCast(64 - (next - index));
        return .{ .mask = ones << @intCast(index % 64), .next = next };
    }
};

test "ranges and runs against a plain array" {
    inline for (.{ 300, 512, 513, 700 }) |n| try compareWithArray(n);
}

fn compareWithArray(comptime n: usize) !void {
    var units = try Units.init(n);
    defer units.deinit();
    var model: [n]bool = @splat(false);
    var generator = std.Random.DefaultPrng.init(7);
    const random = generator.random();
    for (0..5000) |_| {
        const first = random.uintLessThan(usize, n);
        const value = model[first];
        var len: usize = 1;
        const most = random.uintAtMost(usize, n - first);
        while (len < most and model[first + len] == value) len += 1;
        try std.testing.expect(units.all(first, len, value));
        if (value) units.clear(first, len) else units.set(first, len);
        @memset(model[first..][0..len], !value);
        var runs: usize = 0;
        var total: usize = 0;
        for (model, 0..) |bit, index| {
            try std.testing.expectEqual(bit, units.get(index));
            total += @intFromBool(bit);
            if (bit and (index == 0 or !model[index - 1])) runs += 1;
        }
        try std.testing.expectEqual(runs, units.runs);
        try std.testing.expectEqual(total, units.set_count);
        var found: usize = 0;
        var from: usize = 0;
        while (units.find(from, n, true)) |run| : (from = run.first + run.count) {
            try std.testing.expect(run.first == 0 or !model[run.first - 1]);
            for (model[run.first..][0..run.count]) |bit| try std.testing.expect(bit);
            found += run.count;
        }
        try std.testing.expectEqual(total, found);
        if (first + len < n and model[first + len] != model[first])
            try std.testing.expect(!units.all(first, len + 1, !value));
    }
}
