//! What libraries export: the functions of a face as they are, or in the twin for debugging each behind one that tells the log
//! of the call (level 3) and of what it gave (level 4).

const std = @import("std");
const options = @import("options");
const log = @import("../pool.zig").log;

/// What is exported under `name` for `function`, whose arguments and result are those of C. In the shipped library that is the
/// function itself.
pub fn exported(comptime name: []const u8, comptime function: anytype) @TypeOf(&function) {
    return if (options.debug) traced(name, function) else &function;
}

// Hot functions of the faces are aligned, and a pointer to a function has its alignment in its type.
fn traced(comptime name: []const u8, comptime function: anytype) @TypeOf(&function) {
    const info = @typeInfo(@TypeOf(function)).@"fn";
    const R = info.return_type.?;
    const T = info.param_types;
    return switch (T.len) {
        0 => &struct {
            fn f() align(64) callconv(.c) R {
                return call(name, function, .{});
            }
        }.f,
        1 => &struct {
            fn f(a: T[0].?) align(64) callconv(.c) R {
                return call(name, function, .{a});
            }
        }.f,
        2 => &struct {
            fn f(a: T[0].?, b: T[1].?) align(64) callconv(.c) R {
                return call(name, function, .{ a, b });
            }
        }.f,
        3 => &struct {
            fn f(a: T[0].?, b: T[1].?, c: T[2].?) align(64) callconv(.c) R {
                return call(name, function, .{ a, b, c });
            }
        }.f,
        4 => &struct {
            fn f(a: T[0].?, b: T[1].?, c: T[2].?, d: T[3].?) align(64) callconv(.c) R {
                return call(name, function, .{ a, b, c, d });
            }
        }.f,
        5 => &struct {
            fn f(a: T[0].?, b: T[1].?, c: T[2].?, d: T[3].?, e: T[4].?) align(64) callconv(.c) R {
                return call(name, function, .{ a, b, c, d, e });
            }
        }.f,
        6 => &struct {
            fn f(a: T[0].?, b: T[1].?, c: T[2].?, d: T[3].?, e: T[4].?, g: T[5].?) align(64) callconv(.c) R {
                return call(name, function, .{ a, b, c, d, e, g });
            }
        }.f,
        else => @compileError(name ++ " has more arguments than any function of a face"),
    };
}

inline fn call(comptime name: []const u8, comptime function: anytype, args: anytype) @typeInfo(@TypeOf(function)).@"fn".return_type.? {
    if (log.enabled(.calls)) tell(.calls, name, args);
    const result = @call(.auto, function, args);
    if (log.enabled(.results)) tell(.results, name ++ (if (@TypeOf(result) == void) " ended" else " gave "), .{result});
    return result;
}

noinline fn tell(comptime level: log.Level, comptime name: []const u8, values: anytype) void {
    var buffer: [600]u8 = undefined;
    var writer = std.Io.Writer.fixed(&buffer);
    write(&writer, level, name, values) catch {}; // what does not fit is cut
    log.write(level, "{s}", .{writer.buffered()});
}

fn write(w: *std.Io.Writer, comptime level: log.Level, comptime name: []const u8, values: anytype) std.Io.Writer.Error!void {
    try w.writeAll(name);
    if (level == .results) return value(w, values[0]);
    try w.writeByte('(');
    inline for (values, 0..) |each, i| {
        if (i > 0) try w.writeAll(", ");
        try value(w, each);
    }
    try w.writeByte(')');
}

const text_max = 200;

fn value(w: *std.Io.Writer, v: anytype) std.Io.Writer.Error!void {
    const T = @TypeOf(v);
    switch (T) {
        void => return,
        ?[*:0]const u8, [*:0]const u8 => {
            const given: ?[*:0]const u8 = v;
            const text = given orelse return w.writeAll("NULL");
            var len: usize = 0;
            while (len < text_max and text[len] != 0) len += 1; // and not a byte behind its end
            return w.print("\"{f}\"{s}", .{ std.ascii.hexEscape(text[0..len], .lower), if (len == text_max) "..." else "" });
        },
        else => {},
    }
    switch (@typeInfo(T)) {
        .int => try w.print("{d}", .{v}),
        .bool => try w.writeAll(if (v) "true" else "false"),
        .pointer, .optional => {
            const address = @intFromPtr(v);
            if (address == 0) return w.writeAll("NULL");
            try w.print("0x{x}", .{address});
        },
        .@"struct" => try w.writeAll("{...}"),
        else => @compileError("no value of C: " ++ @typeName(T)),
    }
}

const testing = std.testing;

test "a call and its result in words" {
    var buffer: [256]u8 = undefined;
    var w = std.Io.Writer.fixed(&buffer);
    const pointer: ?*anyopaque = @ptrFromInt(0x1000);
    const none: ?*anyopaque = null;
    const path: ?[*:0]const u8 = "/tmp\n";
    try write(&w, .calls, "f", .{ pointer, none, path, @as(usize, 7), @as(c_int, -1) });
    try testing.expectEqualStrings("f(0x1000, NULL, \"/tmp\\x0a\", 7, -1)", w.buffered());
    w.end = 0;
    try write(&w, .results, "f gave ", .{pointer});
    try testing.expectEqualStrings("f gave 0x1000", w.buffered());
    w.end = 0;
    try write(&w, .results, "f ended", .{{}});
    try testing.expectEqualStrings("f ended", w.buffered());
    w.end = 0;
    const long: [text_max + 100:0]u8 = @splat('x');
    try write(&w, .calls, "f", .{@as(?[*:0]const u8, &long)});
    try testing.expectEqualStrings("f(\"" ++ long[0..text_max] ++ "\"...)", w.buffered());
}

test "a traced function is called with what it was given" {
    const c = struct {
        fn zero() callconv(.c) c_int {
            return 0;
        }
        fn six(a: u8, b: u8, c_: u8, d: u8, e: u8, f: u8) callconv(.c) usize {
            return std.mem.readInt(u48, &.{ a, b, c_, d, e, f }, .big);
        }
    };
    try testing.expectEqual(0, traced("zero", c.zero)());
    try testing.expectEqual(0x010203040506, traced("six", c.six)(1, 2, 3, 4, 5, 6));
    if (!options.debug) try testing.expectEqual(&c.six, exported("six", c.six));
}
