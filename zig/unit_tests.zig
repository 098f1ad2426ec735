//! The root of the unit tests: every facade and root, each of which names the files behind it in its own `test` block.
//! Zig finds the tests of a file only if a test refers to the file; tests/structure_test.ts notices one that is missing.

test {
    _ = @import("base.zig");
    _ = @import("os.zig");
    _ = @import("region.zig");
    _ = @import("heap.zig");
    _ = @import("pool.zig");
    _ = @import("libvmem.zig");
    _ = @import("libvmem_ffi.zig");
    _ = @import("libvmmalloc.zig");
    _ = @import("libmemkind.zig");
}
