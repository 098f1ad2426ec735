//! A pool's statistics as JSON. Under `jemalloc` every path is one that jemalloc 5.3 has, with its meaning, so that tools for
//! its statistics read them; what is ours alone stands under `vmem`.

const std = @import("std");
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const options = @import("options");
const conf = @import("conf.zig");
const snapshot = @import("snapshot.zig");
const version = @import("version.zig");
const Omit = @import("statistics.zig").Omit;

const counts = heap.counts;
const Heap = heap.Heap;
const Json = std.json.Stringify;
const Error = std.Io.Writer.Error;

pub fn write(w: *std.Io.Writer, h: *Heap, omit: Omit) Error!void {
    const stats = h.stats();
    var json: Json = .{ .writer = w, .options = .{ .whitespace = .indent_1 } };
    try json.beginObject();
    try json.objectField("jemalloc");
    try json.beginObject();
    if (!omit.general) try general(&json, h);
    try json.objectField("stats");
    try json.write(.{
        .allocated = stats.allocated,
        .active = stats.active,
        .metadata = heap.controls.metadataBytes(h),
        .metadata_thp = 0,
        .resident = stats.committed,
        .mapped = stats.mapped,
        .retained = 0,
    });
    try json.objectField("stats.arenas");
    try json.beginObject();
    if (!omit.merged) try merged(&json, h, stats, omit);
    if (!omit.arenas) for (0..h.arena_count) |i| try arena(&json, h, @intCast(i), omit);
    try json.endObject();
    try json.endObject();
    try own(&json, h, stats, omit);
    try json.endObject();
    try w.writeByte('\n');
}

fn general(json: *Json, h: *const Heap) Error!void {
    const said = &conf.settings;
    try json.objectField("opt");
    try json.write(.{
        .abort = said.abort orelse false,
        .narenas = h.arena_count,
        .dirty_decay_ms = h.decay_ms_created,
        .junk = snapshot.junk(h),
        .zero = h.zero,
        .tcache = snapshot.caches(h),
        .tcache_max = h.cached_max,
        .stats_print = said.stats_print orelse false,
    });
    try json.objectField("arenas");
    try json.beginObject();
    try fields(json, .{
        .narenas = h.arena_count,
        .dirty_decay_ms = h.decay_ms,
        .quantum = 16,
        .page = heap.page_size,
        .tcache_max = h.cached_max,
        .nbins = heap.small_count,
        .nhbins = heap.cached_count,
    });
    try json.objectField("bin");
    try json.beginArray();
    for (heap.classes_table[1 .. heap.small_count + 1]) |class| {
        try json.write(.{ .size = class.size, .nregs = class.blocks, .slab_size = class.pages * heap.page_size });
    }
    try json.endArray();
    try fields(json, .{ .nlextents = counts.extent_count });
    try json.objectField("lextent");
    try json.beginArray();
    for (0..counts.extent_count) |i| try json.write(.{ .size = counts.extentSize(i) });
    try json.endArray();
    try json.endObject();
}

fn merged(json: *Json, h: *Heap, stats: Heap.Stats, omit: Omit) Error!void {
    const all: snapshot.Merged = .take(h);
    try json.objectField("merged");
    try json.beginObject();
    try fields(json, .{
        .nthreads = stats.threads,
        .dirty_decay_ms = h.decay_ms,
        .pactive = stats.active / heap.page_size,
        .pdirty = (stats.committed -| stats.active) / heap.page_size,
        .dirty_npurge = stats.purges,
        .dirty_purged = stats.purged / heap.page_size,
        .mapped = stats.mapped,
        .tcache_bytes = stats.cached,
        .resident = stats.committed,
    });
    const sums = all.totals();
    try fields(json, .{ .small = sums.small, .large = sums.large.? });
    if (!omit.bins) try bins(json, &all.bins, &all.cached);
    if (!omit.large) {
        try json.objectField("lextents");
        try json.beginArray();
        for (all.extents, 0..) |extent, i| try json.write(.{ .curlextents = extent.taken - extent.given - all.cachedRuns(i) });
        try json.endArray();
    }
    try json.endObject();
}

fn arena(json: *Json, h: *Heap, index: u16, omit: Omit) Error!void {
    const one: snapshot.Arena = .take(h, index);
    var name: [8]u8 = undefined;
    try json.objectField(std.fmt.bufPrint(&name, "{d}", .{index}) catch unreachable);
    try json.beginObject();
    try fields(json, .{ .nthreads = one.threads, .small = one.totals().small });
    if (!omit.bins) try bins(json, &one.bins, null);
    try json.endObject();
}

fn bins(json: *Json, all: *const snapshot.Bins, cached: ?*const counts.Cached) Error!void {
    try json.objectField("bins");
    try json.beginArray();
    for (all, 1..) |bin, class| {
        const held = if (cached) |c| @min(bin.out, c[class]) else 0;
        try json.write(.{
            .nmalloc = bin.nmalloc,
            .ndalloc = bin.ndalloc,
            .curregs = bin.out - held,
            .nfills = bin.nfills,
            .nflushes = bin.nflushes,
            .curslabs = bin.curslabs,
            .nonfull_slabs = bin.nonfull_slabs,
        });
    }
    try json.endArray();
}

fn own(json: *Json, h: *const Heap, stats: Heap.Stats, omit: Omit) Error!void {
    try json.objectField("vmem");
    try json.beginObject();
    if (!omit.general) try fields(json, .{
        .version = options.version,
        .api = .{ .major = version.major, .minor = version.minor },
        .base = h.base,
        .hardening = h.hardening,
        .system_page = os.memory.pageSize(),
    });
    try fields(json, .{
        .peak = stats.peak,
        .committed = stats.committed,
        .available = stats.available,
        .largest_free = stats.largest_free,
        .cached = stats.cached,
    });
    try json.endObject();
}

/// Members of the object that is open.
fn fields(json: *Json, values: anytype) Error!void {
    inline for (@typeInfo(@TypeOf(values)).@"struct".field_names) |name| {
        try json.objectField(name);
        try json.write(@field(values, name));
    }
}
