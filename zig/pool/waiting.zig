//! Waiting for a word of a pool to change, as `Atomics.wait` does for shared memory.
//!
//! A waiter is a record on its thread's stack, in the list of its range, and sleeps on a word of its own. So it is
//! woken exactly once and knows why, whatever the pool's memory becomes meanwhile: the close of the pool wakes
//! everybody, also those who wait for the zero that is there afterwards. The caller pins the range.
//!
//! Nobody misses a wake: a waiter counts itself, then looks at the word; who wakes has written the word, then looks
//! at the count.

const std = @import("std");
const os = @import("../os.zig");
const Range = @import("Range.zig");

pub const Outcome = enum(i32) { ok, not_equal, timed_out };

pub const Waiter = struct {
    const State = enum(u32) { asleep, woken, closed };

    address: usize,
    state: std.atomic.Value(u32) = .init(@backingInt(State.asleep)),
    next: ?*Waiter = null,

    fn wake(w: *Waiter, state: State) void {
        const word = &w.state.raw;
        w.state.store(@backingInt(state), .release);
        // The waiter may be gone already. Then nobody sleeps there, or somebody else, who will look again.
        _ = os.thread.futexWake(word, 1);
    }
};

/// Of one range, guarded by `lock`, but for `count`.
pub const Queue = struct {
    first: ?*Waiter = null,
    count: std.atomic.Value(u32) = .init(0),

    fn append(q: *Queue, waiter: *Waiter) void {
        var link = &q.first;
        while (link.*) |other| link = &other.next;
        link.* = waiter;
    }

    fn remove(q: *Queue, waiter: *Waiter) void {
        var link = &q.first;
        while (link.*) |other| : (link = &other.next) if (other == waiter) {
            link.* = waiter.next;
            _ = q.count.fetchSub(1, .monotonic);
            return;
        };
    }
};

/// A leaf of the lock order.
var lock: os.Mutex(.waiting) = .{};

/// Sleeps until `wake` is called for the word at `address` (of the pool, aligned) if it is `expected` now. EBADF: the pool is
/// closed, or was meanwhile. `timeout_ns` null: for ever.
pub fn wait(range: *Range, address: usize, expected: u32, timeout_ns: ?u64) os.Error!Outcome {
    const begin = os.thread.nowNs();
    var waiter: Waiter = .{ .address = address };
    {
        lock.lock();
        defer lock.unlock();
        if (!range.isAlive()) return error.EBADF;
        _ = range.waiters.count.fetchAdd(1, .seq_cst);
        const word: *const u32 = @ptrFromInt(address);
        if (@atomicLoad(u32, word, .seq_cst) != expected) {
            _ = range.waiters.count.fetchSub(1, .monotonic);
            return .not_equal;
        }
        range.waiters.append(&waiter);
    }
    const asleep = @backingInt(Waiter.State.asleep);
    while (waiter.state.load(.acquire) == asleep) {
        const left_ns = if (timeout_ns) |timeout| timeout -| (os.thread.nowNs() -% begin) else null;
        if (left_ns == 0) {
            lock.lock();
            defer lock.unlock();
            if (waiter.state.load(.monotonic) != asleep) break; // just now
            range.waiters.remove(&waiter);
            return .timed_out;
        }
        os.thread.futexWait(&waiter.state.raw, asleep, left_ns) catch {}; // the loop looks why
    }
    const state: Waiter.State = @fromBackingInt(waiter.state.load(.acquire));
    return if (state == .closed) error.EBADF else .ok;
}

/// Wakes up to `most` who wait for the word at `address`, the longest waiting first; says how many there were. 10 ns if nobody
/// waits for anything in the pool.
pub fn wake(range: *Range, address: usize, most: usize) usize {
    // A read-modify-write, so that it is not done before the caller's write of the word.
    if (range.waiters.count.fetchAdd(0, .seq_cst) == 0) return 0;
    lock.lock();
    defer lock.unlock();
    var woken: usize = 0;
    var at = range.waiters.first;
    while (at) |waiter| {
        at = waiter.next; // before the waiter goes its way
        if (waiter.address != address) continue;
        if (woken == most) break;
        range.waiters.remove(waiter);
        waiter.wake(.woken);
        woken += 1;
    }
    return woken;
}

/// The range is dead: everybody who waits is told.
pub fn closeAll(range: *Range) void {
    lock.lock();
    defer lock.unlock();
    while (range.waiters.first) |waiter| {
        range.waiters.remove(waiter);
        waiter.wake(.closed);
    }
}

/// In the child of a fork, where nobody waits.
pub fn forkChild() void {
    lock.reset();
}
