//! A pipe for one byte: how the child of a fork tells its parent, who waits, what became of it. The end of the other side is
//! noticed, too.

const std = @import("std");
const linux = std.os.linux;
const sys = @import("sys.zig");
const file = @import("file.zig");
const Error = @import("errno.zig").Error;

pub const Pipe = struct {
    reader: file.Fd,
    writer: file.Fd,

    /// No program that is executed meanwhile inherits it. EMFILE, ENFILE.
    pub fn open() Error!Pipe {
        var ends: [2]file.Fd = undefined;
        _ = try sys.call(.pipe2, .{ &ends, linux.O{ .CLOEXEC = true } });
        return .{ .reader = ends[0], .writer = ends[1] };
    }

    /// For the side that tells: closes both ends, that for reading last, because who writes to a pipe which nobody reads is ended by
    /// SIGPIPE, and the other side may be dead.
    pub fn tell(p: Pipe, byte: u8) void {
        @import("output.zig").write(p.writer, &.{byte}) catch {};
        file.close(p.writer);
        file.close(p.reader);
    }

    /// For the side that waits: null when the other one ended without a word. Closes both ends.
    pub fn wait(p: Pipe) ?u8 {
        file.close(p.writer);
        defer file.close(p.reader);
        var byte: u8 = 0;
        while (true) {
            const got = sys.call(.read, .{ p.reader, &byte, 1 }) catch |err| switch (err) {
                error.EINTR => continue,
                else => return null,
            };
            return if (got == 1) byte else null;
        }
    }
};

test "a byte, or the end" {
    const before = try file.openCount();
    for ([_]?u8{ 7, null }) |expected| {
        const pipe: Pipe = try .open();
        const child = linux.fork();
        if (child == 0) {
            if (expected) |byte| pipe.tell(byte);
            linux.exit_group(0);
        }
        try std.testing.expectEqual(expected, pipe.wait());
        var status: i32 = 0;
        try std.testing.expectEqual(child, linux.waitpid(@intCast(child), &status, 0));
    }
    try std.testing.expectEqual(before, try file.openCount());
    const pipe: Pipe = try .open();
    const child = linux.fork();
    if (child == 0) {
        // What is left when the other side is dead.
        var other = pipe;
        other.reader = @intCast(sys.call(.fcntl, .{ pipe.reader, linux.F.DUPFD_CLOEXEC, 3 }) catch linux.exit_group(1));
        file.close(pipe.reader);
        other.tell(7);
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
        const pipe = Pipe.open() catch linux.exit_group(1);
        pipe.tell(1);
        linux.exit_group(0);
    }
    var status: i32 = 0;
    try std.testing.expectEqual(child, linux.waitpid(@intCast(child), &status, 0));
    try std.testing.expectEqual(0, status);
}
