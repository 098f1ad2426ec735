//! Pools: what a user creates, by handle. The facade of the folder `pool/`, and what the faces build on.
//!
//! A pool is a region with a heap on it and a handle. Here is everything about its life (creating, attaching, closing,
//! what a fork does to it) and about telling people what happened (last message, log, statistics). Allocating goes
//! through `heap` by handle; a face never needs to look a pool up for that.
//!
//! All functions may be called from any thread. Errors are those of the operating system; the thread's `last_error` has
//! the words for them.

const creation = @import("pool/creation.zig");
const lifetime = @import("pool/lifetime.zig");
const messages = @import("pool/messages.zig");
const statistics = @import("pool/statistics.zig");
const waiting = @import("pool/waiting.zig");
const walking = @import("pool/walk.zig");
const os = @import("os.zig");

pub const heap = @import("heap.zig");
pub const Error = os.Error;
pub const errno = os.errno;
/// Bytes of the system's page.
pub const pageSize = os.memory.pageSize;

pub const Options = creation.Options;
pub const Source = creation.Source;
pub const GiveBack = creation.GiveBack;
/// See `Options.fork`.
pub const Fork = @import("pool/fork.zig").Mode;
/// Bytes of the smallest pool that `create` accepts by default.
pub const size_min = creation.size_min;
pub const create = creation.create;

/// Options as C has them.
pub const c_options = @import("pool/c_options.zig");

pub const attach = lifetime.attach;
pub const detachAll = lifetime.detachAll;
pub const detach = lifetime.detach;
pub const close = lifetime.close;
pub const refuse = lifetime.refuse;
pub const explain = lifetime.explain;
pub const owner = lifetime.owner;
pub const reset = lifetime.reset;

/// jemalloc's `*allocx`.
pub const allocx = @import("pool/allocx.zig");
/// Asking and setting by name.
pub const ctl = @import("pool/ctl.zig");

/// Visiting live blocks: in pieces, or each by a function.
pub const blocks = walking.blocks;
pub const walk = walking.each;

/// An open pool with its users counted; also the memory of a closed one that somebody still uses.
pub const Range = @import("pool/Range.zig");
/// Where blocks were allocated.
pub const Sites = @import("pool/Sites.zig");
/// What `find` gives: a pool is known by its range.
pub const Pool = Range;
pub const retainRange = lifetime.retainRange;
pub const releaseRange = lifetime.releaseRange;
pub const retainArray = lifetime.retainArray;
pub const releaseArray = lifetime.releaseArray;

/// The open pool of a handle, kept until `unpin` even if it is closed meanwhile. No lock, no message.
pub const find = @import("pool/registry.zig").find;
pub const unpin = lifetime.releaseRange;

/// Bytes of pools by handle and offset, checked.
pub const bytes = @import("pool/bytes.zig");
pub const searching = os.bytes;
/// Waiting for a word of a pool, and waking who does. The pool is pinned.
pub const wait = waiting.wait;
pub const wake = waiting.wake;
pub const Outcome = waiting.Outcome;
/// The pool of a process whose malloc is ours.
pub const process = @import("pool/process_pool.zig");
/// A number of this process's library, to tell its handles from those of others.
pub const instance = @import("pool/instance.zig").number;

pub const snapshot = @import("pool/snapshot.zig");
/// memkind's kinds.
pub const kinds = @import("pool/kinds.zig");
pub const last_error = @import("pool/last_error.zig");
pub const log = @import("pool/log.zig");
pub const functions = @import("pool/functions.zig");
pub const version = @import("pool/version.zig");
pub const Panic = @import("pool/panic.zig").Panic;
pub const Wording = messages.Wording;

/// Whether the pool is consistent: its heap's invariants hold, and no other open pool shares memory with it. What is wrong
/// goes to the log and the last message. Other operations on the pool wait. Errors: see `refuse`.
pub fn check(handle: usize) Error!bool {
    const range = find(handle) orelse return lifetime.refuseQuestion(handle);
    defer range.release();
    const whole = range.heap.check(&messages.inconsistent);
    log.write(.operations, "Pool at 0x{x} checked: {s}", .{ range.region.base, if (whole) "consistent" else "inconsistent" });
    if (!lifetime.overlapsAnother(range)) return whole;
    messages.inconsistent("Another pool shares memory with this one");
    return false;
}

/// The pool's numbers now. Errors: see `refuse`.
pub fn stats(handle: usize) Error!heap.Heap.Stats {
    const range = try lifetime.pinned(handle);
    defer range.release();
    return range.heap.stats();
}

/// Prints the pool's numbers without the sections whose letters are given, or as JSON. Errors: see `refuse`.
pub fn printStats(handle: usize, omit: []const u8) Error!void {
    const range = try lifetime.pinned(handle);
    defer range.release();
    statistics.print(range.heap, .parse(omit));
}

/// The same into a buffer, as far as it fits. Returns the whole text's length.
pub fn statsText(handle: usize, omit: []const u8, buffer: []u8) Error!usize {
    const range = try lifetime.pinned(handle);
    defer range.release();
    var counter: statistics.Counter = .init(buffer);
    statistics.write(&counter.writer, range.heap, .parse(omit)) catch {}; // this writer never fails
    return counter.total();
}

/// Gives storage back that no block needs, cached blocks included; says how many bytes. Errors: see `refuse`.
pub fn trim(handle: usize) Error!usize {
    const range = try lifetime.pinned(handle);
    defer range.release();
    return range.heap.trim();
}

test {
    _ = creation;
    _ = lifetime;
    _ = messages;
    _ = statistics;
    _ = Range;
    _ = Sites;
    _ = process;
    _ = @import("pool/bootstrap.zig");
    _ = @import("pool/process_options.zig");
    _ = @import("pool/Table.zig");
    _ = @import("pool/Thread.zig");
    _ = bytes;
    _ = @import("pool/conf.zig");
    _ = @import("pool/ctl_test.zig");
    _ = @import("pool/disposal.zig");
    _ = @import("pool/fault_test.zig");
    _ = @import("pool/fork.zig");
    _ = @import("pool/fork_test.zig");
    _ = @import("pool/fork_threads_test.zig");
    _ = @import("pool/instance.zig");
    _ = @import("pool/give_back_test.zig");
    _ = functions;
    _ = kinds;
    _ = last_error;
    _ = log;
    _ = @import("pool/misuse.zig");
    _ = @import("pool/panic.zig");
    _ = @import("pool/pool_test.zig");
    _ = @import("pool/registry.zig");
    _ = version;
    _ = waiting;
    _ = walking;
    _ = c_options;
    _ = ctl;
    _ = allocx;
    _ = @import("pool/sharing_test.zig");
    _ = @import("pool/walk_test.zig");
}
