//! Placeholder until the FFI face lands: prints the names of the table.

const std = @import("std");
const ffi = @import("ffi");

pub fn main(init: std.process.Init) !void {
    var buffer: [4096]u8 = undefined;
    var out = std.Io.File.stdout().writer(init.io, &buffer);
    inline for (@typeInfo(ffi.table).@"struct".decl_names) |name| try out.interface.print("// {s}\n", .{name});
    try out.interface.flush();
}
