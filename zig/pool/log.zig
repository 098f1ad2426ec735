//! The log: one line a message, for people who look for the cause of something.
//!
//! `VMEM_LOG_LEVEL` says how much: 0 (the default) nothing, 1 misuse and errors, 2 and pools made, checked and deleted, 3 and
//! each call of the library, 4 and what each call gave. What is shipped has 0 and 1; the rest is compiled into the twin for
//! debugging alone (`options.debug`). Lines go to the function given to `vmem_set_funcs`, else to the end of the file that
//! `VMEM_LOG_FILE` names, else to standard error. A line is written by one call, so lines of different threads do not
//! mix. No lock is taken and nothing is allocated: messages may come from inside the heap.
//!
//! A name of a file that ends in "-" gets the number of the process behind it. The shipped library looks at the variable each time
//! and only ever appends, since statistics are all that most programs ask for. The twin does as libvmem's manual says: at the
//! first call of the process it empties the file, or ends the process if it cannot; later children write to the same file.
//! (libvmmalloc has variables of its own: `options.log_variables`.)

const std = @import("std");
const options = @import("options");
const os = @import("../os.zig");
const functions = @import("functions.zig");
const version = @import("version.zig");

pub const Level = enum(u8) { errors = 1, operations = 2, calls = 3, results = 4 };

const level_variable = options.log_variables ++ "_LOG_LEVEL";
const file_variable = options.log_variables ++ "_LOG_FILE";

const unread = 0xff;
var level_wanted: std.atomic.Value(u8) = .init(unread);

pub inline fn enabled(comptime level: Level) bool {
    if (!options.debug and level != .errors) return false;
    return wanted() >= @backingInt(level);
}

fn wanted() u8 {
    const known = level_wanted.load(.acquire);
    if (known != unread) return known;
    if (options.debug) return start();
    const read = parse(os.environment.get(level_variable) orelse "");
    level_wanted.store(read, .release);
    return read;
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

pub inline fn write(comptime level: Level, comptime format: []const u8, args: anytype) void {
    if (enabled(level)) writeAlways(level, format, args);
}

/// As `write`, whatever the level.
pub fn writeAlways(level: Level, comptime format: []const u8, args: anytype) void {
    var buffer: [1024]u8 = undefined;
    var writer = std.Io.Writer.fixed(buffer[0 .. buffer.len - 2]);
    const begin = "<" ++ options.log_name ++ ">: <{d}> ";
    if (options.debug) {
        writer.print(begin ++ "[{d}] " ++ format, .{ @backingInt(level), os.thread.id() } ++ args) catch {};
    } else {
        writer.print(begin ++ format, .{@backingInt(level)} ++ args) catch {};
    }
    buffer[writer.end] = '\n';
    buffer[writer.end + 1] = 0;
    output(buffer[0 .. writer.end + 1 :0]);
}

/// Text as it is, whatever the level: statistics that were asked for.
pub fn output(text: [:0]const u8) void {
    if (functions.print()) |print| {
        const before = os.errno.get();
        defer os.errno.set(before); // the call that logs has an errno of its own, or leaves it alone
        return print(text.ptr);
    }
    if (options.debug) _ = wanted(); // the file is made by then
    var room: Path = undefined;
    const path = (if (options.debug) file else fileNow(&room)) orelse return os.output.stderr(text);
    os.output.append(path, text) catch os.output.stderr(text);
}

const Path = [2 * std.Io.Dir.max_path_bytes + 16]u8;

/// The file that the environment names now, or null.
fn fileNow(room: *Path) ?[:0]const u8 {
    const named = os.environment.get(file_variable) orelse return null;
    if (!std.mem.endsWith(u8, named, "-")) return if (named.len > 0) named else null;
    return std.fmt.bufPrintSentinel(room, "{s}{d}", .{ named, os.thread.processId() }, 0) catch null;
}

// --- The twin for debugging -----------------------------------------------------------------------

var starting: std.atomic.Value(bool) = .init(false);
/// The file of this process, from its root; null for standard error.
var file: ?[:0]const u8 = null;
var file_room: Path = undefined;

/// Once. Another thread that needs the log meanwhile waits for a while (in a child that was forked meanwhile it would be for ever),
/// and then goes without.
fn start() u8 {
    if (starting.swap(true, .acquire)) {
        for (0..10_000) |_| {
            const known = level_wanted.load(.acquire);
            if (known != unread) return known;
            os.thread.yield();
        }
        return 0;
    }
    file = makeFile();
    const level = parse(os.environment.get(level_variable) orelse "");
    level_wanted.store(level, .release);
    if (level > 0) introduce();
    return level;
}

fn makeFile() ?[:0]const u8 {
    var room: Path = undefined;
    const path = fileNow(&room) orelse return null;
    const whole = absolute(path) catch |err| return refuseFile(path, err);
    const fd = os.output.create(whole) catch |err| return refuseFile(path, err);
    os.file.close(fd);
    return whole;
}

/// The program may change its directory.
fn absolute(path: [:0]const u8) os.Error![:0]const u8 {
    const folder = if (path[0] == '/') "" else try os.process.directory(file_room[0 .. file_room.len / 2]);
    var writer = std.Io.Writer.fixed(file_room[folder.len .. file_room.len - 1]);
    const between = if (folder.len > 0) "/" else "";
    writer.print("{s}{s}", .{ between, path }) catch return error.ENAMETOOLONG;
    const len = folder.len + writer.end;
    file_room[len] = 0;
    return file_room[0..len :0];
}

fn refuseFile(path: [:0]const u8, err: os.Error) noreturn {
    var buffer: [1024]u8 = undefined;
    const text = "Error (" ++ options.log_name ++ "): opening the log \"{s}\" of " ++ file_variable ++ " failed: {s}\n";
    os.output.stderr(std.fmt.bufPrint(&buffer, text, .{ path[0..@min(path.len, 800)], os.errno.text(err) }) catch unreachable);
    os.process.abort();
}

comptime {
    const ours = std.fmt.comptimePrint("{d}.{d}", .{ version.major, version.minor });
    if (std.mem.eql(u8, options.log_name, "libvmem") and !std.mem.eql(u8, options.log_version, ours)) @compileError("the version of libvmem's interface is " ++ ours);
}

fn introduce() void {
    var room: [std.Io.Dir.max_path_bytes]u8 = undefined;
    const program = os.process.program(&room) catch "?";
    writeAlways(.errors, "process {d}, program \"{s}\"", .{ os.thread.processId(), program[0..@min(program.len, 800)] });
    writeAlways(.errors, options.log_name ++ " " ++ options.log_version ++ " for debugging, of vmem " ++ options.version, .{});
}

test "the level is read like atoi" {
    for ([_][]const u8{ "", "abc", "-1", "0", "x1" }) |text| try std.testing.expectEqual(0, parse(text));
    try std.testing.expectEqual(1, parse("1"));
    try std.testing.expectEqual(4, parse(" 4x"));
    try std.testing.expectEqual(254, parse("99999999999999999999999"));
}

test "what no trace is compiled into has none" {
    if (options.debug) return error.SkipZigTest; // the twin
    const before = level_wanted.swap(4, .monotonic);
    defer level_wanted.store(before, .monotonic);
    try std.testing.expect(enabled(.errors));
    try std.testing.expect(!enabled(.operations) and !enabled(.calls) and !enabled(.results));
}

test "a file's name may end in the number of the process" {
    const c = struct {
        extern "c" fn setenv(name: [*:0]const u8, value: [*:0]const u8, overwrite: c_int) c_int;
        extern "c" fn unsetenv(name: [*:0]const u8) c_int;
    };
    defer _ = c.unsetenv(file_variable);
    var room: Path = undefined;
    _ = c.setenv(file_variable, "", 1);
    try std.testing.expectEqual(null, fileNow(&room));
    _ = c.setenv(file_variable, "some.log", 1);
    try std.testing.expectEqualStrings("some.log", fileNow(&room).?);
    _ = c.setenv(file_variable, "log-", 1);
    var expected: [32]u8 = undefined;
    try std.testing.expectEqualStrings(try std.fmt.bufPrint(&expected, "log-{d}", .{os.thread.processId()}), fileNow(&room).?);
}
