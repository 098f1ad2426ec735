//! What the environment says about the pool of a process whose malloc is ours: the variables `VMMALLOC_*`.
//!
//! Numbers are read as libvmmalloc read them (atoll: blanks, a sign, digits; what follows is ignored, and no digits are 0),
//! sizes may have a unit behind the digits. The checks come in the original's order, and its words for what is wrong are
//! kept: programs and scripts look for them.

const std = @import("std");

/// Bytes of the smallest pool.
pub const size_min = 14 << 20;

pub const Fork = @import("fork.zig").Mode;

/// When large blocks get their storage on tmpfs, see region/promises.zig.
pub const Storage = enum { touched, ahead };

pub const Options = struct {
    /// A directory or a device of DAX. Null: anonymous memory.
    path: ?[:0]const u8,
    /// Bytes that must be free at the start.
    size: usize,
    /// Bytes that the pool may grow to, at least `size`.
    maximum: usize,
    fork: Fork,
    storage: Storage = .touched,
};

pub const Problem = union(enum) {
    unset: []const u8,
    negative,
    small: usize,
    maximum: struct { given: usize, size: usize },
    fork: i32,
    storage: []const u8,

    pub fn format(problem: Problem, w: *std.Io.Writer) std.Io.Writer.Error!void {
        switch (problem) {
            .unset => |name| try w.print("environment variable {s} not specified", .{name}),
            .negative => try w.writeAll("negative VMMALLOC_POOL_SIZE"),
            .small => |size| try w.print("VMMALLOC_POOL_SIZE value is less than minimum ({d} < {d})", .{ size, size_min }),
            .maximum => |m| try w.print("VMMALLOC_POOL_MAX_SIZE value is less than VMMALLOC_POOL_SIZE ({d} < {d})", .{ m.given, m.size }),
            .fork => |value| try w.print("incorrect VMMALLOC_FORK value ({d})", .{value}),
            .storage => |text| try w.print("incorrect VMMALLOC_STORAGE value ({s}); it must be touched or ahead", .{text[0..@min(text.len, 100)]}),
        }
    }
};

pub const Outcome = union(enum) { options: Options, problem: Problem };

/// Reads the variables by `get`.
pub fn read(get: *const fn (name: [:0]const u8) ?[:0]const u8) Outcome {
    const path = get("VMMALLOC_POOL_DIR") orelse return .{ .problem = .{ .unset = "VMMALLOC_POOL_DIR" } };
    const maximum_text = get("VMMALLOC_POOL_MAX_SIZE");
    const size: i64 = if (get("VMMALLOC_POOL_SIZE")) |text|
        parseSize(text)
    else if (maximum_text != null)
        size_min
    else
        return .{ .problem = .{ .unset = "VMMALLOC_POOL_SIZE" } };
    if (size < 0) return .{ .problem = .negative };
    if (size < size_min) return .{ .problem = .{ .small = @intCast(size) } };
    const maximum = if (maximum_text) |text| @max(0, parseSize(text)) else size;
    if (maximum < size) return .{ .problem = .{ .maximum = .{ .given = @intCast(maximum), .size = @intCast(size) } } };
    // As atoi does it in the C library: of a number that is too large the lower half is left.
    const fork: i32 = if (get("VMMALLOC_FORK")) |text| @truncate(leading(text).value) else @backingInt(Fork.private);
    if (fork < 0 or fork > @backingInt(Fork.copy_or_private)) return .{ .problem = .{ .fork = fork } };
    const storage: Storage = if (get("VMMALLOC_STORAGE")) |text|
        std.meta.stringToEnum(Storage, text) orelse return .{ .problem = .{ .storage = text } }
    else
        .touched;
    return .{ .options = .{
        .path = path,
        .size = @intCast(size),
        .maximum = @intCast(maximum),
        .fork = @fromBackingInt(@as(u2, @intCast(fork))),
        .storage = storage,
    } };
}

const Leading = struct { value: i64, rest: []const u8 };

/// atoll's number, at most what an i64 holds, and what stands behind it.
fn leading(text: []const u8) Leading {
    const trimmed = std.mem.trimStart(u8, text, " \t\n\x0b\x0c\r");
    const negative = std.mem.startsWith(u8, trimmed, "-");
    const digits = if (negative or std.mem.startsWith(u8, trimmed, "+")) trimmed[1..] else trimmed;
    var value: i64 = 0;
    var index: usize = 0;
    while (index < digits.len and std.ascii.isDigit(digits[index])) : (index += 1) {
        const digit: i64 = digits[index] - '0';
        value = if (negative) value *| 10 -| digit else value *| 10 +| digit;
    }
    return .{ .value = value, .rest = digits[index..] };
}

const units = [_]struct { []const u8, i64 }{ .{ "KiB", 1 << 10 }, .{ "MiB", 1 << 20 }, .{ "GiB", 1 << 30 }, .{ "TiB", 1 << 40 } };

/// A number with one of the units, and nothing else behind it; otherwise the number is the bytes.
fn parseSize(text: []const u8) i64 {
    const number = leading(text);
    for (units) |unit| if (std.mem.eql(u8, number.rest, unit[0])) return number.value *| unit[1];
    return number.value;
}

/// An environment of a test: pairs of name and value.
fn With(comptime pairs: []const [2][:0]const u8) type {
    return struct {
        fn get(name: [:0]const u8) ?[:0]const u8 {
            inline for (pairs) |pair| if (std.mem.eql(u8, pair[0], name)) return pair[1];
            return null;
        }
    };
}

fn expectProblem(comptime text: []const u8, comptime pairs: []const [2][:0]const u8) !void {
    var buffer: [200]u8 = undefined;
    const outcome = read(With(pairs).get);
    try std.testing.expectEqualStrings(text, try std.fmt.bufPrint(&buffer, "{f}", .{outcome.problem}));
}

fn expectSize(expected: usize, comptime text: [:0]const u8) !void {
    const outcome = read(With(&.{ .{ "VMMALLOC_POOL_DIR", "/tmp" }, .{ "VMMALLOC_POOL_SIZE", text } }).get);
    errdefer std.debug.print("\"{s}\": {any}\n", .{ text, outcome });
    try std.testing.expect(outcome == .options);
    try std.testing.expectEqual(Options{ .path = "/tmp", .size = expected, .maximum = expected, .fork = .private }, outcome.options);
}

test "what is wrong is said in the original's words, the first thing first" {
    try expectProblem("environment variable VMMALLOC_POOL_DIR not specified", &.{});
    try expectProblem("environment variable VMMALLOC_POOL_DIR not specified", &.{.{ "VMMALLOC_POOL_SIZE", "-1" }});
    try expectProblem("environment variable VMMALLOC_POOL_SIZE not specified", &.{ .{ "VMMALLOC_POOL_DIR", "/tmp" }, .{ "VMMALLOC_FORK", "9" } });
    try expectProblem("negative VMMALLOC_POOL_SIZE", &.{ .{ "VMMALLOC_POOL_DIR", "/tmp" }, .{ "VMMALLOC_POOL_SIZE", "-1" } });
    inline for (.{ .{ "", 0 }, .{ "abc", 0 }, .{ "64M", 64 }, .{ "64 MiB", 64 }, .{ "64mib", 64 }, .{ "64MiBs", 64 }, .{ "0x10000000", 0 }, .{ "1e9", 1 }, .{ "14680063", 14680063 }, .{ "13MiB", 13 << 20 } }) |case| {
        try expectProblem(
            std.fmt.comptimePrint("VMMALLOC_POOL_SIZE value is less than minimum ({d} < 14680064)", .{case[1]}),
            &.{ .{ "VMMALLOC_POOL_DIR", "/tmp" }, .{ "VMMALLOC_POOL_SIZE", case[0] }, .{ "VMMALLOC_FORK", "9" } },
        );
    }
    inline for (.{ .{ "4", 4 }, .{ "-1", -1 }, .{ "99999999999", 1215752191 } }) |case| {
        try expectProblem(
            std.fmt.comptimePrint("incorrect VMMALLOC_FORK value ({d})", .{case[1]}),
            &.{ .{ "VMMALLOC_POOL_DIR", "/tmp" }, .{ "VMMALLOC_POOL_SIZE", "14MiB" }, .{ "VMMALLOC_FORK", case[0] } },
        );
    }
    inline for (.{ "", "Ahead", "0" }) |text| {
        try expectProblem(
            "incorrect VMMALLOC_STORAGE value (" ++ text ++ "); it must be touched or ahead",
            &.{ .{ "VMMALLOC_POOL_DIR", "/tmp" }, .{ "VMMALLOC_POOL_SIZE", "14MiB" }, .{ "VMMALLOC_STORAGE", text } },
        );
    }
    inline for (.{ "", "20MiB", "-1" }, .{ 0, 20 << 20, 0 }) |text, given| {
        try expectProblem(
            std.fmt.comptimePrint("VMMALLOC_POOL_MAX_SIZE value is less than VMMALLOC_POOL_SIZE ({d} < 67108864)", .{given}),
            &.{ .{ "VMMALLOC_POOL_DIR", "/tmp" }, .{ "VMMALLOC_POOL_SIZE", "64MiB" }, .{ "VMMALLOC_POOL_MAX_SIZE", text } },
        );
    }
}

test "sizes" {
    try expectSize(14680064, "14680064");
    try expectSize(14680064, " \t+14680064junk");
    try expectSize(14680064, "14336KiB");
    try expectSize(64 << 20, "64MiB");
    try expectSize(2 << 30, "2GiB");
    try expectSize(3 << 40, "3TiB");
    try expectSize(std.math.maxInt(i64), "99999999999999999999");
    try expectSize(std.math.maxInt(i64), "9999999999TiB");
}

test "the largest size alone is enough, and fork modes are numbers" {
    const growing = read(With(&.{ .{ "VMMALLOC_POOL_DIR", "/d" }, .{ "VMMALLOC_POOL_MAX_SIZE", "1TiB" }, .{ "VMMALLOC_FORK", "3" } }).get);
    try std.testing.expectEqual(Options{ .path = "/d", .size = size_min, .maximum = 1 << 40, .fork = .copy_or_private }, growing.options);
    inline for (.{ "0", "", "abc", "1", " 2", "3x" }, .{ 0, 0, 0, 1, 2, 3 }) |text, mode| {
        const outcome = read(With(&.{ .{ "VMMALLOC_POOL_DIR", "/d" }, .{ "VMMALLOC_POOL_SIZE", "1GiB" }, .{ "VMMALLOC_FORK", text } }).get);
        try std.testing.expectEqual(mode, @backingInt(outcome.options.fork));
    }
    const ahead = read(With(&.{ .{ "VMMALLOC_POOL_DIR", "/d" }, .{ "VMMALLOC_POOL_SIZE", "1GiB" }, .{ "VMMALLOC_STORAGE", "ahead" } }).get);
    try std.testing.expectEqual(.ahead, ahead.options.storage);
}
