//! A pool's statistics as text: lines that begin as jemalloc's do, and tables.

const std = @import("std");
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const options = @import("options");
const conf = @import("conf.zig");
const snapshot = @import("snapshot.zig");
const version = @import("version.zig");
const Omit = @import("statistics.zig").Omit;

const Heap = heap.Heap;
const Writer = std.Io.Writer;
const Error = Writer.Error;

pub fn write(w: *Writer, h: *Heap, omit: Omit) Error!void {
    const stats = h.stats();
    try w.writeAll("___ Begin vmem statistics ___\n");
    if (!omit.general) try general(w, h, stats);
    try w.print("Allocated: {d}, active: {d}, metadata: {d}, mapped: {d}\n", .{ stats.allocated, stats.active, heap.controls.metadataBytes(h), stats.mapped });
    try w.print("Current active ceiling: {d}\n", .{stats.peak});
    try w.print("Committed: {d}, available: {d}, largest free: {d}\n", .{ stats.committed, stats.available, stats.largest_free });
    if (!omit.merged) {
        try w.writeAll("Merged arenas stats:\n");
        try w.print("assigned threads: {d}\n", .{stats.threads});
        try w.print("dirty decay time: {d} ms, dirty: {d} bytes, purges: {d}, purged: {d} bytes\n", .{ h.decay_ms, stats.committed -| stats.active, stats.purges, stats.purged });
        const merged: snapshot.Merged = .take(h);
        try totals(w, merged.totals());
        try w.print("cached in threads and depots: {d}\n", .{stats.cached});
        if (!omit.bins) try bins(w, &merged.bins, &merged.cached);
        if (!omit.large) try large(w, &merged);
    }
    if (!omit.arenas) {
        for (0..h.arena_count) |i| {
            const arena: snapshot.Arena = .take(h, @intCast(i));
            try w.print("arenas[{d}]:\nassigned threads: {d}\n", .{ i, arena.threads });
            try totals(w, arena.totals());
            if (!omit.bins) try bins(w, &arena.bins, null);
        }
    }
    try w.writeAll("--- End vmem statistics ---\n");
}

fn general(w: *Writer, h: *const Heap, stats: Heap.Stats) Error!void {
    try w.print("Version: {s} (API {d}.{d})\n", .{ options.version, version.major, version.minor });
    try w.print("Pool: 0x{x}, {d} bytes\n", .{ h.base, stats.mapped });
    try w.print("Arenas: {d}\n", .{stats.arenas});
    try w.print("Page size: {d} (system {d})\n", .{ heap.page_size, os.memory.pageSize() });
    try w.print("Number of bin size classes: {d}\n", .{heap.small_count});
    const said = &conf.settings;
    try w.writeAll("Run-time option settings:\n");
    try w.print("  opt.hardening: {d}\n", .{h.hardening});
    try w.print("  opt.tcache: {}\n", .{snapshot.caches(h)});
    if (h.cached_max > 0) try w.print("  opt.lg_tcache_max: {d}\n", .{std.math.log2_int(usize, h.cached_max)});
    try w.print("  opt.dirty_decay_ms: {d}\n", .{h.decay_ms_created});
    try w.print("  opt.zero: {}\n", .{h.zero});
    try w.print("  opt.junk: \"{s}\"\n", .{snapshot.junk(h)});
    try w.print("  opt.abort: {}\n", .{said.abort orelse false});
    try w.print("  opt.stats_print: {}\n", .{said.stats_print orelse false});
}

const total_columns = "{s:<7}{d:>14}{d:>12}{d:>12}{d:>10}{d:>10}\n";
const total_head = "{s:<7}{s:>14}{s:>12}{s:>12}{s:>10}{s:>10}\n";

fn totals(w: *Writer, t: snapshot.Totals) Error!void {
    try w.print(total_head, .{ "", "allocated", "nmalloc", "ndalloc", "nfills", "nflushes" });
    try w.print(total_columns, .{ "small:", t.small.allocated, t.small.nmalloc, t.small.ndalloc, t.small.nfills, t.small.nflushes });
    if (t.large) |l| try w.print(total_columns, .{ "large:", l.allocated, l.nmalloc, l.ndalloc, l.nfills, l.nflushes });
}

/// Classes without a block or slab, ever, are left out and shown as a line of dashes.
fn bins(w: *Writer, all: *const snapshot.Bins, cached: ?*const heap.counts.Cached) Error!void {
    const format = "{s:<5}{s:>8}{s:>5}{s:>14}{s:>12}{s:>12}{s:>10}{s:>10}{s:>9}{s:>14}{s:>6}{s:>5}{s:>7}\n";
    const row = "{s:<5}{d:>8}{d:>5}{d:>14}{d:>12}{d:>12}{d:>10}{d:>10}{d:>9}{d:>14}{d:>6}{d:>5}{d:>3}.{d:0>3}\n";
    try w.print(format, .{ "bins:", "size", "ind", "allocated", "nmalloc", "ndalloc", "curregs", "cached", "curslabs", "nonfull_slabs", "regs", "pgs", "util" });
    var gap = false;
    for (all, 0..) |bin, i| {
        const class = i + 1;
        if (bin.nslabs == 0) {
            if (!gap) try w.writeAll("         ---\n");
            gap = true;
            continue;
        }
        gap = false;
        const table = heap.classes_table[class];
        const held = if (cached) |c| @min(bin.out, c[class]) else 0;
        const util = snapshot.utilization(bin, class);
        try w.print(row, .{
            "",           table.size,        i,              (bin.out - held) * table.size,
            bin.nmalloc,  bin.ndalloc,       bin.out - held, held,
            bin.curslabs, bin.nonfull_slabs, table.blocks,   table.pages,
            util / 1000,  util % 1000,
        });
    }
}

fn large(w: *Writer, merged: *const snapshot.Merged) Error!void {
    try w.print("{s:<7}{s:>16}{s:>5}{s:>16}{s:>12}{s:>12}{s:>12}{s:>10}\n", .{ "large:", "size", "ind", "allocated", "nmalloc", "ndalloc", "curlextents", "cached" });
    var gap = false;
    for (merged.extents, 0..) |extent, i| {
        if (extent.taken == 0) {
            if (!gap) try w.writeAll("                 ---\n");
            gap = true;
            continue;
        }
        gap = false;
        const held = merged.cachedRuns(i);
        const current = extent.taken - extent.given - held;
        try w.print("{s:<7}{d:>16}{d:>5}{d:>16}{d:>12}{d:>12}{d:>12}{d:>10}\n", .{ "", heap.counts.extentSize(i), heap.small_count + i, merged.liveBytes(i), extent.taken, extent.given, current, held });
    }
}
