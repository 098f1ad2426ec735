//! Placeholder until the FFI face lands. The generator of src/symbols.ts imports this file as "ffi" and prints `table`.

const std = @import("std");

pub const panic = std.debug.no_panic;

pub const table = struct {
    pub fn vmem_ffi_version() callconv(.c) u32 {
        return 1;
    }
};

comptime {
    if (@import("builtin").output_mode == .Lib) {
        for (@typeInfo(table).@"struct".decl_names) |name| @export(&@field(table, name), .{ .name = name });
    }
}

fn register(_: ?*anyopaque, exports: ?*anyopaque) callconv(.c) ?*anyopaque {
    return exports;
}

comptime {
    if (@import("builtin").output_mode == .Lib) @export(&register, .{ .name = "napi_register_module_v1" });
}
