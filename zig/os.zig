//! The only layer that talks to the kernel and the C library.
//!
//! Everything is a raw system call through one choke point (`os/sys.zig`), so that nothing recurses into a
//! malloc that may be ours, no interposer sees it, errno stays untouched, and tests can make any call
//! fail (`fault`). What only the C library can do (thread keys, fork handlers, pinning the library) is
//! declared `extern "c"` here and nowhere else. Linux with 64-bit addresses only.

const builtin = @import("builtin");

comptime {
    if (builtin.os.tag != .linux or @sizeOf(usize) != 8) @compileError("vmem supports 64-bit Linux only");
}

pub const errno = @import("os/errno.zig");
pub const Error = errno.Error;
pub const fault = @import("os/fault.zig");
pub const memory = @import("os/memory.zig");
pub const bytes = @import("os/bytes.zig");
pub const limits = @import("os/limits.zig");
pub const numa = @import("os/numa.zig");
pub const file = @import("os/file.zig");
pub const Fd = file.Fd;
pub const contents = @import("os/contents.zig");
pub const device = @import("os/device.zig");
pub const nodes = @import("os/nodes.zig");
pub const Mutex = @import("os/mutex.zig").Mutex;
/// The thread that holds locks around a fork, see os/mutex.zig.
pub const forking = &@import("os/mutex.zig").forking;
pub const Pipe = @import("os/pipe.zig").Pipe;
pub const PrivatePages = @import("os/private_pages.zig").Reader;
pub const thread = @import("os/thread.zig");
pub const environment = @import("os/environment.zig");
pub const output = @import("os/output.zig");
pub const library = @import("os/library.zig");
pub const process = @import("os/process.zig");
pub const libc_heap = @import("os/libc_heap.zig");

test {
    _ = errno;
    _ = fault;
    _ = @import("os/sys.zig");
    _ = memory;
    _ = bytes;
    _ = @import("os/maps.zig");
    _ = limits;
    _ = numa;
    _ = file;
    _ = contents;
    _ = @import("os/file_system.zig");
    _ = device;
    _ = nodes;
    _ = @import("os/mutex.zig");
    _ = @import("os/ranks.zig");
    _ = @import("os/pipe.zig");
    _ = @import("os/private_pages.zig");
    _ = thread;
    _ = environment;
    _ = output;
    _ = library;
    _ = process;
    _ = libc_heap;
}
