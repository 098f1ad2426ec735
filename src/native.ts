/**
 * The native functions as bindings of this module. Each has one target for the life of the isolate, so that every call
 * site stays monomorphic; calls through an object that is passed around cost up to ten times as much. They are
 * undefined until {@linkcode openNative} ran: whoever has a pool may call them.
 *
 * @module
 */
import { openLibrary } from "./library.ts";
import { type Buffers, currentRuntime, type Functions } from "./runtime.ts";
import type { table } from "./symbols.ts";

type Native = Functions<typeof table>;

export let checkVersion: Native["vmem_ffi_check_version"];
export let message: Native["vmem_ffi_message"];
export let create: Native["vmem_ffi_create"];
export let instance: Native["vmem_ffi_instance"];
export let attach: Native["vmem_ffi_attach"];
export let detach: Native["vmem_ffi_detach"];
export let close: Native["vmem_ffi_close"];
export let malloc: Native["vmem_ffi_malloc"];
export let free: Native["vmem_ffi_free"];
export let allocate: Native["vmem_ffi_allocate"];
export let realloc: Native["vmem_ffi_realloc"];
export let resizeInPlace: Native["vmem_ffi_resize_in_place"];
export let usableSize: Native["vmem_ffi_usable_size"];
export let owns: Native["vmem_ffi_owns"];
export let mallocMany: Native["vmem_ffi_malloc_many"];
export let freeMany: Native["vmem_ffi_free_many"];
export let read: Native["vmem_ffi_read"];
export let write: Native["vmem_ffi_write"];
export let copy: Native["vmem_ffi_copy"];
export let fill: Native["vmem_ffi_fill"];
export let fillByte: Native["vmem_ffi_fill_byte"];
export let compare: Native["vmem_ffi_compare"];
export let find: Native["vmem_ffi_find"];
export let findByte: Native["vmem_ffi_find_byte"];
export let textLength: Native["vmem_ffi_text_length"];
export let base: Native["vmem_ffi_base"];
export let size: Native["vmem_ffi_size"];
export let start: Native["vmem_ffi_start"];
export let blocks: Native["vmem_ffi_blocks"];
export let ctl: Native["vmem_ffi_ctl"];
export let ctlSet: Native["vmem_ffi_ctl_set"];
export let statsClasses: Native["vmem_ffi_stats_classes"];
export let statsArena: Native["vmem_ffi_stats_arena"];
export let trace: Native["vmem_ffi_trace"];
export let isTraced: Native["vmem_ffi_is_traced"];
export let site: Native["vmem_ffi_site"];
export let siteName: Native["vmem_ffi_site_name"];
export let note: Native["vmem_ffi_note"];
export let sites: Native["vmem_ffi_sites"];
export let stats: Native["vmem_ffi_stats"];
export let statsText: Native["vmem_ffi_stats_text"];
export let isLow: Native["vmem_ffi_is_low"];
export let check: Native["vmem_ffi_check"];
export let trim: Native["vmem_ffi_trim"];
export let reset: Native["vmem_ffi_reset"];
export let resets: Native["vmem_ffi_resets"];
export let wait: Native["vmem_ffi_wait"];
export let notify: Native["vmem_ffi_notify"];
export let locate: Native["vmem_ffi_locate"];
export let hold: Native["vmem_ffi_hold"];
export let isHeld: Native["vmem_ffi_is_held"];
export let unhold: Native["vmem_ffi_unhold"];
/** Makers of buffers, from the library's other side, which the first buffer opens. LibraryError: it cannot be opened. */
export let buffers: Buffers;
/** Whether the runtime permits that. Without, what can be done by native calls is done so. */
export let mayMakeBuffers: boolean;

let open = false;

/** Opens the library at its first call. LibraryError: it cannot be. */
export function openNative(): void {
  if (open) return;
  const library = openLibrary();
  ({
    vmem_ffi_check_version: checkVersion,
    vmem_ffi_message: message,
    vmem_ffi_create: create,
    vmem_ffi_instance: instance,
    vmem_ffi_attach: attach,
    vmem_ffi_detach: detach,
    vmem_ffi_close: close,
    vmem_ffi_malloc: malloc,
    vmem_ffi_free: free,
    vmem_ffi_allocate: allocate,
    vmem_ffi_realloc: realloc,
    vmem_ffi_resize_in_place: resizeInPlace,
    vmem_ffi_usable_size: usableSize,
    vmem_ffi_owns: owns,
    vmem_ffi_malloc_many: mallocMany,
    vmem_ffi_free_many: freeMany,
    vmem_ffi_read: read,
    vmem_ffi_write: write,
    vmem_ffi_copy: copy,
    vmem_ffi_fill: fill,
    vmem_ffi_fill_byte: fillByte,
    vmem_ffi_compare: compare,
    vmem_ffi_find: find,
    vmem_ffi_find_byte: findByte,
    vmem_ffi_text_length: textLength,
    vmem_ffi_base: base,
    vmem_ffi_size: size,
    vmem_ffi_start: start,
    vmem_ffi_blocks: blocks,
    vmem_ffi_ctl: ctl,
    vmem_ffi_ctl_set: ctlSet,
    vmem_ffi_stats_classes: statsClasses,
    vmem_ffi_stats_arena: statsArena,
    vmem_ffi_trace: trace,
    vmem_ffi_is_traced: isTraced,
    vmem_ffi_site: site,
    vmem_ffi_site_name: siteName,
    vmem_ffi_note: note,
    vmem_ffi_sites: sites,
    vmem_ffi_stats: stats,
    vmem_ffi_stats_text: statsText,
    vmem_ffi_is_low: isLow,
    vmem_ffi_check: check,
    vmem_ffi_trim: trim,
    vmem_ffi_reset: reset,
    vmem_ffi_resets: resets,
    vmem_ffi_wait: wait,
    vmem_ffi_notify: notify,
    vmem_ffi_locate: locate,
    vmem_ffi_hold: hold,
    vmem_ffi_is_held: isHeld,
    vmem_ffi_unhold: unhold,
  } = library.functions);
  mayMakeBuffers = library.mayOpenBuffers;
  const opened = (): Buffers => buffers = library.openBuffers();
  buffers = {
    array: (handle, pointer, length) => opened().array(handle, pointer, length),
    window: (handle, pointer, length) => opened().window(handle, pointer, length),
  };
  if (mayMakeBuffers && currentRuntime().threadOutlives()) opened();
  open = true;
}
