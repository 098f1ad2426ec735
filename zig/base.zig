//! Pure code every layer may use: nothing here touches the operating system, allocates, or keeps state.
//!
//! The facade of the folder `base/`; files outside import this one, never a file inside.

pub const check = @import("base/check.zig");
pub const text = @import("base/text.zig");
pub const treap = @import("base/treap.zig");

pub const assert = check.assert;
pub const verify = check.verify;

test {
    _ = check;
    _ = text;
    _ = treap;
}
