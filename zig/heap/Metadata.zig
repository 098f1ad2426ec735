//! Where a heap keeps its knowledge: one reservation of anonymous memory outside the pool, so that
//! an overflow in a block cannot reach it and the pool's medium is not written by bookkeeping.
//!
//!     owner     the heap's own record and its arenas
//!     classes   1 byte a page    class of the block that starts in this page, 0 if none does
//!     heads     4 bytes a page   number of the descriptor of the slab or run (all pages of a slab;
//!                                first and last page of a run, used or free)
//!     granules  1 byte a granule whether the region has storage there (lazy regions)
//!     places    8 bytes a page   where the pool keeps a byte a block: where those of the blocks that start in this page
//!                                are (`statePlace`)
//!     units     64 bytes each    descriptors; a slab's has more units where its bitmap or its block
//!                                states need them
//!
//! The parts that grow are opened from the front as the pool's top rises (`open`). A small heap's are
//! opened at once; a large one's in steps, so that a terabyte of pool works under strict overcommit
//! too, where every writable byte is charged. `classes` is readable to its end from the start: the
//! fast path of free looks at it for any address inside the pool.

const Metadata = @This();

const std = @import("std");
const assert = base.assert;
const os = @import("../os.zig");
const base = @import("../base.zig");
const classes_table = @import("classes.zig");

pub const unit_size = 64;
const page_size = classes_table.page_size;
/// Up to this many bytes are opened when the heap is created.
const open_at_once_max: usize = 64 << 20;
const open_step: usize = 1 << 20;
/// The class of page 0 lies so far behind the beginning of a page. A processor compares the places of loads and stores by their lowest
/// 12 bits first: with the two at the same place there, the write to a kind's first block held up the load of its class in the free
/// that followed (0.4 ns of a pair).
const classes_skew = 1984;

pub const Kind = enum(u8) { unused, free_run, run, slab };

/// What is known of a run of pages. Guarded by the lock of the runs while it is free, by its
/// shard's lock while it is a slab; `start`, `pages`, `class`, `blocks` and `arena` of a slab do not
/// change while any of its blocks is out.
pub const Descriptor = extern struct {
    /// Whether the run is live, where the heap keeps states; its place is that of the first state of a unit.
    live: u8 = 0,
    kind: Kind = .unused,
    /// Class of the blocks (slab) or of the run (`large` above 256 pages); 0 when free.
    class: u8 = 0,
    arena: u16 = 0,
    /// First page.
    start: u32 = 0,
    pages: u32 = 0,
    /// Free runs by size and address; slabs with free blocks by address; `left` alone: unused descriptors of the
    /// same number of units.
    links: base.treap.Links = .{},
    blocks: u16 = 0,
    /// Blocks of the slab that are neither cached nor live.
    free: u16 = 0,
    /// The slab is in its shard's tree.
    listed: bool = false,
    /// The run's bytes have never been handed out and read as zero.
    fresh: bool = false,
    /// The run's last page faults when touched (level 3).
    guarded: bool = false,
    /// Units of this descriptor.
    units: u8 = 1,
    /// Bit i set: block i is free. The 8-byte class continues into the next unit.
    bitmap: [4]u64 = @splat(0),

    comptime {
        assert(@sizeOf(Descriptor) == unit_size);
        assert(@offsetOf(Descriptor, "bitmap") == 32);
        assert(@offsetOf(Descriptor, "live") == 0);
    }

    pub fn words(d: *Descriptor) []u64 {
        const all: [*]u64 = &d.bitmap;
        return all[0 .. (@as(usize, d.blocks) + 63) / 64];
    }

    /// Written under the shard's lock, read without one by whoever wants to know of a block of his own.
    pub fn storeWord(word: *u64, bits: u64) void {
        @atomicStore(u64, word, bits, .monotonic);
    }

    pub fn isFree(d: *Descriptor, index: usize) bool {
        const all: [*]u64 = &d.bitmap; // not `words`: `blocks` may be another slab's by now
        const word = @atomicLoad(u64, &all[index / 64], .monotonic);
        return word >> @intCast(index % 64) & 1 == 1;
    }
};

memory: usize,
len: usize,
classes: [*]u8,
heads: [*]u32,
/// Of each page a `statePlace`.
state_places: [*]usize,
granules: []u8,
units: usize,
units_end: u32,
/// First unit never used; unit 0 means "none".
units_top: u32 = 1,
unused: [units_max + 1]u32 = @splat(0),
parts: [4]Part,
staged: bool,

/// The most units of any descriptor.
const units_max = blk: {
    var most: u8 = 0;
    for (1..classes_table.small_count + 1) |class| most = @max(most, descriptorUnits(class, true));
    break :blk most;
};

pub const State = struct { starts: bool, byte: *u8 };

const Part = struct {
    start: usize,
    len: usize,
    opened: usize,

    fn open(p: *Part, bytes: usize) os.Error!void {
        if (bytes <= p.opened) return;
        const wanted = std.mem.alignForward(usize, @max(bytes, p.opened + @max(open_step, p.opened / 4)), page_size);
        const end = @min(wanted, p.len);
        try os.memory.protect(p.start + p.opened, end - p.opened, .read_write);
        p.opened = end;
    }
};

/// Units of a slab's descriptor: itself, what its bitmap needs more, and the states of its blocks.
pub fn descriptorUnits(class: u8, states: bool) u8 {
    const geometry = classes_table.table[class];
    const state_units = if (states) geometry.pages * classes_table.stateUnits(class) else 0;
    return @intCast(statesAt(class) + state_units);
}

/// The unit of a slab's descriptor that its states begin at.
pub fn statesAt(class: u8) u8 {
    return if (classes_table.table[class].blocks > 256) 2 else 1;
}

pub const Options = struct {
    /// Bytes for the owner's record, at `memory`.
    owner_len: usize,
    /// Of the whole region.
    pages: usize,
    granules: usize,
    /// The heap keeps a byte a block (hardening level 2 and above).
    states: bool,
};

pub fn create(options: Options) os.Error!Metadata {
    const pages = options.pages;
    // Descriptors keep their number of units for good, and of each number there may be one a page.
    const largest: usize = if (options.states) units_max else 2;
    const units_per_page = largest * (largest + 1) / 2;
    const unit_count: usize = @min(pages * units_per_page + 64, std.math.maxInt(u32) - 1);
    const lens = [4]usize{
        std.mem.alignForward(usize, classes_skew + pages, page_size),
        std.mem.alignForward(usize, pages * @sizeOf(u32), page_size),
        if (options.states) std.mem.alignForward(usize, pages * @sizeOf(usize), page_size) else 0,
        std.mem.alignForward(usize, unit_count * unit_size, page_size),
    };
    const granules_len = std.mem.alignForward(usize, options.granules, page_size);
    const owner_len = std.mem.alignForward(usize, options.owner_len, page_size);
    const len = owner_len + lens[0] + lens[1] + lens[2] + lens[3] + granules_len;
    const at_once = len <= open_at_once_max;
    const memory = if (at_once) try os.memory.mapAnonymous(len) else try os.memory.reserve(len, page_size);
    errdefer os.memory.unmap(memory, len) catch {};
    const classes_at = memory + owner_len;
    const heads_at = classes_at + lens[0];
    const states_at = heads_at + lens[1];
    const granules_at = states_at + lens[2];
    const units_at = granules_at + granules_len;
    if (!at_once) {
        try os.memory.protect(memory, owner_len, .read_write);
        try os.memory.protect(classes_at, lens[0] + lens[1] + lens[2], .read);
        if (granules_len > 0) try os.memory.protect(granules_at, granules_len, .read_write);
    }
    const classes: [*]u8 = @ptrFromInt(classes_at + classes_skew);
    const heads: [*]u32 = @ptrFromInt(heads_at);
    const state_places: [*]usize = @ptrFromInt(states_at);
    const granule_bytes: [*]u8 = @ptrFromInt(granules_at);
    return .{
        .memory = memory,
        .len = len,
        .classes = classes,
        .heads = heads,
        .state_places = state_places,
        .granules = granule_bytes[0..options.granules],
        .units = units_at,
        .units_end = @intCast(unit_count),
        .parts = .{
            .{ .start = classes_at, .len = lens[0], .opened = 0 },
            .{ .start = heads_at, .len = lens[1], .opened = 0 },
            .{ .start = states_at, .len = lens[2], .opened = 0 },
            .{ .start = units_at, .len = lens[3], .opened = 0 },
        },
        .staged = !at_once,
    };
}

pub fn destroy(m: *Metadata) void {
    os.memory.unmap(m.memory, m.len) catch {}; // at max_map_count: the address space is lost, the memory follows
    m.* = undefined;
}

/// Bytes in use when pages below `top` are.
pub fn used(m: *const Metadata, top: usize) usize {
    const a_page: usize = 1 + @sizeOf(u32) + if (m.parts[2].len > 0) @as(usize, @sizeOf(usize)) else 0;
    return m.parts[0].start - m.memory + classes_skew + top * a_page + m.granules.len + @as(usize, m.units_top) * unit_size;
}

/// Makes what is kept for pages below `top` writable.
pub fn open(m: *Metadata, top: usize) os.Error!void {
    if (!m.staged) return;
    try m.parts[0].open(classes_skew + top);
    try m.parts[1].open(top * @sizeOf(u32));
    if (m.parts[2].len > 0) try m.parts[2].open(top * @sizeOf(usize));
}

pub inline fn descriptor(m: *const Metadata, number: u32) *Descriptor {
    return @ptrFromInt(m.units + @as(usize, number) * unit_size);
}

/// Where a page's states begin, a unit, and in the bits below how far an offset in the page is shifted to find its byte. The
/// shift is the page's, not that of the class which somebody believes to be there: a block that two threads freed at once is
/// handed out when its page has become something else, and the byte that is written then must still be a state. Units that
/// held states, or the first byte of a descriptor, `live`, never become anything else.
pub inline fn statePlace(m: *const Metadata, unit: u32, class: u8) usize {
    return (m.units + @as(usize, unit) * unit_size) | classes_table.state_shifts[class];
}

/// The byte of the block that starts at an offset in the region.
pub inline fn state(m: *const Metadata, offset: usize) *u8 {
    return stateAt(m.state_places[offset >> classes_table.page_shift], offset).byte;
}

/// The byte for an offset in the page of a place, and whether the offset is a multiple of what one byte stands for. If it
/// is, and the byte says live, a live block starts there: no other place inside a block has such a byte.
pub inline fn stateAt(place: usize, offset: usize) State {
    @setRuntimeSafety(false); // of `place` the shift takes the lower bits only, as the instruction does
    const shift: u6 = @truncate(place);
    const inside = offset & (page_size - 1);
    const granule = inside >> shift;
    return .{ .starts = granule << shift == inside, .byte = @ptrFromInt((place & ~@as(usize, unit_size - 1)) + granule) };
}

/// A descriptor with all fields at their defaults and `count` units, whose bytes after the first
/// unit are undefined. Null when the system gives no memory for it.
pub fn take(m: *Metadata, count: u8) ?u32 {
    assert(count >= 1 and count <= units_max);
    const reused = m.unused[count];
    if (reused != 0) {
        const d = m.descriptor(reused);
        m.unused[count] = d.links.left;
        d.* = .{ .units = count };
        return reused;
    }
    if (m.units_end - m.units_top < count) return m.takeLarger(count);
    if (m.staged) m.parts[3].open((@as(usize, m.units_top) + count) * unit_size) catch return null;
    const number = m.units_top;
    m.units_top += count;
    m.descriptor(number).* = .{ .units = count };
    return number;
}

/// All units were used once: a descriptor with more of them than asked for serves too.
fn takeLarger(m: *Metadata, count: u8) ?u32 {
    for (count + 1..units_max + 1) |larger| {
        if (m.unused[larger] != 0) return m.take(@intCast(larger));
    }
    return null;
}

pub fn give(m: *Metadata, number: u32) void {
    const d = m.descriptor(number);
    assert(d.kind != .unused);
    const count = d.units;
    d.* = .{ .kind = .unused, .units = count, .links = .{ .left = m.unused[count] } };
    m.unused[count] = number;
}

test "a region of 64 GiB has room for more than a few descriptors" {
    var m: Metadata = try create(.{ .owner_len = 64, .pages = 1 << 24, .granules = 0, .states = true });
    defer m.destroy();
    for (0..10_000) |_| try std.testing.expect(m.take(1) != null);
}
