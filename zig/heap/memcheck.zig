//! What Valgrind's memcheck is told about blocks, by the twin for debugging (`options.debug`); nothing elsewhere, and next to
//! nothing where the program does not run under Valgrind.
//!
//! A live block is one of memcheck's, of the size that was asked for. All else of the region may not be touched: what was never
//! handed out, what is freed, what lies in a thread's cache, and the bytes by which a block is larger than asked for, until
//! `usableSize` is asked for them. So an overflow of one byte, a use after a free and a leak are reported with the calls that
//! allocated and freed. When a pool is deleted, or reset, its blocks are forgotten, since they need not be freed before; they
//! are no leaks.
//!
//! The library must not be a finding itself: what it writes to blocks (junk) or looks at (poison) is made accessible before,
//! and the cells of caches hold offsets instead of addresses, which would keep lost blocks reachable.

const std = @import("std");
const options = @import("options");
const classes = @import("classes.zig");
const walk = @import("walk.zig");
const Heap = @import("Heap.zig");
const valgrind = std.valgrind;
const memcheck = std.valgrind.memcheck;

inline fn isOn() bool {
    return options.debug and valgrind.runningOnValgrind() != 0;
}

fn bytes(address: usize, len: usize) []u8 {
    const first: [*]u8 = @ptrFromInt(address);
    return first[0..len];
}

/// A new heap; what its region has storage for is nobody's.
pub inline fn created(h: *const Heap) void {
    if (isOn() and !h.region.lazy) memcheck.makeMemNoAccess(bytes(h.region.start(), h.region.length()));
}

/// Storage that a lazy region got.
pub inline fn committed(address: usize, len: usize) void {
    if (isOn()) memcheck.makeMemNoAccess(bytes(address, len));
}

/// All blocks are about to go with their pool, or at once. No lock is held.
pub inline fn forgetBlocks(h: *Heap) void {
    if (isOn()) forgetEach(h);
}

fn forgetEach(h: *Heap) void {
    var room: [walk.room_min]walk.Block = undefined;
    var at: u32 = 0;
    while (walk.next(h, &at, &room)) |count| {
        if (count == 0) return;
        for (room[0..count]) |block| freed(block.address, block.size);
    }
}

/// The heap is dead: a borrowed region is its owner's again, with undefined contents; others are about to be unmapped.
pub inline fn killed(h: *const Heap) void {
    if (isOn() and h.region.source == .borrowed) memcheck.makeMemUndefined(bytes(h.region.start(), h.region.length()));
}

/// In the child of a fork nobody can free the parent's blocks, but all may be read.
pub inline fn inherited(h: *Heap) void {
    if (!isOn() or !h.states) return;
    forgetEach(h);
    const used = @as(usize, h.runs.top - h.runs.bottom) * classes.page_size;
    memcheck.makeMemDefined(bytes(h.pageAddress(h.runs.bottom), used));
}

/// Before the library looks at or fills a block that is nobody's now, or is freed.
pub inline fn open(address: usize, len: usize) void {
    if (isOn()) memcheck.makeMemDefined(bytes(address, len));
}

/// Behind `open` where the block stays nobody's.
pub inline fn close(address: usize, len: usize) void {
    if (isOn()) memcheck.makeMemNoAccess(bytes(address, len));
}

/// A block is handed out; `zero`: with its first `size` bytes zero.
pub inline fn allocated(address: usize, whole: usize, size: usize, zero: bool) void {
    if (!isOn()) return;
    memcheck.makeMemNoAccess(bytes(address, whole));
    valgrind.mallocLikeBlock(bytes(address, size), 0, zero);
}

/// A block is no longer its user's; before anybody else can get it.
pub inline fn freed(address: usize, whole: usize) void {
    if (!isOn()) return;
    valgrind.freeLikeBlock(@ptrFromInt(address), 0);
    memcheck.makeMemNoAccess(bytes(address, whole));
}

/// What is freed is no block of the heap: memcheck shows where, and what it was.
pub inline fn freedWrongly(address: usize) void {
    if (isOn() and address != 0) valgrind.freeLikeBlock(@ptrFromInt(address), 0);
}

/// A block whose user has `before` bytes of it (see `requested`) has `size` of `whole` now. Of what is new nothing is defined.
pub inline fn resized(address: usize, before: usize, whole: usize, size: usize) void {
    if (!isOn()) return;
    if (size != before) valgrind.resizeInPlaceBlock(bytes(address, before), size, 0);
    memcheck.makeMemNoAccess(bytes(address + size, whole - size));
}

/// The user of a block was told that it has `usable` bytes.
pub inline fn allGiven(address: usize, usable: usize) void {
    if (isOn()) resized(address, requested(address, usable), usable, usable);
}

/// How many bytes of a live block its user may touch: those it asked for. Without memcheck all that it has.
pub inline fn requested(address: usize, usable: usize) usize {
    if (!isOn()) return usable;
    // They are the first ones, so they are found by halves.
    var low: usize = 0;
    var high = usable;
    while (low < high) {
        const middle = low + (high - low) / 2;
        if (isAccessible(address + middle)) low = middle + 1 else high = middle;
    }
    return low;
}

/// Asked without a report of what is not.
fn isAccessible(address: usize) bool {
    var unknown: [1]u8 = undefined;
    return memcheck.getVbits(bytes(address, 1), &unknown) == 1;
}
