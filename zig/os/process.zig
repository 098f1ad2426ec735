//! The end of the process.

const errno = @import("errno.zig");
const Error = errno.Error;

extern "c" fn __cxa_atexit(function: *const fn (?*anyopaque) callconv(.c) void, argument: ?*anyopaque, library: ?*anyopaque) c_int;
const c = struct {
    extern "c" fn abort() noreturn;
};

/// `hook` runs when the program calls exit or returns from main, before hooks that were added earlier; not when a library
/// is unloaded, so pin it first. ENOMEM.
pub fn atExit(comptime hook: fn () void) Error!void {
    const run = struct {
        fn run(_: ?*anyopaque) callconv(.c) void {
            hook();
        }
    }.run;
    if (__cxa_atexit(&run, null, null) != 0) return error.ENOMEM;
}

/// Raises SIGABRT and does not come back.
pub fn abort() noreturn {
    c.abort();
}
