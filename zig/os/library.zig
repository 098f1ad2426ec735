//! Keeps the library loaded until the process ends.
//!
//! Deno unloads a library when the last isolate that opened it ends, while threads still have a key
//! destructor that points into it. Opening ourselves once more with RTLD_NODELETE makes the unloading a no-op. In
//! a program that contains this code itself there is nothing to pin, and nothing happens.
//!
//! The archive never asks: a static program would be made to contain a loader, with a warning from its linker. Whoever puts
//! the archive into a library that may be unloaded links that with `-z nodelete`.

const std = @import("std");
const builtin = @import("builtin");

const Information = extern struct {
    file_name: ?[*:0]const u8,
    base: ?*anyopaque,
    symbol_name: ?[*:0]const u8,
    symbol: ?*anyopaque,
};
extern "c" fn dladdr(address: *const anyopaque, information: *Information) c_int;
extern "c" fn dlopen(path: ?[*:0]const u8, flags: c_int) ?*anyopaque;

const rtld_lazy = 0x1;
const rtld_noload = 0x4;
const rtld_nodelete = 0x1000;

extern "c" fn dlsym(handle: ?*anyopaque, name: [*:0]const u8) ?*anyopaque;

var done: std.atomic.Value(bool) = .init(false);
var assumed: std.atomic.Value(bool) = .init(false);

/// Pins the library that holds this code; once, later calls do nothing. false: the loader does not know it
/// as a library. Cheap; may take the loader's lock, so hold no lock of ours.
pub fn pin() bool {
    return assumed.load(.monotonic) or pinNow();
}

fn pinNow() bool {
    if (builtin.output_mode == .Lib and builtin.link_mode == .static) return false;
    if (done.load(.acquire)) return true;
    var information: Information = undefined;
    if (dladdr(&done, &information) == 0) return false;
    const path = information.file_name orelse return false;
    // The handle is kept on purpose: it is the reference.
    if (dlopen(path, rtld_lazy | rtld_noload | rtld_nodelete) == null) return false;
    done.store(true, .release);
    return true;
}

/// `pin` has nothing to do until `pinUnless`: asking the loader now would be asking somebody who may be waiting for the memory
/// that this library serves.
pub fn assumePinned() void {
    assumed.store(true, .monotonic);
}

/// Pins the library unless the program finds `function` by this name: then it was there from the start, and nothing unloads it.
pub fn pinUnless(name: [:0]const u8, function: usize) void {
    if (builtin.output_mode == .Lib and builtin.link_mode == .static) return;
    if (@intFromPtr(dlsym(null, name.ptr)) != function) _ = pinNow();
}

test "pin does no harm in an executable" {
    _ = pin();
    _ = pin();
    pinUnless("malloc", 1);
    assumePinned();
    defer assumed.store(false, .monotonic);
    try std.testing.expect(pin());
}
