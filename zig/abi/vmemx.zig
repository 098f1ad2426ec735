//! The face of the extension: its 12 functions, beside libvmem's 16 and over the same pools. They turn C's arguments into ours
//! and our errors into errno; `pool.allocx` and `pool.ctl` say what is an error. Freeing preserves errno.

const std = @import("std");
const pool = @import("../pool.zig");
const vmem = @import("vmem.zig");
const heap = pool.heap;

const Block = ?*anyopaque;
/// Never followed: nothing behind it can be read.
const Handle = ?*anyopaque;
const Face = vmem.Face;

/// The exported names are those of its functions.
pub const table = struct {
    pub fn vmemx_create(options: ?*const pool.c_options.Record) callconv(.c) Handle {
        const read = pool.c_options.read(options) catch |err| return none(err);
        return @ptrFromInt(pool.create(&read) catch |err| return none(err));
    }

    pub fn vmemx_mallocx(handle: Handle, size: usize, flags: c_int) align(64) callconv(.c) Block {
        if (flags == 0 and size != 0) return heap.malloc(Face, @intFromPtr(handle), size);
        return block(pool.allocx.allocate(@intFromPtr(handle), size, @bitCast(flags)));
    }

    pub fn vmemx_rallocx(handle: Handle, old: Block, size: usize, flags: c_int) callconv(.c) Block {
        if (flags == 0 and heap.fitsAlready(@intFromPtr(handle), @intFromPtr(old), size)) return old;
        return block(pool.allocx.resize(@intFromPtr(handle), @intFromPtr(old), size, @bitCast(flags)));
    }

    pub fn vmemx_xallocx(handle: Handle, at: Block, size: usize, extra: usize, flags: c_int) callconv(.c) usize {
        return bytes(pool.allocx.resizeInPlace(@intFromPtr(handle), @intFromPtr(at), size, extra, @bitCast(flags)));
    }

    pub fn vmemx_sallocx(handle: Handle, at: ?*const anyopaque, flags: c_int) callconv(.c) usize {
        _ = flags; // as there
        return bytes(pool.allocx.sizeOf(@intFromPtr(handle), @intFromPtr(at)));
    }

    pub fn vmemx_dallocx(handle: Handle, at: Block, flags: c_int) align(64) callconv(.c) void {
        if (flags == 0) return heap.free(Face, @intFromPtr(handle), @intFromPtr(at), @intFromPtr(at));
        release(handle, at, null, flags);
    }

    pub fn vmemx_sdallocx(handle: Handle, at: Block, size: usize, flags: c_int) callconv(.c) void {
        const address = @intFromPtr(at);
        if (flags == 0 and heap.fitsAlready(@intFromPtr(handle), address, size)) return heap.free(Face, @intFromPtr(handle), address, address);
        release(handle, at, size, flags);
    }

    pub fn vmemx_nallocx(handle: Handle, size: usize, flags: c_int) callconv(.c) usize {
        return bytes(pool.allocx.usableSize(@intFromPtr(handle), size, @bitCast(flags)));
    }

    /// Gives the error instead of setting errno, as `mallctl` does.
    pub fn vmemx_ctl(handle: Handle, name: ?[*:0]const u8, old: ?[*]u8, old_len: ?*usize, new: ?[*]const u8, new_len: usize) callconv(.c) c_int {
        const before = pool.errno.get();
        defer pool.errno.set(before);
        const text = if (name) |text| std.mem.span(text) else "";
        pool.ctl.raw(@intFromPtr(handle), text, old, old_len, new, new_len) catch |err| return pool.errno.code(err);
        return 0;
    }

    pub fn vmemx_trim(handle: Handle) callconv(.c) c_int {
        const given = pool.trim(@intFromPtr(handle)) catch |err| return negative(err);
        return @intFromBool(given > 0);
    }

    pub fn vmemx_owner(address: ?*const anyopaque) callconv(.c) Handle {
        return @ptrFromInt(pool.owner(@intFromPtr(address)) orelse 0);
    }

    pub fn vmemx_walk(handle: Handle, visit: ?Visit, argument: ?*anyopaque) callconv(.c) c_int {
        const function = visit orelse {
            pool.last_error.set("Walking through a pool failed: no function is given", .{});
            return negative(error.EINVAL);
        };
        const visitor: Visitor = .{ .function = function, .argument = argument };
        return pool.walk(@intFromPtr(handle), visitor) catch |err| negative(err);
    }
};

const Visit = *const fn (at: *anyopaque, size: usize, argument: ?*anyopaque) callconv(.c) c_int;

const Visitor = struct {
    function: Visit,
    argument: ?*anyopaque,

    pub fn visit(v: Visitor, found: heap.walk.Block) c_int {
        return v.function(@ptrFromInt(found.address), found.size, v.argument);
    }
};

fn release(handle: Handle, at: Block, size: ?usize, flags: c_int) void {
    if (at == null) return;
    const before = pool.errno.get();
    defer pool.errno.set(before);
    pool.allocx.release(@intFromPtr(handle), @intFromPtr(at), size, @bitCast(flags)) catch {}; // the last message says why
}

fn block(outcome: pool.Error!usize) Block {
    return @ptrFromInt(outcome catch |err| return none(err));
}

fn bytes(outcome: pool.Error!usize) usize {
    return outcome catch |err| {
        vmem.set(err);
        return 0;
    };
}

fn none(err: pool.Error) ?*anyopaque {
    vmem.set(err);
    return null;
}

fn negative(err: pool.Error) c_int {
    vmem.set(err);
    return -1;
}
