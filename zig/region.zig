//! Where a pool's bytes come from: one contiguous range of addresses and the storage behind it.
//!
//! The facade of the folder `region/`. A heap knows a `Region` and nothing of paths, descriptors or file systems.

const region = @import("region/region.zig");

pub const Region = region.Region;
pub const Source = region.Source;
pub const FileOptions = region.FileOptions;
pub const DeviceOptions = region.DeviceOptions;
pub const AnonymousOptions = region.AnonymousOptions;
pub const UnsafeStorage = region.UnsafeStorage;
pub const Step = region.Step;
pub const Placement = region.Placement;
pub const Extent = region.Extent;
pub const default_granule = region.default_granule;

test {
    _ = region;
    _ = @import("region/device.zig");
    _ = @import("region/file.zig");
    _ = @import("region/placement.zig");
    _ = @import("region/forks.zig");
    _ = @import("region/forks_test.zig");
    _ = @import("region/promises.zig");
    _ = @import("region/units.zig");
    _ = @import("region/faults.zig");
    _ = @import("region/limits.zig");
}
