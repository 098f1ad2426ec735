//! Every file with unit tests, named one by one: Zig finds the tests of a file only if the file is referenced, and
//! a facade that nothing uses references nothing. tests/structure_test.ts notices a file that is missing here.

test {
    _ = @import("libvmem.zig");
    _ = @import("libvmem_ffi.zig");
}

test "the build names its version" {
    const options = @import("options");
    const std = @import("std");
    try std.testing.expect(options.version.len != 0);
}
