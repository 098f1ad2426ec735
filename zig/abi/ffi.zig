//! The functions of the TypeScript package: doubles, 32-bit integers, and buffers with their length.
//!
//! `table` is the only list of them. The library exports it, `zig build symbols` writes it as src/symbols.ts, and
//! both sides have the hash of it, so that a package never calls a library it was not made for.
//!
//! Conventions. A handle is a number whose bits the layers below compare. A pointer is a block's offset in its pool, 0 is
//! null. Sizes are bytes. A result below 0 is `-errno`. JavaScript engines turn wrong values into numbers without a
//! word (NaN for a missing argument, 1.5, 2^60), so every double passes a comparison that NaN fails, and must be
//! whole. Parameters are doubles where one calls often: Node looks at integers in JavaScript first, for 0.6 microseconds where there are
//! four parameters. A buffer is only looked at for the length that comes with it: a detached one has length 0 and no address.

const std = @import("std");
const pool = @import("../pool.zig");
const heap = pool.heap;
const on_bytes = @import("bytes.zig");
const holds = @import("holds.zig");
const numbers = @import("numbers.zig");
const reports = @import("reports.zig");
const sites = @import("sites.zig");

/// Indices of the options of `vmem_ffi_create`.
pub const Option = enum(u32) {
    /// Bytes of an eager pool; 0: the pool is lazy.
    size,
    /// Most bytes of a lazy pool; 0: what the file system has.
    maximum,
    /// An index of `GiveBack`; -1: not chosen.
    give_back,
    /// 0 to 3; -1: not chosen.
    hardening,
    /// 1: a file system that cannot promise its storage is used all the same.
    unsafe_storage,
    /// 1: the path is that of a device of DAX, not of a directory.
    device,
    /// The address of the caller's memory, of `size` bytes, instead of a path; 0: none.
    region,
    /// 1: pages are mapped as soon as they have storage.
    prefault,
    /// 1: pages of 2 MiB where the system has them.
    huge_pages,
    /// The NUMA node that pages come from; -1: any.
    numa_node,
};

pub const GiveBack = pool.GiveBack;
/// Results of `vmem_ffi_wait`.
pub const Wait = pool.Outcome;

/// Indices of what `vmem_ffi_stats` fills in: bytes, but for `purges`, `arenas` and `threads`. `room`: 2^62 and more is no known limit.
pub const Statistic = enum(u32) { allocated, active, committed, mapped, cached, available, largest_free, peak, purges, purged, arenas, threads, file, room };
pub const ClassStatistic = reports.ClassStatistic;
pub const ArenaStatistic = reports.ArenaStatistic;
/// What `vmem_ffi_ctl` says of a name.
pub const Control = reports.Control;

pub const status = numbers.status;
pub const Error = numbers.Error;
pub const failure = numbers.failure;
const succeeded = numbers.succeeded;
const yes = numbers.yes;
const number = numbers.number;
const double = numbers.double;
const bits = numbers.bits;
const whole = numbers.whole;
const wholeUnlimited = numbers.wholeUnlimited;
const positive = numbers.positive;

/// Where byte 0 of the pool is.
fn baseOf(handle: f64) Error!usize {
    // 0 is what a thread has that never used a pool.
    if (bits(handle) != 0) if (heap.baseOf(bits(handle))) |base| return base;
    const found = pool.find(bits(handle)) orelse return error.DeadHandle;
    defer pool.unpin(found);
    return found.region.base;
}

/// The address that a pointer stands for; the heap tells whether a block is there.
fn addressOf(handle: f64, pointer: f64) Error!usize {
    const base = try baseOf(handle);
    return base + (whole(pointer) catch return error.InvalidPointer);
}

fn pointerOf(handle: f64, address: Error!usize) f64 {
    const at = address catch |err| return failure(err);
    return double(at - (baseOf(handle) catch |err| return failure(err)));
}

/// The hot paths' view of this face.
const Face = struct {
    pub const Block = f64;
    pub const Done = i32;
    pub const checked = true;
    pub const offsets = true;

    pub inline fn block(cell: usize) f64 {
        return @bitCast(cell);
    }

    pub inline fn done() i32 {
        return 0;
    }

    pub noinline fn mallocSlow(handle: usize, size: usize) f64 {
        @branchHint(.cold);
        return pointerOf(@bitCast(handle), heap.allocateAfterPop(Face, handle, size));
    }

    pub noinline fn freeSlow(handle: usize, offset: usize) i32 {
        @branchHint(.cold);
        if (heap.releaseAfterPush(Face, handle, offset)) return 0;
        const range = pinned(@bitCast(handle)) catch |err| return status(err);
        defer pool.unpin(range);
        if (offset == 0) return 0; // null
        return succeeded(heap.release(handle, range.region.base +% offset));
    }
};

/// The pool of a handle, pinned: for what does more than one thing.
fn pinned(handle: f64) Error!*pool.Pool {
    return pool.find(bits(handle)) orelse error.DeadHandle;
}

/// A span of a pool's memory, which must lie in the pool with all its bytes.
pub fn span(range: *const pool.Range, pointer: f64, length: f64) Error![]u8 {
    const offset = whole(pointer) catch return error.InvalidPointer;
    const bytes = try whole(length);
    const size = range.region.size;
    if (offset > size or bytes > size - offset) return error.InvalidPointer;
    if (offset < range.region.lead and bytes > 0) return error.InvalidPointer;
    const first: [*]u8 = @ptrFromInt(range.region.base + offset);
    return first[0..bytes];
}

pub const table = struct {
    /// The hash of this table, see `hash`.
    pub fn vmem_ffi_abi() callconv(.c) u32 {
        return hash;
    }

    /// Length of the reason why API `major`.`minor` is not served, written to `out`; 0: it is.
    pub fn vmem_ffi_check_version(major: u32, minor: u32, out: ?[*]u8, capacity: f64) callconv(.c) f64 {
        const text = pool.version.check(major, minor) orelse return 0;
        return copyOut(text, out, capacity);
    }

    /// The thread's last message; its whole length is the result.
    pub fn vmem_ffi_message(out: ?[*]u8, capacity: f64) callconv(.c) f64 {
        return copyOut(pool.last_error.text(), out, capacity);
    }

    /// `options`: doubles by `Option`; `directory`: UTF-8 without an end mark. The handle; the thread is attached.
    pub fn vmem_ffi_create(options: ?[*]const f64, count: f64, directory: ?[*]const u8, length: f64) callconv(.c) f64 {
        const handle = create(options, count, directory, length) catch |err| return failure(err);
        return @bitCast(handle);
    }

    pub fn vmem_ffi_attach(handle: f64) callconv(.c) i32 {
        return succeeded(pool.attach(bits(handle)));
    }

    pub fn vmem_ffi_detach(handle: f64) callconv(.c) i32 {
        return succeeded(pool.detach(bits(handle)));
    }

    pub fn vmem_ffi_close(handle: f64) callconv(.c) i32 {
        return succeeded(pool.close(bits(handle)));
    }

    /// The number that handles of this process are sent with.
    pub fn vmem_ffi_instance() callconv(.c) f64 {
        return double(pool.instance());
    }

    pub fn vmem_ffi_malloc(handle: f64, size: f64) align(64) callconv(.c) f64 {
        const bytes = wholeUnlimited(size) orelse return invalid();
        // One comparison for 0, for what is negative, and for what is not small.
        if (bytes -% 1 >= hot_max) return mallocWarm(handle, size);
        return heap.malloc(Face, bits(handle), bytes);
    }

    pub fn vmem_ffi_free(handle: f64, pointer: f64) align(64) callconv(.c) i32 {
        const offset = wholeUnlimited(pointer) orelse return notABlock();
        return heap.free(Face, bits(handle), offset, bits(pointer));
    }

    /// `alignment`: a power of two. With `zero` 1 the first `size` bytes are 0.
    pub fn vmem_ffi_allocate(handle: f64, size: f64, alignment: f64, zero: f64) callconv(.c) f64 {
        const bytes = positive(size) catch return invalid();
        const multiple = positive(alignment) catch return invalid();
        if (!std.math.isPowerOfTwo(multiple)) return invalid();
        return pointerOf(handle, heap.allocate(bits(handle), bytes, multiple, zero == 1));
    }

    pub fn vmem_ffi_realloc(handle: f64, pointer: f64, size: f64) callconv(.c) f64 {
        const bytes = positive(size) catch return invalid();
        const address = addressOf(handle, pointer) catch |err| return failure(err);
        return pointerOf(handle, heap.resize(bits(handle), address, bytes));
    }

    /// 1: the block has its new size where it is; 0: it cannot, and is as it was.
    pub fn vmem_ffi_resize_in_place(handle: f64, pointer: f64, size: f64) callconv(.c) i32 {
        const bytes = positive(size) catch |err| return status(err);
        const address = addressOf(handle, pointer) catch |err| return status(err);
        return yes(heap.resizeInPlace(bits(handle), address, bytes));
    }

    pub fn vmem_ffi_usable_size(handle: f64, pointer: f64) callconv(.c) f64 {
        const address = addressOf(handle, pointer) catch |err| return failure(err);
        return number(heap.usableSize(bits(handle), address));
    }

    /// 1: a block that is not free starts there.
    pub fn vmem_ffi_owns(handle: f64, pointer: f64) callconv(.c) i32 {
        const address = addressOf(handle, pointer) catch |err| return switch (err) {
            error.InvalidPointer => 0,
            else => status(err),
        };
        return yes(heap.owns(bits(handle), address));
    }

    /// Fills `out` with `count` pointers, or changes nothing.
    pub fn vmem_ffi_malloc_many(handle: f64, size: f64, out: ?[*]f64, count: f64) callconv(.c) i32 {
        return mallocMany(handle, size, out, count) catch |err| status(err);
    }

    /// Frees pointers in order and says how many: fewer than `count` when the next one is no live block.
    pub fn vmem_ffi_free_many(handle: f64, pointers: ?[*]const f64, count: f64) callconv(.c) f64 {
        return number(freeMany(handle, pointers, count));
    }

    pub const vmem_ffi_read = on_bytes.read;
    pub const vmem_ffi_write = on_bytes.write;
    /// `node:ffi` takes a buffer quickly where it is the only parameter: it asks for its address, and calls those that take one.
    pub const vmem_ffi_address = on_bytes.address;
    pub const vmem_ffi_read_at = on_bytes.readAt;
    pub const vmem_ffi_write_at = on_bytes.writeAt;

    pub fn vmem_ffi_locate_at(handle: f64, view: f64, length: f64) callconv(.c) f64 {
        return table.vmem_ffi_locate(handle, on_bytes.bufferAt(view), length);
    }

    pub const vmem_ffi_copy = on_bytes.copy;
    pub const vmem_ffi_fill = on_bytes.fill;
    pub const vmem_ffi_fill_byte = on_bytes.fillByte;
    pub const vmem_ffi_compare = on_bytes.compare;
    pub const vmem_ffi_find = on_bytes.find;
    pub const vmem_ffi_find_byte = on_bytes.findByte;
    pub const vmem_ffi_text_length = on_bytes.textLength;

    /// The address of byte 0. Addresses of user space are exact in a double.
    pub fn vmem_ffi_base(handle: f64) callconv(.c) f64 {
        const range = pinned(handle) catch |err| return failure(err);
        defer pool.unpin(range);
        return double(range.region.base);
    }

    /// Bytes reserved: no pointer is beyond.
    pub fn vmem_ffi_size(handle: f64) callconv(.c) f64 {
        const range = pinned(handle) catch |err| return failure(err);
        defer pool.unpin(range);
        return double(range.region.size);
    }

    /// Fills `out` by `Statistic`.
    pub fn vmem_ffi_stats(handle: f64, out: ?[*]f64, count: f64) callconv(.c) i32 {
        const names = @typeInfo(Statistic).@"enum".field_names;
        if (!(count == @as(f64, names.len))) return status(error.EINVAL);
        const to = out orelse return status(error.EINVAL);
        const stats = pool.stats(bits(handle)) catch |err| return status(err);
        inline for (names, 0..) |name, i| to[i] = double(@field(stats, name));
        return 0;
    }

    /// The statistics' text into `out`, as far as it fits; returns the whole text's bytes. `letters`: sections to leave out, and
    /// J for JSON.
    pub fn vmem_ffi_stats_text(handle: f64, letters: ?[*]const u8, letters_len: f64, out: ?[*]u8, capacity: f64) callconv(.c) f64 {
        const letter_count = whole(letters_len) catch |err| return failure(err);
        const room = whole(capacity) catch |err| return failure(err);
        const omit = if (letters) |text| text[0..letter_count] else "";
        const buffer: []u8 = if (out) |to| to[0..room] else &.{};
        return number(pool.statsText(bits(handle), omit, buffer));
    }

    /// 1: fewer than `bytes` can still be allocated.
    pub fn vmem_ffi_is_low(handle: f64, bytes: f64) callconv(.c) i32 {
        const mark = whole(bytes) catch |err| return status(err);
        const range = pinned(handle) catch |err| return status(err);
        defer pool.unpin(range);
        return @intFromBool(heap.isLow(range.heap, mark));
    }

    /// 1: the pool is consistent.
    pub fn vmem_ffi_check(handle: f64) callconv(.c) i32 {
        return yes(pool.check(bits(handle)));
    }

    /// Bytes of storage given back.
    pub fn vmem_ffi_trim(handle: f64) callconv(.c) f64 {
        return number(pool.trim(bits(handle)));
    }

    /// Frees all blocks. EBUSY: buffers over blocks exist somewhere.
    pub fn vmem_ffi_reset(handle: f64) callconv(.c) i32 {
        return succeeded(pool.reset(bits(handle)));
    }

    /// How often the pool was reset.
    pub fn vmem_ffi_resets(handle: f64) callconv(.c) f64 {
        const range = pinned(handle) catch |err| return failure(err);
        defer pool.unpin(range);
        return double(range.resets.load(.monotonic));
    }

    /// Sleeps until the word is woken, if it is `expected` now, as an unsigned number; `timeout` in milliseconds, NaN: for ever. An index of `Wait`.
    /// EFAULT: no aligned word of the pool is there. EBADF: the pool was closed, too.
    pub fn vmem_ffi_wait(handle: f64, pointer: f64, expected: f64, timeout: f64) callconv(.c) i32 {
        const value = std.math.cast(u32, whole(expected) catch |err| return status(err)) orelse return status(error.EINVAL);
        const range = pinned(handle) catch |err| return status(err);
        defer pool.unpin(range);
        const address = wordOf(range, pointer) catch |err| return status(err);
        const outcome = pool.wait(range, address, value, nanoseconds(timeout)) catch |err| return status(err);
        return @backingInt(outcome);
    }

    /// Wakes up to `count` who wait for the word; says how many there were. EFAULT: as for `vmem_ffi_wait`.
    pub fn vmem_ffi_notify(handle: f64, pointer: f64, count: f64) callconv(.c) f64 {
        const range = pinned(handle) catch |err| return failure(err);
        defer pool.unpin(range);
        const address = wordOf(range, pointer) catch |err| return failure(err);
        return number(pool.wake(range, address, whole(count) catch std.math.maxInt(usize)));
    }

    /// The pointer to the first byte that is the pool's: nothing before it may be touched, and its first page is never handed out.
    pub fn vmem_ffi_start(handle: f64) callconv(.c) f64 {
        const range = pinned(handle) catch |err| return failure(err);
        defer pool.unpin(range);
        return double(range.region.lead);
    }

    pub const vmem_ffi_blocks = reports.blocks;
    pub const vmem_ffi_ctl = reports.ctl;
    pub const vmem_ffi_ctl_set = reports.ctlSet;
    pub const vmem_ffi_stats_classes = reports.statsClasses;
    pub const vmem_ffi_stats_arena = reports.statsArena;
    pub const vmem_ffi_trace = sites.trace;
    pub const vmem_ffi_is_traced = sites.isTraced;
    pub const vmem_ffi_site = sites.site;
    pub const vmem_ffi_site_name = sites.siteName;
    pub const vmem_ffi_note = sites.note;
    pub const vmem_ffi_sites = sites.sites;

    /// The pointer to the first byte of a view. EFAULT: its bytes are not in the pool.
    pub fn vmem_ffi_locate(handle: f64, view: ?[*]const u8, length: f64) callconv(.c) f64 {
        const range = pinned(handle) catch |err| return failure(err);
        defer pool.unpin(range);
        _ = positive(length) catch |err| return failure(err);
        const address = @intFromPtr(view orelse return failure(error.EFAULT));
        if (!range.contains(address)) return failure(error.EFAULT);
        return double(address - range.region.base);
    }

    /// For `bun:ffi` buffers over blocks: counts a user of the pool's memory. What `vmem_ffi_deallocator` and
    /// `vmem_ffi_release` take.
    pub fn vmem_ffi_retain(handle: f64) callconv(.c) f64 {
        const range = pool.retainArray(bits(handle)) catch |err| return failure(err);
        return double(@intFromPtr(range));
    }

    /// The address of the function that an engine calls with the block and the user when the buffer over it dies.
    pub fn vmem_ffi_deallocator() callconv(.c) f64 {
        return double(@intFromPtr(&deallocate));
    }

    /// Undoes `vmem_ffi_retain` when no buffer could be made.
    pub fn vmem_ffi_release(user: f64) callconv(.c) void {
        const address = positive(user) catch return;
        pool.releaseArray(@ptrFromInt(address));
    }

    /// The next buffer that dies over this block leaves it alive; ENOMEM: too many are held.
    pub fn vmem_ffi_hold(handle: f64, pointer: f64) callconv(.c) i32 {
        const address = addressOf(handle, pointer) catch |err| return status(err);
        return if (holds.hold(address)) 0 else status(error.ENOMEM);
    }

    /// Undoes `vmem_ffi_hold`. 1: it was still held.
    pub fn vmem_ffi_unhold(handle: f64, pointer: f64) callconv(.c) i32 {
        const address = addressOf(handle, pointer) catch |err| return status(err);
        return @intFromBool(holds.take(address));
    }

    /// 1: no buffer died since `vmem_ffi_hold`.
    pub fn vmem_ffi_is_held(handle: f64, pointer: f64) callconv(.c) i32 {
        const address = addressOf(handle, pointer) catch |err| return status(err);
        return @intFromBool(holds.isHeld(address));
    }
};

fn wordOf(range: *const pool.Range, pointer: f64) Error!usize {
    const word = try span(range, pointer, 4);
    const address = @intFromPtr(word.ptr);
    const given_out = address - range.region.start() >= heap.page_size;
    return if (given_out and address % 4 == 0) address else error.InvalidPointer;
}

/// Null: for ever. What is no number is that, too, and what is below 0 is 0.
fn nanoseconds(milliseconds: f64) ?u64 {
    const limit = 1e18; // 31 years
    if (!(milliseconds <= limit / 1e6)) return null;
    return @intFromFloat(@max(milliseconds, 0) * 1e6);
}

test "a wait of 30 days has an end, what is no number has none" {
    try std.testing.expectEqual(30 * std.time.ns_per_day, nanoseconds(30 * 24 * 60 * 60 * 1000).?);
    try std.testing.expectEqual(0, nanoseconds(-1).?);
    for ([_]f64{ std.math.nan(f64), std.math.inf(f64), 1e300 }) |value| try std.testing.expectEqual(null, nanoseconds(value));
}

/// A buffer over a block died. Any thread: locks only, no thread cache.
pub fn bufferDied(block: usize, range: *pool.Range) void {
    if (!holds.take(block) and range.isAlive()) heap.releaseUncached(range.heap, block);
    pool.releaseArray(range);
}

/// bun:ffi's signature: the buffer's bytes, and what was given with them.
fn deallocate(block: ?*anyopaque, user: ?*anyopaque) callconv(.c) void {
    bufferDied(@intFromPtr(block), @ptrCast(@alignCast(user.?)));
}

/// Sizes up to this are allocated without another function call.
const hot_max = 14336;

noinline fn mallocWarm(handle: f64, size: f64) f64 {
    const bytes = positive(size) catch return invalid();
    return heap.malloc(Face, bits(handle), bytes);
}

noinline fn invalid() f64 {
    @branchHint(.cold);
    return failure(error.EINVAL);
}

noinline fn notABlock() i32 {
    @branchHint(.cold);
    return status(error.InvalidPointer);
}

fn copyOut(text: []const u8, out: ?[*]u8, capacity: f64) f64 {
    const room = whole(capacity) catch 0;
    const count = @min(text.len, room);
    if (out) |to| @memcpy(to[0..count], text[0..count]);
    return double(text.len);
}

fn create(options: ?[*]const f64, count: f64, directory: ?[*]const u8, length: f64) Error!usize {
    // In case one of the checks below fails, which the package makes before.
    pool.last_error.set("Creating a pool failed: an option is not what it should be", .{});
    if (!(count == @as(f64, @typeInfo(Option).@"enum".field_names.len))) return error.EINVAL;
    const given = options orelse return error.EINVAL;
    const give_back = try choice(option(given, .give_back), @typeInfo(GiveBack).@"enum".field_names.len);
    const hardening = try choice(option(given, .hardening), 4);
    const node = try choice(option(given, .numa_node), std.math.maxInt(u32));
    var path: [4096]u8 = undefined;
    const source = try sourceOf(given, &path, directory, length);
    const handle = try pool.create(&.{
        .source = source,
        .size = try whole(option(given, .size)),
        .maximum = try whole(option(given, .maximum)),
        // The low word of an address is the pointer's low word: see docs/ARCHITECTURE.md.
        .alignment = 4 << 30,
        .numbered = true,
        .give_back = if (give_back) |index| @fromBackingInt(@intCast(index)) else null,
        .hardening = if (hardening) |level| @intCast(level) else null,
        .hardening_default = 2,
        .unsafe_storage = if (option(given, .unsafe_storage) == 1) .accept else .refuse,
        .placement = .{
            .prefault = option(given, .prefault) == 1,
            .huge_pages = option(given, .huge_pages) == 1,
            .node = if (node) |index| @intCast(index) else null,
        },
        .alone = source == .region,
    });
    // The hot paths of this face look at the blocks' states. The first pool of the process sets the other hooks.
    heap.hooks.checked = true;
    heap.hooks.offsets = true;
    return handle;
}

fn sourceOf(given: [*]const f64, path: *[4096]u8, directory: ?[*]const u8, length: f64) Error!pool.Source {
    const address = try whole(option(given, .region));
    if (address != 0) return .{ .region = .{ .address = address, .size = try whole(option(given, .size)) } };
    const path_len = try positive(length);
    if (path_len >= path.len) {
        pool.last_error.set("Creating a pool failed: its directory's path has {d} bytes, the limit is {d}", .{ path_len, path.len - 1 });
        return error.ENAMETOOLONG;
    }
    const bytes = directory orelse return error.EINVAL;
    @memcpy(path[0..path_len], bytes[0..path_len]);
    path[path_len] = 0;
    if (std.mem.findScalar(u8, path[0..path_len], 0) != null) return error.EINVAL;

    const named = path[0..path_len :0];
    return if (option(given, .device) == 1) .{ .device = named } else .{ .directory = named };
}

/// A number below `count`, or null for -1: nothing was chosen.
fn choice(value: f64, count: usize) error{EINVAL}!?usize {
    if (value == -1) return null;
    const chosen = try whole(value);
    return if (chosen < count) chosen else error.EINVAL;
}

fn option(given: [*]const f64, name: Option) f64 {
    return given[@backingInt(name)];
}

/// All or none: the hot path in a loop, which is what makes many cheap.
fn mallocMany(handle: f64, size: f64, out: ?[*]f64, count: f64) Error!i32 {
    const wanted = try positive(count);
    const pointers = (out orelse return error.EINVAL)[0..wanted];
    for (pointers, 0..) |*pointer, i| {
        pointer.* = table.vmem_ffi_malloc(handle, size);
        if (pointer.* > 0) continue;
        const refusal: i32 = @intFromFloat(pointer.*);
        for (pointers[0..i]) |taken| _ = table.vmem_ffi_free(handle, taken);
        @memset(pointers, 0);
        return refusal;
    }
    return 0;
}

/// How many were freed before one could not be. Null pointers count as freed.
fn freeMany(handle: f64, pointers: ?[*]const f64, count: f64) Error!usize {
    const wanted = try positive(count);
    for ((pointers orelse return error.EINVAL)[0..wanted], 0..) |pointer, i| {
        const refusal = table.vmem_ffi_free(handle, pointer);
        if (refusal == status(error.DeadHandle)) return error.DeadHandle;
        if (refusal != 0) return i;
    }
    return wanted;
}

/// What a package must agree with: names, types and order of everything above.
pub const hash: u32 = blk: {
    @setEvalBranchQuota(1_000_000);
    var state: std.hash.Fnv1a_32 = .init();
    for (signatures) |line| state.update(line);
    for (.{ Option, Statistic, ClassStatistic, ArenaStatistic, Control, GiveBack, Wait }) |E| {
        for (@typeInfo(E).@"enum".field_names) |name| state.update(name ++ ",");
    }
    break :blk state.final();
};

/// One line of src/symbols.ts for each function.
pub const signatures: [@typeInfo(table).@"struct".decl_names.len][]const u8 = blk: {
    @setEvalBranchQuota(1_000_000);
    const names = @typeInfo(table).@"struct".decl_names;
    var lines: [names.len][]const u8 = undefined;
    for (&lines, names) |*line, name| {
        const function = @typeInfo(@TypeOf(@field(table, name))).@"fn";
        var parameters: []const u8 = "";
        for (function.param_types, 0..) |parameter, i| {
            parameters = parameters ++ (if (i == 0) "" else ", ") ++ "\"" ++ typeName(parameter.?) ++ "\"";
        }
        line.* = name ++ ": { parameters: [" ++ parameters ++ "], result: \"" ++ typeName(function.return_type.?) ++ "\" },";
    }
    break :blk lines;
};

fn typeName(comptime T: type) []const u8 {
    return switch (T) {
        f64 => "f64",
        i32 => "i32",
        u32 => "u32",
        void => "void",
        else => if (@typeInfo(T) == .optional) "buffer" else @compileError("not a type of this face: " ++ @typeName(T)),
    };
}

test {
    _ = numbers;
    _ = reports;
    _ = @import("ffi_test.zig");
}
