//! What the heap noticed about wrong use: the thread's last message, and a line in the log.
//!
//! The heap may hold any of its locks here, so only this thread's memory and the log are touched.

const std = @import("std");
const heap = @import("../heap.zig");
const last_error = @import("last_error.zig");
const log = @import("log.zig");

pub fn report(pool: *heap.Heap, what: heap.Heap.Misuse, address: usize) void {
    const base = pool.region.base;
    const reason = switch (what) {
        .not_a_block => "no block starts there",
        .freed_twice => "the block was freed before",
        .unknown_pointer => "it is not in the pool",
        .written_after_free => {
            last_error.set("The block at 0x{x} (offset {d} of the pool at 0x{x}) was written after it was freed", .{ address, address - base, base });
            return log.write(.errors, "{s}", .{last_error.text()});
        },
    };
    if (address -% base < pool.region.size) {
        last_error.set("Freeing 0x{x} (offset {d} of the pool at 0x{x}) ignored: {s}", .{ address, address - base, base, reason });
    } else {
        last_error.set("Freeing 0x{x} in the pool at 0x{x} ignored: {s}", .{ address, base, reason });
    }
    log.write(.errors, "{s}", .{last_error.text()});
}
