//! A lock of 4 bytes: no allocation, no initialisation, usable from static memory before the C library
//! is ready, and re-initialisable in the child of a fork.
//!
//! It spins a little (critical sections here are tens of nanoseconds), then sleeps on a futex. State 2
//! means "somebody may sleep": only then does unlock make a system call. Not recursive, not fair.
//!
//! Its rank, part of the type, says what may be held while it is taken (ranks.zig).
//!
//! **Around a fork** one thread holds the locks of a heap from the first handler to the last (`hold`, `letGo`). Handlers
//! of other libraries run in between and call malloc: the thread that forks walks through what it holds (`forking`), in
//! the parent and, until our handler has run there, in the child, too; everybody else waits.

const std = @import("std");
const ranks = @import("ranks.zig");
const sys = @import("sys.zig");
const threadPointer = @import("thread.zig").pointer;
const linux = std.os.linux;

const spins = 100;

const free = 0;
const locked = 1;
const contended = 2;
/// Held around a fork, and at the same time entered by the thread that forks.
const held = 3;
const entered = 4;
/// Added to these two when somebody may sleep.
const awaited = 8;

/// The thread that holds locks around a fork, by its thread pointer, which is the same in parent and child; 0: none.
pub var forking: std.atomic.Value(usize) = .init(0);

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
            if (m.state.cmpxchgStrong(locked, free, .release, .monotonic)) |before| {
                @branchHint(.unlikely);
                unlockSlow(&m.state, before);
            }
        }

        /// Takes the lock for the time of a fork. It does not count as held by the thread, which walks through it.
        pub fn hold(m: *Self) void {
            m.lock();
            m.keep();
        }

        /// Who sleeps already is remembered: `letGo` wakes nobody else.
        fn keep(m: *Self) void {
            if (m.state.cmpxchgStrong(locked, held, .monotonic, .monotonic) != null) m.state.store(held | awaited, .monotonic);
            if (ranks.enabled) ranks.drop(rank);
        }

        /// Ends `hold`; locks that were made since then are not held, which is fine.
        pub fn letGo(m: *Self) void {
            if (m.state.load(.monotonic) & ~@as(u32, awaited) != held) return;
            if (m.state.swap(free, .release) & awaited != 0) wake(&m.state);
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
    while (true) {
        const now = state.load(.monotonic);
        switch (now) {
            free => if (state.cmpxchgWeak(free, contended, .acquire, .monotonic) == null) return,
            locked => if (state.cmpxchgWeak(locked, contended, .monotonic, .monotonic) == null) sleep(state, contended),
            held, entered => {
                if (enter(state)) return;
                if (state.cmpxchgWeak(now, now | awaited, .monotonic, .monotonic) == null) sleep(state, now | awaited);
            },
            held | awaited, entered | awaited => {
                if (enter(state)) return;
                sleep(state, now);
            },
            else => sleep(state, contended),
        }
    }
}

/// Whether the calling thread is the one that holds the lock around a fork; it is inside then.
fn enter(state: *std.atomic.Value(u32)) bool {
    if (forking.load(.monotonic) != threadPointer()) return false;
    const before = state.fetchAdd(entered - held, .monotonic);
    std.debug.assert(before & ~@as(u32, awaited) == held);
    return true;
}

fn sleep(state: *std.atomic.Value(u32), now: u32) void {
    sys.attempt(.futex, .{ &state.raw, linux.FUTEX_OP{ .cmd = .WAIT, .private = true }, now, 0 });
}

noinline fn unlockSlow(state: *std.atomic.Value(u32), before: u32) void {
    @branchHint(.cold);
    if (before & ~@as(u32, awaited) == entered) {
        _ = state.fetchSub(entered - held, .monotonic);
        return;
    }
    if (ranks.enabled) std.debug.assert(before == contended);
    state.store(free, .release);
    wake(state);
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

/// A lock, and whether another thread of a test got it.
const Other = struct {
    m: Mutex(.runs) = .{},
    entered: std.atomic.Value(bool) = .init(false),

    fn run(o: *Other) void {
        o.m.lock();
        o.entered.store(true, .release);
        o.m.unlock();
    }
};

test "the thread that forks walks through what it holds, others wait" {
    var other: Other = .{};
    forking.store(threadPointer(), .monotonic);
    defer forking.store(0, .monotonic);
    other.m.hold();
    var threads: [3]std.Thread = undefined;
    for (&threads) |*t| t.* = try std.Thread.spawn(.{}, Other.run, .{&other});
    for (0..1000) |_| {
        other.m.lock();
        try std.testing.expect(!other.m.tryLock());
        other.m.unlock();
        try std.testing.expect(other.m.isLocked());
        @import("thread.zig").yield();
    }
    try std.testing.expect(!other.entered.load(.acquire));
    other.m.letGo();
    for (threads) |t| t.join();
    try std.testing.expect(!other.m.isLocked());
    other.m.letGo(); // not held: nothing happens
    try std.testing.expect(other.m.tryLock());
    other.m.letGo();
    try std.testing.expect(other.m.isLocked());
    other.m.unlock();
}

test "who slept before the lock was held around a fork is woken after it" {
    var other: Other = .{};
    other.m.lock();
    const t = try std.Thread.spawn(.{}, Other.run, .{&other});
    while (other.m.state.load(.monotonic) != contended) @import("thread.zig").yield();
    // It sets the state before it sleeps.
    const soon: linux.timespec = .{ .sec = 0, .nsec = 20_000_000 };
    _ = linux.nanosleep(&soon, null);
    other.m.keep();
    other.m.letGo();
    for (0..250) |_| {
        if (other.entered.load(.acquire)) break;
        _ = linux.nanosleep(&soon, null);
    }
    const woken = other.entered.load(.acquire);
    if (!woken) wake(&other.m.state);
    t.join();
    try std.testing.expect(woken);
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
