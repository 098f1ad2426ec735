//! A pool's numbers as text, in the manner of jemalloc's statistics: a line that begins and one that ends it, and
//! between them the totals and the sections that the caller did not switch off.
//!
//! Lines go out one by one, each whole, through `log.output`; nothing is allocated, and no lock is held while the
//! application's print function runs.

const std = @import("std");
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const options = @import("options");
const log = @import("log.zig");
const version = @import("version.zig");

/// Which sections are left out, by jemalloc's letters.
pub const Omit = packed struct {
    /// g: version and what does not change while the pool lives.
    general: bool = false,
    /// m: what is counted over all arenas.
    merged: bool = false,

    /// Letters that mean nothing here are ignored, as ever.
    pub fn parse(letters: []const u8) Omit {
        var omit: Omit = .{};
        for (letters) |letter| switch (letter) {
            'g' => omit.general = true,
            'm' => omit.merged = true,
            else => {},
        };
        return omit;
    }
};

pub fn print(stats: *const heap.Heap.Stats, base: usize, omit: Omit) void {
    line("___ Begin vmem statistics ___", .{});
    if (!omit.general) {
        line("Version: {s} (API {d}.{d})", .{ options.version, version.major, version.minor });
        line("Pool: 0x{x}, {d} bytes", .{ base, stats.mapped });
        line("Arenas: {d}", .{stats.arenas});
        line("Page size: {d} (system {d})", .{ heap.page_size, os.memory.pageSize() });
    }
    line("Allocated: {d}, active: {d}, mapped: {d}", .{ stats.allocated, stats.active, stats.mapped });
    line("Current active ceiling: {d}", .{stats.peak});
    line("Committed: {d}, available: {d}, largest free: {d}", .{ stats.committed, stats.available, stats.largest_free });
    if (!omit.merged) {
        line("Merged arenas stats:", .{});
        line("assigned threads: {d}", .{stats.threads});
        line("cached in threads and depots: {d}", .{stats.cached});
    }
    line("--- End vmem statistics ---", .{});
}

fn line(comptime format: []const u8, args: anytype) void {
    var buffer: [256]u8 = undefined;
    const text = std.fmt.bufPrintSentinel(&buffer, format ++ "\n", args, 0) catch return;
    log.output(text);
}

test "letters switch sections off, others are ignored" {
    try std.testing.expectEqual(Omit{}, Omit.parse("blaJx"));
    try std.testing.expectEqual(Omit{ .general = true }, Omit.parse("gb"));
    try std.testing.expectEqual(Omit{ .general = true, .merged = true }, Omit.parse("mag"));
}
