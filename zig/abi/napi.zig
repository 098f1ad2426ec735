//! The Node-API side of the library: it makes ArrayBuffers over a pool's memory.
//!
//! Only Node-API gives buffers a native finalizer on every runtime, and it works under Deno's `--allow-ffi=PATH`,
//! which refuses the FFI's own views. Its functions come from the host program, so they are weak imports: the
//! library also loads where there are none.
//!
//! A buffer is a user of its pool's range, counted before it is made and until its finalizer ran. Engines run finalizers
//! on any thread, when the buffer is detached or after a collection; a finalizer here takes locks and calls nothing of the
//! engine. What goes wrong is a number in place of the buffer, `-errno`, as in the other face.

const std = @import("std");
const pool = @import("../pool.zig");
const ffi = @import("ffi.zig");

const Environment = ?*opaque {};
const Value = ?*opaque {};
const Information = ?*opaque {};
const Status = c_int;
const Callback = fn (Environment, Information) callconv(.c) Value;
const Finalizer = fn (Environment, ?*anyopaque, ?*anyopaque) callconv(.c) void;

const CreateFunction = fn (Environment, ?[*]const u8, usize, *const Callback, ?*anyopaque, *Value) callconv(.c) Status;
const SetNamedProperty = fn (Environment, Value, [*:0]const u8, Value) callconv(.c) Status;
const GetInformation = fn (Environment, Information, *usize, ?[*]Value, ?*Value, ?*?*anyopaque) callconv(.c) Status;
const GetDouble = fn (Environment, Value, *f64) callconv(.c) Status;
const CreateDouble = fn (Environment, f64, *Value) callconv(.c) Status;
const AddHook = fn (Environment, *const fn (?*anyopaque) callconv(.c) void, ?*anyopaque) callconv(.c) Status;
const CreateExternal = fn (Environment, ?*anyopaque, usize, ?*const Finalizer, ?*anyopaque, *Value) callconv(.c) Status;

fn weak(comptime T: type, comptime name: []const u8) ?*const T {
    return @extern(?*const T, .{ .name = name, .linkage = .weak });
}

/// `napi_register_module_v1`: the module has `array(handle, pointer, length)`, whose buffer frees the block when it dies,
/// `window(handle, pointer, length)`, whose buffer frees nothing, and `follow()`, after which the end of the isolate ends what
/// its thread has attached.
pub fn register(environment: Environment, exports: Value) callconv(.c) Value {
    inline for (.{ .{ "array", &array }, .{ "window", &window }, .{ "follow", &follow } }) |entry| {
        var function: Value = null;
        const create = weak(CreateFunction, "napi_create_function") orelse return exports;
        const set = weak(SetNamedProperty, "napi_set_named_property") orelse return exports;
        if (create(environment, entry[0], entry[0].len, entry[1], null, &function) != 0) return exports;
        if (set(environment, exports, entry[0], function) != 0) return exports;
    }
    return exports;
}

fn array(environment: Environment, information: Information) callconv(.c) Value {
    return buffer(environment, information, .{ .retain = &pool.retainArray, .release = &pool.releaseArray, .died = &arrayDied });
}

fn window(environment: Environment, information: Information) callconv(.c) Value {
    return buffer(environment, information, .{ .retain = &pool.retainRange, .release = &pool.releaseRange, .died = &windowDied });
}

/// For hosts that let a thread outlive its isolate, as Deno does when a watched file has changed.
fn follow(environment: Environment, _: Information) callconv(.c) Value {
    const add = weak(AddHook, "napi_add_env_cleanup_hook") orelse return null;
    // Hosts abort when a hook is added twice with the same argument, as each copy of the package would.
    _ = add(environment, &isolateEnded, @ptrFromInt(followers.fetchAdd(1, .monotonic)));
    return null;
}

var followers: std.atomic.Value(usize) = .init(1);

fn isolateEnded(_: ?*anyopaque) callconv(.c) void {
    pool.detachAll();
}

/// What a buffer does with its range.
const User = struct {
    retain: *const fn (usize) pool.Error!*pool.Range,
    release: *const fn (*pool.Range) void,
    died: *const Finalizer,
};

fn buffer(environment: Environment, information: Information, comptime user: User) Value {
    var values: [3]Value = undefined;
    var count: usize = values.len;
    const inform = weak(GetInformation, "napi_get_cb_info").?;
    if (inform(environment, information, &count, &values, null, null) != 0) return null;
    var numbers: [3]f64 = undefined;
    for (&numbers, values) |*number, value| {
        // A missing or wrong value leaves NaN, which nothing below accepts.
        number.* = std.math.nan(f64);
        _ = weak(GetDouble, "napi_get_value_double").?(environment, value, number);
    }
    const range = user.retain(@bitCast(numbers[0])) catch |err| return failure(environment, err);
    const place = ffi.span(range, numbers[1], numbers[2]) catch |err| {
        user.release(range);
        return failure(environment, err);
    };
    if (place.len == 0) {
        user.release(range);
        return failure(environment, error.EINVAL);
    }
    var result: Value = null;
    const create = weak(CreateExternal, "napi_create_external_arraybuffer").?;
    if (create(environment, place.ptr, place.len, user.died, range, &result) != 0) {
        user.release(range);
        return failure(environment, error.ENOMEM);
    }
    return result;
}

fn arrayDied(_: Environment, block: ?*anyopaque, user: ?*anyopaque) callconv(.c) void {
    ffi.bufferDied(@intFromPtr(block), @ptrCast(@alignCast(user.?)));
}

fn windowDied(_: Environment, _: ?*anyopaque, user: ?*anyopaque) callconv(.c) void {
    pool.releaseRange(@ptrCast(@alignCast(user.?)));
}

fn failure(environment: Environment, err: ffi.Error) Value {
    var result: Value = null;
    _ = weak(CreateDouble, "napi_create_double").?(environment, ffi.failure(err), &result);
    return result;
}
