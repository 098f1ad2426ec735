//! The variables of memkind: its built-in kinds, and the tables of operations. Programs copy the former (copy relocations), so their
//! sizes are part of the interface.

const std = @import("std");
const pool = @import("../../pool.zig");
const operations = @import("operations.zig");
const kinds = pool.kinds;

pub const Kind = *kinds.Kind;
pub const Ops = kinds.layout.Ops;

/// For each built-in kind a variable that leads to it.
pub fn Variable(comptime name: kinds.Name) type {
    return struct {
        pub var kind: Kind = &kinds.built_in_kinds[@backingInt(name)];
        pub var ops: Ops = operations.ofBuiltIn(name);
    };
}

pub var pmem_ops: Ops = operations.pmem;
pub var fixed_ops: Ops = operations.fixed;

pub const names = @typeInfo(kinds.Name).@"enum".field_names;

/// `hbw_all` is `MEMKIND_HBW_ALL`.
pub fn exported(comptime name: []const u8) []const u8 {
    return "MEMKIND_" ++ comptime upper(name);
}

fn upper(comptime name: []const u8) []const u8 {
    comptime {
        @setEvalBranchQuota(10_000);
        var buffer: [name.len]u8 = undefined;
        const text = std.ascii.upperString(&buffer, name);
        const result: [text.len]u8 = text[0..text.len].*;
        return &result;
    }
}

/// When the library is loaded: kinds lead to their tables.
pub fn load() void {
    kinds.load();
    inline for (names) |name| {
        const variable = Variable(@field(kinds.Name, name));
        variable.kind.ops = &variable.ops;
    }
}
