//! A lock of 4 bytes: no allocation, no initialisation, usable from static memory before the C library
//! is ready, and re-initialisable in the child of a fork.
//!
//! It spins a little (critical sections here are tens of nanoseconds), then sleeps on a futex. State 2
//! means "somebody may sleep": only then does unlock make a system call. Not recursive, not fair.
//!
//! Its rank, part of the type, says what may be held while it is taken (ranks.zig).

const std = @import("std");
const ranks = @import("ranks.zig");
const sys = @import("sys.zig");
const linux = std.os.linux;

const spins = 100;

const free = 0;
const locked = 1;
const contended = 2;

pub fn Mutex(comptime rank: ranks.Rank) type {
    return extern struct {
        state: std.atomic.Value(u32) = .init(free),

        const Self = @This();

        pub inline fn lock(m: *Self) void {
            if (ranks.enabled) ranks.check(rank);
            if (m.state.cmpxchgWeak(free, locked, .acquire, .monotonic) != null) {
                @branchHint(.unlikely);
                lockSlow(&m.state);
            }
            if (ranks.enabled) ranks.note(rank);
        }

        /// Takes the lock if it is free. Never waits, so any lock may be held.
        pub inline fn tryLock(m: *Self) bool {
            if (m.state.cmpxchgStrong(free, locked, .acquire, .monotonic) != null) return false;
            if (ranks.enabled) ranks.note(rank);
            return true;
        }

        pub inline fn unlock(m: *Self) void {
            if (ranks.enabled) ranks.drop(rank);
            const before = m.state.swap(free, .release);
            if (ranks.enabled) std.debug.assert(before != free);
            if (before == contended) {
                @branchHint(.unlikely);
                wake(&m.state);
            }
        }

        /// For assertions: whether anybody holds the lock.
        pub inline fn isLocked(m: *const Self) bool {
            return m.state.load(.monotonic) != free;
        }

        /// In the child of a fork, whose only thread is the caller: frees the lock whoever held it.
        pub fn reset(m: *Self) void {
            if (ranks.enabled and m.isLocked()) ranks.forget(rank);
            m.state.store(free, .release);
        }
    };
}

noinline fn lockSlow(state: *std.atomic.Value(u32)) void {
    @branchHint(.cold);
    for (0..spins) |_| {
        std.atomic.spinLoopHint();
        if (state.load(.monotonic) == free and
            state.cmpxchgWeak(free, locked, .acquire, .monotonic) == null) return;
    }
    // From here on 2 is stored even if nobody else waits: the price is one needless wake.
    while (state.swap(contended, .acquire) != free) {
        sys.attempt(.futex, .{ &state.raw, linux.FUTEX_OP{ .cmd = .WAIT, .private = true }, contended, 0 });
    }
}

noinline fn wake(state: *std.atomic.Value(u32)) void {
    @branchHint(.cold);
    sys.attempt(.futex, .{ &state.raw, linux.FUTEX_OP{ .cmd = .WAKE, .private = true }, 1 });
}

test "size and states" {
    var m: Mutex(.runs) = .{};
    try std.testing.expectEqual(@as(usize, 4), @sizeOf(Mutex(.runs)));
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
        m: Mutex(.runs) = .{},
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
