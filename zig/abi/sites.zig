//! The part of the TypeScript face for pools that trace: where blocks were allocated.

const pool = @import("../pool.zig");
const numbers = @import("numbers.zig");

const Error = numbers.Error;
const bits = numbers.bits;
const double = numbers.double;
const status = numbers.status;
const whole = numbers.whole;

fn pinned(handle: f64) Error!*pool.Pool {
    return pool.find(bits(handle)) orelse error.DeadHandle;
}

/// From now on whoever attaches the pool is asked to tell where it allocates.
pub fn trace(handle: f64) callconv(.c) i32 {
    const range = pinned(handle) catch |err| return status(err);
    defer pool.unpin(range);
    range.sites.wanted.store(true, .monotonic);
    return 0;
}

/// 1: the pool wants to be told.
pub fn isTraced(handle: f64) callconv(.c) i32 {
    const range = pinned(handle) catch |err| return status(err);
    defer pool.unpin(range);
    return @intFromBool(range.sites.wanted.load(.monotonic));
}

/// The number of a site by its name, from 1; 0: there is no memory for it.
pub fn site(handle: f64, name: ?[*]const u8, length: f64) callconv(.c) f64 {
    return numbers.number(intern(handle, name, length));
}

fn intern(handle: f64, name: ?[*]const u8, length: f64) Error!usize {
    const range = try pinned(handle);
    defer pool.unpin(range);
    const bytes = try numbers.positive(length);
    return range.sites.intern((name orelse return error.EINVAL)[0..bytes]);
}

/// The length of a site's name, of which `out` gets as much as there is room for. EINVAL: there is no such site.
pub fn siteName(handle: f64, number: f64, out: ?[*]u8, capacity: f64) callconv(.c) f64 {
    return numbers.number(nameOf(handle, number, out, capacity));
}

fn nameOf(handle: f64, number: f64, out: ?[*]u8, capacity: f64) Error!usize {
    const range = try pinned(handle);
    defer pool.unpin(range);
    const index = try siteNumber(number);
    const to = (out orelse return error.EINVAL)[0..try whole(capacity)];
    return range.sites.nameOf(index, to) orelse error.EINVAL;
}

fn siteNumber(number: f64) Error!u32 {
    const index = try whole(number);
    return if (index <= pool.Sites.number_max) @intCast(index) else error.EINVAL;
}

/// Notes that the caller allocated these blocks just now, at a site. What is no block is passed over. ENOMEM: not all could be noted.
pub fn note(handle: f64, pointers: ?[*]const f64, count: f64, number: f64) callconv(.c) i32 {
    noteAll(handle, pointers, count, number) catch |err| return status(err);
    return 0;
}

fn noteAll(handle: f64, pointers: ?[*]const f64, count: f64, number: f64) Error!void {
    const range = try pinned(handle);
    defer pool.unpin(range);
    const index = try siteNumber(number);
    for ((pointers orelse return error.EINVAL)[0..try whole(count)]) |pointer| {
        const offset = whole(pointer) catch continue;
        if (offset < range.region.lead or offset >= range.region.size) continue;
        if (!range.sites.record(range.heap, range.region.base + offset, index)) return error.ENOMEM;
    }
}

/// What `vmem_ffi_blocks` gave becomes pairs of bytes and the site's number, 0 where it is not known.
pub fn sites(handle: f64, blocks: ?[*]f64, count: f64) callconv(.c) i32 {
    lookUp(handle, blocks, count) catch |err| return status(err);
    return 0;
}

fn lookUp(handle: f64, blocks: ?[*]f64, count: f64) Error!void {
    const range = try pinned(handle);
    defer pool.unpin(range);
    const pairs = (blocks orelse return error.EINVAL) + 1;
    for (0..try whole(count)) |i| {
        const offset = whole(pairs[2 * i]) catch return error.EINVAL;
        if (offset < range.region.lead or offset >= range.region.size) return error.EINVAL;
        pairs[2 * i] = pairs[2 * i + 1];
        pairs[2 * i + 1] = double(range.sites.siteOf(range.heap, range.region.base + offset));
    }
}
