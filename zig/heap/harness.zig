//! Heaps for tests and the fuzzer, which have no pool layer above: a table by handle with pins stands where the
//! registry is in the library, and a face like that of C takes the hot paths.

const std = @import("std");
const os = @import("../os.zig");
const region_layer = @import("../region.zig");
const calls = @import("calls.zig");
const classes = @import("classes.zig");
const thread = @import("thread.zig");
const verify = @import("verify.zig");
const Heap = @import("Heap.zig");

/// Misuse reported since the last pool was created.
pub var misuse: std.atomic.Value(u32) = .init(0);

/// Heaps by handle 1 .. 8, each pinned by a counter.
const Registry = struct {
    const Entry = struct { heap: ?*Heap = null, pins: std.atomic.Value(u32) = .init(0) };
    var entries: [9]Entry = @splat(.{});

    fn acquire(handle: usize) ?*Heap {
        if (handle >= entries.len) return null;
        const e = &entries[handle];
        _ = e.pins.fetchAdd(1, .acq_rel);
        const h = @atomicLoad(?*Heap, &e.heap, .acquire);
        if (h == null) _ = e.pins.fetchSub(1, .acq_rel);
        return h;
    }
    fn release(h: *Heap) void {
        _ = entries[h.handle].pins.fetchSub(1, .acq_rel);
    }
    fn report(_: *Heap, _: Heap.Misuse, _: usize) void {
        _ = misuse.fetchAdd(1, .monotonic);
    }
};

var holders: u32 = 0;
var displaced: thread.Hooks = undefined;

/// The hooks are the harness's until `letGo`; a pool holds them too. For tests whose threads outlive pools.
pub fn hold() void {
    holders += 1;
    if (holders > 1) return;
    displaced = thread.hooks;
    thread.hooks = .{ .acquire = Registry.acquire, .release = Registry.release, .report = Registry.report };
    _ = os.thread.registerMembarrier();
}

pub fn letGo() void {
    holders -= 1;
    if (holders == 0) thread.hooks = displaced;
}

/// A pool on anonymous memory for a test.
pub const Pool = struct {
    region: *region_layer.Region,
    heap: *Heap,
    handle: usize,

    pub const Options = struct {
        hardening: u8 = 1,
        guards: bool = true,
        lazy: bool = false,
        arenas: u32 = 0,
        junk: Heap.Junk = .none,
        zero: bool = false,
        cached_max: usize = classes.cached_max,
        offset_cells: bool = false,
        decay_ms: i64 = Heap.decay_ms_default,
    };

    pub fn create(handle: usize, size: usize, options: Options) !Pool {
        hold();
        errdefer letGo();
        misuse.store(0, .monotonic);
        const region = try std.heap.page_allocator.create(region_layer.Region);
        errdefer std.heap.page_allocator.destroy(region);
        region.* = try region_layer.Region.createAnonymous(.{ .size = size, .lazy = options.lazy, .alignment = 4 << 20 });
        errdefer region.release();
        const heap: *Heap = try .create(region, .{ .handle = handle, .hardening = options.hardening, .guards = options.guards, .arenas = options.arenas, .junk = options.junk, .zero = options.zero, .cached_max = options.cached_max, .offset_cells = options.offset_cells, .decay_ms = options.decay_ms, .reserved_pages = 1 });
        @atomicStore(?*Heap, &Registry.entries[handle].heap, heap, .release);
        return .{ .region = region, .heap = heap, .handle = handle };
    }

    pub fn delete(p: Pool) void {
        @atomicStore(?*Heap, &Registry.entries[p.handle].heap, null, .release);
        p.heap.kill();
        while (Registry.entries[p.handle].pins.load(.acquire) != 0) os.thread.yield();
        p.heap.destroy();
        p.region.release();
        letGo();
        std.heap.page_allocator.destroy(p.region);
    }

    /// What the C face does, so that tests go through the hot paths; with `check_states` as the FFI face does. Freeing
    /// says whether the block was taken.
    pub fn Face(check_states: bool) type {
        return struct {
            pub const Block = ?[*]u8;
            pub const Done = bool;
            pub const checked = check_states;
            pub const offsets = false;
            pub inline fn block(cell: usize) Block {
                return @ptrFromInt(cell);
            }
            pub inline fn done() Done {
                return true;
            }
            pub noinline fn mallocSlow(handle: usize, size: usize) Block {
                return @ptrFromInt(calls.allocateAfterPop(@This(), handle, size) catch return null);
            }
            pub noinline fn freeSlow(handle: usize, address: usize) Done {
                if (calls.releaseAfterPush(@This(), handle, address)) return true;
                calls.release(handle, address) catch return false;
                return true;
            }
        };
    }

    pub fn malloc(p: Pool, size: usize) ?[*]u8 {
        return thread.malloc(Face(false), p.handle, size);
    }
    pub fn free(p: Pool, block: [*]u8) void {
        _ = thread.free(Face(false), p.handle, @intFromPtr(block), @intFromPtr(block));
    }
    pub fn expectSound(p: Pool) !void {
        if (!p.heap.check(&printLine)) return error.Unsound;
    }
    /// The walker alone, which leaves the caches as they are.
    pub fn expectSoundAsIs(p: Pool) !void {
        p.heap.members.lock();
        defer p.heap.members.unlock();
        if (!verify.walk(p.heap, &printLine)) return error.Unsound;
    }
    fn printLine(text: []const u8) void {
        std.debug.print("{s}\n", .{text});
    }
    /// Everything is free: nothing is live, and the pool is one run again.
    pub fn expectEmpty(p: Pool) !void {
        try p.expectSound();
        const s = p.heap.stats();
        const whole = @as(u64, p.heap.pages - 1) * classes.page_size;
        if (s.allocated == 0 and s.active == 0 and s.largest_free == whole) return;
        std.debug.print("not empty: {}\n", .{s});
        return error.NotEmpty;
    }
};
