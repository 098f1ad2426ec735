//! `memkind_memtier.h`: memory that is spread over several kinds by fixed shares. The policy that moves a threshold of size is refused.

const std = @import("std");
const pool = @import("../../pool.zig");
const memkind = @import("../memkind.zig");
const kinds = pool.kinds;
const Block = memkind.Block;
const Kind = memkind.Kind;
const Tiers = kinds.tiers.Tiers;
const public = memkind.table;

const static_ratio = 0;

pub const table = struct {
    pub fn memtier_builder_new(policy: c_int) callconv(.c) ?*Tiers {
        if (policy != static_ratio) {
            pool.errno.set(pool.errno.code(error.EINVAL));
            return null;
        }
        return copyOf(.{});
    }

    pub fn memtier_builder_delete(builder: ?*Tiers) callconv(.c) void {
        public.memkind_free(null, builder);
    }

    pub fn memtier_builder_add_tier(builder: ?*Tiers, kind: ?*Kind, ratio: c_uint) callconv(.c) c_int {
        const tiers = builder orelse return -1;
        return if (tiers.add(kind, ratio)) 0 else -1;
    }

    pub fn memtier_builder_construct_memtier_memory(builder: ?*Tiers) callconv(.c) ?*Tiers {
        const tiers = builder orelse return null;
        return if (tiers.count == 0) null else copyOf(tiers.*);
    }

    pub fn memtier_delete_memtier_memory(memory: ?*Tiers) callconv(.c) void {
        public.memkind_free(null, memory);
    }

    /// There is nothing to be set with fixed shares.
    pub fn memtier_ctl_set(_: ?*Tiers, _: ?[*:0]const u8, _: ?*const anyopaque) callconv(.c) c_int {
        return -1;
    }

    pub fn memtier_malloc(memory: ?*const Tiers, size: usize) callconv(.c) Block {
        return memtier_kind_malloc(kindOf(memory), size);
    }

    pub fn memtier_calloc(memory: ?*const Tiers, count: usize, size: usize) callconv(.c) Block {
        return memtier_kind_calloc(kindOf(memory), count, size);
    }

    pub fn memtier_realloc(memory: ?*const Tiers, block: Block, size: usize) callconv(.c) Block {
        return if (block == null) memtier_malloc(memory, size) else memtier_kind_realloc(null, block, size);
    }

    pub fn memtier_posix_memalign(memory: ?*const Tiers, result: ?*Block, alignment: usize, size: usize) callconv(.c) c_int {
        return memtier_kind_posix_memalign(kindOf(memory), result, alignment, size);
    }

    pub fn memtier_kind_malloc(kind: ?*Kind, size: usize) callconv(.c) Block {
        return counted(public.memkind_malloc(kind, size));
    }

    pub fn memtier_kind_calloc(kind: ?*Kind, count: usize, size: usize) callconv(.c) Block {
        return counted(public.memkind_calloc(kind, count, size));
    }

    pub fn memtier_kind_realloc(kind: ?*Kind, block: Block, size: usize) callconv(.c) Block {
        const owner = public.memkind_detect_kind(block);
        const before = public.memkind_malloc_usable_size(owner, block);
        const moved = public.memkind_realloc(kind, block, size);
        if (moved != null or size == 0) kinds.tiers.discount(owner, before);
        return counted(moved);
    }

    pub fn memtier_kind_posix_memalign(kind: ?*Kind, result: ?*Block, alignment: usize, size: usize) callconv(.c) c_int {
        const status = public.memkind_posix_memalign(kind, result, alignment, size);
        if (status == 0) _ = counted(result.?.*);
        return status;
    }

    pub fn memtier_usable_size(block: Block) callconv(.c) usize {
        return public.memkind_malloc_usable_size(null, block);
    }

    pub fn memtier_kind_free(kind: ?*Kind, block: Block) callconv(.c) void {
        const owner = public.memkind_detect_kind(block) orelse return;
        kinds.tiers.discount(owner, public.memkind_malloc_usable_size(owner, block));
        public.memkind_free(kind, block);
    }

    pub fn memtier_kind_allocated_size(kind: ?*Kind) callconv(.c) usize {
        return kinds.tiers.bytesOut(kind);
    }
};

/// Null, which every function refuses, for no memory.
fn kindOf(memory: ?*const Tiers) ?*Kind {
    return (memory orelse return null).next();
}

fn counted(block: Block) Block {
    if (block != null) {
        const owner = public.memkind_detect_kind(block);
        kinds.tiers.count(owner, public.memkind_malloc_usable_size(owner, block));
    }
    return block;
}

fn copyOf(tiers: Tiers) ?*Tiers {
    const block = public.memkind_malloc(&kinds.built_in_kinds[0], @sizeOf(Tiers)) orelse return null;
    const copy: *Tiers = @ptrCast(@alignCast(block));
    copy.* = tiers;
    return copy;
}

test "no memory is refused" {
    const E = pool.errno.Number;
    var block: Block = null;
    for ([_]Block{ table.memtier_malloc(null, 100), table.memtier_calloc(null, 1, 100), table.memtier_realloc(null, null, 100) }) |given| {
        try std.testing.expectEqual(null, given);
        try std.testing.expectEqual(@backingInt(E.INVAL), pool.errno.get());
    }
    try std.testing.expectEqual(@backingInt(E.INVAL), table.memtier_posix_memalign(null, &block, 64, 100));
    try std.testing.expectEqual(null, table.memtier_builder_construct_memtier_memory(null));
}
