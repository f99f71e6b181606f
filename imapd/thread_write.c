/* The text of a THREAD response (RFC 5256, 5: thread-list); see thread.h. */
#include <stdio.h>

#include "imapd/thread.h"

struct writer {
	struct thread const *t;
	uint32_t (*number)(void const *arg, uint32_t message);
	void const *arg;
	stralloc *out;
};

static bool
splits(struct thread const *t, uint32_t i)
{
	uint32_t const child = t->v[i].child;

	return child != THREAD_NONE && t->v[child].next != THREAD_NONE;
}

/* The message's number, and a blank if something comes behind it. */
static bool
put_node(struct writer const *w, uint32_t i)
{
	struct thread_node const *const n = &w->t->v[i];
	char text[16];
	int len;

	if (n->message == THREAD_NONE)
		return true;
	len = snprintf(text, sizeof text, "%lu%s",
		(unsigned long)w->number(w->arg, n->message),
		n->child != THREAD_NONE ? " " : "");
	return stralloc_catb(w->out, text, (size_t)len);
}

static bool
put_tree(struct writer const *w, uint32_t root)
{
	struct thread const *const t = w->t;
	uint32_t i = root;

	for (;;) {
		if (!put_node(w, i))
			return false;
		if (t->v[i].child != THREAD_NONE) {
			if (splits(t, i) && !stralloc_catb(w->out, "(", 1))
				return false;
			i = t->v[i].child;
			continue;
		}
		/* Up to where there is a brother. */
		while (i != root && t->v[i].next == THREAD_NONE) {
			i = t->v[i].parent;
			if (splits(t, i) && !stralloc_catb(w->out, ")", 1))
				return false;
		}
		if (i == root)
			return true;
		if (!stralloc_catb(w->out, ")(", 2))
			return false;
		i = t->v[i].next;
	}
}

bool
thread_write(struct thread const *t,
	uint32_t (*number)(void const *arg, uint32_t message), void const *arg,
	stralloc *out)
{
	struct writer const w = {t, number, arg, out};

	for (size_t k = 0; k < t->roots_count; k++)
		if (!stralloc_catb(out, "(", 1) || !put_tree(&w, t->roots[k]) ||
			!stralloc_catb(out, ")", 1))
			return false;
	return true;
}
