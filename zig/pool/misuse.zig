//! What the heap noticed about wrong use: the thread's last message, a line in the log, and with `abort:true` in the conf
//! string the end of the process.
//!
//! The heap may hold any of its locks here, so only this thread's memory and the log are touched.

const std = @import("std");
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const conf = @import("conf.zig");
const last_error = @import("last_error.zig");
const log = @import("log.zig");

pub fn report(pool: *heap.Heap, what: heap.Heap.Misuse, address: usize) void {
    const base = pool.region.base;
    const inside = address -% base < pool.region.size;
    const reason = switch (what) {
        .not_a_block => "no block starts there",
        .freed_twice => "the block was freed before",
        .wrong_size => "its size is not the one that is given",
        .unknown_pointer => if (inside) "no block starts there" else "it is not in the pool",
        .written_after_free => {
            last_error.set("The block at 0x{x} (offset {d} of the pool at 0x{x}) was written after it was freed", .{ address, address - base, base });
            return tell();
        },
    };
    if (inside) {
        last_error.set("Freeing 0x{x} (offset {d} of the pool at 0x{x}) ignored: {s}", .{ address, address - base, base, reason });
    } else {
        last_error.set("Freeing 0x{x} in the pool at 0x{x} ignored: {s}", .{ address, base, reason });
    }
    tell();
}

fn tell() void {
    if (!(conf.settings.abort orelse false)) return log.write(.errors, "{s}", .{last_error.text()});
    log.writeAlways(.errors, "{s}", .{last_error.text()});
    os.process.abort();
}
