//! A lock of 4 bytes: no allocation, no initialisation, usable from static memory before the C library
//! is ready, and re-initialisable in the child of a fork.
//!
//! It spins a little (critical sections here are tens of nanoseconds), then sleeps on a futex. State 2
//! means "somebody may sleep": only then does unlock make a system call. Not recursive, not fair.

const std = @import("std");
const options = @import("options");
const sys = @import("sys.zig");
const linux = std.os.linux;

const spins = 100;

pub const Mutex = extern struct {
    state: std.atomic.Value(u32) = .init(free),

    const free = 0;
    const locked = 1;
    const contended = 2;

    pub inline fn lock(m: *Mutex) void {
        if (m.state.cmpxchgWeak(free, locked, .acquire, .monotonic) != null) {
            @branchHint(.unlikely);
            m.lockSlow();
        }
    }

    /// Takes the lock if it is free. Never waits.
    pub inline fn tryLock(m: *Mutex) bool {
        return m.state.cmpxchgStrong(free, locked, .acquire, .monotonic) == null;
    }

    pub inline fn unlock(m: *Mutex) void {
        const before = m.state.swap(free, .release);
        if (options.verify) std.debug.assert(before != free);
        if (before == contended) {
            @branchHint(.unlikely);
            wake(m);
        }
    }

    /// For assertions: whether anybody holds the lock.
    pub inline fn isLocked(m: *const Mutex) bool {
        return m.state.load(.monotonic) != free;
    }

    /// In the child of a fork, whose only thread is the caller: frees the lock whoever held it.
    pub fn reset(m: *Mutex) void {
        m.state.store(free, .release);
    }

    noinline fn lockSlow(m: *Mutex) void {
        @branchHint(.cold);
        for (0..spins) |_| {
            std.atomic.spinLoopHint();
            if (m.state.load(.monotonic) == free and
                m.state.cmpxchgWeak(free, locked, .acquire, .monotonic) == null) return;
        }
        // From here on 2 is stored even if nobody else waits: the price is one needless wake.
        while (m.state.swap(contended, .acquire) != free) {
            sys.attempt(.futex, .{ &m.state.raw, linux.FUTEX_OP{ .cmd = .WAIT, .private = true }, contended, 0 });
        }
    }

    noinline fn wake(m: *Mutex) void {
        @branchHint(.cold);
        sys.attempt(.futex, .{ &m.state.raw, linux.FUTEX_OP{ .cmd = .WAKE, .private = true }, 1 });
    }
};

test "size and states" {
    var m: Mutex = .{};
    try std.testing.expectEqual(@as(usize, 4), @sizeOf(Mutex));
    try std.testing.expect(m.tryLock());
    try std.testing.expect(m.isLocked());
    try std.testing.expect(!m.tryLock());
    m.unlock();
    try std.testing.expect(!m.isLocked());
    m.lock();
    m.reset();
    m.lock();
    m.unlock();
}

test "four threads exclude each other" {
    const Shared = struct {
        m: Mutex = .{},
        a: u64 = 0,
        b: u64 = 0,
        fn run(s: *@This()) void {
            for (0..50_000) |_| {
                s.m.lock();
                defer s.m.unlock();
                s.a += 1;
                s.b = s.a;
            }
        }
    };
    var shared: Shared = .{};
    var threads: [4]std.Thread = undefined;
    for (&threads) |*t| t.* = try std.Thread.spawn(.{}, Shared.run, .{&shared});
    for (threads) |t| t.join();
    try std.testing.expectEqual(@as(u64, 200_000), shared.a);
    try std.testing.expectEqual(shared.a, shared.b);
}
