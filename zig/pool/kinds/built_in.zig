//! The kinds that are there without being made: which of them this machine has, and where their memory comes from.
//!
//! DEFAULT is memory as the system gives it. The others are sets of NUMA nodes, and on a machine with one node that means the same. Nodes of
//! DAX devices are those of the driver `kmem`. What the library does not look for (fast nodes by their attributes, huge pages) is not
//! available, with memkind's codes; nodes that MEMKIND_HBW_NODES and MEMKIND_DAX_KMEM_NODES name are.

const std = @import("std");
const os = @import("../../os.zig");
const layout = @import("layout.zig");
const settings = @import("settings.zig");
const Code = layout.Code;

/// In the order of memkind's partition numbers.
pub const Name = enum(u32) {
    default,
    hbw,
    hbw_hugetlb,
    hbw_preferred,
    hbw_preferred_hugetlb,
    hugetlb,
    hbw_gbtlb,
    hbw_preferred_gbtlb,
    gbtlb,
    hbw_interleave,
    interleave,
    regular,
    hbw_all,
    hbw_all_hugetlb,
    dax_kmem,
    dax_kmem_all,
    dax_kmem_preferred,
    dax_kmem_interleave,
    highest_capacity,
    highest_capacity_preferred,
    highest_capacity_local,
    highest_capacity_local_preferred,
    lowest_latency_local,
    lowest_latency_local_preferred,
    highest_bandwidth_local,
    highest_bandwidth_local_preferred,
};

pub const names = @typeInfo(Name).@"enum".field_names;

/// Their records. What they do is filled in when the library is loaded, for this layer does not know functions.
pub var kinds: [layout.built_in_count]layout.Kind = blk: {
    var result: [layout.built_in_count]layout.Kind = @splat(.{});
    for (&result, names, 0..) |*kind, name, i| {
        kind.partition = i;
        const full = "memkind_" ++ name;
        @memcpy(kind.name[0..full.len], full);
    }
    break :blk result;
};

pub const Place = union(enum) {
    anywhere,
    nodes: struct { policy: os.nodes.Policy, set: os.nodes.Set },
    nowhere: Code,
};

/// Where a built-in kind's memory comes from.
pub fn place(name: Name) Place {
    const all = os.nodes.withMemory();
    const said = &settings.settings;
    return switch (name) {
        .default => .anywhere,
        .regular => on(.bind, os.nodes.withProcessors(), all),
        .interleave => on(.interleave, all, all),
        .hbw, .hbw_all => named(.bind, said.fast, all, .memory_type),
        .hbw_preferred => named(.preferred, said.fast, all, .memory_type),
        .hbw_interleave => named(.interleave, said.fast, all, .memory_type),
        .hbw_hugetlb, .hbw_preferred_hugetlb, .hbw_all_hugetlb => .{ .nowhere = switch (said.fast) {
            .unsaid => .memory_type,
            .wrong => .environment,
            .are => .huge_pages,
        } },
        .hugetlb, .gbtlb, .hbw_gbtlb, .hbw_preferred_gbtlb => .{ .nowhere = .huge_pages },
        .dax_kmem, .dax_kmem_all => named(.bind, devices(), all, .unavailable),
        .dax_kmem_preferred => named(.preferred, devices(), all, .unavailable),
        .dax_kmem_interleave => named(.interleave, devices(), all, .unavailable),
        .highest_capacity => on(.bind, largest(all), all),
        .highest_capacity_preferred => on(.preferred, largest(all), all),
        // Which nodes are near depends on the thread; where there is one node it is that one.
        .highest_capacity_local, .highest_capacity_local_preferred => if (@popCount(all) == 1) .anywhere else .{ .nowhere = .memory_type },
        .lowest_latency_local, .lowest_latency_local_preferred, .highest_bandwidth_local, .highest_bandwidth_local_preferred => .{ .nowhere = .memory_type },
    };
}

/// What is said counts, else what the system says.
fn devices() settings.Nodes {
    const said = settings.settings.devices;
    if (said != .unsaid) return said;
    const found = os.nodes.ofDevices();
    return if (found == 0) .unsaid else .{ .are = found };
}

fn on(policy: os.nodes.Policy, set: os.nodes.Set, all: os.nodes.Set) Place {
    return if (set == all and policy != .interleave or @popCount(all) == 1) .anywhere else .{ .nodes = .{ .policy = policy, .set = set } };
}

fn named(policy: os.nodes.Policy, said: settings.Nodes, all: os.nodes.Set, missing: Code) Place {
    return switch (said) {
        .unsaid => .{ .nowhere = missing },
        .wrong => .{ .nowhere = .environment },
        .are => |set| on(policy, set, all),
    };
}

fn largest(all: os.nodes.Set) os.nodes.Set {
    var best: u64 = 0;
    var result: os.nodes.Set = 0;
    var rest = all;
    while (rest != 0) : (rest &= rest - 1) {
        const node: u6 = @intCast(@ctz(rest));
        const bytes = os.nodes.memoryOf(node);
        if (bytes > best) result = 0;
        if (bytes >= best) result |= @as(os.nodes.Set, 1) << node;
        best = @max(best, bytes);
    }
    return result;
}

/// Bytes of memory of the nodes; null for kinds that may take it from elsewhere, too, and for those that are not available.
pub fn capacity(name: Name) ?u64 {
    const text = @tagName(name);
    if (std.mem.endsWith(u8, text, "preferred")) return null;
    if (name == .hugetlb or name == .gbtlb) return 0;
    return switch (place(name)) {
        .anywhere => os.nodes.memoryOfAll(os.nodes.withMemory()),
        .nodes => |nodes| os.nodes.memoryOfAll(nodes.set),
        .nowhere => null,
    };
}

test "what a machine with one node has" {
    try std.testing.expectEqualStrings("memkind_hbw_all_hugetlb", std.mem.sliceTo(&kinds[13].name, 0));
    try std.testing.expectEqual(Place.anywhere, place(.default));
    try std.testing.expectEqual(Code.memory_type, place(.hbw).nowhere);
    try std.testing.expectEqual(Code.huge_pages, place(.hugetlb).nowhere);
    try std.testing.expectEqual(Code.unavailable, place(.dax_kmem).nowhere);
    try std.testing.expect(capacity(.default).? >= 1 << 28);
    try std.testing.expectEqual(null, capacity(.highest_capacity_preferred));
    settings.settings.fast = .{ .are = os.nodes.withMemory() };
    defer settings.settings.fast = .unsaid;
    try std.testing.expect(place(.hbw) != .nowhere);
    try std.testing.expectEqual(Code.huge_pages, place(.hbw_hugetlb).nowhere);
}
