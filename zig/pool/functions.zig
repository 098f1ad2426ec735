//! The functions that an application puts in place of the library's own (`vmem_set_funcs`).
//!
//! `malloc` and `free` serve the heaps' records of threads. A record made by one malloc must go back to its own
//! free, so the pair counts only if both are given, and is fixed when the first pool is made. `realloc` and `strdup`
//! are taken and never called: the library has no use for them. `print` may change at any time.

const std = @import("std");
const Thread = @import("Thread.zig");

pub const Malloc = *const fn (usize) callconv(.c) ?*anyopaque;
pub const Free = *const fn (?*anyopaque) callconv(.c) void;
pub const Realloc = *const fn (?*anyopaque, usize) callconv(.c) ?*anyopaque;
pub const Strdup = *const fn (?[*:0]const u8) callconv(.c) ?[*:0]u8;
pub const Print = *const fn (?[*:0]const u8) callconv(.c) void;

var malloc_function: std.atomic.Value(?Malloc) = .init(null);
var free_function: std.atomic.Value(?Free) = .init(null);
var print_function: std.atomic.Value(?Print) = .init(null);
var fixed: std.atomic.Value(bool) = .init(false);

/// Null restores the library's own. Not meant to race with the making of the first pool.
pub fn set(malloc: ?Malloc, free: ?Free, realloc: ?Realloc, strdup: ?Strdup, print_: ?Print) void {
    _ = realloc;
    _ = strdup;
    print_function.store(print_, .release);
    if (fixed.load(.acquire)) return;
    const both = malloc != null and free != null;
    malloc_function.store(if (both) malloc else null, .release);
    free_function.store(if (both) free else null, .release);
}

/// From now on `malloc` and `free` do not change; says whether they are the application's.
pub fn fix() bool {
    fixed.store(true, .release);
    return replaced();
}

pub fn replaced() bool {
    return malloc_function.load(.acquire) != null;
}

/// The heap's hooks where `fix` said true.
pub fn take(len: usize) ?usize {
    const record = malloc_function.load(.monotonic).?(len) orelse {
        // The heap can do without a record; the application that has no memory for it expects its call to fail.
        const thread = Thread.current() catch return null;
        thread.starved = true;
        return null;
    };
    return @intFromPtr(record);
}

/// Whether the application's `malloc` refused the calling thread something since the last time this was asked.
pub fn starved() bool {
    if (!replaced()) return false;
    const thread = Thread.existing() orelse return false;
    defer thread.starved = false;
    return thread.starved;
}

pub fn give(record: usize) void {
    free_function.load(.monotonic).?(@ptrFromInt(record));
}

pub fn print() ?Print {
    return print_function.load(.acquire);
}

test "malloc and free count only together" {
    const application = struct {
        fn malloc(_: usize) callconv(.c) ?*anyopaque {
            return null;
        }
        fn free(_: ?*anyopaque) callconv(.c) void {}
        fn print(_: ?[*:0]const u8) callconv(.c) void {}
    };
    const before = fixed.swap(false, .monotonic); // another test of this process may have made a pool
    defer fixed.store(before, .monotonic);
    defer set(null, null, null, null, null);
    set(&application.malloc, null, null, null, null);
    try std.testing.expectEqual(null, malloc_function.raw);
    set(&application.malloc, &application.free, null, null, &application.print);
    try std.testing.expectEqual(&application.malloc, malloc_function.raw.?);
    try std.testing.expectEqual(&application.print, print().?);
    set(null, &application.free, null, null, null);
    try std.testing.expectEqual(null, free_function.raw);
    try std.testing.expectEqual(null, print());
    try std.testing.expect(!fix());
    set(&application.malloc, &application.free, null, null, null);
    try std.testing.expect(!fix());
    fixed.store(false, .monotonic);
}
