//! Environment variables without allocation.
//!
//! The block is read in place: what is returned lives until the program changes its environment, so copy
//! what must last. Programs that run with more rights than their user (set-user-id, file capabilities)
//! see no variables here: they name files that would be written with those rights.

const std = @import("std");

extern "c" var environ: ?[*:null]?[*:0]const u8;
extern "c" fn getauxval(kind: c_ulong) c_ulong;

/// Entry of the auxiliary vector, see getauxval(3).
const at_secure = 23;

/// Whether the variables can be asked for yet: the C library finds them when it is initialised, and the loader may call our
/// malloc before that.
pub fn isThere() bool {
    return environ != null;
}

/// Whether the program runs with more rights than its user, and `get` finds nothing.
pub fn isSecure() bool {
    return getauxval(at_secure) != 0;
}

/// The value of `name`, null when it is not set. Not safe beside a thread that calls setenv, like getenv.
pub fn get(name: [:0]const u8) ?[:0]const u8 {
    if (isSecure()) return null;
    const block = environ orelse return null;
    var index: usize = 0;
    while (block[index]) |entry| : (index += 1) {
        const line = std.mem.span(entry);
        if (line.len > name.len and line[name.len] == '=' and std.mem.startsWith(u8, line, name))
            return line[name.len + 1 ..];
    }
    return null;
}

test "get" {
    try std.testing.expect(isThere() and !isSecure());
    const c = struct {
        extern "c" fn setenv(name: [*:0]const u8, value: [*:0]const u8, overwrite: c_int) c_int;
        extern "c" fn unsetenv(name: [*:0]const u8) c_int;
    };
    try std.testing.expectEqual(@as(c_int, 0), c.setenv("VMEM_TEST_VARIABLE", "a=b", 1));
    try std.testing.expectEqualStrings("a=b", get("VMEM_TEST_VARIABLE").?);
    try std.testing.expectEqual(null, get("VMEM_TEST_VARIABL"));
    try std.testing.expectEqual(@as(c_int, 0), c.setenv("VMEM_TEST_VARIABLE", "", 1));
    try std.testing.expectEqualStrings("", get("VMEM_TEST_VARIABLE").?);
    try std.testing.expectEqual(@as(c_int, 0), c.unsetenv("VMEM_TEST_VARIABLE"));
    try std.testing.expectEqual(null, get("VMEM_TEST_VARIABLE"));
}
