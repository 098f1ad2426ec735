//! Fault injection: the Nth system call fails without being made.
//!
//! Compiled in with `options.fault` (tests); otherwise `next` is a constant null and costs nothing. The
//! counter is one for the process, so a test arms, does one thing on one thread, and disarms. Calls that
//! only wait or tell the time (`timing`) are not counted: how many there are depends on the scheduler,
//! and a test must be able to walk N from 1 to the end.
//!
//! close() is made even when it is told to fail: the kernel frees the descriptor whatever it returns.

const std = @import("std");
const options = @import("options");
const errno = @import("errno.zig");
const Error = errno.Error;

pub const enabled: bool = options.fault;

/// System calls by the kernel's names.
pub const Call = std.os.linux.SYS;

const State = struct {
    calls: std.atomic.Value(u64) = .init(0),
    /// Number of the call that fails; 0: none.
    fail_at: std.atomic.Value(u64) = .init(0),
    code: std.atomic.Value(i32) = .init(0),
    /// Only calls of this kind count; -1: all.
    only: std.atomic.Value(i64) = .init(-1),
    /// Every call from `fail_at` on fails, not just that one.
    persistent: std.atomic.Value(bool) = .init(false),
};
var state: State = .{};

/// Counting starts at 0 again and the `n`th counted call from now on (the first is 1) fails with `err`.
pub fn arm(n: u64, err: Error) void {
    set(n, err, -1, false);
}

/// As `arm`, and all later calls fail too, until `disarm`.
pub fn armFrom(n: u64, err: Error) void {
    set(n, err, -1, true);
}

/// As `arm`, counting only calls of the kind `which`.
pub fn armCall(which: Call, n: u64, err: Error) void {
    set(n, err, @intCast(@backingInt(which)), false);
}

/// As `armCall`, and all later calls of that kind fail too, until `disarm`.
pub fn armCallFrom(which: Call, n: u64, err: Error) void {
    set(n, err, @intCast(@backingInt(which)), true);
}

fn set(n: u64, err: Error, only: i64, persistent: bool) void {
    std.debug.assert(enabled);
    state.fail_at.store(0, .monotonic);
    state.code.store(errno.code(err), .monotonic);
    state.only.store(only, .monotonic);
    state.persistent.store(persistent, .monotonic);
    state.calls.store(0, .monotonic);
    state.fail_at.store(n, .release);
}

/// No call fails any more; counting all calls starts at 0 again.
pub fn disarm() void {
    state.fail_at.store(0, .release);
    state.only.store(-1, .monotonic);
    state.calls.store(0, .monotonic);
}

/// Counted calls since `arm` or `disarm`.
pub fn count() u64 {
    return state.calls.load(.monotonic);
}

/// For `sys.call`: counts a call and says how it is to fail, if it is.
pub inline fn next(comptime which: Call) ?Error {
    if (!enabled or comptime timing(which)) return null;
    return decide(@intCast(@backingInt(which)));
}

fn timing(which: Call) bool {
    return switch (which) {
        .futex, .sched_yield, .gettid, .getpid, .ppoll => true,
        else => false,
    };
}

fn decide(which: i64) ?Error {
    const only = state.only.load(.monotonic);
    if (only != -1 and only != which) return null;
    const number = state.calls.fetchAdd(1, .monotonic) + 1;
    const at = state.fail_at.load(.acquire);
    if (at == 0) return null;
    if (number != at and !(number > at and state.persistent.load(.monotonic))) return null;
    return errno.fromCode(state.code.load(.monotonic));
}

test "the Nth call fails, once" {
    if (!enabled) return error.SkipZigTest; // built without options.fault
    const sys = @import("sys.zig");
    defer disarm();
    arm(2, error.ENOSPC);
    _ = try sys.call(.getuid, .{});
    try std.testing.expectError(error.ENOSPC, sys.call(.getuid, .{}));
    _ = try sys.call(.getuid, .{});
    try std.testing.expectEqual(@as(u64, 3), count());
}

test "calls of one kind fail from the Nth on" {
    if (!enabled) return error.SkipZigTest; // built without options.fault
    const sys = @import("sys.zig");
    defer disarm();
    armCallFrom(.getppid, 2, error.EPERM);
    _ = try sys.call(.getuid, .{});
    _ = try sys.call(.getppid, .{});
    try std.testing.expectError(error.EPERM, sys.call(.getppid, .{}));
    try std.testing.expectError(error.EPERM, sys.call(.getppid, .{}));
    _ = try sys.call(.getuid, .{});
}
