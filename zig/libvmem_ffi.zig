//! Root of libvmem_ffi.so, the library of the TypeScript package: exports the functions of the table and the entry
//! of its Node-API side.

const builtin = @import("builtin");
const pool = @import("pool.zig");

pub const ffi = @import("abi/ffi.zig");
const napi = @import("abi/napi.zig");

pub const table = ffi.table;
pub const errno = pool.errno;
pub const panic = pool.Panic;

comptime {
    if (builtin.output_mode == .Lib) {
        for (@typeInfo(table).@"struct".decl_names) |name| @export(&@field(table, name), .{ .name = name });
        @export(&napi.register, .{ .name = "napi_register_module_v1" });
    }
}

test {
    _ = ffi;
    _ = @import("abi/holds.zig");
    _ = pool;
}
