//! The log: one line a message, for people who look for the cause of something.
//!
//! `VMEM_LOG_LEVEL` says how much, 0 (the default) nothing, 1 misuse and errors; it is read when the first message
//! comes. Lines go to the function given to `vmem_set_funcs`, else to the end of the file that `VMEM_LOG_FILE` names,
//! else to standard error. A line is written by one call, so lines of different threads do not mix. No lock is
//! taken and nothing is allocated: messages may come from inside the heap.

const std = @import("std");
const options = @import("options");
const os = @import("../os.zig");
const functions = @import("functions.zig");

pub const Level = enum(u8) { errors = 1, operations = 2 };

const unread = 0xff;
var level_wanted: std.atomic.Value(u8) = .init(unread);

pub fn enabled(level: Level) bool {
    var wanted = level_wanted.load(.monotonic);
    if (wanted == unread) {
        wanted = parse(os.environment.get(options.log_variables ++ "_LOG_LEVEL") orelse "");
        level_wanted.store(wanted, .monotonic);
    }
    return wanted >= @backingInt(level);
}

/// atoi's rules: leading digits count, no digits and negative numbers are 0.
fn parse(text: []const u8) u8 {
    var value: u8 = 0;
    for (std.mem.trimStart(u8, text, " \t+")) |letter| {
        if (!std.ascii.isDigit(letter)) break;
        value = @min(value *| 10 +| (letter - '0'), unread - 1);
    }
    return value;
}

pub fn write(level: Level, comptime format: []const u8, args: anytype) void {
    if (enabled(level)) writeAlways(level, format, args);
}

/// As `write`, whatever the level.
pub fn writeAlways(level: Level, comptime format: []const u8, args: anytype) void {
    var buffer: [1024]u8 = undefined;
    var writer = std.Io.Writer.fixed(buffer[0 .. buffer.len - 2]);
    writer.print("<" ++ options.log_name ++ ">: <{d}> " ++ format, .{@backingInt(level)} ++ args) catch {};
    buffer[writer.end] = '\n';
    buffer[writer.end + 1] = 0;
    output(buffer[0 .. writer.end + 1 :0]);
}

/// Text as it is, whatever the level: statistics that were asked for.
pub fn output(text: [:0]const u8) void {
    if (functions.print()) |print| return print(text.ptr);
    if (os.environment.get(options.log_variables ++ "_LOG_FILE")) |path| {
        if (path.len > 0) {
            os.output.append(path, text) catch os.output.stderr(text);
            return;
        }
    }
    os.output.stderr(text);
}

test "the level is read like atoi" {
    for ([_][]const u8{ "", "abc", "-1", "0", "x1" }) |text| try std.testing.expectEqual(0, parse(text));
    try std.testing.expectEqual(1, parse("1"));
    try std.testing.expectEqual(4, parse(" 4x"));
    try std.testing.expectEqual(254, parse("99999999999999999999999"));
}
