import { vmmallocEnv } from "../../../src/vmmalloc.ts";

console.log(vmmallocEnv({ dir: "/dev/shm", size: "64MiB" }).VMMALLOC_POOL_DIR);
