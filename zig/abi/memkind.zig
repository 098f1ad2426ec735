//! The face of memkind: its kinds, which are pools whose handle is the address of a record. Functions of other headers and those that
//! its tables of operations hold are in the folder `memkind/`.
//!
//! Where the original crashed or lost memory on wrong use (no kind, a kind that is gone, foreign pointers, sizes that overflow) calls are
//! refused: `invalid`, or NULL and EINVAL. Of a kind inherited through a fork it is EBADF. Freeing preserves errno.

const std = @import("std");
const pool = @import("../pool.zig");
const heap = pool.heap;
const kinds = pool.kinds;
const layout = kinds.layout;
const operations = @import("memkind/operations.zig");

pub const Kind = layout.Kind;
pub const Block = ?*anyopaque;

/// 1.14.0, whose interface this is.
const version = 1_014_000;

/// The exported names are those of its functions.
pub const table = struct {
    pub fn memkind_malloc(kind: ?*Kind, size: usize) align(64) callconv(.c) Block {
        if (size == 0) return null;
        return heap.malloc(Face, @intFromPtr(kind), size);
    }

    /// Whose block it is its address says.
    pub fn memkind_free(_: ?*Kind, block: Block) align(64) callconv(.c) void {
        return heap.free(Face, any_handle, @intFromPtr(block), @intFromPtr(block));
    }

    pub fn memkind_calloc(kind: ?*Kind, count: usize, size: usize) align(64) callconv(.c) Block {
        const bytes = std.math.mul(usize, count, size) catch return refuse(kind, error.ENOMEM);
        if (bytes == 0) return null;
        if (heap.mallocZeroed(Face, @intFromPtr(kind), bytes)) |address| return @ptrFromInt(address);
        return allocate(kind, bytes, 1, true);
    }

    pub fn memkind_realloc(kind: ?*Kind, block: Block, size: usize) align(64) callconv(.c) Block {
        if (block == null) return if (kind == null) refuse(null, error.EINVAL) else memkind_malloc(kind, size);
        if (size == 0) {
            memkind_free(kind, block);
            return null;
        }
        const handle = if (kind) |named| @intFromPtr(named) else heap.lastHandle();
        if (heap.fitsAlready(handle, @intFromPtr(block), size)) return block;
        return resize(block, size);
    }

    pub fn memkind_posix_memalign(kind: ?*Kind, result: ?*Block, alignment: usize, size: usize) callconv(.c) c_int {
        const place = result orelse return code(error.EINVAL);
        place.* = null;
        if (!isAlignment(alignment)) return code(error.EINVAL);
        if (size == 0) return 0;
        if (heap.mallocAligned(Face, @intFromPtr(kind), size, alignment)) |address| {
            place.* = @ptrFromInt(address);
            return 0;
        }
        const before = pool.errno.get();
        defer pool.errno.set(before);
        place.* = allocate(kind, size, alignment, false) orelse return pool.errno.get();
        return 0;
    }

    pub fn memkind_malloc_usable_size(_: ?*Kind, block: Block) callconv(.c) usize {
        const address = @intFromPtr(block);
        const owner = kinds.owner(address) orelse return 0;
        return heap.usableSize(@intFromPtr(owner), address) catch 0;
    }

    pub fn memkind_detect_kind(block: Block) callconv(.c) ?*Kind {
        return kinds.owner(@intFromPtr(block));
    }

    pub fn memkind_defrag_reallocate(_: ?*Kind, block: Block) callconv(.c) Block {
        const address = @intFromPtr(block);
        const owner = kinds.owner(address) orelse return null;
        const moved = heap.defragment(@intFromPtr(owner), address) orelse return null;
        return @ptrFromInt(moved);
    }

    // Kinds.

    pub fn memkind_create_pmem(directory: ?[*:0]const u8, limit: usize, result: ?*?*Kind) callconv(.c) c_int {
        return given(result, kinds.createFile(directory, limit, 0, &operations.pmem));
    }

    pub fn memkind_create_pmem_with_config(config: ?*const layout.Config, result: ?*?*Kind) callconv(.c) c_int {
        const with = config orelse return given(result, .{ .code = .invalid, .err = error.EINVAL });
        return given(result, kinds.createFile(with.directory, with.size, with.policy, &operations.pmem));
    }

    pub fn memkind_create_fixed(address: ?*anyopaque, size: usize, result: ?*?*Kind) callconv(.c) c_int {
        return given(result, kinds.createFixed(@intFromPtr(address), size, &operations.fixed));
    }

    pub fn memkind_create_kind(types: c_uint, policy: c_uint, flags: c_uint, result: ?*?*Kind) callconv(.c) c_int {
        const place = result orelse return given(null, .{});
        place.* = operations.withMemory(types, policy, flags) catch |err| return switch (err) {
            error.Unavailable => layout.Code.memory_type.number(),
            error.Invalid => layout.Code.invalid.number(),
        };
        return 0;
    }

    pub fn memkind_destroy_kind(kind: ?*Kind) callconv(.c) c_int {
        return told(kinds.destroy(kind));
    }

    pub fn memkind_config_new() callconv(.c) ?*layout.Config {
        const block = table.memkind_malloc(&kinds.built_in_kinds[0], @sizeOf(layout.Config)) orelse return null;
        const config: *layout.Config = @ptrCast(@alignCast(block));
        config.* = .{};
        return config;
    }

    pub fn memkind_config_delete(config: ?*layout.Config) callconv(.c) void {
        table.memkind_free(&kinds.built_in_kinds[0], config);
    }

    pub fn memkind_config_set_path(config: ?*layout.Config, directory: ?[*:0]const u8) callconv(.c) void {
        if (config) |to| to.directory = directory;
    }

    pub fn memkind_config_set_size(config: ?*layout.Config, size: usize) callconv(.c) void {
        if (config) |to| to.size = size;
    }

    pub fn memkind_config_set_memory_usage_policy(config: ?*layout.Config, policy: c_int) callconv(.c) void {
        if (config) |to| to.policy = policy;
    }

    pub fn memkind_check_available(kind: ?*Kind) callconv(.c) c_int {
        return kinds.numbers.availability(kind).number();
    }

    pub fn memkind_check_dax_path(directory: ?[*:0]const u8) callconv(.c) c_int {
        const path = directory orelse return told(.{ .code = .runtime, .err = error.EINVAL });
        kinds.requireDax(std.mem.span(path)) catch |err| return told(.{
            .code = if (err == error.EOPNOTSUPP) .mmap else .runtime,
            .err = err,
        });
        return 0;
    }

    pub fn memkind_get_capacity(kind: ?*Kind) callconv(.c) isize {
        return std.math.cast(isize, kinds.numbers.capacity(kind) orelse return -1) orelse std.math.maxInt(isize);
    }

    pub fn memkind_get_kind_by_partition(partition: c_int, result: ?*?*Kind) callconv(.c) c_int {
        const place = result orelse return layout.Code.unavailable.number();
        place.* = kinds.ofPartition(partition);
        return if (place.* == null) layout.Code.unavailable.number() else 0;
    }

    // Numbers and texts.

    pub fn memkind_update_cached_stats() callconv(.c) c_int {
        kinds.numbers.update();
        return 0;
    }

    pub fn memkind_get_stat(kind: ?*Kind, statistic: c_uint, result: ?*usize) callconv(.c) c_int {
        const place = result orelse return layout.Code.invalid.number();
        place.* = kinds.numbers.get(kind, statistic) orelse {
            place.* = 0;
            return layout.Code.invalid.number();
        };
        return 0;
    }

    pub fn memkind_stats_print(sink: ?kinds.numbers.Sink, argument: ?*anyopaque, options: c_uint) callconv(.c) c_int {
        const what: kinds.numbers.Print = @bitCast(options);
        if (what.unknown != 0) return layout.Code.invalid.number();
        kinds.numbers.print(sink, argument, what);
        return 0;
    }

    pub fn memkind_set_bg_threads(state: bool) callconv(.c) c_int {
        return if (kinds.setBackground(state)) 0 else layout.Code.failed.number();
    }

    pub fn memkind_get_version() callconv(.c) c_int {
        return version;
    }

    pub fn memkind_error_message(number: c_int, message: ?[*]u8, size: usize) callconv(.c) void {
        const buffer = (message orelse return)[0..size];
        if (size == 0) return;
        var text: [128]u8 = undefined;
        const whole = (if (layout.text(number)) |known|
            std.fmt.bufPrint(&text, "<memkind> {s}", .{known})
        else
            std.fmt.bufPrint(&text, "<memkind> Unknown code {d}", .{number})) catch unreachable; // it has room for all
        const len = @min(whole.len, size - 1);
        @memcpy(buffer[0..len], whole[0..len]);
        buffer[len] = 0;
    }
};

const any_handle = 0;

/// What the heap's hot paths end in.
const Face = struct {
    pub const Block = ?*anyopaque;
    pub const Done = void;
    /// Block states are for hardening level 2; pools of this face have level 1.
    pub const checked = false;
    pub const offsets = false;
    /// So that storage goes back in time however the program frees, and blocks are freed by their address.
    pub const ticks = true;

    pub inline fn block(cell: usize) ?*anyopaque {
        return @ptrFromInt(cell);
    }

    pub inline fn done() void {}

    pub noinline fn mallocSlow(handle: usize, size: usize) ?*anyopaque {
        @branchHint(.cold);
        const address = heap.allocateAfterPop(Face, handle, size) catch |err| {
            if (err == error.DeadHandle) return allocate(@ptrFromInt(handle), size, 1, false);
            return fail(handle, err);
        };
        return @ptrFromInt(address);
    }

    pub noinline fn freeSlow(handle: usize, address: usize) void {
        @branchHint(.cold);
        if (address == 0 or heap.releaseAfterPush(Face, handle, address)) return;
        const before = pool.errno.get();
        defer pool.errno.set(before);
        const owner = kinds.owner(address) orelse return kinds.debug("Freeing 0x{x} failed: it is no kind's memory", .{address});
        heap.release(@intFromPtr(owner), address) catch |err|
            kinds.debug("Freeing 0x{x} failed: {s}", .{ address, @errorName(err) });
    }
};

/// A block of a kind that may have to be started first.
pub noinline fn allocate(kind: ?*Kind, size: usize, alignment: usize, zero: bool) Block {
    const handle = @intFromPtr(kind);
    const address = heap.allocate(handle, size, alignment, zero) catch |err| blk: {
        if (err != error.DeadHandle or kind == null or !kinds.start(kind.?)) return fail(handle, err);
        break :blk heap.allocate(handle, size, alignment, zero) catch |again| return fail(handle, again);
    };
    return @ptrFromInt(address);
}

/// Another size for a block of whatever kind it is.
fn resize(block: Block, size: usize) Block {
    const address = @intFromPtr(block);
    const owner = kinds.owner(address) orelse return refuse(null, error.EINVAL);
    const moved = heap.resize(@intFromPtr(owner), address, size) catch |err| return fail(@intFromPtr(owner), err);
    return @ptrFromInt(moved);
}

pub fn isAlignment(alignment: usize) bool {
    return alignment >= @sizeOf(usize) and @popCount(alignment) == 1;
}

/// NULL, and errno for an error of the heap. A kind without a pool has no room, like those of memory that the machine lacks.
fn fail(handle: usize, err: heap.Error) Block {
    const kind: ?*Kind = @ptrFromInt(handle);
    return refuse(kind, switch (err) {
        error.OutOfMemory => error.ENOMEM,
        error.InvalidPointer, error.AlreadyFree => error.EINVAL,
        error.DeadHandle => if (kinds.exists(kind) and !kinds.isInherited(kind.?)) error.ENOMEM else pool.refuse(handle),
    });
}

fn refuse(_: ?*Kind, err: pool.Error) Block {
    pool.errno.set(code(err));
    return null;
}

fn code(err: pool.Error) c_int {
    return pool.errno.code(err);
}

/// What a call returns; errno is set where there is a reason for it.
pub fn told(outcome: kinds.Outcome) c_int {
    if (outcome.err) |err| pool.errno.set(code(err));
    return outcome.code.number();
}

/// As `told` where a kind is made. Without a place to put it, it is not.
fn given(result: ?*?*Kind, outcome: kinds.Outcome) c_int {
    const place = result orelse {
        if (outcome.kind) |kind| _ = kinds.destroy(kind);
        return told(.{ .code = .invalid, .err = error.EINVAL });
    };
    switch (outcome.code) {
        .success => place.* = outcome.kind,
        // Where the original leaves a pointer that leads nowhere.
        .arenas, .environment => place.* = null,
        else => {},
    }
    return told(outcome);
}
