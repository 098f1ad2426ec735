//! Attaching to a pool, leaving it, closing it.
//!
//! Closing never unmaps memory that somebody may still see. The pool's handle dies at once and for everybody; its
//! storage goes back; where it was, memory that reads as zeros stays until the last thread, buffer and call that
//! counts as a user is gone (see Range.zig and disposal.zig). Pools of the C face have no such users: deleting one
//! takes it away unless a call of another thread is still inside, which then does it when it leaves.

const std = @import("std");
const is_debug = @import("options").debug;
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const disposal = @import("disposal.zig");
const functions = @import("functions.zig");
const log = @import("log.zig");
const messages = @import("messages.zig");
const misuse = @import("misuse.zig");
const fork = @import("fork.zig");
const registry = @import("registry.zig");
const Range = @import("Range.zig");
const Thread = @import("Thread.zig");
const waiting = @import("waiting.zig");

/// The error and the message for a handle that `registry.find` does not know: EINVAL for what never was a handle and for a
/// deleted pool of the C face, EBADF for a closed one of the FFI face and for the parent's after a fork.
pub fn refuse(handle: usize) os.Error {
    const inherited = registry.isInherited(handle);
    const err = messages.handle(handle, inherited);
    // What a child still frees of its parent's pools is no mistake.
    if (!inherited) misuse.deadHandle();
    return err;
}

/// As `refuse` where asking about such a handle is no mistake.
pub fn refuseQuestion(handle: usize) os.Error {
    return messages.handle(handle, registry.isInherited(handle));
}

/// The message of `refuse` alone.
pub fn explain(handle: usize) void {
    std.mem.doNotOptimizeAway(refuse(handle));
}

pub fn pinned(handle: usize) os.Error!*Range {
    return registry.find(handle) orelse refuse(handle);
}

/// The calling thread becomes a user of the pool, until it detaches or ends. Each attach takes one detach. EBADF: the
/// pool is closed. ENOMEM.
pub fn attach(handle: usize) os.Error!void {
    const range = try pinned(handle);
    errdefer range.release();
    try Thread.attach(range);
}

/// Undoes one attach of the calling thread, or its creation of the pool; works on a closed pool too. The last user who
/// leaves an open pool closes it. EBADF: the thread is not attached.
pub fn detach(handle: usize) os.Error!void {
    const range = Thread.detach(handle) orelse return messages.notAttached(handle);
    range.release();
}

/// Undoes every attach and creation of the calling thread, as its end would; the thread itself goes on.
pub fn detachAll() void {
    heap.flushThread();
    Thread.detachAll();
}

/// Ends the pool for everybody. Blocks need not be freed before. EBADF or EINVAL, see `refuse`: it is closed already, or
/// never was.
pub fn close(handle: usize) os.Error!void {
    const range = try pinned(handle);
    if (is_debug) inspect(range);
    registry.lock.lock();
    if (!range.kill()) {
        registry.lock.unlock();
        range.release();
        return refuse(handle);
    }
    registry.unlink(range);
    fork.unfollow(range);
    range.heap.kill();
    registry.lock.unlock();
    waiting.closeAll(range);
    range.sites.forget();

    if (range.numbered) {
        disposal.abandon(range);
        if (Thread.detach(handle)) |own| own.release();
    } else {
        // A borrowed region is the caller's again, all of it, as soon as this returns.
        if (range.region.source == .borrowed) unprotect(range);
        // An application that counts what its malloc gave wants the records of this thread back now.
        if (functions.replaced()) heap.flushThread();
        range.release(); // the pool's own reference
    }
    range.release();
}

/// In the twin for debugging, the last look at a pool: a heap that is not whole ends the process, and what is still live is told.
fn inspect(range: *Range) void {
    if (!range.heap.check(&messages.inconsistent)) @panic("The pool that is to be deleted is inconsistent");
    var room: [heap.walk.room_min]heap.walk.Block = undefined;
    var at: u32 = 0;
    var count: usize = 0;
    var bytes: usize = 0;
    while (heap.walk.next(range.heap, &at, &room)) |found| {
        if (found == 0) break;
        count += found;
        for (room[0..found]) |block| {
            bytes += block.size;
            heap.expectTail(range.heap, block.address, block.size);
            log.write(.results, "Block at 0x{x} of {d} bytes is still in use", .{ block.address, block.size });
        }
    }
    heap.forgetBlocks(range.heap);
    log.write(.operations, "Pool at 0x{x} deleted with {d} blocks of {d} bytes in use", .{ range.region.base, count, bytes });
}

/// The pages that fault, the first one and at hardening level 3 those behind runs, are ordinary ones again.
fn unprotect(range: *const Range) void {
    const len = if (range.heap.guards) range.region.size else if (range.protected) os.memory.pageSize() else return;
    os.memory.protect(range.region.base, len, .read_write) catch {};
}

/// Counts a user of the pool's memory, for example a buffer over it. Same errors as `refuse`.
pub fn retainRange(handle: usize) os.Error!*Range {
    return pinned(handle);
}

/// Any thread, also one that is not attached to anything; no allocation, no thread cache.
pub fn releaseRange(range: *Range) void {
    range.release();
}

/// As `retainRange` for a buffer over a block.
pub fn retainArray(handle: usize) os.Error!*Range {
    const range = try pinned(handle);
    _ = range.arrays.fetchAdd(1, .monotonic);
    return range;
}

/// As `releaseRange`; what the buffer's end does to the block is done.
pub fn releaseArray(range: *Range) void {
    _ = range.arrays.fetchSub(1, .release);
    range.release();
}

/// Frees all blocks at once; storage, attachments and views stay. Nobody else may use blocks meanwhile. EBUSY: buffers over
/// blocks exist, in whatever thread, or (C face, level 3) a guard page stays; nothing is changed. Else see `refuse`.
pub fn reset(handle: usize) os.Error!void {
    const range = try pinned(handle);
    defer range.release();
    if (range.arrays.load(.acquire) != 0) return error.EBUSY;
    if (!heap.reset(range.heap)) return if (range.isAlive()) error.EBUSY else refuse(handle);
    _ = range.resets.fetchAdd(1, .monotonic);
    range.sites.forget();
}

/// The handle of the open pool that an address lies in; of several that overlap, any. No lock; a little time for each pool
/// of the process, unless it is the one that the thread used last.
pub fn owner(address: usize) ?usize {
    if (heap.lastHandleAt(address)) |handle| return handle;
    const range = registry.owner(address) orelse return null;
    defer range.release();
    return range.handle;
}

/// Whether another open pool shares memory with this one.
pub fn overlapsAnother(range: *const Range) bool {
    registry.lock.lock();
    defer registry.lock.unlock();
    return overlapsAny(range);
}

/// The same under the registry's lock, also before the pool is published.
pub fn overlapsAny(range: *const Range) bool {
    var ranges: registry.Iterator = .{};
    while (ranges.next()) |other| {
        if (other != range and other.isAlive() and range.overlaps(other)) return true;
    }
    return false;
}
