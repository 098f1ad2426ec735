//! The tables of operations that memkind's kinds lead to, and the functions in them, which programs can call, too. Here they are other
//! names of the public ones: every kind is served the same way, whatever table it has.

const std = @import("std");
const pool = @import("../../pool.zig");
const kinds = pool.kinds;
const layout = kinds.layout;
const memkind = @import("../memkind.zig");
const Kind = layout.Kind;
const Ops = layout.Ops;
const Block = memkind.Block;
const public = memkind.table;

const map_failed: *anyopaque = @ptrFromInt(std.math.maxInt(usize));

pub const table = struct {
    // Of kinds that are made.

    pub fn memkind_arena_create(kind: ?*Kind, ops: ?*const Ops, name: ?[*:0]const u8) callconv(.c) c_int {
        return adopt(kind, ops, name, .memory);
    }
    pub fn memkind_pmem_create(kind: ?*Kind, ops: ?*const Ops, name: ?[*:0]const u8) callconv(.c) c_int {
        return adopt(kind, ops, name, .descriptor);
    }
    pub fn memkind_fixed_create(kind: ?*Kind, ops: ?*const Ops, name: ?[*:0]const u8) callconv(.c) c_int {
        return adopt(kind, ops, name, .none);
    }
    pub fn memkind_arena_destroy(kind: ?*Kind) callconv(.c) c_int {
        return memkind.told(kinds.close(kind));
    }
    pub fn memkind_pmem_destroy(kind: ?*Kind) callconv(.c) c_int {
        return memkind.told(kinds.close(kind));
    }
    pub fn memkind_fixed_destroy(kind: ?*Kind) callconv(.c) c_int {
        return memkind.told(kinds.close(kind));
    }
    pub fn memkind_pmem_mmap(kind: ?*Kind, _: ?*anyopaque, size: usize) callconv(.c) *anyopaque {
        return pages(kind, size);
    }
    pub fn memkind_fixed_mmap(kind: ?*Kind, _: ?*anyopaque, size: usize) callconv(.c) *anyopaque {
        return pages(kind, size);
    }
    pub fn memkind_pmem_get_mmap_flags(_: ?*Kind, flags: ?*c_int) callconv(.c) c_int {
        return put(flags, map_shared);
    }

    pub const memkind_arena_malloc = public.memkind_malloc;
    pub const memkind_arena_calloc = public.memkind_calloc;
    pub const memkind_arena_posix_memalign = public.memkind_posix_memalign;
    pub const memkind_arena_realloc = public.memkind_realloc;
    pub fn memkind_arena_realloc_with_kind_detect(block: Block, size: usize) callconv(.c) Block {
        return public.memkind_realloc(null, block, size);
    }
    pub const memkind_arena_free = public.memkind_free;
    pub fn memkind_arena_free_with_kind_detect(block: Block) callconv(.c) void {
        return public.memkind_free(null, block);
    }
    pub const memkind_arena_detect_kind = public.memkind_detect_kind;
    pub fn memkind_arena_update_memory_usage_policy(kind: ?*Kind, policy: c_int) callconv(.c) c_int {
        return memkind.told(kinds.setPolicy(kind, policy));
    }
    /// Kinds have their shards from the start; these only say which.
    pub fn memkind_arena_create_map(kind: ?*Kind) callconv(.c) c_int {
        return exists(kind);
    }
    pub fn memkind_set_arena_map_len(kind: ?*Kind) callconv(.c) c_int {
        return exists(kind);
    }
    pub fn memkind_thread_get_arena(kind: ?*Kind, arena: ?*c_uint, _: usize) callconv(.c) c_int {
        const place = arena orelse return layout.Code.invalid.number();
        place.* = (kind orelse return layout.Code.invalid.number()).arena_zero;
        return 0;
    }
    pub fn memkind_bijective_get_arena(kind: ?*Kind, arena: ?*c_uint, size: usize) callconv(.c) c_int {
        return memkind_thread_get_arena(kind, arena, size);
    }

    // Of the built-in kinds.

    pub fn memkind_default_create(kind: ?*Kind, ops: ?*const Ops, name: ?[*:0]const u8) callconv(.c) c_int {
        return adopt(kind, ops, name, .memory);
    }
    pub fn memkind_default_destroy(_: ?*Kind) callconv(.c) c_int {
        return 0;
    }
    pub const memkind_default_malloc = public.memkind_malloc;
    pub const memkind_default_calloc = public.memkind_calloc;
    pub const memkind_default_posix_memalign = public.memkind_posix_memalign;
    pub const memkind_default_realloc = public.memkind_realloc;
    pub const memkind_default_free = public.memkind_free;
    pub const memkind_default_malloc_usable_size = public.memkind_malloc_usable_size;
    pub fn memkind_default_mmap(kind: ?*Kind, _: ?*anyopaque, size: usize) callconv(.c) *anyopaque {
        return pages(kind, size);
    }
    /// A kind's memory is bound as a whole, when its pool is made.
    pub fn memkind_default_mbind(_: ?*Kind, _: ?*anyopaque, _: usize) callconv(.c) c_int {
        return 0;
    }
    pub fn memkind_nohugepage_madvise(_: ?*Kind, _: ?*anyopaque, _: usize) callconv(.c) c_int {
        return 0;
    }
    pub fn memkind_default_get_mmap_flags(_: ?*Kind, flags: ?*c_int) callconv(.c) c_int {
        return put(flags, map_private | map_anonymous);
    }
    pub fn memkind_hugetlb_get_mmap_flags(_: ?*Kind, flags: ?*c_int) callconv(.c) c_int {
        return put(flags, map_private | map_anonymous | map_huge_2mb);
    }
    pub fn memkind_default_get_mbind_mode(_: ?*Kind, mode: ?*c_int) callconv(.c) c_int {
        return put(mode, 2);
    }
    pub fn memkind_preferred_get_mbind_mode(_: ?*Kind, mode: ?*c_int) callconv(.c) c_int {
        return put(mode, 1);
    }
    pub fn memkind_interleave_get_mbind_mode(_: ?*Kind, mode: ?*c_int) callconv(.c) c_int {
        return put(mode, 3);
    }
    pub fn memkind_default_get_mbind_nodemask(_: ?*Kind, mask: ?*c_ulong, bits: c_ulong) callconv(.c) c_int {
        return nodes(.interleave, mask, bits);
    }
    pub fn memkind_regular_all_get_mbind_nodemask(_: ?*Kind, mask: ?*c_ulong, bits: c_ulong) callconv(.c) c_int {
        return nodes(.regular, mask, bits);
    }
    pub fn memkind_hbw_get_mbind_nodemask(_: ?*Kind, mask: ?*c_ulong, bits: c_ulong) callconv(.c) c_int {
        return nodes(.hbw, mask, bits);
    }
    pub fn memkind_hbw_all_get_mbind_nodemask(_: ?*Kind, mask: ?*c_ulong, bits: c_ulong) callconv(.c) c_int {
        return nodes(.hbw_all, mask, bits);
    }
    pub fn memkind_dax_kmem_all_get_mbind_nodemask(_: ?*Kind, mask: ?*c_ulong, bits: c_ulong) callconv(.c) c_int {
        return nodes(.dax_kmem_all, mask, bits);
    }
    pub fn memkind_hbw_check_available(_: ?*Kind) callconv(.c) c_int {
        return public.memkind_check_available(named(.hbw));
    }
    pub fn memkind_hbw_hugetlb_check_available(_: ?*Kind) callconv(.c) c_int {
        return public.memkind_check_available(named(.hbw_hugetlb));
    }
    pub fn memkind_hugetlb_check_available_2mb(_: ?*Kind) callconv(.c) c_int {
        return public.memkind_check_available(named(.hugetlb));
    }
    pub fn memkind_posix_check_alignment(_: ?*Kind, alignment: usize) callconv(.c) c_int {
        return if (memkind.isAlignment(alignment)) 0 else pool.errno.code(error.EINVAL);
    }

    /// Kinds are started by their first use.
    pub fn memkind_default_init_once() callconv(.c) void {}
    pub fn memkind_interleave_init_once() callconv(.c) void {}
    pub fn memkind_hugetlb_init_once() callconv(.c) void {}
    pub fn memkind_hbw_init_once() callconv(.c) void {}
    pub fn memkind_hbw_all_init_once() callconv(.c) void {}
    pub fn memkind_hbw_all_hugetlb_init_once() callconv(.c) void {}
    pub fn memkind_hbw_hugetlb_init_once() callconv(.c) void {}
    pub fn memkind_hbw_interleave_init_once() callconv(.c) void {}
    pub fn memkind_hbw_preferred_init_once() callconv(.c) void {}
    pub fn memkind_hbw_preferred_hugetlb_init_once() callconv(.c) void {}
};

const map_shared = 0x01;
const map_private = 0x02;
const map_anonymous = 0x20;
const map_huge_2mb = 0x40000 | 21 << 26;

const common: Ops = .{
    .create = &table.memkind_arena_create,
    .destroy = &table.memkind_default_destroy,
    .malloc = &table.memkind_arena_malloc,
    .calloc = &table.memkind_arena_calloc,
    .posix_memalign = &table.memkind_arena_posix_memalign,
    .realloc = &table.memkind_arena_realloc,
    .free = &table.memkind_arena_free,
    .mbind = &table.memkind_default_mbind,
    .get_mmap_flags = &table.memkind_default_get_mmap_flags,
    .get_mbind_mode = &table.memkind_default_get_mbind_mode,
    .get_mbind_nodemask = &table.memkind_default_get_mbind_nodemask,
    .get_arena = &table.memkind_thread_get_arena,
    .check_available = &public.memkind_check_available,
    .init_once = &table.memkind_default_init_once,
    .finalize = &table.memkind_default_destroy,
    .malloc_usable_size = &table.memkind_default_malloc_usable_size,
    .get_stat = &public.memkind_get_stat,
    .defrag_reallocate = &public.memkind_defrag_reallocate,
};

pub const pmem: Ops = made(&table.memkind_pmem_create, &table.memkind_pmem_destroy, &table.memkind_pmem_mmap, &table.memkind_pmem_get_mmap_flags);
pub const fixed: Ops = made(&table.memkind_fixed_create, &table.memkind_fixed_destroy, &table.memkind_fixed_mmap, null);

fn made(create: *const anyopaque, destroy: *const anyopaque, mmap: *const anyopaque, flags: ?*const anyopaque) Ops {
    var ops = common;
    ops.create = create;
    ops.destroy = destroy;
    ops.finalize = destroy;
    ops.mmap = mmap;
    ops.get_mmap_flags = flags;
    ops.mbind = null;
    ops.get_mbind_mode = null;
    ops.get_mbind_nodemask = null;
    ops.init_once = null;
    ops.check_available = null;
    ops.update_memory_usage_policy = &table.memkind_arena_update_memory_usage_policy;
    return ops;
}

/// The table of a built-in kind.
pub fn ofBuiltIn(comptime name: kinds.Name) Ops {
    var ops = common;
    const text = @tagName(name);
    if (name == .default) {
        ops.create = &table.memkind_default_create;
        ops.malloc = &table.memkind_default_malloc;
        ops.calloc = &table.memkind_default_calloc;
        ops.posix_memalign = &table.memkind_default_posix_memalign;
        ops.realloc = &table.memkind_default_realloc;
        ops.free = &table.memkind_default_free;
    }
    if (std.mem.find(u8, text, "preferred") != null) ops.get_mbind_mode = &table.memkind_preferred_get_mbind_mode;
    if (std.mem.find(u8, text, "interleave") != null) ops.get_mbind_mode = &table.memkind_interleave_get_mbind_mode;
    if (std.mem.find(u8, text, "hugetlb") != null) ops.get_mmap_flags = &table.memkind_hugetlb_get_mmap_flags;
    return ops;
}

fn named(name: kinds.Name) *Kind {
    return &kinds.built_in_kinds[@backingInt(name)];
}

fn adopt(kind: ?*Kind, ops: ?*const Ops, name: ?[*:0]const u8, source: kinds.Source) c_int {
    const theirs = kind orelse return layout.Code.invalid.number();
    const text = std.mem.span(name orelse return layout.Code.invalid.number());
    return memkind.told(kinds.adopt(theirs, ops orelse return layout.Code.bad_operations.number(), text, source));
}

fn exists(kind: ?*Kind) c_int {
    return (if (kinds.exists(kind)) layout.Code.success else layout.Code.invalid).number();
}

/// Pages of a kind's own memory, zeroed: what its file is mapped to. They are a block of the kind.
fn pages(kind: ?*Kind, size: usize) *anyopaque {
    if (size == 0) {
        pool.errno.set(pool.errno.code(error.EINVAL));
        return map_failed;
    }
    return memkind.allocate(kind, size, pool.heap.page_size, true) orelse map_failed;
}

fn put(place: ?*c_int, value: c_int) c_int {
    (place orelse return layout.Code.invalid.number()).* = value;
    return 0;
}

fn nodes(name: kinds.Name, mask: ?*c_ulong, bits: c_ulong) c_int {
    const place = mask orelse return layout.Code.invalid.number();
    const set = kinds.nodesOf(name) orelse return public.memkind_check_available(named(name));
    if (bits == 0) return layout.Code.invalid.number();
    place.* = if (bits >= 64) set else set & (@as(u64, 1) << @intCast(bits)) - 1;
    return 0;
}

const memtype_default = 1;
const memtype_fast = 2;

/// The built-in kind for types of memory and a policy of `memkind_create_kind`: 0 and 1 bind, 2 prefers, 4 interleaves. Pages of 2 MiB
/// are the only flag.
pub fn withMemory(types: c_uint, policy: c_uint, flags: c_uint) error{ Unavailable, Invalid }!*Kind {
    if (types == 0 or types > 3 or (flags != 0 and flags != 21)) return error.Invalid;
    const huge = flags != 0;
    const wanted: kinds.Name = switch (policy) {
        0 => if (types == memtype_fast) (if (huge) .hbw_hugetlb else .hbw) else return error.Invalid,
        1 => if (types == memtype_fast) (if (huge) .hbw_all_hugetlb else .hbw_all) else return error.Invalid,
        2 => switch (types) {
            memtype_default => .default,
            memtype_fast => if (available(if (huge) .hbw_preferred_hugetlb else .hbw_preferred)) |name| name else .default,
            else => return error.Invalid,
        },
        4 => if (huge) return error.Invalid else switch (types) {
            memtype_fast => .hbw_interleave,
            memtype_default | memtype_fast => .interleave,
            else => return error.Invalid,
        },
        else => return error.Invalid,
    };
    return named(available(wanted) orelse return error.Unavailable);
}

fn available(name: kinds.Name) ?kinds.Name {
    return if (public.memkind_check_available(named(name)) == 0) name else null;
}
