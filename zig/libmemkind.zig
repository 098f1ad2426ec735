//! Root of libmemkind.so.0: exports every function and variable of Debian's library 1.14, without versions.

const builtin = @import("builtin");
const pool = @import("pool.zig");
const exported = @import("abi/trace.zig").exported;
const data = @import("abi/memkind/data.zig");
const hbw = @import("abi/memkind/hbw.zig");
const memkind = @import("abi/memkind.zig");
const memtier = @import("abi/memkind/memtier.zig");
const operations = @import("abi/memkind/operations.zig");

pub const panic = pool.Panic;

const tables = .{ memkind.table, operations.table, hbw.table, memtier.table };

comptime {
    if (builtin.output_mode == .Lib) {
        for (tables) |table| {
            for (@typeInfo(table).@"struct".decl_names) |name| @export(exported(name, @field(table, name)), .{ .name = name });
        }
        for (data.names) |name| {
            const variable = data.Variable(@field(pool.kinds.Name, name));
            @export(&variable.kind, .{ .name = data.exported(name) });
            @export(&variable.ops, .{ .name = data.exported(name) ++ "_OPS" });
        }
        @export(&data.pmem_ops, .{ .name = "MEMKIND_PMEM_OPS" });
        @export(&data.fixed_ops, .{ .name = "MEMKIND_FIXED_OPS" });
        @export(&constructor, .{ .name = "libmemkind_constructor", .section = ".init_array", .visibility = .hidden });
    }
}

/// The environment is read, and ends the process where memkind does, before the program starts.
const constructor: *const fn () callconv(.c) void = &struct {
    fn run() callconv(.c) void {
        data.load();
    }
}.run;

test {
    _ = data;
    _ = hbw;
    _ = memkind;
    _ = memtier;
    _ = operations;
    _ = pool;
}
