//! The conf string: what the environment says about all pools, in jemalloc's syntax.
//!
//! `VMEM_MALLOC_CONF`, and `JE_VMEM_MALLOC_CONF` as libvmem called it, hold pairs `name:value` with commas between them. They
//! are read once, before the first pool. Of the same name twice the later pair counts, of both variables the first one
//! named here. A pair that is not understood is logged and left out; the others count.

const std = @import("std");
const options = @import("options");
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const log = @import("log.zig");

const Junk = heap.Heap.Junk;

pub const arenas_max = 1024;
const lg_tcache_max_max = 20;
pub const decay_ms_max = std.math.maxInt(i64) / std.time.ns_per_ms;
pub const hardening_max = 3;

/// Null: not said.
pub const Settings = struct {
    narenas: ?u32 = null,
    tcache: ?bool = null,
    lg_tcache_max: ?u6 = null,
    dirty_decay_ms: ?i64 = null,
    zero: ?bool = null,
    junk: ?Junk = null,
    abort: ?bool = null,
    stats_print: ?bool = null,
    hardening: ?u8 = null,
    redzone: ?bool = null,

    /// These, and where they say nothing what `others` say.
    pub fn over(s: Settings, others: Settings) Settings {
        var result = others;
        inline for (@typeInfo(Settings).@"struct".field_names) |name| {
            if (@field(s, name)) |value| @field(result, name) = value;
        }
        return result;
    }

    /// Bytes of the largest block that threads keep.
    pub fn cachedMax(s: *const Settings) ?usize {
        if (!(s.tcache orelse true)) return 0;
        return @as(usize, 1) << (s.lg_tcache_max orelse return null);
    }
};

/// Of this process. Written once, by `load`.
pub var settings: Settings = .{};
var loaded = false;

/// Whether wrong use that is reported ends the process: in the twin for debugging unless `abort:false` is said.
pub fn aborts() bool {
    if (options.debug and !loaded) load(); // before the first pool
    return settings.abort orelse options.debug;
}

/// The variables, the one that counts last.
const variables = [_][:0]const u8{ "JE_VMEM_MALLOC_CONF", "VMEM_MALLOC_CONF" };

/// Reads the environment. Before the first pool, under the registry's lock.
pub fn load() void {
    settings = .{};
    loaded = true;
    for (variables) |variable| {
        var pairs: Pairs = .init(os.environment.get(variable) orelse continue);
        while (pairs.apply(&settings)) |refusal| {
            const shown = refusal.pair[0..@min(refusal.pair.len, 100)];
            log.write(.errors, "Setting \"{f}\" of {s} ignored: {s}", .{ std.ascii.hexEscape(shown, .lower), variable, refusal.reason });
        }
    }
}

/// A string that is of one pool; the first pair that cannot be, with the reason, goes to `refusal`.
pub fn ofPool(text: []const u8, refusal: *Refusal) ?Settings {
    var result: Settings = .{};
    var pairs: Pairs = .init(text);
    if (pairs.apply(&result)) |refused| {
        refusal.* = refused;
        return null;
    }
    if (result.abort == null and result.stats_print == null) return result;
    refusal.* = .{ .pair = text, .reason = "abort and stats_print are of all pools together" };
    return null;
}

pub const Refusal = struct { pair: []const u8, reason: []const u8 };

/// The pairs of a string that were not looked at yet.
pub const Pairs = struct {
    rest: ?[]const u8,

    /// An empty string has none; a comma has one on either side, if only an empty one.
    pub fn init(text: []const u8) Pairs {
        return .{ .rest = if (text.len == 0) null else text };
    }

    /// Applies pairs up to the first that cannot be, which is given back with the reason; null at the end.
    pub fn apply(pairs: *Pairs, to: *Settings) ?Refusal {
        while (pairs.rest) |rest| {
            const comma = std.mem.findScalar(u8, rest, ',');
            const pair = rest[0 .. comma orelse rest.len];
            pairs.rest = if (comma) |at| rest[at + 1 ..] else null;
            if (applyPair(to, pair)) |reason| return .{ .pair = pair, .reason = reason };
        }
        return null;
    }
};

const Name = std.meta.FieldEnum(Settings);

/// The reason why not, or null.
fn applyPair(to: *Settings, pair: []const u8) ?[]const u8 {
    const colon = std.mem.findScalar(u8, pair, ':') orelse return "it is not written as name:value";
    const name = pair[0..colon];
    const value = pair[colon + 1 ..];
    switch (std.meta.stringToEnum(Name, name) orelse return whyNot(name)) {
        .narenas => to.narenas = number(u32, value, 1, arenas_max) orelse
            return std.fmt.comptimePrint("allowed are 1 to {d}", .{arenas_max}),
        .lg_tcache_max => to.lg_tcache_max = number(u6, value, 0, lg_tcache_max_max) orelse
            return std.fmt.comptimePrint("allowed are 0 to {d}, the power of two of 1 MiB", .{lg_tcache_max_max}),
        .dirty_decay_ms => to.dirty_decay_ms = number(i64, value, -1, decay_ms_max) orelse
            return std.fmt.comptimePrint("allowed are -1 (never), 0 (at once) and up to {d} milliseconds", .{decay_ms_max}),
        .hardening => to.hardening = number(u8, value, 0, hardening_max) orelse
            return std.fmt.comptimePrint("allowed are 0 to {d}", .{hardening_max}),
        .junk => to.junk = junk(value) orelse return "allowed are true, false, alloc and free",
        .redzone => to.redzone = (if (options.debug) truth(value) else null) orelse
            return if (options.debug) truth_reason else "the library for debugging has it, in lib/vmem_debug",
        inline .tcache, .zero, .abort, .stats_print => |flag| @field(to, @tagName(flag)) = truth(value) orelse
            return "allowed are true and false",
    }
    return null;
}

/// Decimal digits, after a minus at most.
fn number(comptime T: type, value: []const u8, least: T, most: T) ?T {
    const digits = if (std.mem.startsWith(u8, value, "-")) value[1..] else value;
    for (digits) |digit| if (!std.ascii.isDigit(digit)) return null;
    const parsed = std.fmt.parseInt(i64, value, 10) catch return null;
    return if (parsed >= least and parsed <= most) @intCast(parsed) else null;
}

const truth_reason = "allowed are true and false";

fn truth(value: []const u8) ?bool {
    if (std.mem.eql(u8, value, "true")) return true;
    if (std.mem.eql(u8, value, "false")) return false;
    return null;
}

fn junk(value: []const u8) ?Junk {
    const Word = enum { true, false, alloc, free };
    return switch (std.meta.stringToEnum(Word, value) orelse return null) {
        .true => .both,
        .false => .none,
        .alloc => .allocated,
        .free => .freed,
    };
}

/// Options of jemalloc that are refused: the name itself, or with more behind a "_".
const foreign = [_]struct { names: []const []const u8, reason: []const u8 }{
    .{ .names = &.{ "prof", "lg_prof" }, .reason = "vmem has no profiler" },
    .{ .names = &.{ "background_thread", "max_background_threads" }, .reason = "vmem starts no threads" },
    .{ .names = &.{"percpu_arena"}, .reason = "arenas belong to threads here, not to processors" },
    .{ .names = &.{ "hpa", "thp", "metadata_thp" }, .reason = "the size of a pool's pages is its file system's affair" },
    .{ .names = &.{"dss"}, .reason = "pools do not grow by sbrk" },
    .{ .names = &.{"muzzy_decay_ms"}, .reason = "storage that is given back goes at once; dirty_decay_ms says when" },
    .{ .names = &.{"lg_dirty_mult"}, .reason = "dirty_decay_ms says when storage is given back" },
    .{ .names = &.{"quarantine"}, .reason = "hardening:3 is what comes close to it" },
    .{ .names = &.{
        "abort_conf",
        "bin_shards",
        "cache_oblivious",
        "calloc_madvise_threshold",
        "confirm_conf",
        "debug_double_free_max_scan",
        "decay_time",
        "experimental",
        "extent",
        "lg_chunk",
        "lg_extent_max_active_fit",
        "lg_san",
        "lg_tcache",
        "mutex_max_spin",
        "oversize_threshold",
        "purge",
        "retain",
        "san",
        "slab_sizes",
        "stats_interval",
        "stats_print_opts",
        "tcache_gc_delay_bytes",
        "tcache_gc_incr_bytes",
        "tcache_max",
        "tcache_ncached_max",
        "tcache_nslots",
        "trust_madvise",
        "utrace",
        "valgrind",
        "xmalloc",
        "zero_realloc",
    }, .reason = "jemalloc has it, vmem has not" },
};

fn whyNot(name: []const u8) []const u8 {
    for (foreign) |group| for (group.names) |known| {
        const same = std.mem.startsWith(u8, name, known) and (name.len == known.len or name[known.len] == '_');
        if (same) return group.reason;
    };
    return "there is no such option";
}

fn parseAll(text: []const u8, to: *Settings, refusals: []Refusal) usize {
    var pairs: Pairs = .init(text);
    var count: usize = 0;
    while (pairs.apply(to)) |refusal| : (count += 1) refusals[count] = refusal;
    return count;
}

test "every option takes its values" {
    const Case = struct { text: []const u8, expected: Settings };
    for ([_]Case{
        .{ .text = "", .expected = .{} },
        .{ .text = "narenas:1", .expected = .{ .narenas = 1 } },
        .{ .text = "narenas:1024", .expected = .{ .narenas = 1024 } },
        .{ .text = "narenas:007", .expected = .{ .narenas = 7 } },
        .{ .text = "tcache:false", .expected = .{ .tcache = false } },
        .{ .text = "lg_tcache_max:0", .expected = .{ .lg_tcache_max = 0 } },
        .{ .text = "lg_tcache_max:20", .expected = .{ .lg_tcache_max = 20 } },
        .{ .text = "dirty_decay_ms:-1", .expected = .{ .dirty_decay_ms = -1 } },
        .{ .text = "dirty_decay_ms:0", .expected = .{ .dirty_decay_ms = 0 } },
        .{ .text = "dirty_decay_ms:9223372036854", .expected = .{ .dirty_decay_ms = 9223372036854 } },
        .{ .text = "zero:true,junk:false", .expected = .{ .zero = true, .junk = .none } },
        .{ .text = "junk:true", .expected = .{ .junk = .both } },
        .{ .text = "junk:alloc", .expected = .{ .junk = .allocated } },
        .{ .text = "junk:free", .expected = .{ .junk = .freed } },
        .{ .text = "abort:true,stats_print:true,hardening:3", .expected = .{ .abort = true, .stats_print = true, .hardening = 3 } },
        .{ .text = "hardening:1,hardening:2", .expected = .{ .hardening = 2 } },
    }) |case| {
        var found: Settings = .{};
        var refusals: [1]Refusal = undefined;
        try std.testing.expectEqual(0, parseAll(case.text, &found, &refusals));
        try std.testing.expectEqual(case.expected, found);
    }
}

test "what cannot be is refused with the reason, and the rest counts" {
    const Case = struct { pair: []const u8, reason: []const u8 };
    for ([_]Case{
        .{ .pair = "narenas:0", .reason = "1 to 1024" },
        .{ .pair = "narenas:1025", .reason = "1 to 1024" },
        .{ .pair = "narenas:", .reason = "1 to 1024" },
        .{ .pair = "narenas:1_0", .reason = "1 to 1024" },
        .{ .pair = "narenas:+1", .reason = "1 to 1024" },
        .{ .pair = "narenas: 1", .reason = "1 to 1024" },
        .{ .pair = "narenas:4 ", .reason = "1 to 1024" },
        .{ .pair = "narenas:4:4", .reason = "1 to 1024" },
        .{ .pair = "narenas:99999999999999999999999", .reason = "1 to 1024" },
        .{ .pair = "lg_tcache_max:21", .reason = "0 to 20" },
        .{ .pair = "lg_tcache_max:-1", .reason = "0 to 20" },
        .{ .pair = "dirty_decay_ms:-2", .reason = "-1 (never)" },
        .{ .pair = "dirty_decay_ms:-", .reason = "-1 (never)" },
        .{ .pair = "dirty_decay_ms:9223372036855", .reason = "-1 (never)" },
        .{ .pair = "hardening:4", .reason = "0 to 3" },
        .{ .pair = "tcache:yes", .reason = "true and false" },
        .{ .pair = "zero:1", .reason = "true and false" },
        .{ .pair = "abort:TRUE", .reason = "true and false" },
        .{ .pair = "stats_print:", .reason = "true and false" },
        .{ .pair = "junk:both", .reason = "alloc and free" },
        .{ .pair = "", .reason = "name:value" },
        .{ .pair = "narenas", .reason = "name:value" },
        .{ .pair = ":", .reason = "no such option" },
        .{ .pair = ":1", .reason = "no such option" },
        .{ .pair = "Narenas:1", .reason = "no such option" },
        .{ .pair = " zero:true", .reason = "no such option" },
        .{ .pair = "profile:true", .reason = "no such option" },
        .{ .pair = "prof:true", .reason = "no profiler" },
        .{ .pair = "prof_active:true", .reason = "no profiler" },
        .{ .pair = "lg_prof_sample:19", .reason = "no profiler" },
        .{ .pair = "background_thread:true", .reason = "starts no threads" },
        .{ .pair = "percpu_arena:percpu", .reason = "arenas belong to threads" },
        .{ .pair = "hpa:true", .reason = "file system" },
        .{ .pair = "dss:primary", .reason = "sbrk" },
        .{ .pair = "muzzy_decay_ms:0", .reason = "dirty_decay_ms" },
        .{ .pair = "redzone:true", .reason = "library for debugging" },
        .{ .pair = "quarantine:4096", .reason = "hardening:3" },
        .{ .pair = "lg_chunk:22", .reason = "jemalloc has it" },
        .{ .pair = "lg_tcache_nslots_mul:1", .reason = "jemalloc has it" },
    }) |case| {
        errdefer std.debug.print("\"{s}\"\n", .{case.pair});
        var buffer: [128]u8 = undefined;
        const text = try std.fmt.bufPrint(&buffer, "hardening:2,{s},narenas:3", .{case.pair});
        var found: Settings = .{};
        var refusals: [2]Refusal = undefined;
        try std.testing.expectEqual(1, parseAll(text, &found, &refusals));
        try std.testing.expectEqualStrings(case.pair, refusals[0].pair);
        try std.testing.expect(std.mem.find(u8, refusals[0].reason, case.reason) != null);
        try std.testing.expectEqual(Settings{ .hardening = 2, .narenas = 3 }, found);
    }
}

test "commas at the ends stand beside pairs that are not there" {
    for ([_]struct { []const u8, usize }{ .{ ",", 2 }, .{ "zero:true,", 1 }, .{ ",zero:true", 1 }, .{ ",,,", 4 } }) |case| {
        var found: Settings = .{};
        var refusals: [4]Refusal = undefined;
        try std.testing.expectEqual(case[1], parseAll(case[0], &found, &refusals));
        for (refusals[0..case[1]]) |refusal| try std.testing.expectEqualStrings("", refusal.pair);
    }
}

test "random strings are taken apart whole, and only valid settings come out" {
    var prng: std.Random.DefaultPrng = .init(4);
    const random = prng.random();
    const names = [_][]const u8{ "narenas", "tcache", "lg_tcache_max", "dirty_decay_ms", "zero", "junk", "abort", "stats_print", "hardening", "prof" };
    const values = [_][]const u8{ "true", "false", "alloc", "-1", "0", "3", "99999999999999999999", "-", "" };
    const marks = [_][]const u8{ ",", ":", ",,", "::", "\x00", "\xff", "_", " " };
    var applied: usize = 0;
    for (0..5000) |_| {
        var buffer: [400]u8 = undefined;
        var len: usize = 0;
        for (0..random.uintLessThan(usize, 6)) |_| {
            const mark = if (random.boolean()) "," else marks[random.uintLessThan(usize, marks.len)];
            for ([_][]const u8{ names[random.uintLessThan(usize, names.len)], ":", values[random.uintLessThan(usize, values.len)], mark }) |word| {
                @memcpy(buffer[len..][0..word.len], word);
                len += word.len;
            }
            if (random.uintLessThan(u8, 4) == 0) buffer[random.uintLessThan(usize, len)] = random.int(u8);
        }
        const text = buffer[0..len];
        var found: Settings = .{};
        var refusals: [buffer.len]Refusal = undefined;
        const refused = parseAll(text, &found, &refusals);
        const pairs = if (len == 0) 0 else std.mem.countScalar(u8, text, ',') + 1;
        try std.testing.expect(refused <= pairs);
        if (refused < pairs) applied += 1;
        try std.testing.expectEqual(refused == pairs, std.meta.eql(found, Settings{}));
        if (found.narenas) |n| try std.testing.expect(n >= 1 and n <= 1024);
        if (found.lg_tcache_max) |n| try std.testing.expect(n <= 20);
        if (found.dirty_decay_ms) |n| try std.testing.expect(n >= -1);
        if (found.hardening) |n| try std.testing.expect(n <= 3);
    }
    try std.testing.expect(applied > 500);
}

test "what a pool's own string says goes before the environment's" {
    var refusal: Refusal = undefined;
    const own = ofPool("narenas:2,zero:true", &refusal).?;
    try std.testing.expectEqual(Settings{ .narenas = 2, .zero = true, .hardening = 3 }, own.over(.{ .narenas = 7, .hardening = 3 }));
    try std.testing.expectEqual(Settings{}, ofPool("", &refusal).?);
    try std.testing.expectEqual(null, ofPool("zero:true,narenas:0,hardening:9", &refusal));
    try std.testing.expectEqualStrings("narenas:0", refusal.pair);
    for ([_][]const u8{ "abort:true", "zero:true,stats_print:false" }) |text| {
        try std.testing.expectEqual(null, ofPool(text, &refusal));
        try std.testing.expectEqualStrings(text, refusal.pair);
    }
}

test "the variable of today goes before the one of old" {
    var found: Settings = .{};
    var none: [0]Refusal = undefined;
    try std.testing.expectEqual(0, parseAll("narenas:2,zero:true", &found, &none)); // variables[0]
    try std.testing.expectEqual(0, parseAll("narenas:3", &found, &none));
    try std.testing.expectEqual(Settings{ .narenas = 3, .zero = true }, found);
    try std.testing.expectEqual(null, (Settings{}).cachedMax());
    try std.testing.expectEqual(0, (Settings{ .tcache = false, .lg_tcache_max = 12 }).cachedMax().?);
    try std.testing.expectEqual(4096, (Settings{ .tcache = true, .lg_tcache_max = 12 }).cachedMax().?);
}
