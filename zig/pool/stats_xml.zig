//! A pool's numbers as glibc's malloc_info(3) writes its own: the same elements, of one heap. "fast" is what threads and depots
//! keep, "rest" what is free in pages that have storage, "aspace" the addresses reserved.

const std = @import("std");
const Heap = @import("../heap.zig").Heap;

const Writer = std.Io.Writer;

pub fn write(w: *Writer, h: *Heap) Writer.Error!void {
    const stats = h.stats();
    try w.writeAll("<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n</sizes>\n");
    try totals(w, stats);
    try w.writeAll("</heap>\n");
    try totals(w, stats);
    try w.writeAll("</malloc>\n");
}

fn totals(w: *Writer, stats: Heap.Stats) Writer.Error!void {
    const rest = stats.committed -| stats.allocated -| stats.cached;
    try w.print("<total type=\"fast\" count=\"0\" size=\"{d}\"/>\n", .{stats.cached});
    try w.print("<total type=\"rest\" count=\"0\" size=\"{d}\"/>\n", .{rest});
    try w.print("<total type=\"mmap\" count=\"0\" size=\"0\"/>\n", .{});
    try w.print("<system type=\"current\" size=\"{d}\"/>\n", .{stats.committed});
    try w.print("<system type=\"max\" size=\"{d}\"/>\n", .{@max(stats.committed, stats.peak)});
    try w.print("<aspace type=\"total\" size=\"{d}\"/>\n", .{stats.mapped});
    try w.print("<aspace type=\"mprotect\" size=\"{d}\"/>\n", .{stats.committed});
}
