//! memkind's kinds: pools that are known by the address of a record which programs read. What `zig/abi/memkind.zig` builds on.
//!
//! The folder: `layout` (records and codes), `settings` (the environment), `built_in` (what is there from the start), `table` (all kinds by
//! slot), `areas` (whose memory an address is), `making` (their lives), `numbers` (statistics).

const os = @import("../os.zig");
const registry = @import("registry.zig");
const areas = @import("kinds/areas.zig");
const built_in = @import("kinds/built_in.zig");
const making = @import("kinds/making.zig");
const settings = @import("kinds/settings.zig");
const table = @import("kinds/table.zig");
pub const layout = @import("kinds/layout.zig");
pub const numbers = @import("kinds/numbers.zig");

pub const tiers = @import("kinds/tiers.zig");

pub const Kind = layout.Kind;
pub const Outcome = making.Outcome;
pub const Source = table.Source;

pub const built_in_kinds = &built_in.kinds;
pub const createFile = making.createFile;
pub const createFixed = making.createFixed;
pub const adopt = making.adopt;
pub const close = making.close;
pub const destroy = making.destroy;
pub const start = making.start;
pub const setPolicy = making.setPolicy;
pub const Name = built_in.Name;
pub const debug = settings.debug;

/// When the library is loaded, before there are threads.
pub fn load() void {
    table.open();
    settings.load();
}

/// Whether storage is given back by a thread of the library's, too.
pub fn setBackground(_: bool) bool {
    return true;
}

/// The kind whose memory an address is.
pub fn owner(address: usize) ?*Kind {
    return table.at(areas.find(address) orelse return ownerOfNew(address)).kind;
}

/// The same while a kind is being started: others can have blocks of its pool before its area is known.
fn ownerOfNew(address: usize) ?*Kind {
    const range = registry.owner(address) orelse return null;
    defer range.release();
    if (range.numbered or range.handle % @alignOf(Kind) != 0) return null;
    const kind: *Kind = @ptrFromInt(range.handle);
    return if (exists(kind)) kind else null;
}

/// Whether there is such a kind, with or without a pool.
pub fn exists(kind: ?*const Kind) bool {
    table.lock.lock();
    defer table.lock.unlock();
    return table.find(kind) != null;
}

/// Whether the kind's pool is the parent's, in a child of fork.
pub fn isInherited(kind: *const Kind) bool {
    return registry.isInherited(@intFromPtr(kind));
}

/// The NUMA nodes of a built-in kind. Null: it is not available.
pub fn nodesOf(name: Name) ?os.nodes.Set {
    return switch (built_in.place(name)) {
        .anywhere => os.nodes.withMemory(),
        .nodes => |nodes| nodes.set,
        .nowhere => null,
    };
}

/// The kind with a partition number.
pub fn ofPartition(partition: c_int) ?*Kind {
    if (partition < 0) return null;
    table.lock.lock();
    defer table.lock.unlock();
    const record = table.ofPartition(@intCast(partition)) orelse return null;
    return record.kind;
}

/// Whether files in the directory can be mapped past the page cache. The errors of opening a file there; EOPNOTSUPP: they cannot.
pub fn requireDax(directory: [:0]const u8) os.Error!void {
    const fd = try os.file.openTemporary(directory);
    defer os.file.close(fd);
    // On hugetlbfs a file has whole pages of its own.
    os.file.truncate(fd, os.memory.pageSize()) catch |err| return if (err == error.EINVAL) error.EOPNOTSUPP else err;
    try os.memory.requireDax(fd);
}

test {
    _ = areas;
    _ = built_in;
    _ = layout;
    _ = making;
    _ = numbers;
    _ = settings;
    _ = table;
    _ = tiers;
    _ = @import("kinds/kinds_test.zig");
}
