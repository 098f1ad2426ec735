//! What a fork leaves of the pools.
//!
//! A pool's bytes are shared between parent and child, its bookkeeping is copied: two processes would hand out the
//! same blocks. So in the child every pool of the parent is closed for good: its memory stays readable, every call
//! with its handle is refused, nothing of it is freed (threads that used it exist in the parent only). The child can make
//! pools of its own. The parent notices nothing.
//!
//! The registry's lock and every heap's lock of members are held across the fork, so the child finds the registry and the
//! lists of caches whole; what other threads held of the later locks is made new.

const std = @import("std");
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const registry = @import("registry.zig");
const Thread = @import("Thread.zig");
const waiting = @import("waiting.zig");

var watching = false;

/// For tests that fork by the system call.
pub const handlers = struct {
    pub const prepare = before;
    pub const parent = afterInParent;
    pub const child = afterInChild;
};

/// Registers the handlers, once. Under the registry's lock. ENOMEM.
pub fn watch() os.Error!void {
    if (watching) return;
    try os.thread.onFork(&before, &afterInParent, &afterInChild);
    watching = true;
}

fn before() callconv(.c) void {
    registry.lock.lock();
    var ranges: registry.Iterator = .{};
    while (ranges.next()) |range| heap.forks.prepare(range.heap);
}

fn afterInParent() callconv(.c) void {
    var ranges: registry.Iterator = .{};
    while (ranges.next()) |range| heap.forks.parent(range.heap);
    registry.lock.unlock();
}

fn afterInChild() callconv(.c) void {
    heap.forks.child();
    var ranges: registry.Iterator = .{};
    while (ranges.next()) |range| {
        // Once; but the locks of the parent's parent's were taken for this fork, too.
        if (!range.isInherited()) range.inherit();
        heap.forks.bury(range.heap);
    }
    Thread.forget();
    waiting.forkChild();
    registry.lock.reset();
}
