//! Threads: exit hooks, fork handlers, barriers, waiting, time.
//!
//! **Exit hooks.** One pthread key for the process. Hooks are registered once, at start; each thread that has
//! something to clean up calls `arm`. The key's destructor runs them in the order of registration. When
//! a later destructor of the same thread arms again, they run again (the C library makes at least 4 rounds): a
//! hook must find nothing to do the second time. The library must be pinned (`library.pin`) before the
//! first hook is registered: a destructor of an unloaded library is a crash.
//!
//! **membarrier.** PRIVATE_EXPEDITED only: it interrupts the running threads of this process and costs 0.2 to 16 us.
//! Registering costs 11 ms with 64 threads (RCU), so it is done once, before the first pool. A seccomp filter
//! set later takes the right away: `membarrier` then returns false and the caller does without.

const std = @import("std");
const linux = std.os.linux;
const sys = @import("sys.zig");
const errno = @import("errno.zig");
const Error = errno.Error;
const file = @import("file.zig");
const Mutex = @import("mutex.zig").Mutex;

pub const Hook = *const fn () void;
const max_hooks = 8;

const Exit = struct {
    lock: Mutex(.exit) = .{},
    key: c_uint = 0,
    hooks: [max_hooks]Hook = undefined,
    /// Also the key's existence: a hook is counted after the key and the entry are there.
    count: std.atomic.Value(u32) = .init(0),
};
var exit: Exit = .{};

extern "c" fn pthread_key_create(key: *c_uint, destructor: ?*const fn (?*anyopaque) callconv(.c) void) c_int;
extern "c" fn pthread_setspecific(key: c_uint, value: ?*const anyopaque) c_int;
extern "c" fn pthread_atfork(
    prepare: ?*const fn () callconv(.c) void,
    parent: ?*const fn () callconv(.c) void,
    child: ?*const fn () callconv(.c) void,
) c_int;
extern "c" fn clock_gettime(clock: c_int, time: *linux.timespec) c_int;

/// Adds a hook that runs when an armed thread ends, after those added before; adding the same one again does nothing.
/// EAGAIN: the process has no thread key left. ENOMEM: as the C library says, or too many hooks (8).
pub fn onExit(hook: Hook) Error!void {
    if (isHooked(hook)) return;
    exit.lock.lock();
    defer exit.lock.unlock();
    if (isHooked(hook)) return;
    const count = exit.count.load(.monotonic);
    if (count == max_hooks) return error.ENOMEM;
    if (count == 0) {
        const result = pthread_key_create(&exit.key, &threadEnds);
        if (result != 0) return errno.fromCode(result);
    }
    exit.hooks[count] = hook;
    exit.count.store(count + 1, .release);
}

fn isHooked(hook: Hook) bool {
    for (exit.hooks[0..exit.count.load(.acquire)]) |known| if (known == hook) return true;
    return false;
}

/// In the child of a fork: a hook that another thread was adding is not there, and may be added.
pub fn forkChild() void {
    exit.lock.reset();
}

/// The hooks will run when the calling thread ends. false: they will not (no hook, or no memory).
/// The C library may call calloc for the 33rd and later keys of a process: hold no lock, and be ready to be entered
/// again when the process's malloc is ours.
pub fn arm() bool {
    if (exit.count.load(.acquire) == 0) return false;
    return pthread_setspecific(exit.key, &exit) == 0;
}

fn threadEnds(_: ?*anyopaque) callconv(.c) void {
    // The C library has set the value to null: `arm` from a hook or a later destructor counts again.
    for (exit.hooks[0..exit.count.load(.acquire)]) |hook| hook();
}

/// Handlers around fork(): `prepare` before it (last registered first), `parent` and `child` after it. ENOMEM.
/// vfork, posix_spawn and a raw clone run none.
pub fn onFork(
    prepare: ?*const fn () callconv(.c) void,
    parent: ?*const fn () callconv(.c) void,
    child: ?*const fn () callconv(.c) void,
) Error!void {
    const result = pthread_atfork(prepare, parent, child);
    if (result != 0) return errno.fromCode(result);
}

/// The kernel's number of the calling thread. A system call: keep it.
pub fn id() u32 {
    return @intCast(sys.call(.gettid, .{}) catch unreachable);
}

/// A number of the calling thread that costs nothing and that the child of a fork keeps: its thread pointer.
pub inline fn pointer() usize {
    return switch (@import("builtin").cpu.arch) {
        // The first word there is its own address (System V ABI, thread-local storage, variant II).
        .x86_64 => asm ("movq %%fs:0, %[pointer]"
            : [pointer] "=r" (-> usize),
        ),
        .aarch64 => asm ("mrs %[pointer], tpidr_el0"
            : [pointer] "=r" (-> usize),
        ),
        else => @intFromPtr(&somewhere),
    };
}

threadlocal var somewhere: u8 = 0;

/// Threads of the process, as /proc says. Null: it does not say.
pub fn threadCount() ?usize {
    const links = file.linkCount("/proc/self/task") catch return null;
    return if (links > 2) links - 2 else null; // one for each thread, as in any folder
}

/// The signals that the calling thread holds back.
pub const Signals = linux.sigset_t;

/// Holds all signals back and gives what `restoreSignals` takes.
pub fn holdSignals() Error!Signals {
    var before: Signals = undefined;
    const all = linux.sigfillset();
    _ = try sys.call(.rt_sigprocmask, .{ linux.SIG.BLOCK, &all, &before, @sizeOf(Signals) });
    return before;
}

pub fn restoreSignals(before: *const Signals) void {
    // Cannot fail with these arguments; the second try is for an injected fault.
    for (0..2) |_| {
        _ = sys.call(.rt_sigprocmask, .{ linux.SIG.SETMASK, before, 0, @sizeOf(Signals) }) catch continue;
        return;
    }
}

/// The kernel's number of the process.
pub fn processId() u32 {
    return @intCast(sys.call(.getpid, .{}) catch unreachable);
}

/// Processors this thread may run on, at least 1.
pub fn cpuCount() u32 {
    var set: [1024]u8 align(8) = undefined; // 8192, the most that Linux can be built for
    const bytes = sys.call(.sched_getaffinity, .{ 0, set.len, &set }) catch return 1;
    var total: u32 = 0;
    for (set[0..bytes]) |byte| total += @popCount(byte);
    return @max(total, 1);
}

const barrier_private_expedited = 1 << 3;
const barrier_register_private_expedited = 1 << 4;

var can_membarrier: std.atomic.Value(bool) = .init(false);

/// Whether `membarrier` works, by what it or `registerMembarrier` last said.
pub fn hasMembarrier() bool {
    return can_membarrier.load(.monotonic);
}

/// Asks for the right to `membarrier`. false: the kernel (before 4.14) or a filter says no.
pub fn registerMembarrier() bool {
    _ = sys.call(.membarrier, .{ barrier_register_private_expedited, 0, 0 }) catch return lost();
    can_membarrier.store(true, .monotonic);
    return true;
}

fn lost() bool {
    can_membarrier.store(false, .monotonic);
    return false;
}

/// A full memory barrier on every running thread of the process. false: not possible (never registered, or the
/// right was lost); nothing happened then.
pub fn membarrier() bool {
    _ = sys.call(.membarrier, .{ barrier_private_expedited, 0, 0 }) catch return lost();
    return true;
}

/// Sleeps until somebody wakes `address`, if its value is `expected`. Spurious wakes happen. EAGAIN: the value is another
/// one. ETIMEDOUT: `timeout_ns` (null: for ever) is over. EINTR: a signal handler ran.
pub fn futexWait(address: *const u32, expected: u32, timeout_ns: ?u64) Error!void {
    var time: linux.timespec = undefined;
    const timeout: ?*const linux.timespec = if (timeout_ns) |ns| blk: {
        time = .{ .sec = @intCast(ns / std.time.ns_per_s), .nsec = @intCast(ns % std.time.ns_per_s) };
        break :blk &time;
    } else null;
    _ = try sys.call(.futex, .{ address, linux.FUTEX_OP{ .cmd = .WAIT, .private = true }, expected, timeout });
}

/// Wakes up to `count` sleepers and says how many there were.
pub fn futexWake(address: *const u32, count: u32) u32 {
    const most = @min(count, std.math.maxInt(i32));
    const woken = sys.call(.futex, .{ address, linux.FUTEX_OP{ .cmd = .WAKE, .private = true }, most }) catch return 0;
    return @intCast(woken);
}

/// Lets another thread run.
pub fn yield() void {
    sys.attempt(.sched_yield, .{});
}

/// Nanoseconds of a clock that never goes back; 20 to 40 ns, no system call.
pub fn nowNs() u64 {
    var time: linux.timespec = undefined;
    _ = clock_gettime(@backingInt(linux.CLOCK.MONOTONIC), &time);
    return @as(u64, @intCast(time.sec)) * std.time.ns_per_s + @as(u64, @intCast(time.nsec));
}

/// The same clock as it was at the system's last tick, 1 to 10 ms ago; 5 ns.
pub fn nowCoarseNs() u64 {
    var time: linux.timespec = undefined;
    _ = clock_gettime(@backingInt(linux.CLOCK.MONOTONIC_COARSE), &time);
    return @as(u64, @intCast(time.sec)) * std.time.ns_per_s + @as(u64, @intCast(time.nsec));
}

test "hooks run in order when an armed thread ends, again when re-armed" {
    const Log = struct {
        var order: [8]u8 = undefined;
        var len: usize = 0;
        /// Hooks stay for the life of the process: the threads of later tests come here too.
        fn note(which: u8) void {
            if (len == order.len) return;
            order[len] = which;
            len += 1;
        }
        fn first() void {
            note(1);
        }
        fn second() void {
            note(2);
            if (len == 2) _ = arm();
        }
        fn armed() void {
            std.debug.assert(arm());
        }
        fn unarmed() void {}
    };
    try onExit(&Log.first);
    try onExit(&Log.second);
    try onExit(&Log.first);
    var t = try std.Thread.spawn(.{}, Log.unarmed, .{});
    t.join();
    try std.testing.expectEqual(@as(usize, 0), Log.len);
    t = try std.Thread.spawn(.{}, Log.armed, .{});
    t.join();
    try std.testing.expectEqualSlices(u8, &.{ 1, 2, 1, 2 }, Log.order[0..Log.len]);
}

test "membarrier works after registration or says no" {
    if (registerMembarrier()) try std.testing.expect(membarrier() and hasMembarrier());
}

test "membarrier that a filter took away says no" {
    const fault = @import("fault.zig");
    if (!fault.enabled) return error.SkipZigTest; // built without options.fault
    for ([_]Error{ error.EPERM, error.ENOSYS }) |err| {
        fault.armCallFrom(.membarrier, 1, err);
        defer fault.disarm();
        try std.testing.expect(!registerMembarrier());
        try std.testing.expect(!membarrier());
        try std.testing.expect(!hasMembarrier());
    }
}

test "futex: value, timeout, wake" {
    var word: u32 = 1;
    try std.testing.expectError(error.EAGAIN, futexWait(&word, 0, null));
    const before = nowNs();
    try std.testing.expectError(error.ETIMEDOUT, futexWait(&word, 1, 2_000_000));
    try std.testing.expect(nowNs() - before >= 2_000_000);
    try std.testing.expectEqual(@as(u32, 0), futexWake(&word, 1));
}

test "identity and processors" {
    try std.testing.expect(id() != 0);
    try std.testing.expect(processId() != 0);
    try std.testing.expect(cpuCount() >= 1);
}

test "threads are told apart and counted" {
    const Other = struct {
        fn run(seen: *[2]usize) void {
            seen.* = .{ pointer(), threadCount() orelse 0 };
        }
    };
    const before = threadCount() orelse return error.SkipZigTest; // no /proc
    var seen: [2]usize = undefined;
    const other = try std.Thread.spawn(.{}, Other.run, .{&seen});
    other.join();
    try std.testing.expect(seen[0] != pointer());
    try std.testing.expectEqual(before + 1, seen[1]);
    try std.testing.expectEqual(pointer(), pointer());
}

test "fork handlers run in parent and child" {
    const c = struct {
        extern "c" fn fork() c_int;
        extern "c" fn _exit(code: c_int) noreturn;
        var prepared: u32 = 0;
        var parents: u32 = 0;
        var children: u32 = 0;
        fn prepare() callconv(.c) void {
            prepared += 1;
        }
        fn parent() callconv(.c) void {
            parents += 1;
        }
        fn child() callconv(.c) void {
            children += 1;
        }
    };
    try onFork(&c.prepare, &c.parent, &c.child);
    const pid = c.fork();
    if (pid == 0) c._exit(if (c.prepared == 1 and c.parents == 0 and c.children == 1) 0 else 1);
    try std.testing.expect(pid > 0);
    var status: i32 = 0;
    while (linux.errno(linux.waitpid(pid, &status, 0)) == .INTR) {}
    try std.testing.expectEqual(0, status);
    try std.testing.expectEqual(1, c.prepared);
    try std.testing.expectEqual(1, c.parents);
    try std.testing.expectEqual(0, c.children);
}

test "a hook that was half added when the process forked can be added in the child" {
    const Never = struct {
        fn hook() void {}
    };
    exit.lock.lock(); // another thread, in the parent
    forkChild();
    const count = exit.count.load(.monotonic);
    try onExit(&Never.hook);
    defer exit.count.store(count, .monotonic);
    try std.testing.expectEqual(count + 1, exit.count.load(.monotonic));
}
