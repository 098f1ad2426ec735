//! Two levels of assertions.
//!
//! `assert` stays in every build mode: it is for what costs a compare beside work that costs more, and
//! a broken invariant of an allocator must stop the process rather than hand out one block twice.
//! (`std.debug.assert` is an assumption in `fast` builds: the optimiser may delete what follows.)
//! `verify` exists only in builds with `options.verify`: it is for conditions that walk something.

const std = @import("std");
const options = @import("options");

/// True in builds that pay for expensive checks.
pub const verifying: bool = options.verify;

/// Stops the process when `ok` is false, in every build mode.
pub inline fn assert(ok: bool) void {
    if (!ok) {
        @branchHint(.cold);
        broken();
    }
}

/// Like `assert` for a condition that is expensive to evaluate: pass a function and its arguments, so
/// that nothing at all is evaluated in builds without `options.verify`.
pub inline fn verify(comptime condition: anytype, arguments: anytype) void {
    if (verifying) assert(@call(.auto, condition, arguments));
}

noinline fn broken() noreturn {
    @branchHint(.cold);
    @panic("Broken invariant in vmem");
}

test "assert lets true through" {
    assert(1 + 1 == 2);
}

test "verify evaluates its condition only when asked to" {
    const Count = struct {
        var calls: u32 = 0;
        fn condition() bool {
            calls += 1;
            return true;
        }
    };
    verify(Count.condition, .{});
    try std.testing.expectEqual(@as(u32, if (verifying) 1 else 0), Count.calls);
}
