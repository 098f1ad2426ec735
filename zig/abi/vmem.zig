//! The face of libvmem: its 16 functions. They turn C's arguments into ours and our errors into NULL and errno.
//!
//! Where the original crashed on wrong use (a NULL or deleted handle, a foreign pointer) the call is refused with EINVAL;
//! a pool inherited through a fork is refused with EBADF. Running out of memory is ENOMEM and, as ever, leaves the
//! message alone. Freeing preserves errno.

const std = @import("std");
const pool = @import("../pool.zig");
const heap = pool.heap;

pub const pool_min = 14 << 20;

/// The exported names are those of its functions.
pub const table = struct {
    pub fn vmem_create(directory: ?[*:0]const u8, size: usize) callconv(.c) Handle {
        return create(.{ .path = if (directory) |path| std.mem.span(path) else null }, size);
    }

    pub fn vmem_create_in_region(address: ?*anyopaque, size: usize) callconv(.c) Handle {
        return create(.{ .region = .{ .address = @intFromPtr(address), .size = size } }, size);
    }

    pub fn vmem_delete(handle: Handle) callconv(.c) void {
        pool.close(@intFromPtr(handle)) catch |err| set(err);
    }

    pub fn vmem_check(handle: Handle) callconv(.c) c_int {
        const consistent = pool.check(@intFromPtr(handle)) catch |err| {
            set(err);
            return -1;
        };
        return @intFromBool(consistent);
    }

    pub fn vmem_stats_print(handle: Handle, letters: ?[*:0]const u8) callconv(.c) void {
        const omit = if (letters) |text| std.mem.span(text) else "";
        pool.printStats(@intFromPtr(handle), omit) catch |err| set(err);
    }

    pub fn vmem_malloc(handle: Handle, size: usize) align(64) callconv(.c) Block {
        return heap.malloc(Face, @intFromPtr(handle), size);
    }

    pub fn vmem_free(handle: Handle, block: Block) align(64) callconv(.c) void {
        return heap.free(Face, @intFromPtr(handle), @intFromPtr(block), @intFromPtr(block));
    }

    pub fn vmem_calloc(handle: Handle, count: usize, size: usize) align(64) callconv(.c) Block {
        const bytes = std.math.mul(usize, count, size) catch return refuseSize(handle);
        if (heap.mallocZeroed(Face, @intFromPtr(handle), bytes)) |address| return @ptrFromInt(address);
        return Face.allocateSlow(handle, bytes, 1, true);
    }

    pub fn vmem_realloc(handle: Handle, block: Block, size: usize) align(64) callconv(.c) Block {
        if (block == null) return heap.malloc(Face, @intFromPtr(handle), size);
        if (size == 0) {
            heap.free(Face, @intFromPtr(handle), @intFromPtr(block), @intFromPtr(block));
            return null;
        }
        if (heap.fitsAlready(@intFromPtr(handle), @intFromPtr(block), size)) return block;
        return result(handle, heap.resize(@intFromPtr(handle), @intFromPtr(block), size));
    }

    pub fn vmem_aligned_alloc(handle: Handle, alignment: usize, size: usize) align(64) callconv(.c) Block {
        if (@popCount(alignment) != 1) return refuseArgument(handle);
        if (heap.mallocAligned(Face, @intFromPtr(handle), size, alignment)) |address| return @ptrFromInt(address);
        return Face.allocateSlow(handle, size, alignment, false);
    }

    pub fn vmem_strdup(handle: Handle, text: ?[*:0]const u8) callconv(.c) ?[*]u8 {
        return duplicate(u8, handle, text orelse return @ptrCast(refuseArgument(handle)));
    }

    /// `wchar_t` is 4 bytes on all of our platforms.
    pub fn vmem_wcsdup(handle: Handle, text: ?[*:0]const u32) callconv(.c) ?[*]u32 {
        return duplicate(u32, handle, text orelse return @ptrCast(@alignCast(refuseArgument(handle))));
    }

    pub fn vmem_malloc_usable_size(handle: Handle, block: Block) callconv(.c) usize {
        if (block == null) return 0;
        return heap.usableSize(@intFromPtr(handle), @intFromPtr(block)) catch |err| {
            fail(handle, err);
            return 0;
        };
    }

    pub fn vmem_check_version(major: c_uint, minor: c_uint) callconv(.c) ?[*:0]const u8 {
        return if (pool.version.check(major, minor)) |reason| reason.ptr else null;
    }

    pub fn vmem_set_funcs(
        malloc: ?pool.functions.Malloc,
        free: ?pool.functions.Free,
        realloc: ?pool.functions.Realloc,
        strdup: ?pool.functions.Strdup,
        print: ?pool.functions.Print,
    ) callconv(.c) void {
        pool.functions.set(malloc, free, realloc, strdup, print);
    }

    pub fn vmem_errormsg() callconv(.c) [*:0]const u8 {
        return pool.last_error.text().ptr;
    }
};

/// Never followed: nothing behind it can be read.
const Handle = ?*anyopaque;
const Block = ?*anyopaque;

/// What the heap's hot paths end in.
pub const Face = struct {
    pub const Block = ?*anyopaque;
    pub const Done = void;
    /// Block states are for hardening level 2; pools of this face have level 1.
    pub const checked = false;
    pub const offsets = false;

    pub inline fn block(cell: usize) ?*anyopaque {
        return @ptrFromInt(cell);
    }

    pub inline fn done() void {}

    pub noinline fn mallocSlow(handle: usize, size: usize) ?*anyopaque {
        @branchHint(.cold);
        return fresh(@ptrFromInt(handle), heap.allocateAfterPop(Face, handle, size));
    }

    noinline fn allocateSlow(handle: Handle, size: usize, alignment: usize, zero: bool) ?*anyopaque {
        @branchHint(.cold);
        return fresh(handle, heap.allocate(@intFromPtr(handle), size, alignment, zero));
    }

    pub noinline fn freeSlow(handle: usize, address: usize) void {
        @branchHint(.cold);
        if (address == 0 or heap.releaseAfterPush(Face, handle, address)) return;
        const before = pool.errno.get();
        defer pool.errno.set(before);
        heap.release(handle, address) catch |err| switch (err) {
            error.DeadHandle => pool.explain(handle),
            // The heap has reported it.
            error.InvalidPointer, error.AlreadyFree, error.OutOfMemory => {},
        };
    }
};

fn create(source: pool.Source, size: usize) Handle {
    const handle = pool.create(&.{
        .source = source,
        .size = size,
        .minimum = pool_min,
        .protect_first_page = true,
        .numbered = false,
        .unlimited = false,
        .address_from_environment = true,
        .wording = .libvmem,
    }) catch |err| {
        set(err);
        return null;
    };
    return @ptrFromInt(handle);
}

fn result(handle: Handle, outcome: heap.Error!usize) Block {
    const address = outcome catch |err| {
        fail(handle, err);
        return null;
    };
    return @ptrFromInt(address);
}

/// As `result` for a block that is new: it is not given out when the application's own malloc has nothing left.
fn fresh(handle: Handle, outcome: heap.Error!usize) Block {
    if (!pool.functions.starved()) return result(handle, outcome);
    const address = outcome catch |err| return result(handle, err);
    heap.release(@intFromPtr(handle), address) catch {};
    _ = pool.functions.starved(); // freeing asked for memory, too
    return result(handle, error.OutOfMemory);
}

/// errno for an error of the heap.
fn fail(handle: Handle, err: heap.Error) void {
    set(switch (err) {
        error.OutOfMemory => error.ENOMEM,
        error.DeadHandle => pool.refuse(@intFromPtr(handle)),
        error.InvalidPointer, error.AlreadyFree => error.EINVAL,
    });
}

pub fn set(err: pool.Error) void {
    pool.errno.set(pool.errno.code(err));
}

/// A size that no pool has, if the pool is one.
fn refuseSize(handle: Handle) Block {
    return refuseWith(handle, error.ENOMEM);
}

fn refuseArgument(handle: Handle) Block {
    return refuseWith(handle, error.EINVAL);
}

fn refuseWith(handle: Handle, err: pool.Error) Block {
    const open = pool.find(@intFromPtr(handle));
    if (open) |found| pool.unpin(found);
    set(if (open == null) pool.refuse(@intFromPtr(handle)) else err);
    return null;
}

fn duplicate(comptime Unit: type, handle: Handle, text: [*:0]const Unit) ?[*]Unit {
    const units = std.mem.len(text) + 1;
    const block = heap.malloc(Face, @intFromPtr(handle), units * @sizeOf(Unit)) orelse return null;
    const copy: [*]Unit = @ptrCast(@alignCast(block));
    @memcpy(copy, text[0..units]);
    return copy;
}
