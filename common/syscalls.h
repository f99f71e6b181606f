/*
 * syscalls.h - who may call what
 *
 * One row for each enum sandbox_filter. sandbox_gen makes the filters from
 * it at build time. GROUP(x) stands for a list below.
 */
#ifndef SYSCALLS_H
#define SYSCALLS_H
#endif
