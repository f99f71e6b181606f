/* Trees that are linked and cut; see forest.h. Paths are splay trees, ordered
 * by depth; the root of a splay tree points up to the path's parent. */
#include <stdlib.h>

#include "imapd/forest.h"

bool
forest_add(struct forest *f)
{
	if (f->count == f->allocated) {
		size_t const more = f->allocated > 0 ? f->allocated * 2 : 1024;
		struct forest_node *const v = realloc(f->v, more * sizeof *v);

		if (v == NULL)
			return false;
		f->v = v;
		f->allocated = more;
	}
	f->v[f->count++] =
		(struct forest_node){FOREST_NONE, FOREST_NONE, FOREST_NONE};
	return true;
}

void
forest_free(struct forest *f)
{
	free(f->v);
	*f = (struct forest){0};
}

/* Is i on top of its splay tree? */
static bool
is_top(struct forest const *f, uint32_t i)
{
	uint32_t const up = f->v[i].up;

	return up == FOREST_NONE || (f->v[up].left != i && f->v[up].right != i);
}

static void
rotate(struct forest *f, uint32_t i)
{
	struct forest_node *const v = f->v;
	uint32_t const p = v[i].up, above = v[p].up;
	uint32_t moved;

	if (!is_top(f, p)) {
		if (v[above].left == p)
			v[above].left = i;
		else
			v[above].right = i;
	}
	v[i].up = above;
	if (v[p].left == i) {
		moved = v[i].right;
		v[i].right = p;
		v[p].left = moved;
	} else {
		moved = v[i].left;
		v[i].left = p;
		v[p].right = moved;
	}
	v[p].up = i;
	if (moved != FOREST_NONE)
		v[moved].up = p;
}

static void
splay(struct forest *f, uint32_t i)
{
	while (!is_top(f, i)) {
		uint32_t const p = f->v[i].up;

		if (!is_top(f, p)) {
			uint32_t const above = f->v[p].up;
			bool const same =
				(f->v[p].left == i) == (f->v[above].left == p);

			rotate(f, same ? p : i);
		}
		rotate(f, i);
	}
}

/* Make the path from the root to i one splay tree with i on top. */
static void
expose(struct forest *f, uint32_t i)
{
	uint32_t last = FOREST_NONE;

	for (uint32_t k = i; k != FOREST_NONE; k = f->v[k].up) {
		splay(f, k);
		f->v[k].right = last;
		last = k;
	}
	splay(f, i);
}

uint32_t
forest_root(struct forest *f, uint32_t i)
{
	expose(f, i);
	while (f->v[i].left != FOREST_NONE)
		i = f->v[i].left;
	splay(f, i);
	return i;
}

void
forest_link(struct forest *f, uint32_t child, uint32_t parent)
{
	expose(f, child);
	f->v[child].up = parent;
}

void
forest_cut(struct forest *f, uint32_t i)
{
	uint32_t left;

	expose(f, i);
	left = f->v[i].left;
	if (left == FOREST_NONE)
		return;
	f->v[left].up = FOREST_NONE;
	f->v[i].left = FOREST_NONE;
}
