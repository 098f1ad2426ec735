//! A pool's numbers as text, in the manner of jemalloc's statistics: a line that begins and one that ends it, and
//! between them the totals and the sections that the caller did not switch off.
//!
//! Lines go out one by one, each whole, through `log.output`; nothing is allocated, and no lock is held while the
//! application's print function runs.

const std = @import("std");
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const options = @import("options");
const conf = @import("conf.zig");
const log = @import("log.zig");
const registry = @import("registry.zig");
const version = @import("version.zig");
const Range = @import("Range.zig");

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

pub fn print(h: *heap.Heap, omit: Omit) void {
    const stats = h.stats();
    line("___ Begin vmem statistics ___", .{});
    if (!omit.general) {
        line("Version: {s} (API {d}.{d})", .{ options.version, version.major, version.minor });
        line("Pool: 0x{x}, {d} bytes", .{ h.base, stats.mapped });
        line("Arenas: {d}", .{stats.arenas});
        line("Page size: {d} (system {d})", .{ heap.page_size, os.memory.pageSize() });
        printSettings(h);
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

/// By the names of the conf string.
fn printSettings(h: *const heap.Heap) void {
    const said = &conf.settings;
    line("Run-time option settings:", .{});
    line("  opt.hardening: {d}", .{h.hardening});
    line("  opt.tcache: {}", .{h.cached_max > 0 and h.hardening < 3});
    if (h.cached_max > 0) line("  opt.lg_tcache_max: {d}", .{std.math.log2_int(usize, h.cached_max)});
    line("  opt.dirty_decay_ms: {d}", .{h.decay_ms});
    line("  opt.zero: {}", .{h.zero});
    line("  opt.junk: \"{s}\"", .{switch (h.junk) {
        .none => "false",
        .allocated => "alloc",
        .freed => "free",
        .both => "true",
    }});
    line("  opt.abort: {}", .{said.abort orelse false});
    line("  opt.stats_print: {}", .{said.stats_print orelse false});
}

/// At the end of the process: every open pool of the C face. No lock is held while one is printed.
pub fn printOpen() void {
    var ranges: registry.Iterator = .{};
    while (nextOpen(&ranges)) |range| {
        defer range.release();
        print(range.heap, .{});
    }
}

fn nextOpen(ranges: *registry.Iterator) ?*Range {
    registry.lock.lock();
    defer registry.lock.unlock();
    while (ranges.next()) |range| {
        if (!range.numbered and range.pin(range.handle)) return range;
    }
    return null;
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
