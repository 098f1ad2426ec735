//! Kinds come and go: file kinds, kinds on memory of the caller's, and the pools of kinds that were there before they were used.
//!
//! A file kind is a lazy pool on a file without a name. Its addresses are reserved for all that it may ever have: its limit, or
//! what the file system has, less where address space gets scarce (`mayReserve`), so that all kinds that there can be fit.

const std = @import("std");
const os = @import("../../os.zig");
const heap = @import("../../heap.zig");
const creation = @import("../creation.zig");
const last_error = @import("../last_error.zig");
const lifetime = @import("../lifetime.zig");
const registry = @import("../registry.zig");
const areas = @import("areas.zig");
const built_in = @import("built_in.zig");
const layout = @import("layout.zig");
const settings = @import("settings.zig");
const table = @import("table.zig");
const Code = layout.Code;
const Kind = layout.Kind;
const Record = table.Record;

/// What a call came to; `err` is set where the original sets errno.
pub const Outcome = struct {
    code: Code = .success,
    err: ?os.Error = null,
    kind: ?*Kind = null,

    fn failed(code: Code, err: ?os.Error) Outcome {
        return .{ .code = code, .err = err };
    }
};

/// How long storage that no block needs is kept.
const decay_ms = 2000;
const cached_min_most = 8 << 20;
/// What kinds that give back at once take and give at once.
const frugal_granule = 64 << 10;
/// Of one kind, whatever its limit: what a heap can have.
const reserved_max: usize = 8 << 40;
/// All kinds together leave three quarters of the address space alone. The first half of it is had by who comes first, a quarter of
/// what is left at a time; of the second each kind can have this much.
const reserved_first: usize = 16 << 40;
const reserved_least: usize = 32 << 30;

/// A file kind. EINVAL: no directory, a limit below `limit_min` or beyond what a file can have, another policy (no errno
/// for these, as in the original, but for the first). The file system's errors. `arenas`: there are as many kinds as there can be.
pub fn createFile(directory: ?[*:0]const u8, limit: usize, policy: c_int, ops: *const layout.Ops) Outcome {
    const path = directory orelse return .failed(.invalid, error.EINVAL);
    const given = std.mem.span(path);
    if (given.len > std.fs.max_path_bytes) return .failed(.invalid, null);
    const named: [:0]const u8 = if (given.len == 0) "/" else given;
    const rounded = roundLimit(limit) orelse return .failed(.invalid, null);
    const how = std.enums.fromInt(layout.Policy, policy) orelse return .failed(.invalid, null);
    if (settings.settings.arenas_wrong) return .failed(.environment, null);
    if (os.device.numberAt(named) catch null != null) return .failed(.invalid, error.ENOTDIR);
    const most = os.file.capacityAt(named) catch |err| return .failed(.invalid, err);

    const record = takeSlot(null) orelse return .failed(.arenas, null);
    nameAfterSlot(record, "pmem", ops);
    record.private.limit = rounded;
    openFile(record, .{ .directory = named }, null, most, how) catch |err| {
        giveSlot(record);
        return describe(err, "in \"{s}\"", .{named});
    };
    setState(record, .open);
    return .{ .kind = record.kind };
}

/// A kind on memory of the caller's, of which whole pages are used. Where there are none, or no memory at all, the kind has no room, as in
/// the original. EINVAL: some of it is another kind's.
pub fn createFixed(address: usize, size: usize, ops: *const layout.Ops) Outcome {
    if (settings.settings.arenas_wrong) return .failed(.environment, null);
    const record = takeSlot(null) orelse return .failed(.arenas, null);
    nameAfterSlot(record, "fixed", ops);
    record.kind.private = null;
    record.private.limit = size;
    const page = os.memory.pageSize();
    const end = address +| size;
    const first = (std.math.add(usize, address, page - 1) catch end) / page * page;
    const last = end / page * page;
    if (address == 0 or first >= last or last > 1 << 56) {
        setState(record, .barren);
        return .{ .kind = record.kind };
    }
    if (!reserveArea(record, first, last - first)) {
        giveSlot(record);
        return .failed(.invalid, error.EINVAL);
    }
    var options = common(record, .default);
    options.source = .{ .region = .{ .address = first, .size = last - first } };
    _ = creation.create(&options) catch |err| {
        dropArea(record);
        giveSlot(record);
        return describe(err, "at 0x{x}", .{address});
    };
    setState(record, .open);
    return .{ .kind = record.kind };
}

/// Ends a kind: its blocks, its file, its slot. Built-in kinds stay as they are. `failed`: there is no such kind (any more).
pub fn destroy(kind: ?*Kind) Outcome {
    const given = kind orelse return .failed(.invalid, error.EINVAL);
    if (table.isBuiltIn(given) != null) return .{};
    table.lock.lock();
    const record = table.find(given) orelse {
        table.lock.unlock();
        return .failed(.failed, error.EINVAL);
    };
    const before = record.state;
    record.state = .busy;
    if (before == .open) areas.remove(table.slotOfRecord(record));
    table.lock.unlock();
    if (before == .busy) return .failed(.failed, error.EBUSY);
    if (before == .open) lifetime.close(@intFromPtr(given)) catch |err| switch (err) {
        // The parent's. What there is of it here keeps the kind's name.
        error.EBADF => {
            setState(record, .retired);
            return .{};
        },
        else => {},
    };
    giveSlot(record);
    return .{};
}

/// When the kind's storage is given back from now on. `invalid`: there is no such policy, or no such kind with a pool.
pub fn setPolicy(kind: ?*Kind, policy: c_int) Outcome {
    const how = std.enums.fromInt(layout.Policy, policy) orelse return .failed(.invalid, null);
    const range = registry.find(@intFromPtr(kind orelse return .failed(.invalid, error.EINVAL))) orelse return .failed(.invalid, error.EINVAL);
    defer range.release();
    if (!settings.settings.hog) heap.controls.setDecay(range.heap, if (how == .conservative) 0 else decay_ms);
    return .{};
}

/// The caller's record becomes a kind, whose memory is there when it is used first: `Source.descriptor` takes the file whose
/// descriptor the caller puts into its private part, and the limit there. EEXIST: it is a kind already.
pub fn adopt(kind: *Kind, ops: *const layout.Ops, name: [:0]const u8, source: table.Source) Outcome {
    if (name.len >= layout.name_len) return .failed(.invalid, null);
    if (settings.settings.arenas_wrong) return .failed(.environment, null);
    if (isThere(kind)) return .failed(.invalid, error.EEXIST);
    const record = takeSlot(kind) orelse return .failed(.arenas, null);
    kind.ops = ops;
    @memcpy(kind.name[0..name.len], name);
    record.source = source;
    setState(record, .waiting);
    return .{};
}

/// Takes a kind's pool and file away; the kind stays, without any room, unless it was adopted: then it is gone. A built-in kind begins
/// anew at its next use, but for `default`, which nothing happens to: the library's own blocks are there, too.
pub fn close(kind: ?*Kind) Outcome {
    const given = kind orelse return .failed(.invalid, error.EINVAL);
    const built_in_name = table.isBuiltIn(given);
    if (built_in_name == .default) return .{};
    table.lock.lock();
    const record = table.find(given);
    const ours = record != null and record.?.source != .descriptor;
    const state: table.State = if (record) |found| found.state else .unused;
    if (ours and state == .open) {
        areas.remove(table.slotOfRecord(record.?));
        record.?.state = if (built_in_name == null) .barren else .busy;
    }
    table.lock.unlock();
    if (record == null) return .failed(.invalid, error.EINVAL);
    if (ours) {
        if (state != .open) return .{};
        lifetime.close(@intFromPtr(given)) catch {};
        if (built_in_name != null) setState(record.?, .waiting);
        return .{};
    }
    const descriptor = record.?.private.descriptor;
    const outcome = destroy(given);
    if (descriptor >= 0) os.file.close(descriptor);
    return outcome;
}

/// Makes the pool of a kind that waits for its first use. False: there is nothing to be made, or it cannot be.
pub fn start(kind: *const Kind) bool {
    const record = claimWaiting(kind) orelse return waitUntilOpen(kind);
    const done = switch (record.source) {
        .memory => startMemory(record),
        .descriptor => startDescriptor(record),
        .none => false,
    };
    setState(record, if (done) .open else .waiting);
    return done;
}

/// The kind with whose first use this thread is to deal.
fn claimWaiting(kind: *const Kind) ?*Record {
    watchForks();
    table.lock.lock();
    defer table.lock.unlock();
    const record = table.find(kind) orelse return null;
    if (record.state != .waiting) return null;
    record.state = .busy;
    return record;
}

/// Whether another thread has just made the pool.
fn waitUntilOpen(kind: *const Kind) bool {
    while (true) {
        table.lock.lock();
        const record = table.find(kind);
        const state: table.State = if (record) |found| found.state else .unused;
        table.lock.unlock();
        if (state != .busy) return state == .open;
        os.thread.yield();
    }
}

fn startMemory(record: *Record) bool {
    if (settings.settings.arenas_wrong) {
        settings.debug("Using kind \"{s}\" failed: MEMKIND_ARENA_NUM_PER_KIND is wrong", .{nameOf(record)});
        return false;
    }
    const place = if (table.isBuiltIn(record.kind)) |name| built_in.place(name) else .anywhere;
    if (place == .nowhere) {
        settings.debug("Using kind \"{s}\" failed: {s}", .{ nameOf(record), layout.text(place.nowhere.number()).? });
        return false;
    }
    var options = common(record, .default);
    options.source = .anonymous;
    options.lives_in_child = true;
    if (place == .nodes) options.placement.among = .{ .policy = place.nodes.policy, .set = place.nodes.set };
    // More than there is, with swap: what is missing then is memory, not addresses.
    const wanted = std.math.ceilPowerOfTwo(usize, @max(4 * os.nodes.total(), 64 << 30)) catch reserved_max;
    openPool(record, &options, @min(wanted, reserved_max)) catch |err| {
        _ = describe(err, "for kind \"{s}\"", .{nameOf(record)});
        return false;
    };
    return true;
}

fn startDescriptor(record: *Record) bool {
    const descriptor = record.private.descriptor;
    if (descriptor < 0) return false;
    const most = os.file.capacity(descriptor) catch return false;
    openFile(record, .{ .directory = "" }, descriptor, most, .default) catch |err| {
        _ = describe(err, "on descriptor {d}", .{descriptor});
        return false;
    };
    return true;
}

/// The pool of a file kind whose limit is set. `most`: what the file system has in all.
fn openFile(record: *Record, source: creation.Source, descriptor: ?os.Fd, most: u64, policy: layout.Policy) os.Error!void {
    var options = common(record, policy);
    options.source = source;
    options.descriptor = descriptor;
    options.observed = &record.private.size;
    const limit = record.private.limit;
    const possible: usize = @min(std.mem.alignBackward(u64, most, layout.limit_unit), reserved_max);
    const wanted = if (limit == 0) @max(possible, layout.limit_min) else @min(limit, @max(possible, layout.limit_min));
    try openPool(record, &options, wanted);
    if (descriptor != null) return;
    const range = registry.find(@intFromPtr(record.kind)).?;
    defer range.release();
    record.private.descriptor = range.region.fd;
}

fn common(record: *Record, policy: layout.Policy) creation.Options {
    const said = &settings.settings;
    return .{
        .source = .anonymous,
        .minimum = 1,
        .numbered = false,
        .name = @intFromPtr(record.kind),
        .keep_first_page = false,
        .arenas = said.arenas orelse 0,
        .give_back = if (said.hog) .never else if (policy == .conservative) .immediate else .decay,
        .decay_ms = if (said.hog) -1 else if (policy == .conservative) 0 else decay_ms,
        .frugal = policy == .conservative and !said.hog,
        .granule = if (policy == .conservative and !said.hog) frugal_granule else 2 << 20,
    };
}

/// A pool of up to `wanted` bytes of addresses. Where that is too much, for the kinds together or for the process, it gets less: its
/// storage ends there, as it would at the end of a file system.
fn openPool(record: *Record, options: *creation.Options, wanted: usize) os.Error!void {
    const least = @min(wanted, layout.limit_min);
    var size = @max(@min(wanted, mayReserve(record, wanted)), least);
    // What threads keep is taken back before a kind is full, and given back in time.
    if (!options.frugal) options.cached_min = std.math.clamp(size / 32, heap.Heap.cached_min_default, cached_min_most);
    while (true) {
        options.maximum = size;
        if (creation.create(options)) |_| break else |err| {
            if (err != error.ENOMEM or size == least) return err;
        }
        size = @max(std.mem.alignBackward(usize, size / 2, layout.limit_unit), least);
    }
    const range = registry.find(@intFromPtr(record.kind)).?;
    defer range.release();
    if (!reserveArea(record, range.region.base, range.region.size)) {
        // Fresh addresses, so the program has unmapped the memory of a kind that it did not end.
        lifetime.close(range.handle) catch {};
        return error.EEXIST;
    }
    record.reserved = range.region.size;
}

/// How much address space a kind can have that wants so much; counted as its from now on.
fn mayReserve(record: *Record, wanted: usize) usize {
    table.lock.lock();
    defer table.lock.unlock();
    const left = reserved_first -| table.reservedBytes();
    record.reserved = @min(wanted, @max(reserved_least, left / 4));
    return record.reserved;
}

fn reserveArea(record: *Record, address: usize, size: usize) bool {
    table.lock.lock();
    defer table.lock.unlock();
    return areas.insert(address, size, table.slotOfRecord(record));
}

fn dropArea(record: *Record) void {
    table.lock.lock();
    defer table.lock.unlock();
    areas.remove(table.slotOfRecord(record));
}

fn takeSlot(theirs: ?*Kind) ?*Record {
    watchForks();
    table.lock.lock();
    defer table.lock.unlock();
    return table.take(theirs);
}

fn isThere(kind: *const Kind) bool {
    table.lock.lock();
    defer table.lock.unlock();
    return table.find(kind) != null;
}

fn giveSlot(record: *Record) void {
    table.lock.lock();
    defer table.lock.unlock();
    table.give(record);
}

fn setState(record: *Record, state: table.State) void {
    table.lock.lock();
    defer table.lock.unlock();
    record.state = state;
}

/// Null: the limit is refused. 0 stays 0.
fn roundLimit(limit: usize) ?usize {
    if (limit == 0) return 0;
    if (limit < layout.limit_min or limit > std.math.maxInt(i64) - layout.limit_unit) return null;
    return std.mem.alignForward(usize, limit, layout.limit_unit);
}

/// The name that the next kind in this slot has, too.
fn nameAfterSlot(record: *Record, comptime word: []const u8, ops: *const layout.Ops) void {
    const kind = record.kind;
    const slot = table.slotOfRecord(record);
    _ = std.fmt.bufPrint(&kind.name, word ++ "{x:0>8}", .{slot}) catch unreachable;
    kind.ops = ops;
    kind.arena_count = settings.settings.arenas orelse 4 * os.thread.cpuCount();
    kind.arena_mask = (std.math.ceilPowerOfTwo(u32, kind.arena_count) catch kind.arena_count) - 1;
    kind.arena_zero = 1 + slot * (kind.arena_mask + 1);
}

fn nameOf(record: *const Record) []const u8 {
    return std.mem.sliceTo(&record.kind.name, 0);
}

fn describe(err: os.Error, comptime where: []const u8, arguments: anytype) Outcome {
    settings.debug("Making a kind " ++ where ++ " failed: {s}", arguments ++ .{last_error.text()});
    return .failed(switch (err) {
        error.ENOMEM => .mmap,
        else => .invalid,
    }, err);
}

var watching: std.atomic.Value(bool) = .init(false);

/// So that a child of fork finds the table whole. The pools' own handlers come first to the system, which calls them last.
fn watchForks() void {
    if (watching.swap(true, .monotonic)) return;
    creation.prepareEarly() catch {}; // the first pool says why
    os.thread.onFork(&beforeFork, &afterInParent, &afterInChild) catch {};
}

/// A signal handler that interrupted the only thread where it holds the lock must not wait for it: as pool/fork.zig.
fn beforeFork() callconv(.c) void {
    if (os.thread.threadCount() == 1 and table.lock.isLocked()) return;
    table.lock.hold();
}

fn afterInParent() callconv(.c) void {
    table.lock.letGo();
}

/// What other threads were making or ending will never be ready, but those kinds that always are there are.
fn afterInChild() callconv(.c) void {
    for (table.all()) |*record| if (record.state == .busy) {
        record.state = if (table.isBuiltIn(record.kind) != null) startedInParent(record) else .retired;
    };
    table.lock.reset();
}

/// How far the start of a built-in kind came, whose pool lives in the child.
fn startedInParent(record: *Record) table.State {
    const range = registry.find(@intFromPtr(record.kind)) orelse return .waiting;
    defer range.release();
    _ = areas.insert(range.region.base, range.region.size, table.slotOfRecord(record)); // unless it was there already
    record.reserved = range.region.size;
    return .open;
}
