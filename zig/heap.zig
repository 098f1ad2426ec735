//! The allocator of one region of memory. `docs/ARCHITECTURE.md` follows an allocation through it.
//!
//! The facade of the folder `heap/`; files outside import this one, never a file inside.

const Heap_ = @import("heap/Heap.zig");
const calls = @import("heap/calls.zig");
const thread = @import("heap/thread.zig");
const classes = @import("heap/classes.zig");

pub const Heap = Heap_;
pub const Error = thread.Error;
pub const Hooks = thread.Hooks;
pub const hooks = &thread.hooks;

pub const malloc = thread.malloc;
pub const free = thread.free;
pub const lastHandle = thread.lastHandle;
pub const baseOf = thread.baseOf;
pub const memoryOf = thread.memoryOf;
pub const Memory = thread.Memory;
pub const lastHandleAt = thread.lastHandleAt;
pub const allocate = calls.allocate;
pub const mallocAligned = thread.mallocAligned;
pub const mallocZeroed = calls.mallocZeroed;
pub const fitsAlready = thread.fitsAlready;
pub const allocateAfterPop = calls.allocateAfterPop;
pub const release = calls.release;
pub const releaseAfterPush = calls.releaseAfterPush;
pub const releaseUncached = calls.releaseUncached;
pub const resize = calls.resize;
pub const resizeInPlace = calls.resizeInPlace;
pub const usableSize = calls.usableSize;
pub const owns = calls.owns;
pub const defragment = @import("heap/defragment.zig").defragment;
pub const reset = @import("heap/reset.zig").reset;
/// jemalloc's `*allocx`.
pub const extended = @import("heap/extended.zig");
/// Visiting live blocks.
pub const walk = @import("heap/walk.zig");
/// Marks on live blocks.
pub const notes = @import("heap/notes.zig");
pub const flushThread = thread.flushThread;
/// Around forks.
pub const forks = @import("heap/forks.zig");

/// What can be asked and set by name.
pub const controls = @import("heap/controls.zig");
pub const decayMs = @import("heap/give_back.zig").decayMs;

/// For the last look at a heap, in builds with `options.debug`.
pub const expectTail = @import("heap/hardened.zig").expectTail;
pub const forgetBlocks = @import("heap/memcheck.zig").forgetBlocks;

/// Whether little can still be allocated.
pub const isLow = @import("heap/room.zig").isLow;

/// What statistics read.
pub const counts = @import("heap/counts.zig");
pub const classes_table = &classes.table;
pub const small_count = classes.small_count;
pub const cached_count = classes.cached_count;

/// The heap's own page, whatever the system's.
pub const page_size = classes.page_size;

/// For tests, the fuzzer and the stress program.
pub const canary = @import("heap/canary.zig");
pub const harness = @import("heap/harness.zig");

test {
    _ = calls;
    _ = classes;
    _ = controls;
    _ = counts;
    _ = extended;
    _ = thread;
    _ = Heap_;
    _ = @import("heap/allocator.zig");
    _ = @import("heap/Cache.zig");
    _ = @import("heap/CacheTable.zig");
    _ = @import("heap/defragment.zig");
    _ = @import("heap/FreeRuns.zig");
    _ = @import("heap/Fullness.zig");
    _ = @import("heap/Magazine.zig");
    _ = @import("heap/depot.zig");
    _ = @import("heap/memcheck.zig");
    _ = forks;
    _ = @import("heap/forks_test.zig");
    _ = @import("heap/Metadata.zig");
    _ = @import("heap/Runs.zig");
    _ = @import("heap/records.zig");
    _ = @import("heap/slabs.zig");
    _ = @import("heap/ticks.zig");
    _ = @import("heap/verify.zig");
    _ = @import("heap/cache_test.zig");
    _ = @import("heap/extended_test.zig");
    _ = @import("heap/full_test.zig");
    _ = @import("heap/heap_test.zig");
    _ = @import("heap/double_free_test.zig");
    _ = @import("heap/reset_test.zig");
    _ = @import("heap/room.zig");
    _ = @import("heap/stress_test.zig");
    _ = @import("heap/walk_test.zig");
    _ = notes;
}
