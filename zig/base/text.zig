//! Text of bounded length without allocation: what does not fit is cut, and says so.
//!
//! Error and log messages are made on paths where nothing may fail again, so a message that is too long
//! for its buffer ends in "..." instead of being an error.

const std = @import("std");

const cut_mark = "...";

/// Formats into `buffer` and ends the text with a zero byte. A text that does not fit is cut and ends in
/// "...". `buffer` must have room for the mark and the zero byte (4 bytes).
pub fn format(buffer: []u8, comptime fmt: []const u8, arguments: anytype) [:0]u8 {
    std.debug.assert(buffer.len > cut_mark.len);
    var writer = std.Io.Writer.fixed(buffer[0 .. buffer.len - 1]);
    writer.print(fmt, arguments) catch {
        const end = buffer.len - 1;
        @memcpy(buffer[end - cut_mark.len .. end], cut_mark);
        buffer[end] = 0;
        return buffer[0..end :0];
    };
    buffer[writer.end] = 0;
    return buffer[0..writer.end :0];
}

/// Parses an unsigned number in `base` from the start of `text`, as far as digits go. null: no digit, or
/// more than 64 bits. A sign, a prefix and white space are not digits.
pub fn leadingNumber(text: []const u8, base: u8) ?struct { value: u64, rest: []const u8 } {
    var value: u64 = 0;
    var index: usize = 0;
    while (index < text.len) : (index += 1) {
        const digit = std.fmt.charToDigit(text[index], base) catch break;
        value = std.math.mul(u64, value, base) catch return null;
        value = std.math.add(u64, value, digit) catch return null;
    }
    if (index == 0) return null;
    return .{ .value = value, .rest = text[index..] };
}

test "format fits" {
    var buffer: [16]u8 = undefined;
    try std.testing.expectEqualStrings("size 12", format(&buffer, "size {d}", .{12}));
    try std.testing.expectEqual(@as(u8, 0), buffer[7]);
}

test "format cuts at the end of the buffer" {
    var buffer: [8]u8 = @splat(0xff);
    const text = format(&buffer, "{s}", .{"0123456789"});
    try std.testing.expectEqualStrings("0123...", text);
    try std.testing.expectEqual(@as(u8, 0), buffer[7]);
    try std.testing.expectEqualStrings("0123456", format(&buffer, "{s}", .{"0123456"}));
}

test "leadingNumber" {
    const number = leadingNumber("7f00-8000", 16).?;
    try std.testing.expectEqual(@as(u64, 0x7f00), number.value);
    try std.testing.expectEqualStrings("-8000", number.rest);
    try std.testing.expectEqual(null, leadingNumber("-1", 10));
    try std.testing.expectEqual(null, leadingNumber("", 10));
    try std.testing.expectEqual(null, leadingNumber("18446744073709551616", 10));
    try std.testing.expectEqual(@as(u64, std.math.maxInt(u64)), leadingNumber("18446744073709551615", 10).?.value);
}
