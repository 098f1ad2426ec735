//! `hbwmalloc.h`: memory of high bandwidth where the machine has it, else what the policy says.

const pool = @import("../../pool.zig");
const memkind = @import("../memkind.zig");
const kinds = pool.kinds;
const Block = memkind.Block;
const Kind = memkind.Kind;
const public = memkind.table;

pub const table = struct {
    pub fn hbw_check_available() callconv(.c) c_int {
        return if (isThere()) 0 else pool.errno.code(error.ENODEV);
    }

    pub fn hbw_get_policy() callconv(.c) c_int {
        return @intCast(kinds.tiers.fastPolicy());
    }

    pub fn hbw_set_policy(policy: c_int) callconv(.c) c_int {
        if (policy < 1 or policy > 4) return pool.errno.code(error.EINVAL);
        return if (kinds.tiers.setFastPolicy(@intCast(policy))) 0 else pool.errno.code(error.EPERM);
    }

    pub fn hbw_malloc(size: usize) callconv(.c) Block {
        return public.memkind_malloc(kind(), size);
    }

    pub fn hbw_calloc(count: usize, size: usize) callconv(.c) Block {
        return public.memkind_calloc(kind(), count, size);
    }

    pub fn hbw_posix_memalign(result: ?*Block, alignment: usize, size: usize) callconv(.c) c_int {
        return public.memkind_posix_memalign(kind(), result, alignment, size);
    }

    pub fn hbw_posix_memalign_psize(result: ?*Block, alignment: usize, size: usize, page_size: c_int) callconv(.c) c_int {
        const small_pages = 1;
        const huge_pages = 4;
        if (page_size < small_pages or page_size > huge_pages) return pool.errno.code(error.EINVAL);
        if (page_size == small_pages) return hbw_posix_memalign(result, alignment, size);
        const place = result orelse return pool.errno.code(error.EINVAL);
        place.* = null;
        return pool.errno.code(error.ENOMEM);
    }

    pub fn hbw_realloc(block: Block, size: usize) callconv(.c) Block {
        return public.memkind_realloc(kind(), block, size);
    }

    pub fn hbw_free(block: Block) callconv(.c) void {
        return public.memkind_free(null, block);
    }

    pub fn hbw_malloc_usable_size(block: Block) callconv(.c) usize {
        return public.memkind_malloc_usable_size(null, block);
    }

    /// Says of memory of a kind that is bound to the fast nodes that it is there, of other memory that it is not.
    pub fn hbw_verify_memory_region(address: ?*anyopaque, size: usize, flags: c_int) callconv(.c) c_int {
        if (address == null or size == 0 or flags < 0 or flags > 1) return pool.errno.code(error.EINVAL);
        const owner = public.memkind_detect_kind(address) orelse return -1;
        for ([_]kinds.Name{ .hbw, .hbw_all, .hbw_interleave }) |name| {
            if (owner == &kinds.built_in_kinds[@backingInt(name)]) return 0;
        }
        return -1;
    }
};

fn isThere() bool {
    return public.memkind_check_available(&kinds.built_in_kinds[@backingInt(kinds.Name.hbw)]) == 0;
}

fn kind() *Kind {
    const policy = kinds.tiers.fastPolicy();
    _ = kinds.tiers.setFastPolicy(policy); // it stays so from the first block on
    const name: kinds.Name = switch (policy) {
        1 => .hbw,
        3 => .hbw_interleave,
        4 => .hbw_all,
        else => if (isThere()) .hbw_preferred else .default,
    };
    return &kinds.built_in_kinds[@backingInt(name)];
}
