//! Placeholder until the fuzzer lands.

pub fn main() void {}
