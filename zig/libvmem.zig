//! Root of libvmem.so.1: exports the 16 functions of libvmem and those of the extension; its version script puts them under
//! `LIBVMEM_1.0` and `VMEM_EXT_1.0`.

const builtin = @import("builtin");
const pool = @import("pool.zig");
const exported = @import("abi/trace.zig").exported;

pub const table = @import("abi/vmem.zig").table;
pub const extension = @import("abi/vmemx.zig").table;
pub const panic = pool.Panic;

comptime {
    if (builtin.output_mode == .Lib) {
        for (@typeInfo(table).@"struct".decl_names) |name| @export(exported(name, @field(table, name)), .{ .name = name });
        for (@typeInfo(extension).@"struct".decl_names) |name| @export(exported(name, @field(extension, name)), .{ .name = name });
    }
}

test {
    _ = @import("abi/vmem.zig");
    _ = @import("abi/vmem_test.zig");
    _ = @import("abi/vmemx.zig");
    _ = @import("abi/trace.zig");
    _ = pool;
}
