//! All pools of the process: from handle to range, and who is there.
//!
//! A handle is the pool's address (C face), found by `Table`, or the bits of a double that holds
//! `slot + generation * 65536` (FFI face), found by its slot. Addresses are below 2^56: as a double's bits a tiny
//! fraction, so the two kinds cannot be mistaken for each other, and a handle is compared without converting it.
//!
//! Slots stand in memory that is never given back and backed as it is used; a slot whose pool is closed
//! serves the next one at once. Lookups take no lock. `lock` comes first in the order of locks; it guards slots,
//! table and the records of ranges.

const std = @import("std");
const assert = @import("../base.zig").assert;
const os = @import("../os.zig");
const Range = @import("Range.zig");
const Table = @import("Table.zig");

pub const slots_max = 65536;
/// Slot 0 is not used: 0 is never a handle.
pub const pools_max = slots_max - 1;
const generation_max = std.math.maxInt(u32);
const chunk_len = 64 << 10;

const Slot = struct {
    range: std.atomic.Value(?*Range),
    /// Of the open pool; `size` is 0 without one. For `owner` alone, which reads them at any time.
    base: std.atomic.Value(usize),
    size: std.atomic.Value(usize),
    generation: u32,
    /// Next unused slot.
    next: u32,
};

pub var lock: os.Mutex(.registry) = .{};
/// Null until the first pool is made.
var slots: std.atomic.Value(?[*]Slot) = .init(null);
var slots_end: u32 = 1;
var unused_slot: u32 = 0;
var unused_range: ?*Range = null;
var records: usize = 0;
var table: Table = undefined;

comptime {
    // The largest number of a handle is exact in a double.
    assert(@as(u128, generation_max) * slots_max + slots_max <= 1 << 53);
    assert(@sizeOf(usize) == 8);
}

/// Reserves the registry's memory, once. Under `lock`.
pub fn open() os.Error!void {
    if (slots.load(.monotonic) != null) return;
    table = try .create();
    errdefer table.destroy();
    const memory = try os.memory.mapAnonymous(slots_max * @sizeOf(Slot));
    slots.store(@ptrFromInt(memory), .release);
}

fn handleOf(slot: u32, generation: u32) usize {
    return @bitCast(@as(f64, @floatFromInt(@as(u64, generation) * slots_max + slot)));
}

/// The slot that the number of a handle names; null if the handle is no such number.
fn slotOf(handle: usize) ?u32 {
    const number: f64 = @bitCast(handle);
    if (!(number >= 1 and number < 1 << 53)) return null;
    return @intCast(@as(u64, @intFromFloat(number)) % slots_max);
}

/// What the handle leads to, dead or alive; the caller pins it or holds the lock.
fn lookup(handle: usize) ?*Range {
    const all = slots.load(.acquire) orelse return null;
    const slot = slotOf(handle) orelse table.get(handle) orelse return null;
    return all[slot].range.load(.acquire);
}

/// The open pool of a handle, with a reference that the caller drops by `Range.release`. Takes no lock.
pub fn find(handle: usize) ?*Range {
    const range = lookup(handle) orelse return null;
    return if (range.pin(handle)) range else null;
}

/// The open pool that an address lies in, with a reference that the caller drops; of several that overlap, any. Takes no
/// lock; looks at 32 bytes for each pool there is.
pub fn owner(address: usize) ?*Range {
    const all = slots.load(.acquire) orelse return null;
    for (all[0..@atomicLoad(u32, &slots_end, .acquire)]) |*slot| {
        const size = slot.size.load(.acquire);
        if (address -% slot.base.load(.monotonic) >= size) continue;
        // Base and size may be those of two pools, one after the other: the range itself knows.
        const range = slot.range.load(.acquire) orelse continue;
        if (!range.pin(@atomicLoad(usize, &range.handle, .monotonic))) continue;
        if (range.contains(address)) return range;
        range.release();
    }
    return null;
}

/// Bytes of the addresses that open pools have, about: no lock is taken. Time by the pools there were at once.
pub fn reservedBytes() usize {
    const all = slots.load(.acquire) orelse return 0;
    var sum: usize = 0;
    for (all[0..@atomicLoad(u32, &slots_end, .acquire)]) |*slot| sum +|= slot.size.load(.monotonic);
    return sum;
}

/// Whether the handle is that of a pool which this process inherited through a fork.
pub fn isInherited(handle: usize) bool {
    const range = lookup(handle) orelse return false;
    return range.isInherited() and @atomicLoad(usize, &range.handle, .monotonic) == handle;
}

/// An unused record with a slot, for a pool in the making; its handle is set if it is to be a number or `name`. ENOMEM when the
/// system has no memory for it, EMFILE when all slots are in use. Under `lock`.
pub fn take(numbered: bool, name: usize) os.Error!*Range {
    const range = try takeRecord();
    errdefer giveRecord(range);
    const slot = try takeSlot();
    const all = slots.load(.monotonic).?;
    range.slot = slot;
    range.numbered = numbered;
    range.protected = false;
    range.lives = false;
    range.next = null;
    range.epoch.store(1, .monotonic);
    @atomicStore(usize, &range.handle, if (numbered) handleOf(slot, all[slot].generation) else name, .monotonic);
    return range;
}

/// Undoes `take`. Under `lock`.
pub fn drop(range: *Range) void {
    giveSlot(range.slot);
    giveRecord(range);
}

/// Makes the pool findable, with one reference. EBUSY when another pool has its address. Under `lock`.
pub fn publish(range: *Range) os.Error!void {
    if (!range.numbered) {
        const address = if (range.handle != 0) range.handle else range.region.base;
        if (table.get(address) != null) return error.EBUSY;
        @atomicStore(usize, &range.handle, address, .monotonic);
        table.insert(address, range.slot);
    }
    range.revive();
    const slot = &slots.load(.monotonic).?[range.slot];
    slot.range.store(range, .release);
    slot.base.store(range.region.start(), .release);
    slot.size.store(range.region.length(), .release);
}

/// Ends the pool's handle; its slot serves the next pool. Under `lock`.
pub fn unlink(range: *Range) void {
    const slot = &slots.load(.monotonic).?[range.slot];
    assert(slot.range.load(.monotonic) == range);
    if (!range.numbered) table.remove(range.handle);
    slot.range.store(null, .monotonic);
    slot.size.store(0, .monotonic);
    // A slot that has no generation left stays unused: no handle ever comes back.
    if (slot.generation == generation_max) return;
    slot.generation += 1;
    giveSlot(range.slot);
}

/// All ranges that are linked. Under `lock`.
pub const Iterator = struct {
    slot: u32 = 1,

    pub fn next(iterator: *Iterator) ?*Range {
        const all = slots.load(.monotonic) orelse return null;
        while (iterator.slot < slots_end) {
            const range = all[iterator.slot].range.load(.monotonic);
            iterator.slot += 1;
            if (range) |found| return found;
        }
        return null;
    }
};

/// The address of an open pool that an address lies in, for a message: by the time it is read the pool may be gone.
pub fn baseAt(address: usize) ?usize {
    const all = slots.load(.acquire) orelse return null;
    for (all[0..@atomicLoad(u32, &slots_end, .acquire)]) |*slot| {
        const base = slot.base.load(.monotonic);
        if (address -% base < slot.size.load(.acquire)) return base;
    }
    return null;
}

fn takeSlot() os.Error!u32 {
    const all = slots.load(.monotonic).?;
    const slot = unused_slot;
    if (slot != 0) {
        unused_slot = all[slot].next;
        return slot;
    }
    if (slots_end == slots_max) return error.EMFILE;
    @atomicStore(u32, &slots_end, slots_end + 1, .release);
    return slots_end - 1;
}

fn giveSlot(slot: u32) void {
    slots.load(.monotonic).?[slot].next = unused_slot;
    unused_slot = slot;
}

fn takeRecord() os.Error!*Range {
    if (unused_range == null) {
        const memory: [*]Range = @ptrFromInt(try os.memory.mapAnonymous(chunk_len));
        for (memory[0 .. chunk_len / @sizeOf(Range)]) |*range| {
            range.* = .{ .next = unused_range };
            unused_range = range;
            records += 1;
        }
    }
    const range = unused_range.?;
    unused_range = range.next;
    return range;
}

/// How many records there are, and how many of them serve no pool. For tests; under `lock`.
pub fn recordsMade() usize {
    return records;
}

pub fn recordsUnused() usize {
    var count: usize = 0;
    var range = unused_range;
    while (range) |each| : (range = each.next) count += 1;
    return count;
}

/// Under `lock`; the range is dead and without users.
pub fn giveRecord(range: *Range) void {
    range.next = unused_range;
    unused_range = range;
}

test "handles are numbers that lead back to their slot" {
    for ([_]u32{ 1, 2, 65535 }) |slot| {
        for ([_]u32{ 0, 1, generation_max }) |generation| {
            const handle = handleOf(slot, generation);
            try std.testing.expectEqual(slot, slotOf(handle).?);
            const number: f64 = @bitCast(handle);
            try std.testing.expectEqual(@as(f64, @floatFromInt(generation)) * 65536 + @as(f64, @floatFromInt(slot)), number);
        }
    }
}

test "what is not such a number names no slot" {
    for ([_]f64{ 0, -0.0, -1, 0.5, std.math.nan(f64), std.math.inf(f64), -std.math.inf(f64), 1 << 53 }) |number| {
        try std.testing.expectEqual(null, slotOf(@bitCast(number)));
    }
    // Addresses are no numbers.
    for ([_]usize{ 0, 4096, 0x7fff_ffff_f000, (1 << 56) - 4096 }) |address| {
        try std.testing.expectEqual(null, slotOf(address));
    }
}
