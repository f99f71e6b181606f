/*
 * forest.h - trees that are linked and cut, and who is a tree's root
 *
 * Each operation takes logarithmic time on the average, however deep the trees
 * are (link-cut trees after Sleator and Tarjan). A node is its number; it is
 * made alone.
 */
#ifndef FOREST_H
#define FOREST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOREST_NONE UINT32_MAX

struct forest_node {
	uint32_t up, left, right;
};

struct forest {
	struct forest_node *v;
	size_t count, allocated;
};

/* Add a node: its number is count - 1 then. False: memory. */
bool forest_add(struct forest *f) __attribute__((warn_unused_result));
void forest_free(struct forest *f);

/* The root of i's tree. */
uint32_t forest_root(struct forest *f, uint32_t i);

/* Make child, the root of its tree, a child of parent in another tree. */
void forest_link(struct forest *f, uint32_t child, uint32_t parent);

/* Cut i from its parent; i is a root then. */
void forest_cut(struct forest *f, uint32_t i);

#endif
