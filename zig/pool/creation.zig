//! Making a pool: a region, a heap over it, a handle.
//!
//! Nothing is visible to other threads until the last step, and every step is undone when a later one fails. Files
//! are made and storage is allocated without any lock held: that may take a second.

const std = @import("std");
const is_debug = @import("options").debug;
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const region_layer = @import("../region.zig");
const Region = region_layer.Region;
const conf = @import("conf.zig");
const disposal = @import("disposal.zig");
const fork = @import("fork.zig");
const functions = @import("functions.zig");
const lifetime = @import("lifetime.zig");
const log = @import("log.zig");
const messages = @import("messages.zig");
const misuse = @import("misuse.zig");
const registry = @import("registry.zig");
const Range = @import("Range.zig");
const statistics = @import("statistics.zig");
const Thread = @import("Thread.zig");

pub const Source = union(enum) {
    /// A nameless file in this directory. Null is refused with EINVAL.
    directory: ?[:0]const u8,
    /// All memory of this device of DAX, if it has at least `size`.
    device: [:0]const u8,
    /// As `device` if a character device has this path, else as `directory`.
    path: ?[:0]const u8,
    /// The caller's memory, readable and writable, at a multiple of the page size. It stays the caller's: nothing else
    /// may use it while the pool is open, and it must stay mapped.
    region: struct { address: usize, size: usize },
    /// Private memory of the process.
    anonymous,
};

/// When a lazy pool gives storage back that no block needs: after a while, at once, or never.
pub const GiveBack = enum { decay, immediate, never };

pub const size_min = 1 << 20;
const maximum_default: usize = 1 << 40;
/// Bytes of the pools that are open at once, from which those without a limit take: an eighth of what is left, and when nothing is,
/// `maximum_least` each. With the heap's tables, whose addresses are up to four times a pool's, that is half of the address space for the
/// first two hundred pools and a quarter for some thousands more. Where addresses are short all the same, a pool takes half as many until it
/// finds them.
const pools_bytes: usize = 12 << 40;
const maximum_least: usize = 4 << 30;
const maximum_last: usize = 1 << 30;

pub const Options = struct {
    source: Source,
    /// Bytes of an eager pool, rounded up to the page: all of its storage is allocated at once. 0 for a device: what it has.
    size: usize = 0,
    /// Most bytes of a lazy pool, used when `size` is 0: storage is allocated as it is needed. 0: what the file system
    /// has, at most 1 TiB, and less where there are thousands of pools.
    maximum: usize = 0,
    /// Smallest `size` or `maximum` that is accepted.
    minimum: usize = size_min,
    /// Of the pool's address; a power of two. A borrowed region keeps its own; where handles are numbers, offsets in it count from the
    /// multiple below.
    alignment: usize = 4 << 20,
    /// The first page faults when touched, until the pool is closed (where the page size of the medium allows it).
    protect_first_page: bool = false,
    /// The handle is a number, the bits of a double, and the calling thread is attached; otherwise it is the pool's address,
    numbered: bool = true,
    /// or this other address, if it is not 0. It must not be that of any pool.
    name: usize = 0,
    /// Page 0 is never handed out.
    keep_first_page: bool = true,
    /// Unit in which a lazy pool takes and gives storage back; a power of two.
    granule: usize = region_layer.default_granule,
    /// Where to keep the number of bytes that have storage, for those who only look.
    observed: ?*usize = null,
    /// An empty file of the caller's instead of one in the directory; it stays the caller's, too.
    descriptor: ?os.Fd = null,
    /// See `heap.Heap.Options.frugal`.
    frugal: bool = false,
    /// How long a while is, in milliseconds. Null: as the conf string says.
    decay_ms: ?i64 = null,
    /// Null: as the conf string says, else by decay. How long a while is, says the conf string, too.
    give_back: ?GiveBack = null,
    /// Null: as the conf string says, else `hardening_default`.
    hardening: ?u8 = null,
    hardening_default: u8 = 1,
    /// 0: as the conf string says, else as many as suit the size and the processors.
    arenas: u32 = 0,
    /// As VMEM_MALLOC_CONF, for this pool, and before that. A pair that is not understood is refused.
    conf: []const u8 = "",
    /// A lazy pool may be given without `maximum`.
    unlimited: bool = true,
    /// A file system that cannot promise its storage (no fallocate, copy on write) is used all the same, or refused
    /// with EOPNOTSUPP.
    unsafe_storage: region_layer.UnsafeStorage = .accept,
    /// How pages come to be: in advance, of 2 MiB, on a NUMA node. For lazy pools it counts for all that they will ever commit.
    placement: region_layer.Placement = .{},
    /// A region that shares memory with another open pool is refused with EEXIST.
    alone: bool = false,
    /// A lazy pool's file may be closed by a program that does not know of it, see `region.FileOptions`.
    survives_close: bool = false,
    /// Storage of large blocks may be promised, see `region.FileOptions.promises`.
    promises: bool = false,
    /// Bytes that threads may keep of freed blocks however little storage a lazy pool has; by default 128 KiB.
    cached_min: u64 = heap.Heap.cached_min_default,
    /// `PMEM_MMAP_HINT` says where to look for addresses.
    address_from_environment: bool = false,
    /// How the pool goes on in the child of a fork; at most one pool of a process does. Null: it ends there. For lazy pools on
    /// files and for devices.
    fork: ?fork.Mode = null,
    /// The pool goes on in the child of a fork. For `anonymous` pools, whose memory parent and child have each for themselves.
    lives_in_child: bool = false,
    wording: messages.Wording = .sentence,
};

/// Makes a pool and gives its handle. The thread's last message says why not.
///
/// EINVAL: a size below the minimum, no directory, a region that is not aligned or wraps, a device that is not one of
/// DAX. ENOENT, ENOTDIR, EACCES, EROFS, ELOOP, ENAMETOOLONG: the directory or device cannot be used. ENXIO: no driver
/// serves the device. ENOSPC, EDQUOT: no room for an eager pool. EFBIG: more than a file can have. ENOMEM: no address space or memory
/// for the heap's bookkeeping. EMFILE: no descriptor left, or 65 535 pools are open. EBUSY: another pool has the region's
/// address, or somebody the device. EOPNOTSUPP: see `unsafe_storage`; huge pages are disabled and the device needs them; `placement`
/// wants what the medium or the system has not (EINVAL: a node that is not there, or a region that cannot be written; EPERM: a node
/// that may not be chosen). EEXIST: see `alone`. EIO: the device's memory cannot be reached.
pub fn create(given: *const Options) os.Error!usize {
    var resolved = given.*;
    if (given.source == .path) resolved.source = resolve(given.source.path);
    const options: *const Options = &resolved;
    var refusal: conf.Refusal = undefined;
    const settings = conf.ofPool(options.conf, &refusal) orelse return messages.setting(refusal.pair, refusal.reason);
    try checkSize(options);
    _ = os.library.pin();
    const range = try take(options.numbered, options.name);
    errdefer giveBack(range);
    disposal.retry();
    var attempt = resolved;
    while (true) {
        var step: region_layer.Step = .reserve;
        make(&attempt, settings, range, &step) catch |err| {
            // Closed ranges may hold the address space that is missing.
            if (err == error.ENOMEM and (disposal.sweep(.all) or halve(options, &attempt))) continue;
            return describe(&attempt, err, step);
        };
        break;
    }
    log.write(.operations, "Pool of {d} bytes made at 0x{x}", .{ range.region.length(), range.region.start() });
    return range.handle;
}

fn resolve(path: ?[:0]const u8) Source {
    const named = path orelse return .{ .directory = null };
    // What cannot be looked at is not opened either: the directory's errors tell why.
    const number = os.device.numberAt(named) catch null;
    return if (number != null) .{ .device = named } else .{ .directory = named };
}

fn make(options: *const Options, settings: conf.Settings, range: *Range, step: *region_layer.Step) os.Error!void {
    range.region = try openRegion(options, step);
    errdefer range.region.release();
    step.* = .reserve;
    if (options.fork != null) try range.region.followForks(switch (options.source) {
        .directory => |directory| directory.?,
        else => "",
    });
    range.region.observed = options.observed;
    range.lives = options.lives_in_child and options.source == .anonymous;
    if (range.region.unsafe) log.write(.errors, "The file system of \"{s}\" does not promise its storage: when it is full, touching a block may raise SIGBUS", .{options.source.directory.?});
    try build(options, settings, range);
}

/// Whether a pool whose limit nobody gave may be tried with half of it.
fn halve(given: *const Options, attempt: *Options) bool {
    if (given.size != 0 or given.maximum != 0 or given.source != .directory) return false;
    var step: region_layer.Step = undefined;
    const before = if (attempt.maximum != 0) attempt.maximum else maximum(attempt, &step) catch return false;
    if (before / 2 < @max(given.minimum, maximum_last)) return false;
    attempt.maximum = std.mem.alignBackward(usize, before / 2, 2 << 20);
    return true;
}

/// Everything above the region.
fn build(options: *const Options, settings: conf.Settings, range: *Range) os.Error!void {
    const region = &range.region;
    const page = os.memory.pageSize();
    if (options.protect_first_page and region.source != .device) {
        // Pages of 2 MiB cannot be protected in part; there the first one stays readable, as on any device.
        range.protected = if (os.memory.protect(region.base, page, .none)) true else |err| switch (err) {
            error.EINVAL => false,
            else => return err,
        };
    }
    errdefer if (range.protected) os.memory.protect(region.base, page, .read_write) catch {};
    range.heap = try .create(region, heapOptions(options, settings, range));
    errdefer {
        range.heap.kill();
        range.heap.destroy();
    }
    // The one reference that `publish` makes is this thread's attachment.
    if (range.numbered) try Thread.attach(range);
    errdefer if (range.numbered) {
        _ = Thread.detach(range.handle);
    };
    registry.lock.lock();
    defer registry.lock.unlock();
    if (options.alone and lifetime.overlapsAny(range)) return error.EEXIST;
    if (options.fork != null) try fork.ask();
    registry.publish(range) catch |err| {
        if (err == error.EBUSY) range.protected = false; // the first page is that of the pool which has this address
        return err;
    };
    if (options.fork) |mode| fork.follow(range, mode);
}

/// What the caller says goes before the conf strings, and those before the defaults.
fn heapOptions(options: *const Options, settings: conf.Settings, range: *const Range) heap.Heap.Options {
    const said = settings.over(conf.settings);
    var result: heap.Heap.Options = .{
        .handle = if (range.handle != 0) range.handle else range.region.base,
        .arenas = if (options.arenas != 0) options.arenas else said.narenas orelse 0,
        .hardening = options.hardening orelse said.hardening orelse @max(options.hardening_default, if (is_debug) 2 else 0),
        .offset_cells = options.numbered or is_debug, // addresses in cells would keep lost blocks reachable for memcheck
        .guards = !options.numbered and options.fork == null, // mapping anew lifts them, and JavaScript may read and write anywhere in a pool
        .reserved_pages = @intCast((range.region.lead + if (options.keep_first_page) os.memory.pageSize() else 0) / heap.page_size),
        .frugal = options.frugal,
        .junk = said.junk orelse if (is_debug) .both else .none,
        .cached_min = options.cached_min,
        .zero = said.zero orelse false,
        .tail = if (is_debug and said.redzone orelse true) 32 else 0,
    };
    if (said.cachedMax()) |most| result.cached_max = most;
    if (options.decay_ms orelse said.dirty_decay_ms) |said_ms| result.decay_ms = said_ms;
    if (options.give_back) |when| switch (when) {
        .decay => if (result.decay_ms <= 0) {
            result.decay_ms = heap.Heap.decay_ms_default;
        },
        .immediate => result.decay_ms = 0,
        .never => result.decay_ms = -1,
    };
    return result;
}

fn checkSize(options: *const Options) os.Error!void {
    const size = switch (options.source) {
        .region => |region| region.size,
        else => if (options.size != 0) options.size else options.maximum,
    };
    // Alignment first for regions, size before the path for files: what programs that look at messages expect.
    switch (options.source) {
        .region => |region| if (region.address % os.memory.pageSize() != 0) return messages.unaligned(region.address),
        else => {},
    }
    const unlimited = size == 0 and (options.source == .device or (options.source != .region and options.unlimited));
    if (size < options.minimum and !unlimited) return messages.tooSmall(options.wording, size, options.minimum);
    switch (options.source) {
        .directory => |directory| if (directory == null) return messages.noDirectory(options.wording),
        .region => |region| {
            const end = std.math.add(usize, region.address, size) catch return messages.beyondAddresses(region.address, size);
            if (region.address == 0 or end > 1 << 56) return messages.beyondAddresses(region.address, size);
        },
        .anonymous, .device => {},
        .path => unreachable, // resolved
    }
    if (size > std.math.maxInt(i64) - (os.memory.pageSize() - 1)) return messages.tooLarge(options.wording, size);
}

fn openRegion(options: *const Options, step: *region_layer.Step) os.Error!Region {
    const lazy = options.size == 0;
    switch (options.source) {
        .region => |region| return .borrow(region.address, std.mem.alignBackward(usize, region.size, os.memory.pageSize()), if (options.numbered) options.alignment else os.memory.pageSize(), options.placement, step),
        .directory => |directory| return .createFile(directory.?, .{
            .size = if (lazy) try maximum(options, step) else options.size,
            .lazy = lazy,
            .alignment = options.alignment,
            .unsafe_storage = options.unsafe_storage,
            .survives_close = options.survives_close,
            .promises = options.promises,
            .granule = @max(options.granule, os.memory.pageSize()),
            .descriptor = options.descriptor,
            .hint = if (options.address_from_environment) addressHint() else null,
            .placement = options.placement,
            .step = step,
        }),
        .device => |path| return openDevice(options, path, step),
        .path => unreachable, // resolved
        .anonymous => return .createAnonymous(.{
            .size = if (lazy) try maximum(options, step) else options.size,
            .lazy = lazy,
            .alignment = options.alignment,
            .placement = options.placement,
            .step = step,
        }),
    }
}

fn openDevice(options: *const Options, path: [:0]const u8, step: *region_layer.Step) os.Error!Region {
    var region: Region = try .createDevice(path, .{
        .size = options.size,
        .alignment = options.alignment,
        .hint = if (options.address_from_environment) addressHint() else null,
        .placement = options.placement,
        .step = step,
    });
    if (region.size >= options.minimum) return region;
    defer region.release();
    step.* = .allocate;
    return error.EINVAL;
}

/// The hexadecimal number in `PMEM_MMAP_HINT`, null if it is none.
fn addressHint() ?usize {
    const text = os.environment.get("PMEM_MMAP_HINT") orelse return null;
    const digits = if (std.ascii.startsWithIgnoreCase(text, "0x")) text[2..] else text;
    const address = std.fmt.parseUnsigned(usize, digits, 16) catch return null;
    return if (address < 1 << 56) address else null;
}

/// Of a lazy pool. Storage is the file system's to give, so a limit beyond what is free now costs nothing; a smaller one
/// keeps the heap's tables small.
fn maximum(options: *const Options, step: *region_layer.Step) os.Error!usize {
    if (options.maximum != 0) return options.maximum;
    const directory = switch (options.source) {
        .directory => |directory| directory.?,
        else => return maximum_default,
    };
    step.* = .open;
    const room = std.mem.alignBackward(usize, try os.file.availableAt(directory), 2 << 20);
    const least = @max(options.minimum, 2 << 20);
    return @max(least, @min(room, maximum_default, share(registry.reservedBytes())));
}

fn share(reserved: usize) usize {
    return std.mem.alignBackward(usize, @max((pools_bytes -| reserved) / 8, maximum_least), 2 << 20);
}

test "thousands of pools without a limit leave addresses to others" {
    try std.testing.expect(share(0) >= maximum_default);
    for ([_]usize{ maximum_default, 64 << 30 }) |room| {
        var sum: usize = 0;
        for (0..3000) |_| sum += @min(room, share(sum));
        // With the heap's tables.
        try std.testing.expect(sum * 5 <= 120 << 40);
    }
}

fn describe(options: *const Options, err: os.Error, step: region_layer.Step) os.Error {
    const size = if (options.size != 0) options.size else options.maximum;
    switch (step) {
        .node, .huge_pages, .prefault => return messages.placement(err, step, options.placement.node orelse 0),
        .open, .open_named, .inspect, .allocate, .lock, .reserve, .map, .touch => {},
    }
    return switch (options.source) {
        .directory => |directory| messages.file(options.wording, err, step, directory.?, size),
        .device => |path| messages.device(options.wording, err, step, path, size, options.minimum),
        .path => unreachable, // resolved
        .region => |region| if (err == error.EEXIST) messages.shared(region.address, std.mem.alignBackward(usize, region.size, os.memory.pageSize())) else messages.region(err, region.address, region.size),
        .anonymous => messages.anonymous(err, size),
    };
}

fn take(numbered: bool, name: usize) os.Error!*Range {
    // Made here, so that a fork never meets its making half done.
    _ = try Thread.current();
    return takeLocked(numbered, name) catch |err| messages.tooMany(err, registry.pools_max);
}

fn takeLocked(numbered: bool, name: usize) os.Error!*Range {
    registry.lock.lock();
    defer registry.lock.unlock();
    try prepare();
    return registry.take(numbered, name);
}

fn giveBack(range: *Range) void {
    registry.lock.lock();
    defer registry.lock.unlock();
    registry.drop(range);
}

/// What the first pool does otherwise.
pub fn prepareEarly() os.Error!void {
    registry.lock.lock();
    defer registry.lock.unlock();
    try prepare();
}

var prepared = false;

/// Before the first pool: memory of the registry, the heap's hooks, the handlers of fork. Under the registry's lock.
fn prepare() os.Error!void {
    if (prepared) return;
    try registry.open();
    try fork.watch();
    // What lets a thread that finds the pool full take the blocks that others have cached.
    _ = os.thread.registerMembarrier();
    conf.load();
    if (conf.settings.stats_print orelse false) os.process.atExit(statistics.printOpen) catch |err| messages.noStatistics(err);
    const replaced = functions.fix();
    heap.hooks.* = .{
        .acquire = &acquire,
        .release = &release,
        .threadExit = &Thread.exit,
        .report = &misuse.report,
        .recordTake = if (replaced) &functions.take else null,
        .recordGive = if (replaced) &functions.give else null,
    };
    prepared = true;
}

fn acquire(handle: usize) ?*heap.Heap {
    const range = registry.find(handle) orelse return null;
    return range.heap;
}

fn release(pinned: *heap.Heap) void {
    Range.ofHeap(pinned).release();
}
