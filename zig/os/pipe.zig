//! A pipe for one byte: how the child of a fork tells its parent, who waits, what became of it. The end of the other side is
//! noticed, too, and its silence: a child may be stopped, by a signal or a debugger, for ever. One that works tells that it does.

const std = @import("std");
const linux = std.os.linux;
const sys = @import("sys.zig");
const file = @import("file.zig");
const memory = @import("memory.zig");
const thread = @import("thread.zig");
const Error = @import("errno.zig").Error;

pub const Pipe = struct {
    reader: file.Fd,
    writer: file.Fd,
    /// In memory of both, where it matters to the side that tells whether it was heard.
    outcome: ?*Outcome = null,

    pub const Heard = union(enum) {
        byte: u8,
        /// The other side has ended without a word.
        ended,
        /// It has not been heard of for too long, and will know that.
        silent,
    };

    const Outcome = std.atomic.Value(u32);
    const open_yet = 0;
    const told = 1;
    const given_up = 2;

    const work = 0;

    /// No program that is executed meanwhile inherits it. `sure`: `tell` says whether it was heard. EMFILE, ENFILE, ENOMEM.
    pub fn open(sure: bool) Error!Pipe {
        const outcome: ?*Outcome = if (sure) @ptrFromInt(try memory.mapShared(memory.pageSize())) else null;
        errdefer if (outcome) |o| memory.unmap(@intFromPtr(o), memory.pageSize()) catch {};
        var ends: [2]file.Fd = undefined;
        _ = try sys.call(.pipe2, .{ &ends, linux.O{ .CLOEXEC = true, .NONBLOCK = true } });
        return .{ .reader = ends[0], .writer = ends[1], .outcome = outcome };
    }

    /// For a process that is on neither side.
    pub fn leave(p: Pipe) void {
        file.close(p.writer);
        p.closeReader();
    }

    fn closeReader(p: Pipe) void {
        file.close(p.reader);
        if (p.outcome) |o| memory.unmap(@intFromPtr(o), memory.pageSize()) catch {};
    }

    /// For the side that tells: it is at work.
    pub fn tellWork(p: Pipe) void {
        sys.attempt(.write, .{ p.writer, &[1]u8{work}, 1 });
    }

    /// For the side that tells: whether the other one has not given up, if it was opened to be sure. Not 0. Closes both ends, that
    /// for reading last, because who writes to a pipe which nobody reads is ended by SIGPIPE, and the other side may be dead.
    pub fn tell(p: Pipe, byte: u8) bool {
        std.debug.assert(byte != work);
        const heard = p.end(told);
        @import("output.zig").write(p.writer, &.{byte}) catch {};
        p.leave();
        return heard;
    }

    fn end(p: Pipe, how: u32) bool {
        const outcome = p.outcome orelse return true;
        return outcome.cmpxchgStrong(open_yet, how, .acq_rel, .monotonic) == null;
    }

    /// For the side that waits, `patience_ns` at a time. Closes both ends.
    pub fn wait(p: Pipe, patience_ns: u64) Heard {
        file.close(p.writer);
        defer p.closeReader();
        var until = thread.nowNs() + patience_ns;
        while (true) {
            var byte: u8 = 0;
            const got = sys.call(.read, .{ p.reader, &byte, 1 }) catch |err| switch (err) {
                error.EINTR => continue,
                error.EAGAIN => if (p.sleep(until)) continue else return p.giveUp(),
                else => return p.giveUp(),
            };
            if (got == 0) return .ended;
            if (byte != work) return .{ .byte = byte };
            until = thread.nowNs() + patience_ns;
        }
    }

    /// Who has told already, and was stopped before the byte, has ended for the one that waits.
    fn giveUp(p: Pipe) Heard {
        return if (p.end(given_up)) .silent else .ended;
    }

    /// Until something may be there to read. False: it is too late.
    fn sleep(p: Pipe, until: u64) bool {
        const left = std.math.sub(u64, until, thread.nowNs()) catch return false;
        const time: linux.timespec = .{ .sec = @intCast(left / std.time.ns_per_s), .nsec = @intCast(left % std.time.ns_per_s) };
        var ask: linux.pollfd = .{ .fd = p.reader, .events = linux.POLL.IN, .revents = 0 };
        _ = sys.call(.ppoll, .{ &ask, 1, &time, 0, 0 }) catch |err| switch (err) {
            error.EINTR => {},
            // A filter of system calls.
            else => thread.futexWait(&never, 0, std.time.ns_per_ms) catch {},
        };
        return true;
    }
};

/// Nobody wakes who sleeps there.
const never: u32 = 0;

const second = std.time.ns_per_s;

test "a byte, or the end" {
    const before = try file.openCount();
    for ([_]Pipe.Heard{ .{ .byte = 7 }, .ended, .{ .byte = 8 } }, [_]bool{ false, false, true }) |expected, sure| {
        const pipe: Pipe = try .open(sure);
        const child = linux.fork();
        if (child == 0) {
            pipe.tellWork();
            if (expected == .byte and !pipe.tell(expected.byte)) linux.exit_group(1);
            linux.exit_group(0);
        }
        try std.testing.expectEqual(expected, pipe.wait(60 * second));
        var status: i32 = 0;
        try std.testing.expectEqual(child, linux.waitpid(@intCast(child), &status, 0));
    }
    try std.testing.expectEqual(before, try file.openCount());
    const pipe: Pipe = try .open(false);
    const child = linux.fork();
    if (child == 0) {
        // What is left when the other side is dead.
        var other = pipe;
        other.reader = @intCast(sys.call(.fcntl, .{ pipe.reader, linux.F.DUPFD_CLOEXEC, 3 }) catch linux.exit_group(1));
        file.close(pipe.reader);
        _ = other.tell(7);
        linux.exit_group(0);
    }
    file.close(pipe.reader);
    file.close(pipe.writer);
    var status: i32 = 0;
    try std.testing.expectEqual(child, linux.waitpid(@intCast(child), &status, 0));
    try std.testing.expectEqual(0, status);
}

test "who tells nobody is not ended by that" {
    const child = linux.fork();
    if (child == 0) {
        const usual: linux.Sigaction = .{ .handler = .{ .handler = linux.SIG.DFL }, .mask = linux.sigemptyset(), .flags = 0 };
        _ = linux.sigaction(.PIPE, &usual, null);
        const pipe = Pipe.open(false) catch linux.exit_group(1);
        _ = pipe.tell(1);
        linux.exit_group(0);
    }
    var status: i32 = 0;
    try std.testing.expectEqual(child, linux.waitpid(@intCast(child), &status, 0));
    try std.testing.expectEqual(0, status);
}

test "who is silent is given up, and who works is not" {
    const before = try file.openCount();
    const pause: linux.timespec = .{ .sec = 0, .nsec = 50 * std.time.ns_per_ms };
    for ([_]bool{ false, true }) |stopped| {
        const pipe: Pipe = try .open(true);
        const child = linux.fork();
        if (child == 0) {
            if (stopped) sys.attempt(.kill, .{ linux.getpid(), linux.SIG.STOP });
            for (0..10) |_| {
                _ = linux.nanosleep(&pause, null);
                pipe.tellWork();
            }
            linux.exit_group(@intFromBool(pipe.tell(7)));
        }
        const heard = pipe.wait(if (stopped) 2 * pause.nsec else 20 * second);
        try std.testing.expectEqual(if (stopped) .silent else Pipe.Heard{ .byte = 7 }, heard);
        if (stopped) _ = linux.kill(@intCast(child), .CONT);
        var status: u32 = 0;
        _ = linux.waitpid(@intCast(child), @ptrCast(&status), 0);
        try std.testing.expectEqual(@as(u32, if (stopped) 0 else 1 << 8), status);
    }
    try std.testing.expectEqual(before, try file.openCount());
}
