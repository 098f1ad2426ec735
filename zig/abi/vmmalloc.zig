//! The face of libvmmalloc: malloc and its family for the whole process, from one pool.
//!
//! What C, POSIX and glibc 2.36 say about each function holds; where they differ from the original libvmmalloc, they
//! win, because that is what programs were tested with. A failure is NULL and ENOMEM (or EINVAL), free preserves errno. What
//! glibc adds for looking at and tuning its heap answers for ours.

const std = @import("std");
const pool = @import("../pool.zig");
const heap = pool.heap;
const process = pool.process;

/// The exported names are those of its functions.
pub const table = struct {
    pub fn malloc(size: usize) align(64) callconv(.c) Block {
        return heap.malloc(Face, 0, size);
    }

    pub fn free(block: Block) align(64) callconv(.c) void {
        return heap.free(Face, 0, @intFromPtr(block), @intFromPtr(block));
    }

    pub fn calloc(count: usize, size: usize) align(64) callconv(.c) Block {
        const bytes = std.math.mul(usize, count, size) catch return refuse(.NOMEM);
        if (heap.mallocZeroed(Face, 0, bytes)) |address| return @ptrFromInt(address);
        return allocateSlow(bytes, 1, true);
    }

    pub fn realloc(block: Block, size: usize) align(64) callconv(.c) Block {
        if (block == null) return heap.malloc(Face, 0, size);
        if (size == 0) {
            heap.free(Face, 0, @intFromPtr(block), @intFromPtr(block));
            return null;
        }
        if (heap.fitsAlready(process.known(), @intFromPtr(block), size)) return block;
        return resizeSlow(@intFromPtr(block), size);
    }

    pub fn reallocarray(block: Block, count: usize, size: usize) callconv(.c) Block {
        const bytes = std.math.mul(usize, count, size) catch return refuse(.NOMEM);
        return realloc(block, bytes);
    }

    /// The same function by other names: it has no use for what else they are given.
    pub const cfree = free;
    pub const free_sized = free;
    pub const free_aligned_sized = free;

    pub fn aligned_alloc(alignment: usize, size: usize) align(64) callconv(.c) Block {
        if (@popCount(alignment) != 1) return refuse(.INVAL);
        return allocateAligned(alignment, size);
    }

    /// An alignment that is no power of two is rounded up to one, as glibc does.
    pub fn memalign(alignment: usize, size: usize) align(64) callconv(.c) Block {
        const rounded = std.math.ceilPowerOfTwo(usize, @max(alignment, 1)) catch return refuse(.INVAL);
        return allocateAligned(rounded, size);
    }

    pub fn posix_memalign(to: *Block, alignment: usize, size: usize) align(64) callconv(.c) c_int {
        to.* = null;
        if (@popCount(alignment) != 1 or alignment < @sizeOf(usize)) return @backingInt(E.INVAL);
        const before = pool.errno.get();
        to.* = allocateAligned(alignment, size) orelse {
            pool.errno.set(before);
            return @backingInt(E.NOMEM);
        };
        return 0;
    }

    pub fn valloc(size: usize) callconv(.c) Block {
        return allocateAligned(pool.pageSize(), size);
    }

    /// At least a page.
    pub fn pvalloc(size: usize) callconv(.c) Block {
        const page = pool.pageSize();
        const rounded = std.math.add(usize, @max(size, 1), page - 1) catch return refuse(.NOMEM);
        return allocateAligned(page, rounded & ~(page - 1));
    }

    pub fn malloc_usable_size(block: Block) callconv(.c) usize {
        return if (block == null) 0 else process.usableSize(@intFromPtr(block));
    }

    pub fn malloc_trim(_: usize) callconv(.c) c_int {
        return @intFromBool(process.trim());
    }

    pub fn malloc_stats() callconv(.c) void {
        process.printStats();
    }

    pub fn malloc_info(options: c_int, stream: *process.Stream) callconv(.c) c_int {
        if (options != 0) return @backingInt(E.INVAL);
        process.writeXml(stream) catch return -1;
        return 0;
    }

    pub fn mallinfo2() callconv(.c) Info(usize) {
        return information(usize);
    }

    /// What an int cannot hold is the largest that it can.
    pub fn mallinfo() callconv(.c) Info(c_int) {
        return information(c_int);
    }

    /// glibc's parameters are accepted and change nothing: the pool has other ones.
    pub fn mallopt(parameter: c_int, _: c_int) callconv(.c) c_int {
        return @intFromBool(parameter >= -8 and parameter <= 4 and parameter != 0);
    }
};

/// Programs before glibc 2.34 may look for these; nothing calls what is put there. In glibc of that age they make the C library's
/// own malloc, which libraries opened with RTLD_DEEPBIND use, serve from the pool.
pub const hooks = struct {
    pub var __malloc_hook: *const anyopaque = &table.malloc;
    pub var __realloc_hook: *const anyopaque = &table.realloc;
    pub var __memalign_hook: *const anyopaque = &table.memalign;
    pub var __free_hook: *const anyopaque = &table.free;
};

/// `struct mallinfo` with int, `struct mallinfo2` with size_t.
fn Info(comptime Number: type) type {
    return extern struct {
        /// Bytes of storage.
        arena: Number = 0,
        ordblks: Number = 0,
        smblks: Number = 0,
        hblks: Number = 0,
        hblkhd: Number = 0,
        usmblks: Number = 0,
        /// Bytes of free blocks that threads and depots keep.
        fsmblks: Number = 0,
        /// Bytes of live blocks.
        uordblks: Number = 0,
        /// Bytes of storage without a live block.
        fordblks: Number = 0,
        /// Bytes of storage without a live or kept block.
        keepcost: Number = 0,
    };
}

fn information(comptime Number: type) Info(Number) {
    const stats = process.stats() orelse return .{};
    return .{
        .arena = std.math.lossyCast(Number, stats.committed),
        .fsmblks = std.math.lossyCast(Number, stats.cached),
        .uordblks = std.math.lossyCast(Number, stats.allocated),
        .fordblks = std.math.lossyCast(Number, stats.committed -| stats.allocated),
        .keepcost = std.math.lossyCast(Number, stats.committed -| stats.active),
    };
}

const E = pool.errno.Number;
const Block = ?*anyopaque;

/// What the heap's hot paths end in.
const Face = struct {
    pub const Block = ?*anyopaque;
    pub const Done = void;
    pub const checked = false;
    pub const offsets = false;
    pub const only_pool = true;

    pub inline fn block(cell: usize) ?*anyopaque {
        return @ptrFromInt(cell);
    }

    pub inline fn done() void {}

    pub noinline fn mallocSlow(_: usize, size: usize) ?*anyopaque {
        @branchHint(.cold);
        const handle = process.handle() orelse return early(size);
        return result(heap.allocateAfterPop(Face, handle, size));
    }

    pub noinline fn freeSlow(_: usize, address: usize) void {
        @branchHint(.cold);
        if (address == 0 or heap.releaseAfterPush(Face, process.known(), address)) return;
        const before = pool.errno.get();
        defer pool.errno.set(before);
        process.release(address);
    }
};

inline fn allocateAligned(alignment: usize, size: usize) Block {
    if (heap.mallocAligned(Face, 0, size, alignment)) |address| return @ptrFromInt(address);
    return allocateSlow(size, alignment, false);
}

noinline fn allocateSlow(size: usize, alignment: usize, zero: bool) Block {
    @branchHint(.cold);
    return result(process.allocate(size, alignment, zero));
}

noinline fn resizeSlow(address: usize, size: usize) Block {
    @branchHint(.cold);
    return result(process.resize(address, size));
}

fn early(size: usize) Block {
    return @ptrFromInt(process.allocateEarly(size, 1) orelse return refuse(.NOMEM));
}

fn result(outcome: heap.Error!usize) Block {
    return @ptrFromInt(outcome catch |err| return refuse(switch (err) {
        error.OutOfMemory, error.DeadHandle => .NOMEM,
        error.InvalidPointer, error.AlreadyFree => .INVAL,
    }));
}

fn refuse(number: E) Block {
    pool.errno.set(@backingInt(number));
    return null;
}
