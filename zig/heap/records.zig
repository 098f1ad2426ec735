//! Memory for the heap's small long-lived records: thread caches, magazines, thread tables. Powers of
//! two from 64 bytes up, cut from anonymous chunks, recycled through one list a size and never given
//! back: there are as many as the threads and pools alive at the peak needed. It is the process's, not a
//! heap's, because a cache may outlive its heap.
//!
//! Small records come from a chunk's far end. There the first magazines lie high in a page, and away from what V8 stores at
//! each native call: a load whose lower 12 bits are those of a store that has not retired waits for it, and where the first
//! magazine began 256 bytes into a page, a pair of malloc and free took 15 ns from Deno instead of 8.5.
//!
//! `vmem_set_funcs` replaces it for the records of threads (`hooks` in thread.zig), not for magazines.
//!
//! One lock, a leaf; in a fork's child `reset` makes it usable again.

const std = @import("std");
const assert = base.assert;
const base = @import("../base.zig");
const os = @import("../os.zig");

const shift_min = 6;
const shift_max = 20;
const chunk_len: usize = 256 << 10;

const Free = struct { next: ?*Free };

pub var lock: os.Mutex(.records) = .{};
var free: [shift_max + 1]?*Free = @splat(null);
var chunk_at: usize = 0;
var chunk_end: usize = 0;

/// At least `len` bytes, aligned to 64, contents undefined; null when the system has no memory.
pub fn take(len: usize) ?usize {
    const shift = sizeShift(len);
    if (shift > shift_max) return null;
    lock.lock();
    defer lock.unlock();
    if (free[shift]) |record| {
        free[shift] = record.next;
        return @intFromPtr(record);
    }
    const size = @as(usize, 1) << shift;
    if (size >= chunk_len) return os.memory.mapAnonymous(size) catch null;
    if (chunk_end - chunk_at < size) {
        const memory = os.memory.mapAnonymous(chunk_len) catch return null;
        giveRest();
        chunk_at = memory;
        chunk_end = memory + chunk_len;
    }
    if (size < 4096) {
        chunk_end -= size;
        return chunk_end;
    }
    const record = chunk_at;
    chunk_at += size;
    return record;
}

/// `len` as it was given to `take`.
pub fn give(record: usize, len: usize) void {
    lock.lock();
    defer lock.unlock();
    giveShift(record, sizeShift(len));
}

/// For a fork's child if the lock was not held around the fork: the thread that did may be gone. What it was doing is lost with it: at most one record,
/// and the rest of the chunk, whose bounds it may have been changing.
pub fn reset() void {
    lock.reset();
    chunk_at = 0;
    chunk_end = 0;
}

/// Bytes in chunks that are neither taken nor free records, and in free records. For tests.
pub fn unused() usize {
    lock.lock();
    defer lock.unlock();
    var bytes = chunk_end - chunk_at;
    for (&free, 0..) |first, shift| {
        var record = first;
        while (record) |r| : (record = r.next) bytes += @as(usize, 1) << @intCast(shift);
    }
    return bytes;
}

fn sizeShift(len: usize) u6 {
    return @intCast(@max(shift_min, std.math.log2_int_ceil(usize, len)));
}

fn giveShift(record: usize, shift: u6) void {
    assert(record % (1 << shift_min) == 0);
    const link: *Free = @ptrFromInt(record);
    link.* = .{ .next = free[shift] };
    free[shift] = link;
}

/// The unused end of a chunk, cut into the largest records that fit.
fn giveRest() void {
    while (chunk_end - chunk_at >= 1 << shift_min) {
        const shift = std.math.log2_int(usize, chunk_end - chunk_at);
        giveShift(chunk_at, shift);
        chunk_at += @as(usize, 1) << shift;
    }
}

test "records are recycled by size" {
    const a = take(100).?;
    const b = take(100).?;
    try std.testing.expect(a != b);
    give(a, 100);
    try std.testing.expectEqual(a, take(128).?);
    give(a, 128);
    give(b, 100);
    try std.testing.expectEqual(null, take((1 << shift_max) + 1));
}

test "a fork between the two stores that begin a chunk" {
    lock.lock();
    const memory = try os.memory.mapAnonymous(chunk_len);
    giveRest();
    chunk_at = memory;
    chunk_end = memory - 4096; // still that of another chunk
    free[15] = null; // what earlier tests left would be taken first
    reset();
    const record = take(1 << 15).?;
    const bytes: [*]u8 = @ptrFromInt(record);
    @memset(bytes[0 .. 1 << 15], 1);
    try std.testing.expectEqual(record + (1 << 15), chunk_at);
    try std.testing.expect(chunk_end - chunk_at < chunk_len);
    give(record, 1 << 15);
    try os.memory.unmap(memory, chunk_len);
}
