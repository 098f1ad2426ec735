//! What memkind's variables of the environment say. Read when the library is loaded, before there are threads.
//!
//! As there, two of them end the process when their value is wrong, the others make calls fail; what is said about that goes to
//! standard error.

const std = @import("std");
const base = @import("../../base.zig");
const os = @import("../../os.zig");

const arenas_max = 1024;

pub const Settings = struct {
    /// MEMKIND_HOG_MEMORY=1: nothing is given back before a kind is destroyed.
    hog: bool = false,
    /// MEMKIND_ARENA_NUM_PER_KIND. Null: not said.
    arenas: ?u32 = null,
    /// It is no number, or 0: no kind can be made.
    arenas_wrong: bool = false,
    /// MEMKIND_DEBUG=1: tells on standard error what goes wrong.
    debug: bool = false,
    /// MEMKIND_HBW_NODES, MEMKIND_DAX_KMEM_NODES.
    fast: Nodes = .unsaid,
    devices: Nodes = .unsaid,
};

/// NUMA nodes that a variable names.
pub const Nodes = union(enum) { unsaid, wrong, are: os.nodes.Set };

pub var settings: Settings = .{};

/// Reads the environment. Ends the process where memkind does.
pub fn load() void {
    const get = os.environment.get;
    settings.hog = equals(get("MEMKIND_HOG_MEMORY"), "1");
    if (get("MEMKIND_ARENA_NUM_PER_KIND")) |value| {
        settings.arenas = number(value, arenas_max);
        settings.arenas_wrong = settings.arenas == null or settings.arenas.? == 0;
    }
    if (get("MEMKIND_DEBUG")) |value| {
        settings.debug = std.mem.eql(u8, value, "1");
        if (!settings.debug and !std.mem.eql(u8, value, "0"))
            say("WARNING", "MEMKIND_DEBUG=\"{s}\" ignored: allowed are 0 and 1", .{value});
    }
    const present = os.nodes.withMemory();
    settings.fast = nodes(get("MEMKIND_HBW_NODES"), present);
    settings.devices = nodes(get("MEMKIND_DAX_KMEM_NODES"), present);

    // Our library starts no threads of its own, so a valid limit has nothing to limit.
    if (get("MEMKIND_BACKGROUND_THREAD_LIMIT")) |value| if (number(value, std.math.maxInt(u32)) == null)
        fail("MEMKIND_BACKGROUND_THREAD_LIMIT=\"{s}\" is no number of threads", .{value});
    if (equals(get("MEMKIND_HEAP_MANAGER"), "TBB"))
        fail("MEMKIND_HEAP_MANAGER=\"TBB\" asks for a heap manager that this library does not have", .{});
}

fn equals(value: ?[]const u8, wanted: []const u8) bool {
    return std.mem.eql(u8, value orelse return false, wanted);
}

fn number(value: []const u8, most: u32) ?u32 {
    for (value) |digit| if (!std.ascii.isDigit(digit)) return null;
    const parsed = std.fmt.parseUnsigned(u32, value, 10) catch return null;
    return @min(parsed, most);
}

fn nodes(value: ?[]const u8, present: os.nodes.Set) Nodes {
    const set = os.nodes.parse(value orelse return .unsaid) orelse return .wrong;
    return if (set != 0 and set & ~present == 0) .{ .are = set } else .wrong;
}

/// A line on standard error if MEMKIND_DEBUG asks for them.
pub fn debug(comptime format: []const u8, arguments: anytype) void {
    if (settings.debug) say("ERROR", format, arguments);
}

fn say(comptime level: []const u8, comptime format: []const u8, arguments: anytype) void {
    var buffer: [512]u8 = undefined;
    const line = base.text.format(buffer[0 .. buffer.len - 1], "MEMKIND_" ++ level ++ ": " ++ format, arguments);
    buffer[line.len] = '\n';
    os.output.stderr(buffer[0 .. line.len + 1]);
}

fn fail(comptime format: []const u8, arguments: anytype) noreturn {
    say("FATAL", format, arguments);
    os.process.abort();
}

test "numbers and nodes" {
    try std.testing.expectEqual(0, number("0", 5).?);
    try std.testing.expectEqual(5, number("77", 5).?);
    for ([_][]const u8{ "-1", "a", "1a", "1_0", "99999999999" }) |wrong| try std.testing.expectEqual(null, number(wrong, 5));
    try std.testing.expectEqual(Nodes.unsaid, nodes(null, 1));
    try std.testing.expectEqual(Nodes.wrong, nodes("1", 1));
    try std.testing.expectEqual(Nodes.wrong, nodes("abc", 1));
    try std.testing.expectEqual(Nodes.wrong, nodes("", 1));
    try std.testing.expectEqual(Nodes{ .are = 1 }, nodes("0", 1));
}
