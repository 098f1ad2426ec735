//! What programs of memkind read and write directly: its records, as Debian's library 1.14 has them on 64-bit Linux, and its numbers.

const std = @import("std");
const assert = std.debug.assert;

/// Kinds that there are at once, the built-in ones included.
pub const kinds_max = 512;
pub const built_in_count = 26;

/// The smallest limit of a file kind, and what limits are rounded up to.
pub const limit_min = 16 << 20;
pub const limit_unit = 2 << 20;

pub const name_len = 64;

pub const Ops = extern struct {
    create: ?*const anyopaque = null,
    destroy: ?*const anyopaque = null,
    malloc: ?*const anyopaque = null,
    calloc: ?*const anyopaque = null,
    posix_memalign: ?*const anyopaque = null,
    realloc: ?*const anyopaque = null,
    free: ?*const anyopaque = null,
    mmap: ?*const anyopaque = null,
    mbind: ?*const anyopaque = null,
    madvise: ?*const anyopaque = null,
    get_mmap_flags: ?*const anyopaque = null,
    get_mbind_mode: ?*const anyopaque = null,
    get_mbind_nodemask: ?*const anyopaque = null,
    get_arena: ?*const anyopaque = null,
    check_available: ?*const anyopaque = null,
    init_once: ?*const anyopaque = null,
    finalize: ?*const anyopaque = null,
    malloc_usable_size: ?*const anyopaque = null,
    update_memory_usage_policy: ?*const anyopaque = null,
    get_stat: ?*const anyopaque = null,
    defrag_reallocate: ?*const anyopaque = null,
};

pub const Kind = extern struct {
    ops: ?*const Ops = null,
    partition: u32 = 0,
    name: [name_len]u8 = @splat(0),
    init_once: u32 = 0,
    arena_count: u32 = 0,
    arena_map: ?*anyopaque = null,
    arena_key: u32 = 0,
    private: ?*anyopaque = null,
    arena_mask: u32 = 0,
    arena_zero: u32 = 0,
    heap_manager: ?*anyopaque = null,
};

/// What `Kind.private` of a file kind leads to.
pub const Private = extern struct {
    descriptor: c_int = -1,
    /// Where `mmap` of the operations would go on; our files have offsets like addresses, so it stays 0.
    offset: i64 = 0,
    /// 0: as much as the file system has.
    limit: usize = 0,
    lock: [40]u8 = @splat(0),
    /// Bytes of the file that have storage.
    size: usize = 0,
    directory: ?[*:0]const u8 = null,
};

pub const Config = extern struct {
    directory: ?[*:0]const u8 = null,
    size: usize = 0,
    policy: c_int = 0,
};

pub const Policy = enum(c_int) { default = 0, conservative = 1 };

pub const Statistic = enum(u32) { resident = 0, active = 1, allocated = 2 };

/// What memkind's functions return.
pub const Code = enum(c_int) {
    success = 0,
    unavailable = -1,
    mbind = -2,
    mmap = -3,
    malloc = -6,
    environment = -12,
    invalid = -13,
    too_many = -15,
    bad_operations = -17,
    huge_pages = -18,
    memory_type = -20,
    failed = -21,
    arenas = -22,
    runtime = -255,

    pub fn number(code: Code) c_int {
        return @backingInt(code);
    }
};

comptime {
    assert(@sizeOf(Ops) == 168);
    assert(@sizeOf(Kind) == 128);
    assert(@offsetOf(Kind, "name") == 12);
    assert(@offsetOf(Kind, "arena_map") == 88);
    assert(@offsetOf(Kind, "private") == 104);
    assert(@offsetOf(Kind, "arena_zero") == 116);
    assert(@sizeOf(Private) == 80);
    assert(@offsetOf(Private, "limit") == 16);
    assert(@offsetOf(Private, "size") == 64);
    assert(@sizeOf(Config) == 24);
    assert(@offsetOf(Config, "policy") == 16);
}

/// Texts for codes; errno values that functions return stand beside them. Null: the number says nothing.
pub fn text(number: c_int) ?[]const u8 {
    if (number == 12) return "Allocating memory failed: there is no room";
    if (number == 22) return "Invalid argument; an alignment is a power of two and at least the size of a pointer";
    inline for (@typeInfo(Code).@"enum".field_names) |name| {
        const code = @field(Code, name);
        if (number == code.number()) return switch (code) {
            .success => null,
            .unavailable => "This kind of memory is not available",
            .mbind => "Binding memory to its NUMA nodes failed",
            .mmap => "Mapping memory failed",
            .malloc => "Allocating memory for bookkeeping failed",
            .environment => "A variable of the environment (MEMKIND_*) has a value that is not understood",
            .invalid => "Invalid argument",
            .too_many => std.fmt.comptimePrint("There are {d} kinds, the limit", .{kinds_max}),
            .bad_operations => "A table of operations lacks functions or has wrong ones",
            .huge_pages => "Huge pages are not available",
            .memory_type => "This type of memory is not available",
            .failed => "The operation failed",
            .arenas => "No room for one more kind",
            .runtime => "Unspecified error at run time",
        };
    }
    return null;
}

test "every code but success has a text, and nothing else" {
    try std.testing.expectEqual(null, text(0));
    try std.testing.expectEqual(null, text(-4));
    try std.testing.expectEqual(null, text(1));
    for ([_]c_int{ -1, -2, -3, -6, -12, -13, -15, -17, -18, -20, -21, -22, -255, 12, 22 }) |number| {
        try std.testing.expect(text(number) != null);
    }
}
