//! The last error message of each thread.
//!
//! A thread's message lies in memory that is mapped when its first error occurs, never in memory of malloc: the
//! library may be the process's malloc, and an error may be that there is no memory. When even that mapping is
//! refused the message is lost, and a constant text stands for it.
//!
//! Nothing clears a message. Its memory is given back when the thread ends.

const std = @import("std");
const os = @import("../os.zig");
const Thread = @import("Thread.zig");

/// Replaces the calling thread's message. A text that does not fit is cut and ends in "...".
pub fn set(comptime format: []const u8, args: anytype) void {
    const thread = Thread.current() catch return;
    const room = thread.message[0 .. thread.message.len - 1];
    var writer = std.Io.Writer.fixed(room);
    writer.print(format, args) catch @memcpy(room[room.len - 3 ..], "...");
    thread.message[writer.end] = 0;
    thread.message_len = writer.end;
}

/// The calling thread's message, "" before the first one. Valid until the thread's next message or its end.
pub fn text() [:0]const u8 {
    const thread = Thread.existing() orelse return if (Thread.isRefused()) "No memory for a message" else "";
    return thread.message[0..thread.message_len :0];
}

test "a message stays until the next one" {
    set("Reading \"{s}\" failed: {d}", .{ "a", 1 });
    try std.testing.expectEqualStrings("Reading \"a\" failed: 1", text());
    try std.testing.expectEqualStrings("Reading \"a\" failed: 1", text());
    set("two", .{});
    try std.testing.expectEqualStrings("two", text());
    try std.testing.expectEqual(0, text().ptr[3]);
}

test "a message that is too long is cut visibly" {
    const long: [10_000]u8 = @splat('x');
    set("{s}", .{&long});
    try std.testing.expectEqual(Thread.message_capacity - 1, text().len);
    try std.testing.expect(std.mem.endsWith(u8, text(), "x..."));
}

test "a message that there is no memory for has a constant text, until there is" {
    if (!os.fault.enabled) return error.SkipZigTest; // built without options.fault
    const other = struct {
        fn run(seen: *[2][32]u8) void {
            os.fault.armCallFrom(.mmap, 1, error.ENOMEM);
            set("lost", .{});
            os.fault.disarm();
            for (seen) |*copy| {
                @memset(copy, 0);
                @memcpy(copy[0..text().len], text());
                set("kept", .{});
            }
        }
    };
    var seen: [2][32]u8 = undefined;
    const thread = try std.Thread.spawn(.{}, other.run, .{&seen});
    thread.join();
    try std.testing.expectEqualStrings("No memory for a message", std.mem.sliceTo(&seen[0], 0));
    try std.testing.expectEqualStrings("kept", std.mem.sliceTo(&seen[1], 0));
}

test "threads do not see each other's messages" {
    set("mine", .{});
    const other = struct {
        fn run(seen: *[2]usize) void {
            seen[0] = text().len;
            set("of the other", .{});
            seen[1] = text().len;
        }
    };
    var seen: [2]usize = undefined;
    const thread = try std.Thread.spawn(.{}, other.run, .{&seen});
    thread.join();
    try std.testing.expectEqual([2]usize{ 0, 12 }, seen);
    try std.testing.expectEqualStrings("mine", text());
}
