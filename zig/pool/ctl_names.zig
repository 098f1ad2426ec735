//! The names that `ctl.zig` knows, what each reads, and what setting it does.
//!
//! Of a pool's runs and storage no arena has a share. They are counted as arena 0's, so that sums over all arenas are right.

const std = @import("std");
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const options = @import("options");
const conf = @import("conf.zig");
const lifetime = @import("lifetime.zig");
const messages = @import("messages.zig");
const snapshot = @import("snapshot.zig");
const Range = @import("Range.zig");

const controls = heap.controls;
const counts = heap.counts;
const Heap = heap.Heap;
const Error = os.Error;

/// `unsigned` is C's, and jemalloc's `uint32_t`.
pub const Kind = enum { bool, unsigned, size, ssize, uint64, text };

pub const Value = union(Kind) {
    bool: bool,
    unsigned: u32,
    size: usize,
    ssize: isize,
    uint64: u64,
    /// Constant.
    text: [*:0]const u8,

    pub fn bytes(value: *const Value) []const u8 {
        return switch (value.*) {
            inline else => |*inner| std.mem.asBytes(inner),
        };
    }

    pub fn of(kind: Kind, from: []const u8) Value {
        switch (kind) {
            .bool => return .{ .bool = from[0] != 0 },
            inline else => |tag| {
                var value: @FieldType(Value, @tagName(tag)) = undefined;
                @memcpy(std.mem.asBytes(&value), from);
                return @unionInit(Value, @tagName(tag), value);
            },
        }
    }

    pub fn width(kind: Kind) usize {
        return switch (kind) {
            inline else => |tag| @sizeOf(@FieldType(Value, @tagName(tag))),
        };
    }
};

/// jemalloc's index for the sum of all arenas.
pub const arenas_all = 4096;

pub const Call = struct {
    handle: usize,
    range: *Range,
    h: *Heap,
    name: []const u8,
    at: [2]u32 = @splat(0),

    /// The arena that the name has, null for all of them.
    fn arena(c: *const Call) ?u16 {
        return if (c.at[0] == arenas_all) null else @intCast(c.at[0]);
    }

    /// The name means the pool, or the arena that stands for it.
    fn isWide(c: *const Call) bool {
        return c.at[0] == 0 or c.at[0] == arenas_all;
    }

    pub fn refuse(c: *const Call, err: Error, comptime reason: []const u8, args: anytype) Error {
        return messages.control(err, c.name, reason, args);
    }

    /// The pool was closed meanwhile.
    fn fail(c: *const Call) Error {
        return lifetime.refuse(c.handle);
    }
};

const Read = *const fn (*const Call) Error!Value;
const Write = *const fn (*const Call, Value) Error!void;
const Action = *const fn (*const Call) Error!void;

pub const Entry = struct {
    /// "#" stands for an index.
    name: []const u8,
    /// What the indexes are of.
    places: []const Place = &.{},
    about: union(enum) {
        read: Read,
        both: struct { kind: Kind, read: Read, write: Write, order: Order },
        action: Action,
        /// Reads the arena of the block whose address is written.
        lookup,
    },
};

/// When the old value is given: an error later leaves it given, one before leaves it out. Each as jemalloc has it.
pub const Order = enum { given_first, given_when_checked, given_when_set, new_given_when_set };

pub const Place = enum {
    arena,
    /// Or `arenas_all`.
    arenas,
    bin,
    lextent,

    pub fn has(place: Place, h: *const Heap, index: u64) bool {
        return switch (place) {
            .arena => index < h.arena_count,
            .arenas => index < h.arena_count or index == arenas_all,
            .bin => index < heap.small_count,
            .lextent => index < counts.extent_count,
        };
    }
};

pub const table = constants ++ threads ++ arena_controls ++ totals ++ arena_totals ++ bins ++ lextents ++ own;

const constants = [_]Entry{
    .{ .name = "version", .about = .{ .read = constant(.{ .text = options.version ++ "" }) } },
    .{ .name = "epoch", .about = .{ .both = .{ .kind = .uint64, .read = &readEpoch, .write = &advanceEpoch, .order = .new_given_when_set } } },
    .{ .name = "config.cache_oblivious", .about = .{ .read = constant(.{ .bool = false }) } },
    .{ .name = "config.debug", .about = .{ .read = constant(.{ .bool = options.debug }) } },
    .{ .name = "config.fill", .about = .{ .read = constant(.{ .bool = true }) } },
    .{ .name = "config.lazy_lock", .about = .{ .read = constant(.{ .bool = false }) } },
    .{ .name = "config.malloc_conf", .about = .{ .read = constant(.{ .text = "" }) } },
    .{ .name = "config.stats", .about = .{ .read = constant(.{ .bool = true }) } },
    .{ .name = "config.utrace", .about = .{ .read = constant(.{ .bool = false }) } },
    .{ .name = "config.xmalloc", .about = .{ .read = constant(.{ .bool = false }) } },
    .{ .name = "opt.abort", .about = .{ .read = said("abort") } },
    .{ .name = "opt.abort_conf", .about = .{ .read = constant(.{ .bool = false }) } },
    .{ .name = "opt.narenas", .about = .{ .read = field(.unsigned, "arena_count") } },
    .{ .name = "opt.dirty_decay_ms", .about = .{ .read = field(.ssize, "decay_ms_created") } },
    .{ .name = "opt.stats_print", .about = .{ .read = said("stats_print") } },
    .{ .name = "opt.stats_print_opts", .about = .{ .read = constant(.{ .text = "" }) } },
    .{ .name = "opt.junk", .about = .{ .read = of(.text, snapshot.junk) } },
    .{ .name = "opt.zero", .about = .{ .read = field(.bool, "zero") } },
    .{ .name = "opt.zero_realloc", .about = .{ .read = constant(.{ .text = "free" }) } },
    .{ .name = "opt.tcache", .about = .{ .read = of(.bool, snapshot.caches) } },
    .{ .name = "opt.tcache_max", .about = .{ .read = field(.size, "cached_max") } },
    .{ .name = "arenas.narenas", .about = .{ .read = field(.unsigned, "arena_count") } },
    .{ .name = "arenas.quantum", .about = .{ .read = constant(.{ .size = 16 }) } },
    .{ .name = "arenas.page", .about = .{ .read = constant(.{ .size = heap.page_size }) } },
    .{ .name = "arenas.tcache_max", .about = .{ .read = field(.size, "cached_max") } },
    .{ .name = "arenas.nbins", .about = .{ .read = constant(.{ .unsigned = heap.small_count }) } },
    .{ .name = "arenas.nhbins", .about = .{ .read = constant(.{ .unsigned = heap.cached_count }) } },
    .{ .name = "arenas.bin.#.size", .places = &.{.bin}, .about = .{ .read = classField(.size, "size") } },
    .{ .name = "arenas.bin.#.nregs", .places = &.{.bin}, .about = .{ .read = classField(.unsigned, "blocks") } },
    .{ .name = "arenas.bin.#.slab_size", .places = &.{.bin}, .about = .{ .read = classField(.size, "pages") } },
    .{ .name = "arenas.bin.#.nshards", .places = &.{.bin}, .about = .{ .read = constant(.{ .unsigned = 1 }) } },
    .{ .name = "arenas.nlextents", .about = .{ .read = constant(.{ .unsigned = counts.extent_count }) } },
    .{ .name = "arenas.lextent.#.size", .places = &.{.lextent}, .about = .{ .read = &lextentSize } },
};

const threads = [_]Entry{
    .{ .name = "thread.arena", .about = .{ .both = .{ .kind = .unsigned, .read = &threadArena, .write = &setThreadArena, .order = .given_when_checked } } },
    .{ .name = "thread.tcache.enabled", .about = .{ .both = .{ .kind = .bool, .read = &threadCaching, .write = &setThreadCaching, .order = .given_when_set } } },
    .{ .name = "thread.tcache.flush", .about = .{ .action = &flushThread } },
    .{ .name = "thread.idle", .about = .{ .action = &idleThread } },
};

const arena_controls = [_]Entry{
    .{ .name = "arenas.dirty_decay_ms", .about = .{ .both = .{ .kind = .ssize, .read = &decay, .write = &setDecay, .order = .given_first } } },
    .{ .name = "arenas.lookup", .about = .lookup },
    .{ .name = "arena.#.initialized", .places = &.{.arenas}, .about = .{ .read = constant(.{ .bool = true }) } },
    .{ .name = "arena.#.dirty_decay_ms", .places = &.{.arena}, .about = .{ .both = .{ .kind = .ssize, .read = &decay, .write = &setDecay, .order = .given_first } } },
    .{ .name = "arena.#.decay", .places = &.{.arenas}, .about = .{ .action = &giveBackDue } },
    .{ .name = "arena.#.purge", .places = &.{.arenas}, .about = .{ .action = &giveBackAll } },
};

const totals = [_]Entry{
    .{ .name = "stats.allocated", .about = .{ .read = total("allocated") } },
    .{ .name = "stats.active", .about = .{ .read = total("active") } },
    .{ .name = "stats.metadata", .about = .{ .read = of(.size, controls.metadataBytes) } },
    .{ .name = "stats.metadata_thp", .about = .{ .read = constant(.{ .size = 0 }) } },
    .{ .name = "stats.resident", .about = .{ .read = total("committed") } },
    .{ .name = "stats.mapped", .about = .{ .read = total("mapped") } },
    .{ .name = "stats.retained", .about = .{ .read = constant(.{ .size = 0 }) } },
};

const arena_totals = [_]Entry{
    ofArenas("nthreads", &threadCount),
    ofArenas("dirty_decay_ms", &decay),
    ofArenas("pactive", &activePages),
    ofArenas("pdirty", wide(dirtyPages)),
    ofArenas("mapped", wideTotal(.size, "mapped", 1)),
    ofArenas("retained", constant(.{ .size = 0 })),
    ofArenas("resident", wideTotal(.size, "committed", 1)),
    ofArenas("base", wide(controls.metadataBytes)),
    ofArenas("internal", constant(.{ .size = 0 })),
    ofArenas("metadata_thp", constant(.{ .size = 0 })),
    ofArenas("tcache_bytes", wideTotal(.size, "cached", 1)),
    ofArenas("dirty_npurge", wideTotal(.uint64, "purges", 1)),
    ofArenas("dirty_purged", wideTotal(.uint64, "purged", heap.page_size)),
    ofArenas("small.allocated", smallSum(.size, "allocated")),
    ofArenas("small.nmalloc", smallSum(.uint64, "nmalloc")),
    ofArenas("small.ndalloc", smallSum(.uint64, "ndalloc")),
    ofArenas("small.nfills", smallSum(.uint64, "nfills")),
    ofArenas("small.nflushes", smallSum(.uint64, "nflushes")),
    ofArenas("large.allocated", largeSum(.size, "allocated")),
    ofArenas("large.nmalloc", largeSum(.uint64, "nmalloc")),
    ofArenas("large.ndalloc", largeSum(.uint64, "ndalloc")),
    ofArenas("large.nfills", largeSum(.uint64, "nfills")),
    ofArenas("large.nflushes", largeSum(.uint64, "nflushes")),
};

const bins = [_]Entry{
    ofBins("nmalloc", binField(.uint64, "nmalloc")),
    ofBins("ndalloc", binField(.uint64, "ndalloc")),
    ofBins("nfills", binField(.uint64, "nfills")),
    ofBins("nflushes", binField(.uint64, "nflushes")),
    ofBins("nslabs", binField(.uint64, "nslabs")),
    ofBins("curregs", &blocksInUse),
    ofBins("curslabs", binField(.size, "curslabs")),
    ofBins("nonfull_slabs", binField(.size, "nonfull_slabs")),
};

const lextents = [_]Entry{
    ofLextents("nmalloc", extentField("taken")),
    ofLextents("ndalloc", extentField("given")),
    ofLextents("curlextents", &runsInUse),
};

/// What jemalloc has not.
const own = [_]Entry{
    .{ .name = "vmem.base", .about = .{ .read = field(.size, "base") } },
    .{ .name = "vmem.hardening", .about = .{ .read = field(.unsigned, "hardening") } },
    .{ .name = "vmem.system_page", .about = .{ .read = of(.size, systemPage) } },
    .{ .name = "vmem.committed", .about = .{ .read = total("committed") } },
    .{ .name = "vmem.available", .about = .{ .read = total("available") } },
    .{ .name = "vmem.largest_free", .about = .{ .read = total("largest_free") } },
    .{ .name = "vmem.peak", .about = .{ .read = total("peak") } },
    .{ .name = "vmem.cached", .about = .{ .read = total("cached") } },
};

fn ofArenas(comptime name: []const u8, read: Read) Entry {
    return .{ .name = "stats.arenas.#." ++ name, .places = &.{.arenas}, .about = .{ .read = read } };
}

fn ofBins(comptime name: []const u8, read: Read) Entry {
    return .{ .name = "stats.arenas.#.bins.#." ++ name, .places = &.{ .arenas, .bin }, .about = .{ .read = read } };
}

fn ofLextents(comptime name: []const u8, read: Read) Entry {
    return .{ .name = "stats.arenas.#.lextents.#." ++ name, .places = &.{ .arenas, .lextent }, .about = .{ .read = read } };
}

// --- Reading --------------------------------------------------------------------------------------

fn constant(comptime value: Value) Read {
    return &struct {
        fn read(_: *const Call) Error!Value {
            return value;
        }
    }.read;
}

/// What a function says of the heap.
fn of(comptime kind: Kind, comptime function: anytype) Read {
    return &struct {
        fn read(c: *const Call) Error!Value {
            return @unionInit(Value, @tagName(kind), function(c.h));
        }
    }.read;
}

fn field(comptime kind: Kind, comptime name: []const u8) Read {
    return &struct {
        fn read(c: *const Call) Error!Value {
            return @unionInit(Value, @tagName(kind), @field(c.h, name));
        }
    }.read;
}

/// What the environment says of all pools.
fn said(comptime name: []const u8) Read {
    return &struct {
        fn read(_: *const Call) Error!Value {
            return .{ .bool = @field(conf.settings, name) orelse false };
        }
    }.read;
}

fn systemPage(_: *Heap) usize {
    return os.memory.pageSize();
}

/// Bytes of the whole pool.
fn total(comptime name: []const u8) Read {
    return &struct {
        fn read(c: *const Call) Error!Value {
            return .{ .size = @field(c.h.stats(), name) };
        }
    }.read;
}

/// The same where arenas have theirs: a count or, divided by the bytes of a unit, units.
fn wideTotal(comptime kind: Kind, comptime name: []const u8, comptime unit: u64) Read {
    return &struct {
        fn read(c: *const Call) Error!Value {
            return @unionInit(Value, @tagName(kind), if (c.isWide()) @field(c.h.stats(), name) / unit else 0);
        }
    }.read;
}

fn wide(comptime function: *const fn (*Heap) u64) Read {
    return &struct {
        fn read(c: *const Call) Error!Value {
            return .{ .size = if (c.isWide()) function(c.h) else 0 };
        }
    }.read;
}

fn dirtyPages(h: *Heap) u64 {
    const s = h.stats();
    return (s.committed -| s.active) / heap.page_size;
}

fn activePages(c: *const Call) Error!Value {
    if (c.at[0] != 0 and c.arena() != null) return .{ .size = controls.slabPages(c.h, c.arena().?) };
    var pages = c.h.stats().active / heap.page_size;
    if (c.arena() != null) for (1..c.h.arena_count) |other| {
        pages -|= controls.slabPages(c.h, @intCast(other));
    };
    return .{ .size = pages };
}

fn threadCount(c: *const Call) Error!Value {
    return .{ .unsigned = if (c.arena()) |arena| counts.threads(c.h, arena) else c.h.stats().threads };
}

fn smallSum(comptime kind: Kind, comptime name: []const u8) Read {
    return &struct {
        fn read(c: *const Call) Error!Value {
            const sums = if (c.arena()) |arena| snapshot.Arena.take(c.h, arena).totals() else snapshot.Merged.take(c.h).totals();
            return @unionInit(Value, @tagName(kind), @field(sums.small, name));
        }
    }.read;
}

fn largeSum(comptime kind: Kind, comptime name: []const u8) Read {
    return &struct {
        fn read(c: *const Call) Error!Value {
            const sum = if (c.isWide()) @field(snapshot.Merged.take(c.h).totals().large.?, name) else 0;
            return @unionInit(Value, @tagName(kind), sum);
        }
    }.read;
}

fn classField(comptime kind: Kind, comptime name: []const u8) Read {
    const unit = if (std.mem.eql(u8, name, "pages")) heap.page_size else 1;
    return &struct {
        fn read(c: *const Call) Error!Value {
            return @unionInit(Value, @tagName(kind), @field(heap.classes_table[c.at[0] + 1], name) * unit);
        }
    }.read;
}

fn lextentSize(c: *const Call) Error!Value {
    return .{ .size = counts.extentSize(c.at[0]) };
}

/// The second index is that of a small class.
fn binOf(c: *const Call) counts.Bin {
    const class: u8 = @intCast(c.at[1] + 1);
    if (c.arena()) |arena| return counts.binOf(c.h, arena, class);
    var bin: counts.Bin = .{};
    for (0..c.h.arena_count) |arena| bin.add(counts.binOf(c.h, @intCast(arena), class));
    return bin;
}

fn binField(comptime kind: Kind, comptime name: []const u8) Read {
    return &struct {
        fn read(c: *const Call) Error!Value {
            return @unionInit(Value, @tagName(kind), @field(binOf(c), name));
        }
    }.read;
}

/// Of one arena: those in caches, too.
fn blocksInUse(c: *const Call) Error!Value {
    const out = binOf(c).out;
    if (c.arena() != null) return .{ .size = out };
    return .{ .size = out -| counts.cached(c.h)[c.at[1] + 1] };
}

fn extentField(comptime name: []const u8) Read {
    return &struct {
        fn read(c: *const Call) Error!Value {
            return .{ .uint64 = if (c.isWide()) @field(counts.extentCounts(c.h, c.at[1]), name) else 0 };
        }
    }.read;
}

fn runsInUse(c: *const Call) Error!Value {
    if (!c.isWide()) return .{ .size = 0 };
    const group = c.at[1];
    const extent = counts.extentCounts(c.h, group);
    const cached = if (counts.extentClass(group)) |class| counts.cached(c.h)[class] else 0;
    return .{ .size = extent.taken - extent.given -| cached };
}

// --- Reading and setting --------------------------------------------------------------------------

fn readEpoch(c: *const Call) Error!Value {
    return .{ .uint64 = c.range.epoch.load(.monotonic) };
}

fn advanceEpoch(c: *const Call, _: Value) Error!void {
    _ = c.range.epoch.fetchAdd(1, .monotonic);
}

fn threadArena(c: *const Call) Error!Value {
    return .{ .unsigned = controls.arena(c.handle) catch return c.fail() };
}

fn setThreadArena(c: *const Call, value: Value) Error!void {
    if (value.unsigned >= c.h.arena_count) return c.refuse(error.EFAULT, "the pool has {d} arenas, and no arena {d}", .{ c.h.arena_count, value.unsigned });
    const bound = controls.setArena(c.handle, @intCast(value.unsigned)) catch return c.fail();
    if (!bound) return c.refuse(error.EAGAIN, "the thread has no cache that could remember its arena", .{});
}

fn threadCaching(c: *const Call) Error!Value {
    return .{ .bool = controls.caching(c.handle) catch return c.fail() };
}

fn setThreadCaching(c: *const Call, value: Value) Error!void {
    const done = controls.setCaching(c.handle, value.bool) catch return c.fail();
    if (!done) return c.refuse(error.EPERM, "threads keep no blocks of this pool", .{});
}

fn flushThread(c: *const Call) Error!void {
    const keeps = controls.flush(c.handle) catch return c.fail();
    if (!keeps) return c.refuse(error.EFAULT, "the thread keeps no blocks", .{});
}

fn idleThread(c: *const Call) Error!void {
    _ = controls.flush(c.handle) catch return c.fail();
}

fn decay(c: *const Call) Error!Value {
    return .{ .ssize = heap.decayMs(c.h) };
}

fn setDecay(c: *const Call, value: Value) Error!void {
    if (value.ssize < -1 or value.ssize > conf.decay_ms_max) {
        return c.refuse(error.EFAULT, "allowed are -1 (never), 0 (at once) and up to {d} milliseconds, not {d}", .{ conf.decay_ms_max, value.ssize });
    }
    controls.setDecay(c.h, value.ssize);
}

fn giveBackDue(c: *const Call) Error!void {
    controls.giveBackDue(c.h);
}

fn giveBackAll(c: *const Call) Error!void {
    _ = c.h.trim();
}
