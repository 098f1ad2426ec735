//! A mark on a live block that ends with it, however it is freed: who keeps notes on blocks by their address can tell whether a
//! block is still the one that the note is about. It is a state of the block (`hardened.State.noted`), which the hot paths take for
//! "not live" and leave to the slow ones, so that a heap without marks pays nothing. Heaps without states have no marks.

const std = @import("std");
const hardened = @import("hardened.zig");
const Heap = @import("Heap.zig");

/// Marks the block that starts at an address, if one does.
pub fn mark(h: *Heap, address: usize) void {
    if (!h.states) return;
    const found = h.find(address) orelse return;
    _ = @cmpxchgStrong(u8, h.stateOf(found), hardened.State.live, hardened.State.noted, .monotonic, .monotonic);
}

/// Whether the block at an address may be the one that was marked: exact where the heap keeps states, else whether there is one.
pub fn isMarked(h: *Heap, address: usize) bool {
    const found = h.find(address) orelse return false;
    if (!h.states) return h.isBlockFound(found);
    return @atomicLoad(u8, h.stateOf(found), .monotonic) == hardened.State.noted;
}
