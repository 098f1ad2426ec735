//! What a fork leaves of the pools.
//!
//! **Ordinary pools.** A pool's bytes are shared between parent and child, its bookkeeping is copied: two processes would hand out
//! the same blocks. So in the child every pool of the parent is closed for good: its memory stays readable, every call
//! with its handle is refused, nothing of it is freed (threads that used it exist in the parent only). The child can make
//! pools of its own. The parent notices nothing. The registry's lock and every heap's lock of members are held across the fork, so
//! the child finds the registry and the lists of caches whole; what other threads held of the later locks is made new.
//!
//! **One pool of a process may follow forks** (`Options.fork`), because it is the process's heap: the child goes on with it.
//! Before the fork all of its locks are taken and its region is made private (`region/forks.zig`), which is how the kernel gives
//! the child what there is at the moment of the fork, whatever other threads write meanwhile, and before any handler runs there:
//! the C library itself, and a stack that lies in a block, need their bytes that early. Then
//!
//! * mode `private`: both stay so;
//! * mode `copy`: the child copies what is in use into a file of its own, while the thread that forked waits; then
//!   the parent has its file for itself again. A process with other threads takes it back as blocks are freed, one without at once.
//! * mode `copy_or_private`: as `copy`; where there is no room for that, as `private`.
//!
//! **Pools of private memory may live on** (`Options.lives_in_child`), any number of them: the kernel has copied their bytes with
//! everything else, so all that has to be done is to take their locks before the fork, and what other threads had cached in the child.
//!
//! Memory that cannot be private (a device, huge pages; also a program that closed our descriptor) is copied into the child's own,
//! in every mode, while the thread that forked waits; what other threads write just then the child may see in part, and the
//! thread must not run on a stack in a block.
//!
//! Handlers of other libraries call malloc before ours have ended: see os/mutex.zig. vfork and posix_spawn run no handlers and
//! need none, as the child borrows the parent's memory. A child of a raw clone(2), or of _Fork(3), runs none either and must call
//! exec: it shares the parent's blocks.
//!
//! **A child may be stopped for ever**, by a signal or a debugger. Where nothing is heard of it for some seconds the parent
//! goes on: with private pages; or, where the child reads the parent's memory, alone: the child ends when it finds out.
//!
//! **A fork in a signal handler that interrupted one of our calls** must not wait for what the interrupted code holds. In a
//! process with one thread a lock that is taken is such a one: nothing is held then, nothing changes, and in the child, which can
//! only call exec, the pools whose bytes are the parent's are closed. With more threads it waits for ever, as with the C library's malloc.

const std = @import("std");
const assert = @import("../base.zig").assert;
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const region_layer = @import("../region.zig");
const Region = region_layer.Region;
const Extent = region_layer.Extent;
const registry = @import("registry.zig");
const Range = @import("Range.zig");
const Thread = @import("Thread.zig");
const waiting = @import("waiting.zig");

pub const Mode = enum(u2) {
    /// The pool ends in the child as any other, and what the child writes does not reach the parent.
    none = 0,
    /// From the first fork on, parent and child copy the pages that they write into memory of their own.
    private = 1,
    /// The child gets a copy of the pool's file. Where that fails it is ended by `failed`.
    copy = 2,
    /// `copy`, and where that fails `private`.
    copy_or_private = 3,
};

/// Ends a child that cannot have its memory.
pub var failed: *const fn (os.Error) noreturn = &abort;

fn abort(err: os.Error) noreturn {
    var buffer: [200]u8 = undefined;
    const line = std.fmt.bufPrint(&buffer, "Copying a pool for the child of a fork failed: {s}\n", .{os.errno.text(err)}) catch unreachable;
    os.output.stderr(line);
    os.process.abort();
}

const Followed = struct {
    range: *Range,
    mode: Mode,
    /// A vfork child has the parent's memory, but is another process.
    process: u32,
    /// Before the fork that is in progress the file was this process's alone.
    owned: bool = false,
    /// On which the child says that it needs the parent's bytes no more.
    pipe: ?os.Pipe = null,

    fn region(f: *const Followed) *Region {
        return &f.range.region;
    }

    fn copies(f: *const Followed) bool {
        return f.mode == .copy or f.mode == .copy_or_private;
    }

    fn lives(f: *const Followed) bool {
        return f.mode != .none;
    }
};

/// What the child says.
const Answer = enum(u8) {
    /// The bytes are the parent's alone again.
    done = 'd',
    /// The child goes on with a private view of them.
    stays = 's',
};

var followed: ?Followed = null;
/// Forks of several threads come one after the other.
var gate: os.Mutex(.fork) = .{};
var watching = false;
/// Forks in progress of signal handlers that interrupted one of our calls.
var interruptions: u32 = 0;
/// How long the parent waits for a child that says nothing; while it copies it tells of each of these steps.
const patience_ns = 5 * std.time.ns_per_s;
const copied_step = 4 << 20;

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

/// Whether a pool may be followed. Under the registry's lock. EBUSY: another one is.
pub fn ask() os.Error!void {
    if (followed != null) return error.EBUSY;
}

/// The pool, whose region follows forks, is to live in the child; nobody else is followed. Under the registry's lock.
pub fn follow(range: *Range, mode: Mode) void {
    assert(followed == null);
    followed = .{ .range = range, .mode = mode, .process = os.thread.processId() };
}

/// The pool ends. Under the registry's lock.
pub fn unfollow(range: *Range) void {
    if (followed) |f| if (f.range == range) {
        followed = null;
    };
}

/// The followed pool if it lives in the child.
fn living() ?*Followed {
    const f = if (followed) |*f| f else return null;
    return if (f.lives()) f else null;
}

fn isLiving(range: *const Range) bool {
    if (range.lives) return true;
    const f = living() orelse return false;
    return f.range == range;
}

/// Whether any pool lives in the child. Under the registry's lock.
fn anyLives() bool {
    if (living() != null) return true;
    var ranges: registry.Iterator = .{};
    while (ranges.next()) |range| if (range.lives) return true;
    return false;
}

/// Whether the calling thread, the only one, holds one of the locks: so it is in a signal handler, and must not wait.
fn interruptsUs() bool {
    return os.thread.threadCount() == 1 and isBusy();
}

/// In a process with one thread: with others, pools and caches may end while they are looked at.
fn isBusy() bool {
    if (gate.isLocked() or registry.lock.isLocked() or heap.forks.isBusyShared()) return true;
    var ranges: registry.Iterator = .{};
    while (ranges.next()) |range| if (heap.forks.isBusy(range.heap)) return true;
    return false;
}

fn before() callconv(.c) void {
    if (interruptsUs()) {
        interruptions += 1;
        return;
    }
    gate.lock();
    registry.lock.hold();
    const any = anyLives();
    if (any) heap.forks.holdLives();
    var ranges: registry.Iterator = .{};
    while (ranges.next()) |range| {
        if (isLiving(range)) heap.forks.hold(range.heap) else heap.forks.prepare(range.heap);
    }
    if (any) heap.forks.holdRecords();
    os.forking.store(os.thread.pointer(), .monotonic);
    if (living()) |f| part(f);
}

/// Every lock is held.
fn part(f: *Followed) void {
    f.owned = !f.region().isApart();
    f.region().part() catch |err| if (err == error.EBADF) moveAlone(f);
    f.pipe = null;
    const apart = f.region().isApart();
    // A child that reads the parent's memory must know that the parent waits.
    if (!apart or (f.owned and f.copies() and f.region().isParted())) f.pipe = os.Pipe.open(!apart) catch null;
}

/// The program has closed our descriptor: the file can neither be mapped anew nor be given back. A process with one thread
/// moves into its own memory, once, so that not every child has to.
fn moveAlone(f: *Followed) void {
    if (!isAlone(f) or f.range.contains(@frameAddress())) return;
    const signals = os.thread.holdSignals() catch return;
    defer os.thread.restoreSignals(&signals);
    var used = heap.forks.usedOf(f.range.heap);
    f.region().copyIntoMemory(&used) catch {};
}

/// Whether no other thread writes to the region.
fn isAlone(f: *const Followed) bool {
    return os.thread.threadCount() == 1 and os.thread.processId() == f.process;
}

fn afterInParent() callconv(.c) void {
    if (interruptions > 0) {
        interruptions -= 1;
        return;
    }
    os.forking.store(0, .monotonic);
    var ranges: registry.Iterator = .{};
    while (ranges.next()) |range| {
        if (isLiving(range)) heap.forks.letGo(range.heap) else heap.forks.parent(range.heap);
    }
    if (anyLives()) heap.forks.letGoShared();
    registry.lock.letGo();
    if (living()) |f| settleParent(f);
    gate.unlock();
}

/// No lock but the gate is held. What other threads do to the heap meanwhile does not touch a parted file.
fn settleParent(f: *Followed) void {
    const pipe = f.pipe;
    const answer: os.Pipe.Heard = if (pipe) |p| p.wait(patience_ns) else .silent;
    f.pipe = null;
    if (f.region().isParted()) {
        const needed = switch (answer) {
            .byte => |byte| byte == @backingInt(Answer.stays),
            .ended => false, // or was never made
            .silent => true,
        };
        if (!f.owned or needed) return heap.forks.withRegion(f.range.heap, stay);
        heap.forks.withRegion(f.range.heap, Region.rejoin);
    }
    if (isAlone(f)) return settleAlone(f);
    if (f.owned) heap.forks.drop(f.range.heap);
    heap.forks.withRegion(f.range.heap, tidy);
}

fn stay(region: *Region) void {
    region.closeFile();
    tidy(region);
}

/// A millisecond's worth.
fn tidy(region: *Region) void {
    region.tidy(8 << 20);
}

fn settleAlone(f: *Followed) void {
    if (f.region().source != .file) return;
    const signals = os.thread.holdSignals() catch return;
    defer os.thread.restoreSignals(&signals);
    heap.forks.withRegion(f.range.heap, Region.settle);
}

/// In the child of a handler that interrupted a call: locks and lists are as they are. The interrupted code may go on here, too.
fn afterInterruption() void {
    interruptions = 0;
    if (followed) |*f| {
        if (f.pipe) |pipe| pipe.leave();
        f.pipe = null;
        f.process = os.thread.processId();
    }
    var ranges: registry.Iterator = .{};
    while (ranges.next()) |range| {
        const is_followed = if (followed) |f| f.range == range else false;
        // Its bytes are this process's own.
        const apart = range.lives or (is_followed and range.region.isApart());
        if (!apart) {
            if (!range.isInherited()) range.inherit();
            heap.forks.end(range.heap);
            if (is_followed) range.region.shield();
        }
        if (is_followed) range.region.closeFile();
    }
}

fn afterInChild() callconv(.c) void {
    if (interruptions > 0) return afterInterruption();
    os.forking.store(0, .monotonic);
    if (anyLives()) heap.forks.resetShared() else heap.forks.child();
    var ranges: registry.Iterator = .{};
    while (ranges.next()) |range| {
        if (isLiving(range)) {
            heap.forks.adopt(range.heap);
            continue;
        }
        // Once; but the locks of the parent's parent's were taken for this fork, too.
        if (!range.isInherited()) range.inherit();
        heap.forks.bury(range.heap);
        if (followed) |f| if (f.range == range) range.region.shield();
    }
    Thread.forget();
    waiting.forkChild();
    os.thread.forkChild();
    registry.lock.reset();
    gate.reset();
    if (living()) |f| settleChild(f);
}

fn settleChild(f: *Followed) void {
    f.process = os.thread.processId();
    const pipe = f.pipe;
    f.pipe = null;
    const h = f.range.heap;
    f.region().dropAside();
    if (!f.region().isApart()) return copyIntoMemory(f, pipe);
    if (!f.region().isParted()) return; // private memory
    if (!f.copies()) return f.region().closeFile();
    heap.forks.drop(h);
    var used: Used = .{ .used = heap.forks.usedOf(h), .pipe = pipe };
    if (f.region().copy(&used)) |_| _ = tell(pipe, .done) else |err| {
        if (f.mode == .copy) {
            _ = tell(pipe, .done);
            failed(err);
        }
        _ = tell(pipe, .stays);
    }
}

fn copyIntoMemory(f: *const Followed, pipe: ?os.Pipe) void {
    // Without a pipe nobody waits.
    if (pipe == null) failed(error.EMFILE);
    var used: Used = .{ .used = heap.forks.usedOf(f.range.heap), .pipe = pipe };
    const copied = f.region().copyIntoMemory(&used);
    if (!tell(pipe, .done)) failed(error.ETIMEDOUT);
    copied catch |err| failed(err);
}

/// Whether the parent was still waiting, if the pipe can tell.
fn tell(pipe: ?os.Pipe, answer: Answer) bool {
    return if (pipe) |p| p.tell(@backingInt(answer)) else true;
}

/// What is to be copied, in steps of which the parent is told.
const Used = struct {
    used: heap.forks.Used,
    pipe: ?os.Pipe,
    rest: ?Extent = null,
    untold: usize = 0,

    pub fn next(u: *Used) ?Extent {
        if (u.untold >= copied_step) if (u.pipe) |pipe| {
            pipe.tellWork();
            u.untold = 0;
        };
        const extent = u.rest orelse u.used.next() orelse return null;
        const len = @min(extent.len, copied_step - extent.offset % copied_step);
        u.untold += len;
        u.rest = if (len < extent.len) .{ .offset = extent.offset + len, .len = extent.len - len } else null;
        return .{ .offset = extent.offset, .len = len };
    }
};
