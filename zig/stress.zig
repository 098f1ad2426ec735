//! The stress program: threads against each other, with nothing in a fixed order.
//!
//!     zig build stress -- [smoke | for SECONDS | run SEED SECONDS | canaries]
//!
//! Threads allocate, write, hand blocks to each other, free each other's, die and return. Pools of 1 to 2 MiB are
//! deleted while threads have blocks of them in their caches, and made again under the same handle. Thieves take back
//! what is cached without a pause. Of every block the program knows who has it: its words say address, size and number,
//! and a table beside the pool has a byte an address, so that a block handed out twice is noticed at once.
//! Before a pool is deleted all its blocks are freed; then it must be one run again (or, every other time, give as many blocks
//! as a new one does, to one thread), so that nothing was lost in a cache.
//!
//! The schedule is the machine's: a seed gives the same program, not the same run. Each run is a process of its own, so that
//! a crash and a hang are findings too. `canaries` wants a build with `-Dcanary` and tells how long each planted defect
//! stayed unnoticed.

const std = @import("std");
const linux = std.os.linux;
const os = @import("os.zig");
const heap = @import("heap.zig");

const canary = heap.canary;
const Pool = heap.harness.Pool;
/// Its hot paths serve pools of levels 0 to 2.
const Face = Pool.Face(true);
const MiB = 1 << 20;

const site_count = 3;
const worker_count = 8;
const thief_count = 2;
const table_len = 256;
const own_len = 24;
const granule = 8;
const shadow_len = 2 * MiB / granule;

/// What the whole program knows.
var sites: [site_count]Site = undefined;
var stop: std.atomic.Value(bool) = .init(false);
var operations: std.atomic.Value(u64) = .init(0);
var lives: std.atomic.Value(u64) = .init(0);
var deletes: std.atomic.Value(u64) = .init(0);
var steals: std.atomic.Value(u64) = .init(0);
/// membarrier fails: what other threads have loaded stays where it is.
var without_barrier = false;

/// The process ends, because what is wrong would spread.
fn fail(comptime what: []const u8, arguments: anytype) noreturn {
    std.debug.print(what ++ "\n", arguments);
    linux.exit_group(1);
}

/// The place of one pool after the other, all with the same handle.
const Site = struct {
    handle: usize,
    pool: Pool = undefined,
    size: usize = 0,
    /// Threads inside; `closed` is added while the pool changes.
    gate: std.atomic.Value(u32) = .init(closed),
    /// Blocks on their way from one thread to another.
    table: [table_len]std.atomic.Value(usize) = @splat(.init(0)),
    /// Of each address whose block it is; 0: nobody's.
    shadow: [shadow_len]u8 = @splat(0),

    const closed = 1 << 30;

    fn enter(s: *Site) bool {
        if (s.gate.fetchAdd(1, .acquire) & closed == 0) return true;
        s.leave();
        return false;
    }

    fn leave(s: *Site) void {
        _ = s.gate.fetchSub(1, .release);
    }

    fn open(s: *Site, random: std.Random) void {
        s.size = MiB + random.uintAtMost(usize, MiB / 4096) * 4096;
        s.pool = Pool.create(s.handle, s.size, .{
            .hardening = random.uintLessThan(u8, 3),
            .lazy = random.boolean(),
            .arenas = 1 + random.uintLessThan(u32, 2),
            .decay_ms = if (random.uintLessThan(u8, 4) == 0) 0 else 10_000,
        }) catch |err| fail("A pool could not be made: {s}", .{@errorName(err)});
        _ = s.gate.fetchSub(closed, .release); // not a store: somebody may be on the way out again
    }

    /// Waits until nobody is inside, accounts for every block, deletes the pool.
    fn close(s: *Site, random: std.Random) void {
        _ = s.gate.fetchAdd(closed, .acquire);
        while (s.gate.load(.acquire) != closed) os.thread.yield();
        const at_once = random.uintLessThan(u8, 4) == 0;
        for (&s.table) |*slot| if (slot.raw != 0) {
            verify(s, slot.raw);
            if (at_once) s.owner(slot.raw).* = 0 else give(s, slot.raw);
            slot.raw = 0;
        };
        if (at_once and !heap.reset(s.pool.heap)) fail("The pool could not be reset", .{});
        // Else the caches of all threads have blocks of it when it goes.
        if (random.boolean()) s.account(random.boolean());
        if (heap.harness.misuse.load(.monotonic) > 0) fail("A block came back twice", .{});
        s.pool.delete();
        _ = deletes.fetchAdd(1, .monotonic);
    }

    fn account(s: *Site, by_taking: bool) void {
        if (!s.pool.heap.check(&line)) fail("The walker found a broken invariant", .{});
        if (without_barrier) {
            if (s.pool.heap.stats().allocated != 0) fail("Blocks were lost: {}", .{s.pool.heap.stats()});
        } else if (by_taking) {
            const whole = (s.size / 4096 - 1) * (4096 / 64);
            var last: usize = 0;
            var count: usize = 0;
            while (heap.malloc(Face, s.handle, 64)) |block| : (count += 1) {
                @as(*usize, @ptrCast(@alignCast(block))).* = last;
                last = @intFromPtr(block);
            }
            if (count != whole) fail("One thread got {d} of {d} blocks", .{ count, whole });
            while (last != 0) {
                const block = last;
                last = @as(*usize, @ptrFromInt(block)).*;
                _ = heap.free(Face, s.handle, block, block);
            }
        } else s.pool.expectEmpty() catch fail("Blocks were lost", .{});
    }

    fn line(text: []const u8) void {
        std.debug.print("{s}\n", .{text});
    }

    fn owner(s: *Site, address: usize) *u8 {
        const place = address -% s.pool.heap.base;
        if (place >= s.size) fail("The block {x} is outside of its pool at {x}", .{ address, s.pool.heap.base });
        return &s.shadow[place / granule];
    }
};

// --- Blocks and what they hold --------------------------------------------------------------------

const Header = extern struct { size: usize, word: usize };

/// A block of at least 16 bytes: its size, a word made of address and size, then that word again and again (in large
/// ones at the ends).
fn write(s: *Site, address: usize, size: usize) void {
    const at = s.owner(address);
    if (@atomicLoad(u8, at, .monotonic) != 0) fail("The block {x} was handed out twice", .{address});
    @atomicStore(u8, at, 1, .monotonic);
    const words = wordsOf(address, size);
    words[0] = size;
    for (parts(words)) |part| @memset(part, wordOf(address, size));
}

fn verify(s: *Site, address: usize) void {
    if (@atomicLoad(u8, s.owner(address), .monotonic) != 1) fail("The block {x} is nobody's", .{address});
    const size = @as(*const usize, @ptrFromInt(address)).*;
    if (size < 16 or size > s.size) fail("The block {x} has lost its size", .{address});
    for (parts(wordsOf(address, size))) |part| for (part) |word| {
        if (word != wordOf(address, size)) fail("The block {x} of {d} bytes was written to by another", .{ address, size });
    };
}

fn wordsOf(address: usize, size: usize) []usize {
    return @as([*]usize, @ptrFromInt(address))[0 .. size / 8];
}

fn wordOf(address: usize, size: usize) usize {
    return (address ^ size << 48) *% 0x9e3779b97f4a7c15;
}

fn parts(words: []usize) [2][]usize {
    if (words.len <= 128) return .{ words[1..], &.{} };
    return .{ words[1..64], words[words.len - 64 ..] };
}

/// Nobody's from now on, and free.
fn give(s: *Site, address: usize) void {
    @atomicStore(u8, s.owner(address), 0, .monotonic);
    if (!heap.free(Face, s.handle, address, address)) fail("The live block {x} was refused", .{address});
}

fn sizeOf(random: std.Random) usize {
    const bits: u6 = if (random.uintLessThan(u8, 24) == 0) random.uintLessThan(u6, 13) else random.uintLessThan(u6, 6);
    const size = @as(usize, 16) << bits;
    return size + random.uintLessThan(usize, size);
}

fn take(s: *Site, random: std.Random) usize {
    const size = sizeOf(random);
    const address: usize = switch (random.uintLessThan(u8, 16)) {
        0 => heap.allocate(s.handle, size, 1, true) catch 0,
        1 => heap.allocate(s.handle, size, @as(usize, 16) << random.uintLessThan(u6, 8), false) catch 0,
        else => if (heap.malloc(Face, s.handle, size)) |block| @intFromPtr(block) else 0,
    };
    if (address != 0) write(s, address, size);
    return address;
}

fn resize(s: *Site, address: usize, random: std.Random) usize {
    const old = @as(*const usize, @ptrFromInt(address)).*;
    const size = sizeOf(random);
    // From the moment on at which it may be somebody else's.
    @atomicStore(u8, s.owner(address), 0, .monotonic);
    const moved = heap.resize(s.handle, address, size) catch |err| {
        if (err != error.OutOfMemory or size <= old) fail("The live block {x} cannot be resized: {s}", .{ address, @errorName(err) });
        @atomicStore(u8, s.owner(address), 1, .monotonic);
        return address;
    };
    if (@as(*const usize, @ptrFromInt(moved)).* != old) fail("The block {x} lost its contents on the way to {x}", .{ address, moved });
    write(s, moved, size);
    return moved;
}

// --- Threads --------------------------------------------------------------------------------------

/// Some operations in one pool. What is left at the end is handed to whoever comes.
fn work(s: *Site, random: std.Random, own: *[own_len]usize) void {
    const count = 50 + random.uintLessThan(usize, 400);
    for (0..count) |_| {
        const at = &own[random.uintLessThan(usize, own.len)];
        if (at.* == 0) {
            at.* = take(s, random);
            continue;
        }
        verify(s, at.*);
        switch (random.uintLessThan(u8, 8)) {
            0 => at.* = resize(s, at.*, random),
            1, 2 => {
                at.* = s.table[random.uintLessThan(usize, table_len)].swap(at.*, .acq_rel);
                if (at.* != 0) verify(s, at.*);
            },
            else => {
                give(s, at.*);
                at.* = 0;
            },
        }
    }
    for (own) |*at| if (at.* != 0) {
        const old = s.table[random.uintLessThan(usize, table_len)].swap(at.*, .acq_rel);
        at.* = 0;
        if (old == 0) continue;
        verify(s, old);
        give(s, old);
    };
    _ = operations.fetchAdd(count, .monotonic);
}

/// Little between one call and the next: most of a run's operations.
fn hurry(s: *Site, random: std.Random) void {
    const size = @as(usize, 16) << random.uintLessThan(u6, 6);
    var own: [own_len]usize = undefined;
    const rounds = 400;
    for (0..rounds) |_| {
        const count = 1 + random.uintLessThan(usize, own_len);
        for (own[0..count]) |*at| {
            at.* = if (heap.malloc(Face, s.handle, size)) |block| @intFromPtr(block) else 0;
            if (at.* != 0) write(s, at.*, 16);
        }
        // A cell that held this block before would hide that it was not written yet.
        std.mem.rotate(usize, own[0..count], random.uintLessThan(usize, count));
        for (own[0..count]) |at| if (at != 0) {
            verify(s, at);
            give(s, at);
        };
    }
    _ = operations.fetchAdd(rounds * own_len / 2, .monotonic);
}

fn live(seed: u64) void {
    var state: std.Random.DefaultPrng = .init(seed);
    const random = state.random();
    var own: [own_len]usize = @splat(0);
    for (0..1 + random.uintLessThan(usize, 60)) |_| {
        if (stop.load(.monotonic)) return;
        const s = &sites[random.uintLessThan(usize, site_count)];
        if (!s.enter()) continue;
        if (random.uintLessThan(u8, 4) == 0) work(s, random, &own) else hurry(s, random);
        s.leave();
        if (random.uintLessThan(u8, 32) == 0) heap.flushThread();
    }
}

/// One thread after the other.
fn lane(seed: u64) void {
    var i: u64 = 0;
    while (!stop.load(.monotonic)) : (i += 1) {
        const t = std.Thread.spawn(.{ .stack_size = MiB }, live, .{seed + i * 1000}) catch continue;
        t.join();
        _ = lives.fetchAdd(1, .monotonic);
    }
}

fn thief(number: u64) void {
    var i = number;
    while (!stop.load(.monotonic)) : (i += 1) {
        const s = &sites[i % site_count];
        if (!s.enter()) continue;
        defer s.leave();
        switch (i % 16) {
            0 => _ = s.pool.heap.stats(),
            1 => if (!s.pool.heap.check(&Site.line)) fail("The walker found a broken invariant", .{}),
            else => _ = s.pool.heap.trim(),
        }
        _ = steals.fetchAdd(1, .monotonic);
    }
}

fn closer(seed: u64, until: u64) void {
    var state: std.Random.DefaultPrng = .init(seed);
    const random = state.random();
    const word: u32 = 0;
    while (os.thread.nowNs() < until) {
        os.thread.futexWait(&word, 0, random.uintLessThan(u64, std.time.ns_per_ms)) catch {};
        const s = &sites[random.uintLessThan(usize, site_count)];
        s.close(random);
        s.open(random);
    }
}

fn run(seed: u64, seconds: u64) void {
    heap.harness.hold();
    heap.hooks.checked = true;
    var state: std.Random.DefaultPrng = .init(seed);
    const random = state.random();
    if (os.fault.enabled and without_barrier) os.fault.armCallFrom(.membarrier, 1, error.EPERM);
    for (&sites, 1..) |*s, handle| {
        s.* = .{ .handle = handle };
        s.open(random);
    }
    var threads: [worker_count + thief_count]std.Thread = undefined;
    for (&threads, 0..) |*t, i| {
        t.* = (if (i < worker_count)
            std.Thread.spawn(.{}, lane, .{seed * 31 + i})
        else
            std.Thread.spawn(.{}, thief, .{i})) catch fail("There is no thread to be had", .{});
    }
    closer(seed, os.thread.nowNs() + seconds * std.time.ns_per_s);
    stop.store(true, .monotonic);
    for (threads) |t| t.join();
    heap.flushThread();
    for (&sites) |*s| s.close(random);
    heap.harness.letGo();
    std.debug.print("{d} operations, {d} lives of threads, {d} of pools, {d} steals\n", .{ operations.raw, lives.raw, deletes.raw, steals.raw });
}

// --- Runs in processes of their own ---------------------------------------------------------------

/// Seconds that a run may take longer than it should before it counts as one that hangs.
var grace: u64 = 60;

/// Whether the run ends well; in a child process.
fn passes(seed: u64, seconds: u64, loud: bool) bool {
    const pid: i32 = @intCast(@as(isize, @bitCast(linux.fork())));
    if (pid == 0) {
        _ = linux.syscall1(.alarm, seconds + grace);
        if (!loud) {
            const null_fd = linux.open("/dev/null", .{ .ACCMODE = .WRONLY }, 0);
            _ = linux.dup2(@intCast(null_fd), 2);
        }
        run(seed, seconds);
        linux.exit_group(0);
    }
    var status: i32 = 0;
    while (linux.errno(linux.waitpid(pid, &status, 0)) == .INTR) {}
    if (loud and linux.W.IFSIGNALED(@bitCast(status))) std.debug.print("Ended by signal {}\n", .{linux.W.TERMSIG(@bitCast(status))});
    return status == 0;
}

fn passesWithoutBarrier(seed: u64, seconds: u64) bool {
    without_barrier = os.fault.enabled;
    return passes(seed, seconds, true);
}

/// Runs of up to 20 seconds, every fourth without membarrier.
fn series(first_seed: u64, seconds: u64) u8 {
    const end = os.thread.nowNs() + seconds * std.time.ns_per_s;
    var seed = first_seed;
    while (os.thread.nowNs() < end) : (seed +%= 1) {
        const left = (end - os.thread.nowNs()) / std.time.ns_per_s;
        without_barrier = os.fault.enabled and seed % 4 == 3;
        if (passes(seed, @min(left + 1, 20), true)) continue;
        std.debug.print("Again: zig build stress -- run {d} 60\n", .{seed});
        return 1;
    }
    return 0;
}

/// Each planted defect has to be noticed within the seconds. On two shared processors none took longer than 16.
fn canaries(seconds: u64) u8 {
    if (!@import("options").canary) {
        std.debug.print("The canaries want a build with -Dcanary\n", .{});
        return 2;
    }
    grace = 6; // some defects end in a loop
    var missed: u8 = 0;
    for (std.enums.values(canary.Defect)) |defect| {
        if (defect == .none or defect == .counts) continue; // the fuzzer's
        if (defect == .barrier and os.thread.cpuCount() == 1) continue; // where there is nobody to be late for
        canary.planted = defect;
        const begin = os.thread.nowNs();
        var noticed = false;
        var seed: u64 = 1;
        while (!noticed and os.thread.nowNs() - begin < seconds * std.time.ns_per_s) : (seed += 1) noticed = !passes(seed, 2, false);
        const ms = (os.thread.nowNs() - begin) / std.time.ns_per_ms;
        std.debug.print("{s}: {s} {d} ms\n", .{ @tagName(defect), if (noticed) "noticed after" else "not noticed in", ms });
        if (!noticed) missed += 1;
    }
    return missed;
}

pub fn main(init: std.process.Init) !u8 {
    var arguments = init.minimal.args.iterate();
    _ = arguments.skip();
    const mode = arguments.next() orelse "smoke";
    const first = if (arguments.next()) |text| try std.fmt.parseInt(u64, text, 10) else null;
    const second = if (arguments.next()) |text| try std.fmt.parseInt(u64, text, 10) else null;
    if (std.mem.eql(u8, mode, "smoke")) return if (passes(1, 3, true) and passesWithoutBarrier(3, 2)) 0 else 1;
    if (std.mem.eql(u8, mode, "for")) return series(os.thread.nowNs() | 1, first orelse 60);
    if (std.mem.eql(u8, mode, "run")) {
        without_barrier = os.fault.enabled and (first orelse 1) % 4 == 3;
        return if (passes(first orelse 1, second orelse 60, true)) 0 else 1;
    }
    if (std.mem.eql(u8, mode, "canaries")) return canaries(first orelse 120);
    std.debug.print("Unknown mode \"{s}\": use smoke, for SECONDS, run SEED SECONDS or canaries\n", .{mode});
    return 2;
}
