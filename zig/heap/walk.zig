//! Visiting the live blocks of a heap, a piece at a time, so that no lock is held while anybody does something with them.
//!
//! Where the heap keeps states, those say what is live. Elsewhere a block that a cache holds looks like a live one, so
//! everything cached is taken back first (`Heap.takeAll`); what other threads free after that, while the piece is gathered,
//! counts as live. Without membarrier(2) so do the blocks that other threads have cached.
//!
//! A place in the walk is a page, and only goes up: a block that is live from beginning to end is found once, no address is
//! found twice, and what is allocated or freed meanwhile may be found or not. The page map alone leads on from there,
//! because by then the page may be inside something that began before it.

const std = @import("std");
const assert = @import("../base.zig").assert;
const classes = @import("classes.zig");
const hardened = @import("hardened.zig");
const verify = @import("verify.zig");
const Heap = @import("Heap.zig");

pub const Block = extern struct { address: usize, size: usize };

/// A slab's blocks go into one piece.
pub const room_min = 512;

comptime {
    for (classes.table) |class| assert(class.blocks <= room_min);
}

/// The live blocks from page `at` on, as far as `out`, of at least `room_min`, has room for those of one more slab; moves `at`
/// on and says how many. 0: there are no more. Null: the heap is dead.
pub fn next(h: *Heap, at: *u32, out: []Block) ?usize {
    assert(out.len >= room_min);
    h.members.lock();
    defer h.members.unlock();
    if (h.dead) return null;
    if (!h.states) h.takeAll();
    defer if (!h.states) h.unlockCaches();
    verify.lockAll(h);
    defer verify.unlockAll(h);
    var page = @max(at.*, h.runs.bottom);
    defer at.* = page;
    var count: usize = 0;
    while (nextUsed(h, page)) |used| {
        const d = h.metadata.descriptor(h.metadata.heads[used]);
        const behind = d.start + d.pages;
        if (d.start < page) { // it was made since, and has pages that were passed
            page = behind;
            continue;
        }
        if (out.len - count < room_min) return count;
        count += if (d.kind == .slab) blocksOf(h, used, out[count..]) else runOf(h, used, out[count..]);
        page = behind;
    }
    page = h.runs.top;
    return count;
}

/// The first page from `page` on in which a block starts.
fn nextUsed(h: *const Heap, page: u32) ?u32 {
    if (page >= h.runs.top) return null;
    const found = std.mem.findNonePos(u8, h.metadata.classes[0..h.runs.top], page, &.{classes.none}) orelse return null;
    return @intCast(found);
}

fn blocksOf(h: *Heap, page: u32, out: []Block) usize {
    const d = h.metadata.descriptor(h.metadata.heads[page]);
    const size = classes.sizes[d.class];
    const start = h.pageAddress(d.start);
    var count: usize = 0;
    for (0..d.blocks) |index| {
        if (d.isFree(index)) continue;
        const address = start + index * size;
        if (h.states and !isLive(h, address)) continue;
        out[count] = .{ .address = address, .size = size - hardened.tailLen(h) };
        count += 1;
    }
    return count;
}

fn runOf(h: *Heap, page: u32, out: []Block) usize {
    const address = h.pageAddress(page);
    if (h.states and !isLive(h, address)) return 0;
    const found = h.find(address) orelse return 0;
    out[0] = .{ .address = address, .size = h.sizeOf(found) };
    return 1;
}

fn isLive(h: *const Heap, address: usize) bool {
    return hardened.State.isLive(@atomicLoad(u8, h.metadata.state(address - h.base), .monotonic));
}
