//! Root of libvmmalloc.so.1: exports malloc and its family without a version, because a definition with one does not take the place
//! of the C library's.

const builtin = @import("builtin");
const pool = @import("pool.zig");
const exported = @import("abi/trace.zig").exported;

const vmmalloc = @import("abi/vmmalloc.zig");
pub const table = vmmalloc.table;
pub const panic = pool.Panic;

comptime {
    if (builtin.output_mode == .Lib) {
        for (@typeInfo(table).@"struct".decl_names) |name| @export(exported(name, @field(table, name)), .{ .name = name });
        for (@typeInfo(vmmalloc.hooks).@"struct".decl_names) |name| @export(&@field(vmmalloc.hooks, name), .{ .name = name });
        @export(&constructor, .{ .name = "vmmalloc_constructor", .section = ".init_array" });
        @export(&destructor, .{ .name = "vmmalloc_destructor", .section = ".fini_array" });
    }
}

const Hook = *const fn () callconv(.c) void;
const constructor: Hook = &start;
const destructor: Hook = &finish;

fn start() callconv(.c) void {
    pool.process.start(@intFromPtr(&table.malloc));
}

fn finish() callconv(.c) void {
    pool.process.finish();
}

test {
    _ = vmmalloc;
    _ = pool;
}
