//! The one pool of a process whose malloc is ours (libvmmalloc): made at the first call that the environment can be asked
//! for, never closed, and what is served without it.
//!
//! Calls come at any time: from the loader before the C library is initialised, from constructors of any library, from within
//! the making of the pool (the C library's bookkeeping), from destructors after ours and from threads after their exit hooks. So
//! nothing depends on the order of constructors: whoever comes first makes the pool, and what he and others ask for
//! meanwhile comes from `bootstrap`. Nothing ends at exit. Nobody waits for the making, so it cannot lock anybody up.
//!
//! Blocks that are not the pool's are known by their address: those of `bootstrap`, which are never freed, and the C library's
//! own (`os.libc_heap`), which are handed to it. All others are misuse and ignored, as in any pool.

const std = @import("std");
const os = @import("../os.zig");
const heap = @import("../heap.zig");
const bootstrap = @import("bootstrap.zig");
const creation = @import("creation.zig");
const fork = @import("fork.zig");
const process_options = @import("process_options.zig");
const registry = @import("registry.zig");
const statistics = @import("statistics.zig");
const stats_xml = @import("stats_xml.zig");

pub const Stream = os.output.Stream;
pub const Options = process_options.Options;
pub const Fork = process_options.Fork;

const State = enum(u8) { closed, opening, open };

var state: std.atomic.Value(State) = .init(.closed);
/// 0 until the pool is there.
var opened: std.atomic.Value(usize) = .init(0);
/// Written once, before `opened`.
var options: Options = undefined;
var pool_size: usize = 0;
var stats_at_exit = false;

/// What threads may keep of freed blocks while little is in use: a program that works on a few blocks of 256 KiB should not pass
/// through locks for each (235 ns instead of 4).
const cached_min: u64 = 4 << 20;

/// Anonymous memory of a program with more rights than its user, whose environment is not to be trusted.
const maximum_secure: usize = 1 << 40;

/// The pool's handle, which is its address. Null: it is being made, or cannot be yet.
pub inline fn handle() ?usize {
    const there = known();
    return if (there != 0) there else open();
}

/// As `handle` without making the pool: 0, which is no pool's handle, before it is there.
pub inline fn known() usize {
    return opened.load(.acquire);
}

/// What the pool was made by; it is there.
pub fn settings() *const Options {
    return &options;
}

noinline fn open() ?usize {
    @branchHint(.cold);
    if (!os.environment.isThere()) return null;
    if (state.cmpxchgStrong(.closed, .opening, .acquire, .monotonic) != null) return null;
    // The loader may be the one that is calling.
    os.library.assumePinned();
    options = wanted();
    fork.failed = &notCopied;
    const made = if (os.environment.isSecure()) makeSecure() else make();
    const address = made catch |err| fail("vmem pool creation failed: {s}", .{os.errno.text(err)});
    stats_at_exit = std.mem.eql(u8, os.environment.get("VMMALLOC_LOG_STATS") orelse "", "1");
    pool_size = sizeOf(address);
    opened.store(address, .release);
    state.store(.open, .release);
    return address;
}

fn sizeOf(pool: usize) usize {
    const range = registry.find(pool).?;
    defer range.release();
    return range.region.size;
}

fn wanted() Options {
    if (os.environment.isSecure()) return .{ .path = null, .size = process_options.size_min, .maximum = maximum_secure, .fork = .private };
    return switch (process_options.read(&os.environment.get)) {
        .options => |said| said,
        .problem => |problem| fail("{f}", .{problem}),
    };
}

fn fail(comptime format: []const u8, arguments: anytype) noreturn {
    var buffer: [512]u8 = undefined;
    var writer = std.Io.Writer.fixed(&buffer);
    writer.print("Error (libvmmalloc): " ++ format ++ "\n", arguments) catch {};
    os.output.stderr(writer.buffered());
    os.process.abort();
}

fn notCopied(err: os.Error) noreturn {
    fail("vmem pool cloning failed: {s}", .{os.errno.text(err)});
}

fn make() os.Error!usize {
    const path = options.path.?;
    const is_device = (os.device.numberAt(path) catch null) != null;
    const made = try creation.create(&.{
        .source = if (is_device) .{ .device = path } else .{ .directory = path },
        .size = if (is_device) options.size else 0,
        .maximum = options.maximum,
        .minimum = process_options.size_min,
        .survives_close = true,
        .promises = options.storage == .touched,
        .cached_min = @min(cached_min, options.maximum / 8),
        .numbered = false,
        .address_from_environment = true,
        .fork = options.fork,
        .wording = .libvmem,
    });
    // Storage is allocated as it is needed, but what cannot be had is said at the start.
    if (is_device) return made;
    try os.file.checkLimit(options.size);
    if (try os.file.availableAt(path) < options.size) return error.ENOSPC;
    return made;
}

fn makeSecure() os.Error!usize {
    while (true) {
        return creation.create(&.{ .source = .anonymous, .maximum = options.maximum, .cached_min = cached_min, .numbered = false, .fork = options.fork }) catch |err| {
            // A limit on address space.
            if (err != error.ENOMEM or options.maximum <= process_options.size_min) return err;
            options.maximum /= 2;
            continue;
        };
    }
}

/// At the library's constructor: what is wrong with the environment is said even if nobody allocates. `malloc` is the library's
/// own; where the program has another one, somebody has opened the library and may close it.
pub fn start(malloc: usize) void {
    std.mem.doNotOptimizeAway(handle());
    os.library.pinUnless("malloc", malloc);
}

/// At the library's destructor. The pool goes on serving those who come later.
pub fn finish() void {
    if (stats_at_exit) printStats();
}

/// The pool's numbers; null where there is no pool yet.
pub fn stats() ?heap.Heap.Stats {
    const range = registry.find(handle() orelse return null) orelse return null;
    defer range.release();
    return range.heap.stats();
}

/// Gives unused storage back; whether there was any.
pub fn trim() bool {
    const range = registry.find(handle() orelse return false) orelse return false;
    defer range.release();
    return range.heap.trim() > 0;
}

/// To the log's file or standard error.
pub fn printStats() void {
    const range = registry.find(handle() orelse return) orelse return;
    defer range.release();
    statistics.print(range.heap, .{});
}

/// As malloc_info(3) writes it. EIO: see `os.output.stream`.
pub fn writeXml(to: *os.output.Stream) os.Error!void {
    const range = registry.find(handle() orelse return) orelse return;
    defer range.release();
    var buffer: [2048]u8 = undefined;
    var writer = std.Io.Writer.fixed(&buffer);
    stats_xml.write(&writer, range.heap) catch unreachable; // 20 numbers
    try os.output.stream(to, writer.buffered());
}

/// What there is of a block that the pool cannot give yet: see `heap.allocate`. Null when there is no more.
pub fn allocateEarly(size: usize, alignment: usize) ?usize {
    return bootstrap.take(size, alignment);
}

/// As `heap.allocate`. DeadHandle: in the child of a fork that the pool does not follow.
pub fn allocate(size: usize, alignment: usize, zero: bool) heap.Error!usize {
    const pool = handle() orelse return allocateEarly(size, alignment) orelse error.OutOfMemory;
    return heap.allocate(pool, size, alignment, zero);
}

/// Frees a block, whoever gave it.
pub fn release(address: usize) void {
    if (isElsewhere(address)) {
        if (bootstrap.contains(address) or os.libc_heap.free(address)) return;
    }
    // The heap reports what is no block.
    heap.release(known(), address) catch {};
}

/// As `heap.resize` for a block, whoever gave it.
pub fn resize(address: usize, size: usize) heap.Error!usize {
    if (isElsewhere(address)) {
        if (bootstrap.contains(address)) return moveEarly(address, size);
        switch (os.libc_heap.resize(address, size)) {
            .block => |block| return @intFromPtr(block orelse return error.OutOfMemory),
            .not_its_block => {},
        }
    }
    return heap.resize(known(), address, size);
}

/// Usable bytes of a block, whoever gave it; 0 for what is none.
pub fn usableSize(address: usize) usize {
    if (isElsewhere(address)) {
        if (bootstrap.contains(address)) return bootstrap.sizeOf(address);
        if (os.libc_heap.usableSize(address)) |size| return size;
    }
    return heap.usableSize(known(), address) catch 0;
}

/// Whether the address is outside the pool's addresses, be the pool alive or (in a child that does not follow) dead.
fn isElsewhere(address: usize) bool {
    return address -% known() >= pool_size;
}

fn moveEarly(address: usize, size: usize) heap.Error!usize {
    const new = try allocate(size, 1, false);
    const to: [*]u8 = @ptrFromInt(new);
    const from: [*]const u8 = @ptrFromInt(address);
    const kept = @min(size, bootstrap.sizeOf(address));
    @memcpy(to[0..kept], from[0..kept]);
    return new;
}
