//! What was noticed about wrong use: the thread's last message, a line in the log, and with `abort:true` in the conf
//! string the end of the process; in the twin for debugging unless `abort:false` is said.
//!
//! The heap may hold any of its locks here, so only this thread's memory and the log are touched.

const is_debug = @import("options").debug;
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const conf = @import("conf.zig");
const last_error = @import("last_error.zig");
const log = @import("log.zig");
const registry = @import("registry.zig");

pub fn report(pool: *heap.Heap, what: heap.Heap.Misuse, address: usize) void {
    const base = pool.region.base;
    const inside = address -% base < pool.region.size;
    const reason = switch (what) {
        .not_a_block => "no block starts there",
        .freed_twice => "the block was freed before",
        .wrong_size => "its size is not the one that is given",
        .unknown_pointer => if (inside) "no block starts there" else "it is not in the pool",
        .written_after_free, .written_behind => {
            const how = if (what == .written_behind) "was written behind its end" else "was written after it was freed";
            last_error.set("The block at 0x{x} (offset {d} of the pool at 0x{x}) {s}", .{ address, address - base, base, how });
            return tell();
        },
    };
    if (inside) {
        last_error.set("Freeing 0x{x} (offset {d} of the pool at 0x{x}) ignored: {s}", .{ address, address - base, base, reason });
    } else if (otherPool(address)) |other| {
        last_error.set("Freeing 0x{x} in the pool at 0x{x} ignored: it is not in the pool, but in that at 0x{x}", .{ address, base, other });
    } else {
        last_error.set("Freeing 0x{x} in the pool at 0x{x} ignored: {s}", .{ address, base, reason });
    }
    tell();
}

/// The pool that has the address instead. Looked for only where it costs nobody anything.
fn otherPool(address: usize) ?usize {
    return if (is_debug) registry.baseAt(address) else null;
}

/// A handle was used that never was one, or no longer is; the last message says so. Refusing it is all that is shipped does,
/// since it does no harm.
pub fn deadHandle() void {
    if (is_debug and conf.aborts()) end();
}

fn tell() void {
    if (conf.aborts()) end();
    log.write(.errors, "{s}", .{last_error.text()});
}

fn end() noreturn {
    log.writeAlways(.errors, "{s}", .{last_error.text()});
    os.process.abort();
}
