//! The C library's own heap, behind a malloc that took its name.
//!
//! Blocks of it still come to us: from libraries loaded with RTLD_DEEPBIND, which find the C library's malloc before ours, from
//! `__libc_malloc`, and from the loader's first steps. Who frees or resizes such a block through our functions means the C
//! library's, reached here by the names that glibc exports for it (musl has none; then nothing is its).
//!
//! An address that is nobody's must not get there: glibc aborts. So the words that glibc keeps before a block are looked
//! at first, without a fault if there are none. What the loader has cut from its own pages has no such words.

const std = @import("std");
const sys = @import("sys.zig");
const memory = @import("memory.zig");

const Free = *const fn (?*anyopaque) callconv(.c) void;
const Realloc = *const fn (?*anyopaque, usize) callconv(.c) ?*anyopaque;
const Version = *const fn () callconv(.c) [*:0]const u8;

/// Before 2.34 glibc calls `__free_hook` and its siblings, which are ours: there every block comes from us.
const first_without_hooks = 34;

fn served() bool {
    const version = @extern(?Version, .{ .name = "gnu_get_libc_version", .linkage = .weak }) orelse return false;
    const text = std.mem.span(version());
    if (!std.mem.startsWith(u8, text, "2.")) return false;
    const minor = std.fmt.parseUnsigned(u32, text[2 .. std.mem.findScalarPos(u8, text, 2, '.') orelse text.len], 10) catch return false;
    return minor >= first_without_hooks;
}

/// Frees a block of the C library's heap. false: it is none.
pub fn free(address: usize) bool {
    const function = @extern(?Free, .{ .name = "__libc_free", .linkage = .weak }) orelse return false;
    if (!served() or chunkSize(address) == null) return false;
    function(@ptrFromInt(address));
    return true;
}

/// realloc of a block of the C library's heap, which stays there; `size` is not 0. `not_its_block`: nothing was done.
pub fn resize(address: usize, size: usize) union(enum) { not_its_block, block: ?*anyopaque } {
    const function = @extern(?Realloc, .{ .name = "__libc_realloc", .linkage = .weak }) orelse return .not_its_block;
    if (!served() or chunkSize(address) == null) return .not_its_block;
    return .{ .block = function(@ptrFromInt(address), size) };
}

/// Usable bytes of a block of the C library's heap; null if it is none.
pub fn usableSize(address: usize) ?usize {
    if (!served()) return null;
    const chunk = chunkSize(address) orelse return null;
    return if (chunk.mapped) chunk.size - 2 * word else chunk.size - word;
}

const word = @sizeOf(usize);
const in_use_before = 1;
const is_mapped = 2;
const not_main = 4;
const flags = in_use_before | is_mapped | not_main;
/// A chunk is at least four words, and a multiple of two.
const chunk_min = 4 * word;

const Chunk = struct { size: usize, mapped: bool };

/// What stands before a block of glibc: null if that cannot be one.
fn chunkSize(address: usize) ?Chunk {
    if (address < memory.pageSize() or address % (2 * word) != 0) return null;
    const header = read(address - word) orelse return null;
    const size = header & ~@as(usize, flags);
    if (size < chunk_min or size % (2 * word) != 0) return null;
    const chunk = address - 2 * word;
    if (header & is_mapped != 0) {
        // A mapping of its own: it begins the word before says how far ahead, and is whole pages.
        const ahead = read(chunk) orelse return null;
        const page = memory.pageSize();
        if (ahead > chunk or (chunk - ahead) % page != 0 or (size +% ahead) % page != 0) return null;
        return .{ .size = size, .mapped = true };
    }
    // The next chunk says that this one is in use.
    const next = std.math.add(usize, chunk, size) catch return null;
    const behind = read(std.math.add(usize, next, word) catch return null) orelse return null;
    return if (behind & in_use_before != 0) .{ .size = size, .mapped = false } else null;
}

/// The word at an address, null where nothing can be read: the kernel fetches a signal set before it looks at what to do
/// with it, which is nothing.
fn read(address: usize) ?usize {
    const no_action = 0x7fff;
    _ = sys.call(.rt_sigprocmask, .{ no_action, address, 0, 8 }) catch |err| switch (err) {
        error.EINVAL => return @as(*const usize, @ptrFromInt(address)).*,
        else => return null,
    };
    return null;
}

const glibc = struct {
    extern "c" fn malloc(size: usize) ?*anyopaque;
    extern "c" fn free(block: ?*anyopaque) void;
    extern "c" fn malloc_usable_size(block: ?*anyopaque) usize;
};

test "blocks of the C library are known by the words before them" {
    if (!@import("builtin").abi.isGnu() or !served()) return error.SkipZigTest; // glibc 2.34 and later
    for ([_]usize{ 0, 1, 24, 25, 1000, 100_000, 5 << 20 }) |size| {
        const block = glibc.malloc(size).?;
        const address = @intFromPtr(block);
        try std.testing.expectEqual(glibc.malloc_usable_size(block), usableSize(address).?);
        try std.testing.expectEqual(null, usableSize(address + 1));
        const moved = resize(address, 2 * size + 1).block.?;
        try std.testing.expect(usableSize(@intFromPtr(moved)).? >= 2 * size + 1);
        try std.testing.expect(free(@intFromPtr(moved)));
    }
}

test "other addresses are nobody's" {
    var words: [8]usize align(16) = @splat(0);
    const hole = try memory.reserve(1 << 20, 4096);
    defer memory.unmap(hole, 1 << 20) catch {};
    for ([_]usize{ 0, 16, 4096, @intFromPtr(&words[2]), hole, hole + 16, hole + 4096, std.math.maxInt(usize) - 15 }) |address| {
        try std.testing.expectEqual(null, usableSize(address));
        try std.testing.expect(!free(address));
        try std.testing.expect(resize(address, 1) == .not_its_block);
    }
    words[1] = std.math.maxInt(usize) - 15; // a size that leads out of the address space
    try std.testing.expectEqual(null, chunkSize(@intFromPtr(&words[2])));
    words[1] = 48; // and one that leads to a word which says "free"
    try std.testing.expectEqual(null, chunkSize(@intFromPtr(&words[2])));
}
