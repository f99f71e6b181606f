/*
 * landlock.h - the fence around a process's files and connections
 *
 * A part of sandbox_enter. Used as far as the kernel has it, ABI 1 and up.
 */
#ifndef LANDLOCK_H
#define LANDLOCK_H

#include "common/sandbox.h"

/* 1 closed, 0 the kernel lacks it, -1 failed (errno). */
int landlock_enter(struct sandbox const *s)
	__attribute__((warn_unused_result));

#endif
