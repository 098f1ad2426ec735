//! Where the blocks of one pool were allocated, told by whoever allocated them: a table from blocks to sites, and the sites' names,
//! each kept once. For the TypeScript package, whose isolates all write into the table of a pool and read it.
//!
//! Nobody tells it of blocks that are freed. A record counts as long as its block is marked (heap/notes.zig), which ends with the
//! block, however and by whomever it is freed; so nothing that was given out again later is taken for it. A table that is
//! full drops the records of blocks that are gone before it grows, so that it has room for at most four times as many as were live
//! when it grew, 8 bytes each. Heaps without states (hardening below 2) have no marks: there a record is believed
//! as long as any block is at its address.
//!
//! Memory comes from the system, none from the pool. Where there is none, records are dropped: their blocks have no site then.

const Sites = @This();

const std = @import("std");
const assert = @import("../base.zig").assert;
const os = @import("../os.zig");
const heap = @import("../heap.zig");

/// Blocks of a site of this number are of no known one.
pub const unknown = 0;
/// As many sites as a record has bits for; those beyond are unknown. The last number is the caller's, for what it likes.
pub const number_max = (1 << site_bits) - 1;
const site_bits = 23;
const place_bits = 64 - site_bits;
/// Blocks begin at multiples of this from the pool's base.
const grain = 8;
const records_min = 4096;

comptime {
    assert(@as(u64, 16 << 40) / grain <= 1 << place_bits); // the largest pool
}

lock: os.Mutex(.sites) = .{},
/// Whether isolates that attach the pool shall tell, too.
wanted: std.atomic.Value(bool) = .init(false),
/// A power of two of them, or none: the site above `place_bits` and the place; 0 is free.
records: []u64 = &.{},
count: usize = 0,
/// The first is site 1.
names: []Name = &.{},
name_count: u32 = 0,
text: []u8 = &.{},
text_len: u32 = 0,

const Name = extern struct { hash: u32, start: u32, len: u32 };

/// The number of a site by its name, from 1; `unknown` when there are too many or the system has no memory.
pub fn intern(s: *Sites, name: []const u8) u32 {
    s.lock.lock();
    defer s.lock.unlock();
    const hash: u32 = @truncate(std.hash.Wyhash.hash(0, name));
    for (s.names[0..s.name_count], 1..) |known, number| {
        if (known.hash == hash and std.mem.eql(u8, s.textOf(known), name)) return @intCast(number);
    }
    if (s.name_count == number_max - 1 or name.len > std.math.maxInt(u32) - s.text_len) return unknown;
    reserve(Name, &s.names, s.name_count, 1) catch return unknown;
    reserve(u8, &s.text, s.text_len, name.len) catch return unknown;
    @memcpy(s.text[s.text_len..][0..name.len], name);
    s.names[s.name_count] = .{ .hash = hash, .start = s.text_len, .len = @intCast(name.len) };
    s.text_len += @intCast(name.len);
    s.name_count += 1;
    return s.name_count;
}

/// The name of a site, copied as far as there is room, and its length; null: there is no such site.
pub fn nameOf(s: *Sites, site: u32, out: []u8) ?usize {
    s.lock.lock();
    defer s.lock.unlock();
    if (site == unknown or site > s.name_count) return null;
    const name = s.textOf(s.names[site - 1]);
    const len = @min(name.len, out.len);
    @memcpy(out[0..len], name[0..len]);
    return name.len;
}

/// Notes that a block was allocated just now, by the caller, at a site. False: there is no memory for it.
pub fn record(s: *Sites, h: *heap.Heap, address: usize, site: u32) bool {
    s.lock.lock();
    defer s.lock.unlock();
    if (s.records.len == 0 or s.count >= s.records.len / 4 * 3) {
        s.rebuild(h) catch return false;
    }
    const place = placeOf(h, address);
    const at = s.find(place);
    if (s.records[at] == 0) s.count += 1;
    s.records[at] = @as(u64, site) << place_bits | place;
    heap.notes.mark(h, address);
    return true;
}

/// Where the live block at an address was allocated, or `unknown`.
pub fn siteOf(s: *Sites, h: *heap.Heap, address: usize) u32 {
    s.lock.lock();
    defer s.lock.unlock();
    if (s.records.len == 0 or !heap.notes.isMarked(h, address)) return unknown;
    return @intCast(s.records[s.find(placeOf(h, address))] >> place_bits);
}

/// All blocks were freed.
pub fn forget(s: *Sites) void {
    s.lock.lock();
    defer s.lock.unlock();
    release(u64, &s.records);
    s.count = 0;
}

/// Gives all memory back; what comes then is another pool's.
pub fn end(s: *Sites) void {
    release(u64, &s.records);
    release(Name, &s.names);
    release(u8, &s.text);
    s.* = .{};
}

fn textOf(s: *const Sites, name: Name) []const u8 {
    return s.text[name.start..][0..name.len];
}

fn placeOf(h: *const heap.Heap, address: usize) u64 {
    return (address - h.base) / grain;
}

const place_mask = (@as(u64, 1) << place_bits) - 1;

/// Where the record of a place is or has to be.
fn find(s: *const Sites, place: u64) usize {
    const mask = s.records.len - 1;
    var at: usize = @intCast((place *% 0x9e3779b97f4a7c15) >> 20 & mask);
    while (s.records[at] != 0 and s.records[at] & place_mask != place) at = (at + 1) & mask;
    return at;
}

/// A table for the records whose blocks are still there, at most half full.
fn rebuild(s: *Sites, h: *heap.Heap) os.Error!void {
    var kept: usize = 0;
    for (s.records) |*each| {
        if (each.* == 0) continue;
        if (heap.notes.isMarked(h, h.base + @as(usize, @intCast(each.* & place_mask)) * grain)) kept += 1 else each.* = dropped;
    }
    const len = @max(records_min, std.math.ceilPowerOfTwoAssert(usize, (kept + 1) * 2));
    const fresh = try map(u64, len);
    const old = s.records;
    s.records = fresh;
    s.count = kept;
    for (old) |each| {
        if (each != 0 and each != dropped) s.records[s.find(each & place_mask)] = each;
    }
    unmap(u64, old);
}

/// Not free, so that others are still found behind it, and no block's place.
const dropped: u64 = std.math.maxInt(u64);

/// Makes room for `more` behind `used`.
fn reserve(comptime T: type, list: *[]T, used: usize, more: usize) os.Error!void {
    if (list.len - used >= more) return;
    const larger = try map(T, @max(list.len * 2, used + more));
    @memcpy(larger[0..used], list.*[0..used]);
    unmap(T, list.*);
    list.* = larger;
}

fn release(comptime T: type, list: *[]T) void {
    unmap(T, list.*);
    list.* = &.{};
}

/// At least so many, all zeros.
fn map(comptime T: type, count: usize) os.Error![]T {
    const bytes = std.mem.alignForward(usize, count * @sizeOf(T), os.memory.pageSize());
    const first: [*]T = @ptrFromInt(try os.memory.mapAnonymous(bytes));
    return first[0..if (@sizeOf(T) == 8) count else bytes / @sizeOf(T)];
}

fn unmap(comptime T: type, list: []T) void {
    if (list.len == 0) return;
    const bytes = std.mem.alignForward(usize, list.len * @sizeOf(T), os.memory.pageSize());
    os.memory.unmap(@intFromPtr(list.ptr), bytes) catch {};
}

test {
    _ = @import("sites_test.zig");
}
