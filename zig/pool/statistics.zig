//! A pool's numbers as text or JSON, by jemalloc's names and sections: totals, and what the caller did not switch off.
//! docs/stats.md explains every line.
//!
//! Numbers are true at about the time they are printed: other threads go on meanwhile. Nothing is allocated, and no lock
//! is held while the application's print function runs.

const std = @import("std");
const heap = @import("../heap.zig");
const log = @import("log.zig");
const registry = @import("registry.zig");
const stats_json = @import("stats_json.zig");
const stats_text = @import("stats_text.zig");
const Range = @import("Range.zig");

const Writer = std.Io.Writer;

/// Which sections are left out, by jemalloc's letters, and the form.
pub const Omit = packed struct(u6) {
    /// g: version, and what does not change while the pool lives.
    general: bool = false,
    /// m: what is summed over all arenas.
    merged: bool = false,
    /// a: each arena.
    arenas: bool = false,
    /// b: each class of small blocks.
    bins: bool = false,
    /// l: each group of runs.
    large: bool = false,
    /// J: JSON instead of text.
    json: bool = false,

    /// Letters that mean nothing here are ignored, as ever.
    pub fn parse(letters: []const u8) Omit {
        var omit: Omit = .{};
        for (letters) |letter| switch (letter) {
            'g' => omit.general = true,
            'm' => omit.merged = true,
            'a' => omit.arenas = true,
            'b' => omit.bins = true,
            'l' => omit.large = true,
            'J' => omit.json = true,
            else => {},
        };
        return omit;
    }
};

/// The pool is pinned. WriteFailed is the writer's.
pub fn write(w: *Writer, h: *heap.Heap, omit: Omit) Writer.Error!void {
    if (omit.json) try stats_json.write(w, h, omit) else try stats_text.write(w, h, omit);
    try w.flush();
}

/// To the application's print function, the file of VMEM_LOG_FILE, or standard error; whole lines as far as lines fit 4 KiB.
pub fn print(h: *heap.Heap, omit: Omit) void {
    var lines: Lines = .{};
    lines.writer.buffer = lines.buffer[0 .. lines.buffer.len - 1];
    write(&lines.writer, h, omit) catch {}; // this writer never fails
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

/// Gives text on to the log, cut behind line ends.
const Lines = struct {
    writer: Writer = .{ .vtable = &.{ .drain = drain, .flush = flush }, .buffer = &.{} },
    buffer: [4096]u8 = undefined,

    fn drain(w: *Writer, data: []const []const u8, splat: usize) Writer.Error!usize {
        _ = splat;
        const text = w.buffered();
        const end = if (std.mem.findScalarLast(u8, text, '\n')) |at| at + 1 else text.len;
        give(w, end);
        // The rest comes with the next call.
        const first = data[0];
        const count = @min(first.len, w.buffer.len - w.end);
        @memcpy(w.buffer[w.end..][0..count], first[0..count]);
        w.end += count;
        return count;
    }

    fn flush(w: *Writer) Writer.Error!void {
        give(w, w.end);
    }

    /// The first `len` bytes of the buffer, with a 0 behind them for as long as that takes.
    fn give(w: *Writer, len: usize) void {
        if (len == 0) return;
        const lines: *Lines = @fieldParentPtr("writer", w);
        const behind = lines.buffer[len];
        lines.buffer[len] = 0;
        log.output(lines.buffer[0..len :0]);
        lines.buffer[len] = behind;
        std.mem.copyForwards(u8, lines.buffer[0..], lines.buffer[len..w.end]);
        w.end -= len;
    }
};

/// Writes as much as fits into a buffer and counts the rest.
pub const Counter = struct {
    writer: Writer,
    beyond: usize = 0,

    pub fn init(buffer: []u8) Counter {
        return .{ .writer = .{ .vtable = &.{ .drain = drain, .flush = Writer.noopFlush }, .buffer = buffer } };
    }

    /// Bytes that were to be written.
    pub fn total(c: *const Counter) usize {
        return c.writer.end + c.beyond;
    }

    fn drain(w: *Writer, data: []const []const u8, splat: usize) Writer.Error!usize {
        const counter: *Counter = @fieldParentPtr("writer", w);
        var sum: usize = 0;
        for (data, 1..) |piece, i| {
            for (0..if (i == data.len) splat else 1) |_| {
                const count = @min(piece.len, w.buffer.len - w.end);
                @memcpy(w.buffer[w.end..][0..count], piece[0..count]);
                w.end += count;
                counter.beyond += piece.len - count;
                sum += piece.len;
            }
        }
        return sum;
    }
};

test "letters switch sections off, others are ignored" {
    try std.testing.expectEqual(Omit{}, Omit.parse("xkZ"));
    try std.testing.expectEqual(Omit{ .general = true, .json = true }, Omit.parse("Jg"));
    try std.testing.expectEqual(Omit{ .general = true, .merged = true, .arenas = true, .bins = true, .large = true }, Omit.parse("gmabl"));
}

test "a counter says how long a text is that does not fit" {
    var buffer: [5]u8 = undefined;
    var counter: Counter = .init(&buffer);
    try counter.writer.writeAll("abc");
    try counter.writer.print("{d}", .{4567});
    try counter.writer.splatByteAll('-', 10);
    try std.testing.expectEqual(17, counter.total());
    try std.testing.expectEqualStrings("abc45", counter.writer.buffered());
}
