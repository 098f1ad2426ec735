/*
 * memkind_memtier.h: memory that is spread over several kinds
 *
 * Copyright (c) 2026, the vmem authors
 * SPDX-License-Identifier: BSD-3-Clause (the text is in the file LICENSE)
 *
 * For programs that use this header of memkind 1.14 (`-lmemkind`). A builder takes kinds, each with its share; the memory made
 * of it gives the next block from the kind that is furthest below its share. Of the policies only fixed shares are served.
 *
 *     #include <memkind_memtier.h>
 *
 *     int main(void)
 *     {
 *         struct memtier_builder *builder = memtier_builder_new(MEMTIER_POLICY_STATIC_RATIO);
 *         struct memtier_memory *memory;
 *
 *         memtier_builder_add_tier(builder, MEMKIND_DEFAULT, 1);
 *         memtier_builder_add_tier(builder, MEMKIND_REGULAR, 3);
 *         memory = memtier_builder_construct_memtier_memory(builder);
 *         memtier_builder_delete(builder);
 *         memtier_free(memtier_malloc(memory, 100));
 *         memtier_delete_memtier_memory(memory);
 *         return 0;
 *     }
 *
 * Every function may be called from any thread, but a builder is one thread's at a time. What is said of memkind_malloc() and its
 * family in memkind.h holds here, too; no memory (NULL) is EINVAL.
 */
#ifndef VMEM_MEMKIND_MEMTIER_H
#define VMEM_MEMKIND_MEMTIER_H

#include <memkind.h>

#ifdef __cplusplus
extern "C" {
#endif

struct memtier_builder;
struct memtier_memory;

typedef enum memtier_policy_t {
	MEMTIER_POLICY_STATIC_RATIO = 0,
	MEMTIER_POLICY_DYNAMIC_THRESHOLD = 1,  /* refused */
	MEMTIER_POLICY_MAX_VALUE
} memtier_policy_t;

/* NULL: errno EINVAL, another policy; ENOMEM. */
struct memtier_builder *memtier_builder_new(memtier_policy_t policy);
void memtier_builder_delete(struct memtier_builder *builder);

/* 0; -1: no kind, no share, a kind that is there already, or more than 16. */
int memtier_builder_add_tier(struct memtier_builder *builder, memkind_t kind, unsigned share);

/* Nothing can be set with fixed shares: -1. */
int memtier_ctl_set(struct memtier_builder *builder, const char *name, const void *value);

/* The builder stays, and can make more. NULL: it has no kinds; ENOMEM. Blocks outlive the memory that gave them. */
struct memtier_memory *memtier_builder_construct_memtier_memory(struct memtier_builder *builder);
void memtier_delete_memtier_memory(struct memtier_memory *memory);

void *memtier_malloc(struct memtier_memory *memory, size_t size);
void *memtier_calloc(struct memtier_memory *memory, size_t count, size_t size);
void *memtier_realloc(struct memtier_memory *memory, void *block, size_t size);
int memtier_posix_memalign(struct memtier_memory *memory, void **block, size_t alignment, size_t size);

/* From one kind, counted in its share. */
void *memtier_kind_malloc(memkind_t kind, size_t size);
void *memtier_kind_calloc(memkind_t kind, size_t count, size_t size);
void *memtier_kind_realloc(memkind_t kind, void *block, size_t size);
int memtier_kind_posix_memalign(memkind_t kind, void **block, size_t alignment, size_t size);

size_t memtier_usable_size(void *block);

/* Blocks of these functions only, so that shares stay right. `kind` may be NULL. */
void memtier_kind_free(memkind_t kind, void *block);
static inline void memtier_free(void *block)
{
	memtier_kind_free(NULL, block);
}

/* Bytes of blocks of the kind that these functions gave and have not got back. */
size_t memtier_kind_allocated_size(memkind_t kind);

#ifdef __cplusplus
}
#endif

#endif
