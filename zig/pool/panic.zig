//! What happens when an invariant of the library is broken: one line on standard error, then a trap. The default
//! handler would bring 180 KB of stack printing into a library of 60.

const std = @import("std");
const options = @import("options");
const os = @import("../os.zig");

/// For `pub const panic` of a root.
pub const Panic = std.debug.FullPanic(stop);

fn stop(message: []const u8, _: ?usize) noreturn {
    @branchHint(.cold);
    os.output.stderr("vmem: ");
    os.output.stderr(message);
    os.output.stderr("\n");
    if (options.debug) os.process.abort(); // what people look for in debuggers and cores
    @trap();
}
