//! The version of libvmem's API, and the question whether it is the one a program was written for.

const std = @import("std");
const last_error = @import("last_error.zig");

pub const major: u32 = 1;
pub const minor: u32 = 1;

/// Null when a program written for `major_required`.`minor_required` can use this library, otherwise the reason,
/// which is also the thread's last message and changes with it. A newer minor version is compatible.
pub fn check(major_required: u32, minor_required: u32) ?[:0]const u8 {
    if (major_required != major) {
        last_error.set("libvmem major version mismatch (need {d}, found {d})", .{ major_required, major });
    } else if (minor_required > minor) {
        last_error.set("libvmem minor version mismatch (need {d}, found {d})", .{ minor_required, minor });
    } else return null;
    return last_error.text();
}

test "the version that is there, and older minor ones, are accepted" {
    try std.testing.expectEqual(null, check(1, 1));
    try std.testing.expectEqual(null, check(1, 0));
}

test "a version that is not there gives the reason, which is the last message too" {
    try std.testing.expectEqualStrings("libvmem minor version mismatch (need 2, found 1)", check(1, 2).?);
    try std.testing.expectEqualStrings("libvmem major version mismatch (need 2, found 1)", check(2, 0).?);
    try std.testing.expectEqualStrings(check(0, 0).?, last_error.text());
}
