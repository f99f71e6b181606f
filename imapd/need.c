/* As little as is wanted of what is remembered; see need.h. */
#include "imapd/need.h"
#include "imapd/set.h"

/* Where more than one of so many names are wanted, all are read. */
#define NAMES_PART 16

bool
need_set(struct session *s, struct lex_text const *set, bool uid)
{
	struct mailbox *const m = &s->mailbox;
	struct view *const view = &m->memory.view;
	size_t const count = s->told_exists;
	uint32_t first, last;
	size_t pos = 0;
	bool ok = !SAVED_IS(set);

	if (!ok || !uid || count == 0)
		return ok;
	ok = view_need(view, &m->view, count - 1, count);
	while (ok &&
		set_range(set, &pos, m->view.v[count - 1].uid, &first, &last))
		ok = view_need_uid(view, &m->view, first) &&
		     (last == UINT32_MAX ||
			     view_need_uid(view, &m->view, last + 1));
	return ok;
}

bool
need_messages(struct session *s, bool names)
{
	struct msgtable const *const t = &s->mailbox.view;
	struct view *const view = &s->mailbox.memory.view;
	size_t wanted = 0;

	for (size_t i = 0; i < s->told_exists;) {
		size_t const from = i;

		while (i < s->told_exists && session_has(s, i))
			i++;
		if (i > from && !view_need(view, t, from, i))
			return false;
		wanted += i - from;
		/* They lie in one place. */
		if (names && wanted > t->count / NAMES_PART)
			return view_need_all(view, t);
		for (size_t k = from; names && k < i; k++)
			if (!view_need_name(view, t, k))
				return false;
		i += i == from;
	}
	return true;
}
