//! The seeded fuzzer of the heap.
//!
//!     zig build fuzz -- [smoke | run SEED | for SECONDS | canary]
//!
//! A seed makes a case: pools of random size, hardening and laziness, and a list of operations by four threads
//! in a fixed order, some kinds of operation left out altogether (swarm testing; Groce et al., ISSTA 2012), system calls
//! that fail among them.
//! Every block's contents are filled from its number and verified before it is freed or moved; after misuse, and
//! from time to time, the walker looks at the heap; at the end everything is freed and the pool must be one
//! run again. Each case runs in a process of its own, so that a crash is a finding too; a failing one is shrunk by
//! leaving out operations as long as it still fails, and printed.
//!
//! `canary` wants the build to be broken (`-Dcanary`) and fails if the fuzzer does not notice.

const std = @import("std");
const linux = std.os.linux;
const os = @import("os.zig");
const heap = @import("heap.zig");
const options = @import("options");

const Pool = heap.harness.Pool;
const actor_count = 4;
const slot_count = 400;
const operations_max = 1500;
const smoke_cases = 150;

const Kind = enum {
    malloc,
    calloc,
    aligned,
    realloc,
    in_place,
    free,
    free_twice,
    free_inside,
    free_foreign,
    /// Two blocks in turns.
    free_again,
    /// What was freed some time ago, perhaps by another thread, and is nobody's.
    free_stale,
    free_other_pool,
    /// Writes past a block's end.
    overflow,
    /// Resizing and asking for what is no block.
    resize_wrong,
    many,
    flush,
    trim,
    check,
    stats,
    /// Over all live blocks, which are those of the model.
    walk,
    /// jemalloc's `*allocx`.
    extended,
    fill_up,
    /// Everything is freed at once.
    reset,
    /// One of the next system calls fails.
    fault,
};
const kinds = std.enums.values(Kind);

const Operation = struct { kind: Kind, actor: u8, slot: u16, other: u16, size: u32, shift: u5 };

const Case = struct {
    pool_size: usize,
    pool: Pool.Options,
    operations: []Operation,
};

var operations_memory: [operations_max]Operation = undefined;
var kept_memory: [operations_max]Operation = undefined;

fn makeCase(seed: u64) Case {
    var state: std.Random.DefaultPrng = .init(seed);
    const random = state.random();
    var weights: [kinds.len]u32 = undefined;
    for (&weights) |*w| w.* = if (random.boolean()) 0 else 1 + random.uintLessThan(u32, 8);
    weights[@backingInt(Kind.malloc)] = 8;
    weights[@backingInt(Kind.free)] = random.uintLessThan(u32, 12);
    for ([_]Kind{ .check, .trim, .walk, .fill_up, .reset, .flush }) |rare| weights[@backingInt(rare)] = @min(weights[@backingInt(rare)], 1);
    const size_bits = 3 + random.uintLessThan(u5, 20);
    const count = 20 + random.uintLessThan(usize, operations_max - 20);
    for (operations_memory[0..count]) |*o| {
        const bits = random.uintAtMost(u5, size_bits);
        o.* = .{
            .kind = kinds[random.weightedIndex(u32, &weights)],
            .actor = random.uintLessThan(u8, actor_count),
            .slot = random.uintLessThan(u16, slot_count),
            .other = random.uintLessThan(u16, slot_count),
            .size = (@as(u32, 1) << bits) - 1 + random.uintLessThan(u32, @as(u32, 1) << bits),
            .shift = random.uintLessThan(u5, 24),
        };
    }
    const sizes = [_]usize{ 1 << 20, 14 << 20, (14 << 20) + 4096, 64 << 20, 300 << 20 };
    return .{
        .pool_size = sizes[random.uintLessThan(usize, sizes.len)],
        .pool = .{
            .hardening = random.uintLessThan(u8, 4),
            .lazy = random.boolean(),
            .arenas = random.uintLessThan(u32, 4),
            .offset_cells = random.boolean(),
            // Storage that comes back at once takes everything cached back, often.
            .decay_ms = if (random.uintLessThan(u8, 4) == 0) 0 else 10_000,
        },
        .operations = operations_memory[0..count],
    };
}

// --- The model ------------------------------------------------------------------------------------

const Slot = struct { address: usize = 0, size: usize = 0, tag: u64 = 0 };

const Model = struct {
    pool: Pool,
    /// Its blocks are wrong in `pool`.
    other: Pool,
    case: Case,
    /// Freed lately.
    stale: [16]usize = @splat(0),
    stale_next: usize = 0,
    slots: [slot_count]Slot = @splat(.{}),
    /// A system call was made to fail: storage may lack where there is room.
    faulted: bool = false,
    next_tag: u64 = 1,
    failure: ?[]const u8 = null,

    fn fail(m: *Model, what: []const u8) void {
        if (m.failure == null) m.failure = what;
    }

    fn fill(m: *Model, slot: *Slot, address: usize, size: usize) void {
        slot.* = .{ .address = address, .size = size, .tag = m.next_tag };
        m.next_tag += 1;
        paint(slot.*);
    }

    fn put(m: *Model, slot: *Slot, address: usize, size: usize) void {
        m.release(slot);
        m.fill(slot, address, size);
    }

    fn release(m: *Model, slot: *Slot) void {
        if (slot.address == 0) return;
        m.verify(slot.*);
        m.pool.free(@ptrFromInt(slot.address));
        m.stale[m.stale_next % m.stale.len] = slot.address;
        m.stale_next += 1;
        slot.* = .{};
    }

    fn isLive(m: *const Model, address: usize) bool {
        for (m.slots) |slot| if (slot.address != 0 and address >= slot.address and address < slot.address + @max(slot.size, 8)) return true;
        return false;
    }

    fn verify(m: *Model, slot: Slot) void {
        if (painted(slot, slot.size)) return;
        std.debug.print("block {x} of {d} bytes, tag {d}\n", .{ slot.address, slot.size, slot.tag });
        for (m.slots) |other| if (other.address < slot.address + slot.size and slot.address < other.address + other.size) {
            std.debug.print("  shares bytes with {x} of {d} bytes, tag {d}\n", .{ other.address, other.size, other.tag });
        };
        m.fail("a block's contents changed");
    }
};

/// The first and last bytes of a block are its own; all of them in small blocks.
fn samples(size: usize) [2][2]usize {
    return .{ .{ 0, @min(size, 256) }, .{ size -| 256, size } };
}

fn paint(slot: Slot) void {
    const bytes: [*]u8 = @ptrFromInt(slot.address);
    for (samples(slot.size)) |range| for (range[0]..range[1]) |i| {
        bytes[i] = sample(slot.tag, i);
    };
}

fn painted(slot: Slot, upto: usize) bool {
    const bytes: [*]const u8 = @ptrFromInt(slot.address);
    for (samples(slot.size)) |range| for (range[0]..range[1]) |i| {
        if (i < upto and bytes[i] != sample(slot.tag, i)) return false;
    };
    return true;
}

fn sample(tag: u64, i: usize) u8 {
    return @truncate((tag *% 0x9e3779b97f4a7c15 +% i) >> 7);
}

fn perform(m: *Model, o: Operation) void {
    const p = m.pool;
    const slot = &m.slots[o.slot];
    const handle = p.handle;
    switch (o.kind) {
        .malloc => {
            m.release(slot);
            if (p.malloc(o.size)) |block| m.fill(slot, @intFromPtr(block), o.size);
        },
        .calloc => {
            m.release(slot);
            const address = heap.allocate(handle, o.size, 1, true) catch return;
            const bytes: [*]const u8 = @ptrFromInt(address);
            if (!std.mem.allEqual(u8, bytes[0..o.size], 0)) m.fail("calloc gave bytes that are not zero");
            m.fill(slot, address, o.size);
        },
        .aligned => {
            m.release(slot);
            const address = heap.allocate(handle, o.size, @as(usize, 1) << o.shift, false) catch return;
            if (address % (@as(usize, 1) << o.shift) != 0) m.fail("an alignment was not kept");
            m.fill(slot, address, o.size);
        },
        .realloc => resize(m, slot, o.size),
        .in_place => {
            if (slot.address == 0) return;
            m.verify(slot.*);
            const done = heap.resizeInPlace(handle, slot.address, o.size) catch return m.fail("a live block was refused");
            if (done) m.fill(slot, slot.address, o.size);
        },
        .free => m.release(slot),
        .free_twice => {
            if (slot.address == 0) return;
            const address = slot.address;
            m.release(slot);
            p.free(@ptrFromInt(address));
            expectSound(m);
        },
        .free_inside => {
            if (slot.address == 0 or slot.size < 2) return;
            p.free(@ptrFromInt(slot.address + 1 + o.size % (slot.size - 1)));
            // Blocks inside this one are not: what looks like one is dropped when it is drained.
            expectSound(m);
        },
        .free_foreign => {
            p.free(@ptrFromInt(@intFromPtr(m) + o.size));
            p.free(@ptrFromInt(p.heap.base + m.case.pool_size + o.size));
            p.free(@ptrFromInt(p.heap.base + o.size % 4096));
            expectSound(m);
        },
        .free_again => freeAgain(m, o),
        .free_stale => {
            const address = m.stale[o.other % m.stale.len];
            if (address == 0 or m.isLive(address)) return;
            if (os.fault.enabled) os.fault.disarm(); // without membarrier it stays where it is, and is handed out
            p.free(@ptrFromInt(address));
            expectSound(m);
        },
        .free_other_pool => {
            const block = m.other.malloc(o.size % 100_000) orelse return;
            p.free(block);
            if (slot.address != 0) m.other.free(@ptrFromInt(slot.address));
            m.other.free(block);
            expectSound(m);
            m.other.expectEmpty() catch m.fail("the other pool is not empty");
        },
        .overflow => overflow(m, slot.*, o),
        .resize_wrong => {
            if (slot.address == 0 or slot.size < 2) return;
            const inside = slot.address + 1 + o.size % (slot.size - 1);
            for ([_]usize{ inside, @intFromPtr(m), p.heap.base, p.heap.base + m.case.pool_size }) |wrong| {
                if (heap.resize(handle, wrong, o.other)) |_| m.fail("what is no block was resized") else |_| {}
                if (heap.usableSize(handle, wrong)) |_| m.fail("what is no block has a size") else |_| {}
                const owned = heap.owns(handle, wrong) catch true;
                if (owned) m.fail("what is no block is owned");
            }
        },
        .many => many(m, o),
        .flush => heap.flushThread(),
        .trim => _ = p.heap.trim(),
        .check => expectSound(m),
        .stats => {
            const s = p.heap.stats();
            if (s.allocated > s.active or s.active > s.mapped or s.committed > s.mapped or s.active > s.peak)
                m.fail("the statistics contradict each other");
            if (s.active > s.committed) m.fail("pages are used without storage");
        },
        .walk => walk(m),
        .extended => extended(m, slot, o),
        .fill_up => fillUp(m, o),
        .reset => {
            for (m.slots) |each| if (each.address != 0) m.verify(each);
            if (!heap.reset(p.heap)) return if (!m.faulted) m.fail("the pool could not be reset");
            m.slots = @splat(.{});
            m.stale = @splat(0);
            if (m.pool.expectEmpty()) {} else |_| m.fail("the pool is not empty after a reset");
        },
        .fault => {
            // Level 3 gives a block up rather than hand it out behind a guard that cannot be taken away.
            if (!os.fault.enabled or m.case.pool.hardening == 3) return;
            m.faulted = true;
            os.fault.arm(1 + o.size % 4, if (o.slot % 2 == 0) error.ENOSPC else error.ENOMEM);
        },
    }
}

fn walk(m: *Model) void {
    if (os.fault.enabled) os.fault.disarm(); // without membarrier what other threads have cached is found
    var piece: [heap.walk.room_min]heap.walk.Block = undefined;
    var found: usize = 0;
    var at: u32 = 0;
    while (true) {
        const count = heap.walk.next(m.pool.heap, &at, &piece).?;
        if (count == 0) break;
        found += count;
        for (piece[0..count]) |block| for (m.slots) |slot| {
            if (slot.address == block.address and slot.size <= block.size) break;
        } else m.fail("a walk found what is not live");
    }
    for (m.slots) |slot| found -%= @intFromBool(slot.address != 0);
    if (found != 0) m.fail("a walk did not find each live block once");
}

/// New, resized with zeros, or freed with its size.
fn extended(m: *Model, slot: *Slot, o: Operation) void {
    const how: heap.extended.How = .{ .alignment = @as(usize, 1) << o.shift % 16, .zero = true, .cached = o.other % 3 != 0 };
    const handle = m.pool.handle;
    const before = if (slot.address == 0) 0 else heap.usableSize(handle, slot.address) catch return m.fail("a live block was refused");
    if (before != 0) m.verify(slot.*);
    if (before != 0 and o.other % 4 == 0) {
        heap.extended.releaseSized(handle, slot.address, before, .{ .cached = how.cached }) catch return m.fail("a block's own size was refused");
        slot.* = .{};
        return;
    }
    const size = @max(1, o.size);
    const kept = @min(slot.size, size);
    slot.address = (if (before == 0) heap.extended.allocate(handle, size, how) else heap.extended.resize(handle, slot.address, size, how)) catch return;
    if (slot.address % how.alignment != 0) m.fail("an alignment was not kept");
    if (!painted(slot.*, kept)) m.fail("a resized block lost contents");
    const bytes: [*]const u8 = @ptrFromInt(slot.address);
    if (before < size and !std.mem.allEqual(u8, bytes[before..size], 0)) m.fail("new bytes are not zero");
    m.fill(slot, slot.address, size);
}

fn freeAgain(m: *Model, o: Operation) void {
    const size = o.size % 300_000;
    const a = m.pool.malloc(size) orelse return;
    const b = m.pool.malloc(size) orelse return m.pool.free(a);
    for ([_][*]u8{ a, b, a, b, a }) |block| m.pool.free(block);
    expectSound(m);
}

/// Bookkeeping lies outside of the pool, so that only contents suffer, and those are put back.
fn overflow(m: *Model, slot: Slot, o: Operation) void {
    if (slot.address == 0 or m.case.pool.hardening == 3) return; // where runs end in a page that faults
    const heap_end = m.pool.heap.base + @as(usize, m.pool.heap.runs.top) * heap.page_size;
    const end = slot.address + slot.size;
    var saved: [5000]u8 = undefined;
    const len = @min(saved.len, heap_end - end, 1 + o.other * 13);
    const bytes = @as([*]u8, @ptrFromInt(end))[0..len];
    @memcpy(saved[0..len], bytes);
    @memset(bytes, @as(u8, o.shift) +% 0xee);
    expectSound(m);
    if (m.pool.malloc(slot.size)) |block| m.pool.free(block);
    expectSound(m);
    @memcpy(bytes, saved[0..len]);
}

fn resize(m: *Model, slot: *Slot, size: usize) void {
    if (slot.address == 0) return;
    const old = slot.*;
    m.verify(old);
    const moved = heap.resize(m.pool.handle, old.address, size) catch |err| {
        if (err != error.OutOfMemory) m.fail("a live block was refused");
        if (size <= old.size) m.fail("shrinking failed");
        return;
    };
    slot.address = moved;
    if (!painted(slot.*, @min(size, old.size))) m.fail("realloc lost contents");
    m.fill(slot, moved, size);
}

fn many(m: *Model, o: Operation) void {
    var addresses: [32]usize = undefined;
    var count: usize = 0;
    while (count < addresses.len) : (count += 1) addresses[count] = @intFromPtr(m.pool.malloc(o.size) orelse break);
    for (addresses[0..count], 0..) |address, i| m.put(&m.slots[(o.other + i) % slot_count], address, o.size);
}

/// Until nothing of a size is left, twice. The second time the pages may be cut up a little differently.
fn fillUp(m: *Model, o: Operation) void {
    const size = @max(o.size, m.case.pool_size / 2000);
    var first: usize = 0;
    var count: usize = 0;
    while (m.pool.malloc(size)) |block| : (count += 1) {
        const link: *usize = @ptrCast(@alignCast(block));
        link.* = first;
        first = @intFromPtr(block);
    }
    var freed: usize = 0;
    while (first != 0) : (freed += 1) {
        const link: *usize = @ptrFromInt(first);
        const next = link.*;
        m.pool.free(@ptrFromInt(first));
        first = next;
    }
    var again: usize = 0;
    while (m.pool.malloc(size)) |block| : (again += 1) {
        const link: *usize = @ptrCast(@alignCast(block));
        link.* = first;
        first = @intFromPtr(block);
    }
    while (first != 0) {
        const link: *usize = @ptrFromInt(first);
        const next = link.*;
        m.pool.free(@ptrFromInt(first));
        first = next;
    }
    if (!m.faulted and again + again / 50 + 4 < count) m.fail("a full pool held fewer blocks the second time");
}

fn expectSound(m: *Model) void {
    m.pool.expectSound() catch m.fail("the walker found a broken invariant");
}

// --- Threads in a fixed order ---------------------------------------------------------------------

/// The operation in progress, its thread, and who is on.
const Stage = struct {
    model: *Model,
    operation: Operation = undefined,
    /// Actor number + 1: it works; 0: the conductor is on; `over`: all go home.
    turn: u32 = 0,

    const over = 1000;

    fn act(s: *Stage, number: u32) void {
        while (true) {
            const turn = @atomicLoad(u32, &s.turn, .acquire);
            if (turn == over) return;
            if (turn != number) {
                os.thread.futexWait(&s.turn, turn, null) catch {};
                continue;
            }
            perform(s.model, s.operation);
            s.pass(0);
        }
    }

    fn pass(s: *Stage, to: u32) void {
        @atomicStore(u32, &s.turn, to, .release);
        _ = os.thread.futexWake(&s.turn, actor_count + 1);
    }

    fn direct(s: *Stage, o: Operation) void {
        s.operation = o;
        s.pass(o.actor + 1);
        while (true) {
            const turn = @atomicLoad(u32, &s.turn, .acquire);
            if (turn == 0) return;
            os.thread.futexWait(&s.turn, turn, null) catch {};
        }
    }
};

/// The walker looks after every operation: slower, and nearer to the cause.
var strict = false;

/// Null: the case passed.
fn runCase(case: Case) ?[]const u8 {
    const pool = Pool.create(1, case.pool_size, case.pool) catch return "the pool could not be created";
    const other = Pool.create(2, 1 << 20, case.pool) catch return "the other pool could not be created";
    var model: Model = .{ .pool = pool, .other = other, .case = case };
    var stage: Stage = .{ .model = &model };
    var threads: [actor_count]std.Thread = undefined;
    for (&threads, 1..) |*t, number| {
        t.* = std.Thread.spawn(.{ .stack_size = 1 << 20 }, Stage.act, .{ &stage, @as(u32, @intCast(number)) }) catch return "no threads";
    }
    for (case.operations) |o| {
        stage.direct(o);
        if (strict) {
            model.pool.expectSoundAsIs() catch model.fail("the walker found a broken invariant");
            if (model.failure != null) std.debug.print("after {}\n", .{o});
        }
        if (model.failure) |what| return what;
    }
    if (os.fault.enabled) os.fault.disarm();
    for (&model.slots) |*slot| model.release(slot);
    stage.pass(Stage.over);
    for (threads) |t| t.join();
    pool.expectEmpty() catch model.fail("the pool is not empty after everything was freed");
    pool.delete();
    other.delete();
    return model.failure;
}

// --- Cases in processes of their own, and shrinking -----------------------------------------------

/// Of the processor's time, so that a busy machine is no finding; what hangs ends after `hang_seconds`.
const limit_seconds = 120;
const hang_seconds = 900;

/// Whether the case fails; in a child process, which may crash or hang.
fn fails(case: Case, loud: bool) bool {
    const pid: i32 = @intCast(@as(isize, @bitCast(linux.fork())));
    if (pid == 0) {
        _ = linux.syscall1(.alarm, hang_seconds);
        _ = linux.setrlimit(.CPU, &.{ .cur = limit_seconds, .max = limit_seconds });
        if (!loud) silence();
        const failure = runCase(case);
        if (failure) |what| std.debug.print("{s}\n", .{what});
        linux.exit_group(if (failure == null) 0 else 1);
    }
    var status: i32 = 0;
    while (linux.errno(linux.waitpid(pid, &status, 0)) == .INTR) {}
    if (loud and linux.W.IFSIGNALED(@bitCast(status))) std.debug.print("ended by signal {}\n", .{linux.W.TERMSIG(@bitCast(status))});
    return status != 0;
}

fn silence() void {
    const null_fd = linux.open("/dev/null", .{ .ACCMODE = .WRONLY }, 0);
    _ = linux.dup2(@intCast(null_fd), 2);
}

/// Leaves out ever smaller parts of the list as long as the case still fails (Zeller, Hildebrandt, *Simplifying
/// and isolating failure-inducing input*, 2002).
fn shrink(case: Case) Case {
    var kept = case;
    var part = case.operations.len / 2;
    while (part > 0) {
        var at: usize = 0;
        while (at < kept.operations.len) {
            const stop = @min(at + part, kept.operations.len);
            const rest = kept_memory[0 .. kept.operations.len - (stop - at)];
            std.mem.copyForwards(Operation, rest[0..at], kept.operations[0..at]);
            std.mem.copyForwards(Operation, rest[at..], kept.operations[stop..]);
            var smaller = kept;
            smaller.operations = rest;
            if (fails(smaller, false)) {
                std.mem.copyForwards(Operation, operations_memory[0..rest.len], rest);
                kept.operations = operations_memory[0..rest.len];
            } else at = stop;
        }
        part /= 2;
    }
    return kept;
}

fn report(seed: u64) void {
    std.debug.print("Seed {d} fails; shrinking\n", .{seed});
    const case = shrink(makeCase(seed));
    std.debug.print("Pool of {d} bytes, {}, {d} operations:\n", .{ case.pool_size, case.pool, case.operations.len });
    for (case.operations) |o| std.debug.print("  {}\n", .{o});
    _ = fails(case, true);
    std.debug.print("Again: zig build fuzz -- run {d}\n", .{seed});
}

pub fn main(init: std.process.Init) !u8 {
    var arguments = init.minimal.args.iterate();
    _ = arguments.skip();
    const mode = arguments.next() orelse "smoke";
    const value = if (arguments.next()) |text| try std.fmt.parseInt(u64, text, 10) else 0;
    if (std.mem.eql(u8, mode, "run")) {
        strict = true;
        if (fails(makeCase(value), true)) {
            report(value);
            return 1;
        }
        strict = false;
        if (!fails(makeCase(value), true)) return success(1);
        report(value);
        return 1;
    }
    if (std.mem.eql(u8, mode, "for")) return search(os.thread.nowNs(), std.math.maxInt(u64), value);
    if (std.mem.eql(u8, mode, "canary")) return canary();
    if (std.mem.eql(u8, mode, "smoke")) return search(1, smoke_cases, 300);
    std.debug.print("Unknown mode \"{s}\": use smoke, run SEED, for SECONDS or canary\n", .{mode});
    return 2;
}

fn search(first_seed: u64, cases: u64, seconds: u64) u8 {
    const end = os.thread.nowNs() + seconds * std.time.ns_per_s;
    var count: u64 = 0;
    while (count < cases and os.thread.nowNs() < end) : (count += 1) {
        if (!fails(makeCase(first_seed +% count), false)) continue;
        report(first_seed +% count);
        return 1;
    }
    return success(count);
}

fn success(count: u64) u8 {
    std.debug.print("{d} cases passed\n", .{count});
    return 0;
}

/// A build with a planted defect: good is when it is found.
fn canary() u8 {
    if (!options.canary) {
        std.debug.print("The canary wants a build with -Dcanary\n", .{});
        return 2;
    }
    heap.canary.planted = .counts;
    for (1..smoke_cases) |seed| {
        if (!fails(makeCase(seed), false)) continue;
        std.debug.print("The planted defect was found by seed {d}\n", .{seed});
        return 0;
    }
    std.debug.print("The planted defect was not found\n", .{});
    return 1;
}
