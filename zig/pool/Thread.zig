//! What the pool layer keeps for each thread: its last message and the pools it is attached to.
//!
//! One pointer of thread-local storage leads to a record that is mapped at first use and unmapped at the thread's
//! end. The pointer is reached by initial-exec access like the heap's: a library that is opened late must not
//! allocate in a thread's first call.

const Thread = @This();

const std = @import("std");
const builtin = @import("builtin");
const options = @import("options");
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const Range = @import("Range.zig");

/// Longest message with its end mark: a path of 4 096 bytes and the words around it.
pub const message_capacity = 4608;

message: [message_capacity]u8,
message_len: usize,
/// See `functions.take`.
starved: bool,
/// One reference each; a range stands here as often as the thread is attached to it.
attachments: []*Range,
attachments_room: usize,

// Exported because the access by assembler needs its symbol; the version scripts keep it local.
export threadlocal var vmem_pool_thread: ?*Thread = null;

const initial_exec = builtin.zig_backend == .stage2_llvm and !options.general_dynamic and builtin.cpu.arch == .x86_64;

fn place() *?*Thread {
    if (!initial_exec) return &vmem_pool_thread;
    const address = asm (
        \\movq %%fs:0, %[address]
        \\addq vmem_pool_thread@GOTTPOFF(%%rip), %[address]
        : [address] "=r" (-> usize),
        :
        : .{ .cc = true });
    return @ptrFromInt(address);
}

/// Stands for the record of a thread for which none could be made.
var refused_record: Thread = undefined;

/// The calling thread's record if it has one.
pub fn existing() ?*Thread {
    const thread = place().*;
    return if (thread == &refused_record) null else thread;
}

/// The last time the calling thread was to have a record there was no memory for it.
pub fn isRefused() bool {
    return place().* == &refused_record;
}

/// The calling thread's record, made if need be. ENOMEM when the system gives no memory for it.
pub fn current() os.Error!*Thread {
    if (existing()) |thread| return thread;
    const at = place();
    const memory = os.memory.mapAnonymous(@sizeOf(Thread)) catch |err| {
        at.* = &refused_record;
        return err;
    };
    const thread: *Thread = @ptrFromInt(memory);
    thread.message_len = 0; // the fresh memory's zero is the end mark
    thread.starved = false;
    thread.attachments = &.{};
    thread.attachments_room = 0;
    at.* = thread;
    watchExit();
    return thread;
}

var exit_watched: std.atomic.Value(bool) = .init(false);

/// `exit` will run when the calling thread ends. If the system cannot promise that, the record and what it holds stay.
fn watchExit() void {
    if (!exit_watched.load(.acquire)) {
        // The library must not be unloaded while a thread's end leads into it.
        _ = os.library.pin();
        os.thread.onExit(&flushAndExit) catch return;
        exit_watched.store(true, .release);
    }
    _ = os.thread.arm();
}

/// The heap calls `exit` when it has flushed a thread's caches, but knows nothing of threads that have none.
fn flushAndExit() void {
    heap.flushThread();
    exit();
}

/// Takes over one reference of `range`. ENOMEM leaves the reference with the caller.
pub fn attach(range: *Range) os.Error!void {
    const thread = try current();
    const count = thread.attachments.len;
    if (count == thread.attachments_room) try thread.grow();
    thread.attachments.len = count + 1;
    thread.attachments[count] = range;
}

fn grow(thread: *Thread) os.Error!void {
    const old = thread.attachments;
    const old_room = thread.attachments_room;
    const room = @max(old_room * 2, os.memory.pageSize() / @sizeOf(*Range));
    const memory: [*]*Range = @ptrFromInt(try os.memory.mapAnonymous(room * @sizeOf(*Range)));
    @memcpy(memory, old);
    thread.attachments = memory[0..old.len];
    thread.attachments_room = room;
    if (old_room > 0) os.memory.unmap(@intFromPtr(old.ptr), old_room * @sizeOf(*Range)) catch {};
}

/// Hands the caller the reference of one attachment to the range that had `handle`, which may be closed by now.
/// The newest attachment goes first. Null if the thread has none.
pub fn detach(handle: usize) ?*Range {
    const thread = existing() orelse return null;
    var index = thread.attachments.len;
    while (index > 0) {
        index -= 1;
        const range = thread.attachments[index];
        if (range.handle != handle) continue;
        const rest = thread.attachments[index + 1 ..];
        @memmove(thread.attachments[index..][0..rest.len], rest);
        thread.attachments.len -= 1;
        return range;
    }
    return null;
}

/// Runs when a thread ends, after the heap has flushed its caches: drops what the thread still holds. A destructor
/// that runs later may make a new record; the system then calls the hooks once more.
pub fn exit() void {
    const thread = existing() orelse return;
    place().* = null;
    for (thread.attachments) |range| range.release();
    if (thread.attachments_room > 0) {
        os.memory.unmap(@intFromPtr(thread.attachments.ptr), thread.attachments_room * @sizeOf(*Range)) catch {};
    }
    os.memory.unmap(@intFromPtr(thread), @sizeOf(Thread)) catch {};
}

/// Undoes every attach of the calling thread, which lives on and may attach anew.
pub fn detachAll() void {
    const thread = existing() orelse return;
    const held = thread.attachments;
    thread.attachments.len = 0;
    for (held) |range| range.release();
}

/// In the child of a fork the attachments of its only thread stand for pools that are gone.
pub fn forget() void {
    const thread = existing() orelse return;
    thread.attachments.len = 0;
}
