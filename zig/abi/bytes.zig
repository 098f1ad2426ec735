//! The functions of the TypeScript face on a pool's bytes: reading and writing them from buffers, and what is done
//! between pointers. The table in ffi.zig gives them their names; its conventions hold here.

const pool = @import("../pool.zig");
const numbers = @import("numbers.zig");
const Error = numbers.Error;
const status = numbers.status;
const failure = numbers.failure;
const double = numbers.double;
const bits = numbers.bits;
const whole = numbers.whole;
const positive = numbers.positive;

/// Copies from the pool. EFAULT: the span does not lie in the pool.
pub fn read(handle: f64, pointer: f64, out: ?[*]u8, length: f64) callconv(.c) i32 {
    const from = spanOf(handle, pointer, length) catch |err| return status(err);
    defer from.release();
    const to = bufferOf(out, from.bytes.len) catch |err| return status(err);
    // The other side may be a view of the pool too, so they may overlap.
    pool.bytes.copy(to, from.bytes);
    return 0;
}

/// Copies into the pool. EFAULT: the span does not lie in the pool.
pub fn write(handle: f64, pointer: f64, source: ?[*]u8, length: f64) callconv(.c) i32 {
    const to = spanOf(handle, pointer, length) catch |err| return status(err);
    defer to.release();
    const from = bufferOf(source, to.bytes.len) catch |err| return status(err);
    pool.bytes.copy(to.bytes, from);
    return 0;
}

/// Where a buffer's bytes are, for the functions that take an address in its place. 0: it has none.
pub fn address(buffer: ?[*]u8) callconv(.c) f64 {
    return double(@intFromPtr(buffer));
}

pub fn bufferAt(place: f64) ?[*]u8 {
    return @ptrFromInt(whole(place) catch return null);
}

pub fn readAt(handle: f64, pointer: f64, out: f64, length: f64) callconv(.c) i32 {
    return read(handle, pointer, bufferAt(out), length);
}

pub fn writeAt(handle: f64, pointer: f64, source: f64, length: f64) callconv(.c) i32 {
    return write(handle, pointer, bufferAt(source), length);
}

/// Copies within a pool or between two; the spans may overlap. EFAULT: one does not lie in its pool.
pub fn copy(to_handle: f64, to_pointer: f64, from_handle: f64, from_pointer: f64, length: f64) callconv(.c) i32 {
    const to = spanOf(to_handle, to_pointer, length) catch |err| return status(err);
    defer to.release();
    const from = spanOf(from_handle, from_pointer, length) catch |err| return status(err);
    defer from.release();
    pool.bytes.copy(to.bytes, from.bytes);
    return 0;
}

/// Repeats a pattern of at least one byte; the last one may be cut off.
pub fn fill(handle: f64, pointer: f64, length: f64, pattern: ?[*]u8, pattern_length: f64) callconv(.c) i32 {
    const to = spanOf(handle, pointer, length) catch |err| return status(err);
    defer to.release();
    const from = sequenceOf(pattern, pattern_length) catch |err| return status(err);
    pool.bytes.fill(to.bytes, from);
    return 0;
}

pub fn fillByte(handle: f64, pointer: f64, length: f64, byte: f64) callconv(.c) i32 {
    const to = spanOf(handle, pointer, length) catch |err| return status(err);
    defer to.release();
    @memset(to.bytes, byteOf(byte) catch |err| return status(err));
    return 0;
}

/// 0: the first is less than the second; 1: they are equal; 2: it is greater.
pub fn compare(handle: f64, a_pointer: f64, b_pointer: f64, length: f64) callconv(.c) i32 {
    const a = spanOf(handle, a_pointer, length) catch |err| return status(err);
    defer a.release();
    const b = spanOf(handle, b_pointer, length) catch |err| return status(err);
    defer b.release();
    return switch (pool.searching.compare(a.bytes, b.bytes)) {
        .lt => 0,
        .eq => 1,
        .gt => 2,
    };
}

/// Bytes before the first place where a sequence of at least one byte stands; `length` if it stands nowhere.
pub fn find(handle: f64, pointer: f64, length: f64, sequence: ?[*]u8, sequence_length: f64) callconv(.c) f64 {
    const span = spanOf(handle, pointer, length) catch |err| return failure(err);
    defer span.release();
    const wanted = sequenceOf(sequence, sequence_length) catch |err| return failure(err);
    return double(pool.searching.find(span.bytes, wanted) orelse span.bytes.len);
}

/// The same for one byte.
pub fn findByte(handle: f64, pointer: f64, length: f64, byte: f64) callconv(.c) f64 {
    const span = spanOf(handle, pointer, length) catch |err| return failure(err);
    defer span.release();
    const wanted = byteOf(byte) catch |err| return failure(err);
    return double(pool.searching.findByte(span.bytes, wanted) orelse span.bytes.len);
}

/// Bytes before the first zero byte: `maximum`, or all up to the pool's end, if there is none.
pub fn textLength(handle: f64, pointer: f64, maximum: f64) callconv(.c) f64 {
    const offset = whole(pointer) catch return failure(error.InvalidPointer);
    const limit = whole(maximum) catch |err| return failure(err);
    const span = pool.bytes.tail(bits(handle), offset, limit) catch |err| return failure(err);
    defer span.release();
    return double(pool.searching.findByte(span.bytes, 0) orelse span.bytes.len);
}

/// A span of a pool to copy, fill or search.
inline fn spanOf(handle: f64, pointer: f64, length: f64) Error!pool.bytes.Span {
    const offset = whole(pointer) catch return error.InvalidPointer;
    return pool.bytes.span(bits(handle), offset, try whole(length));
}

/// The caller's buffer for a span's bytes.
inline fn bufferOf(buffer: ?[*]u8, length: usize) Error![]u8 {
    if (length == 0) return &.{};
    return (buffer orelse return error.EINVAL)[0..length];
}

fn sequenceOf(buffer: ?[*]u8, length: f64) Error![]u8 {
    return bufferOf(buffer, try positive(length));
}

fn byteOf(value: f64) Error!u8 {
    const byte = try whole(value);
    return if (byte < 256) @intCast(byte) else error.EINVAL;
}
