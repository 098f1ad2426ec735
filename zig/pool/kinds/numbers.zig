//! What kinds tell about themselves: availability, capacity, statistics.

const std = @import("std");
const os = @import("../../os.zig");
const registry = @import("../registry.zig");
const statistics = @import("../statistics.zig");
const built_in = @import("built_in.zig");
const layout = @import("layout.zig");
const table = @import("table.zig");
const Code = layout.Code;
const Kind = layout.Kind;

/// Whether memory can be had of the kind. `invalid`: there is no such kind.
pub fn availability(kind: ?*const Kind) Code {
    const given = kind orelse return .invalid;
    const name = table.isBuiltIn(given) orelse return if (infoOf(given) != null) .success else .invalid;
    return switch (built_in.place(name)) {
        .anywhere, .nodes => .success,
        .nowhere => |code| code,
    };
}

/// Bytes that the kind can have at most; null where that cannot be said.
pub fn capacity(kind: ?*const Kind) ?u64 {
    const given = kind orelse return null;
    if (table.isBuiltIn(given)) |name| return built_in.capacity(name);
    const info = infoOf(given) orelse return null;
    if (info.limit != 0) return info.limit;
    return os.file.capacity(info.descriptor) catch null;
}

const Info = struct { limit: usize, descriptor: os.Fd };

/// What a kind's record says, if there is one.
fn infoOf(kind: *const Kind) ?Info {
    table.lock.lock();
    defer table.lock.unlock();
    const record = table.find(kind) orelse return null;
    return .{ .limit = record.private.limit, .descriptor = record.private.descriptor };
}

/// Looks at the numbers of all kinds.
pub fn update() void {
    table.lock.lock();
    defer table.lock.unlock();
    for (table.all()) |*record| switch (record.state) {
        .unused, .busy, .retired => {},
        .waiting, .barren => record.numbers = @splat(0),
        .open => record.numbers = look(record),
    };
}

fn look(record: *const table.Record) ?[3]usize {
    const range = registry.find(@intFromPtr(record.kind)) orelse return record.numbers;
    defer range.release();
    const numbers = range.heap.stats();
    // Of memory of the caller's what is in use is what the kind keeps resident.
    const resident = if (range.region.source == .borrowed) numbers.active else numbers.committed;
    return .{ resident, numbers.active, numbers.allocated };
}

/// A number as it was when `update` was called last. Null: never since the kind was made, no such number, or no such kind.
pub fn get(kind: ?*const Kind, statistic: u32) ?usize {
    const which = std.enums.fromInt(layout.Statistic, statistic) orelse return null;
    table.lock.lock();
    defer table.lock.unlock();
    const record = table.find(kind orelse return null) orelse return null;
    const numbers = record.numbers orelse return null;
    return numbers[@backingInt(which)];
}

/// Bytes in live blocks of the kind, now.
pub fn allocated(kind: ?*const Kind) usize {
    const range = registry.find(@intFromPtr(kind orelse return 0)) orelse return 0;
    defer range.release();
    return @intCast(range.heap.stats().allocated);
}

/// A function of the caller's that takes pieces of text.
pub const Sink = *const fn (argument: ?*anyopaque, text: [*:0]const u8) callconv(.c) void;

/// memkind's bits of what to leave out.
pub const Print = packed struct(u32) {
    json: bool = false,
    omit_general: bool = false,
    omit_merged: bool = false,
    omit_destroyed: bool = false,
    omit_arenas: bool = false,
    omit_bins: bool = false,
    omit_large: bool = false,
    omit_locks: bool = false,
    omit_extents: bool = false,
    unknown: u23 = 0,
};

/// Gives the statistics of every kind that has a pool to `sink`, null: to standard error. No lock is held meanwhile.
pub fn print(sink: ?Sink, argument: ?*anyopaque, what: Print) void {
    var lines: Lines = .{ .sink = sink, .argument = argument };
    lines.writer.buffer = lines.buffer[0 .. lines.buffer.len - 1];
    printTo(&lines.writer, what) catch {}; // this writer never fails
    lines.writer.flush() catch {};
}

fn printTo(w: *std.Io.Writer, what: Print) std.Io.Writer.Error!void {
    const omit: statistics.Omit = .{
        .general = what.omit_general,
        .merged = what.omit_merged,
        .arenas = what.omit_arenas,
        .bins = what.omit_bins,
        .large = what.omit_large,
        .json = what.json,
    };
    if (what.json) try w.writeAll("{\"kinds\":{");
    var first = true;
    for (0..layout.kinds_max) |slot| {
        const kind = openKind(@intCast(slot)) orelse continue;
        const range = registry.find(@intFromPtr(kind)) orelse continue;
        defer range.release();
        const name = std.mem.sliceTo(&kind.name, 0);
        if (what.json) {
            try w.print("{s}\"{s}\":", .{ if (first) "" else ",", name });
        } else try w.print("{s}Kind {s}\n", .{ if (first) "" else "\n", name });
        first = false;
        try statistics.write(w, range.heap, omit);
    }
    if (what.json) try w.writeAll("}}\n");
}

fn openKind(slot: u32) ?*Kind {
    table.lock.lock();
    defer table.lock.unlock();
    const record = table.ofPartition(slot) orelse return null;
    return if (record.state == .open) record.kind else null;
}

/// Gives text on as it fills a buffer.
const Lines = struct {
    writer: std.Io.Writer = .{ .vtable = &.{ .drain = drain, .flush = flush }, .buffer = &.{} },
    buffer: [4096]u8 = undefined,
    sink: ?Sink,
    argument: ?*anyopaque,

    fn drain(w: *std.Io.Writer, data: []const []const u8, splat: usize) std.Io.Writer.Error!usize {
        _ = splat;
        try flush(w);
        // The rest comes with the next call.
        const first = data[0];
        const count = @min(first.len, w.buffer.len - w.end);
        @memcpy(w.buffer[w.end..][0..count], first[0..count]);
        w.end += count;
        return count;
    }

    fn flush(w: *std.Io.Writer) std.Io.Writer.Error!void {
        const lines: *Lines = @fieldParentPtr("writer", w);
        if (w.end == 0) return;
        lines.buffer[w.end] = 0;
        const text = lines.buffer[0..w.end :0];
        if (lines.sink) |give| give(lines.argument, text) else os.output.stderr(text);
        w.end = 0;
    }
};
