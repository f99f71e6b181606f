/* What people ask a list by mail; see list.h. */
#include <errno.h>
#include <string.h>
#include "common/log.h"
#include "local/list/list.h"
#include "local/list/listcmd.h"
#include "local/list/listtext.h"

/* The letter that is being answered. */
struct talk {
	struct list *l;
	struct list_mail *mail;
	char const *who; /* that it is from */
	size_t who_len;
	stralloc thread; /* its Message-ID */
};

static bool
tell(struct talk const *t, char const *to, size_t len, char const *subject,
	char const *answers, stralloc const *text)
{
	struct listtext const x = {.set = &t->l->set,
		.hostname = t->l->hostname,
		.now = t->l->now,
		.to = to,
		.to_len = len,
		.subject = subject,
		.answers = answers,
		.thread = t->who_len == len && memcmp(t->who, to, len) == 0
				  ? t->thread.s
				  : NULL};
	stralloc message = STRALLOC_ZERO;
	bool const ok = listtext_make(&message, &x, text->s, text->len) &&
			list_tell(t->l, "", to, len, &message);

	stralloc_free(&message);
	return ok;
}

/* Once a day for one reason: whoever writes in somebody else's name must not
 * have us fill that one's mailbox. */
static bool
tell_once(struct talk const *t, char const *to, size_t len, char const *reason,
	char const *subject, char const *answers, stralloc const *text)
{
	if (!list_may_tell(t->l, to, len, reason))
		return true;
	if (!tell(t, to, len, subject, answers, text))
		return false;
	list_note_told(t->l, to, len, reason);
	return true;
}

static bool
say_once(struct talk const *t, char const *reason, char const *subject,
	char const *words)
{
	stralloc text = STRALLOC_ZERO;
	bool const ok =
		stralloc_cats(&text, words) &&
		tell_once(t, t->who, t->who_len, reason, subject, NULL, &text);

	stralloc_free(&text);
	return ok;
}

static bool
put_address(stralloc *out, struct talk const *t, enum listrole role)
{
	return listrole_address(out, &t->l->set, role, "");
}

static bool
help(struct talk const *t)
{
	stralloc text = STRALLOC_ZERO;
	bool const ok =
		stralloc_cats(&text, "This is the list ") &&
		put_address(&text, t, LISTROLE_POST) &&
		stralloc_cats(&text, ".\n\nTo join it, write to\n    ") &&
		put_address(&text, t, LISTROLE_SUBSCRIBE) &&
		stralloc_cats(&text, "\nTo leave it, write to\n    ") &&
		put_address(&text, t, LISTROLE_UNSUBSCRIBE) &&
		stralloc_cats(
			&text, "\nTo reach the people who run it:\n    ") &&
		put_address(&text, t, LISTROLE_OWNER) &&
		stralloc_cats(&text,
			"\n\nCommands, in the subject or in lines of "
			"a message to\n    ") &&
		put_address(&text, t, LISTROLE_REQUEST) &&
		stralloc_cats(&text,
			"\n\n    subscribe [digest]   join; digest: several "
			"postings in one message\n"
			"    unsubscribe          leave\n"
			"    set digest|mail|nomail\n"
			"                         how you get what is posted\n"
			"    help                 this text\n\n"
			"For owners:\n\n"
			"    who                  the members\n"
			"    add ADDRESS          make somebody a member\n"
			"    remove ADDRESS       end that\n") &&
		tell_once(t, t->who, t->who_len, "help", "How to use this list",
			NULL, &text);

	stralloc_free(&text);
	return ok;
}

/* Write the question down, in the place of another (or NULL), and put its word
 * into word_r. */
static bool
open_question(struct list *l, struct listask *ask, struct listask const *drop,
	char word[LISTTOKEN_LEN + 1])
{
	stralloc old = STRALLOC_ZERO, text = STRALLOC_ZERO;
	bool ok;

	ask->expires = l->now + LISTASK_SECONDS;
	ok = listask_word(word, l->key, ask) &&
	     list_read(l, LIST_PENDING, 2u * 1024 * 1024, &old) &&
	     listask_update(&text, old.s, old.len, l->now, drop, ask) &&
	     list_replace(l, LIST_PENDING, text.s, text.len);
	stralloc_free(&old);
	stralloc_free(&text);
	return ok;
}

static bool
close_question(struct list *l, stralloc const *old, struct listask const *ask)
{
	stralloc text = STRALLOC_ZERO;
	bool const ok =
		listask_update(&text, old->s, old->len, l->now, ask, NULL) &&
		list_replace(l, LIST_PENDING, text.s, text.len);

	stralloc_free(&text);
	return ok;
}

static char const *
what_of(enum listask_action action)
{
	switch (action) {
	case LISTASK_JOIN:
		return "to join this list with the address";
	case LISTASK_LEAVE:
		return "to leave this list with the address";
	case LISTASK_MODE:
		return "to change how this list is sent to the address";
	case LISTASK_ADD:
		return "to make a member of the address";
	case LISTASK_REMOVE:
		return "to remove from this list the address";
	case LISTASK_APPROVE:
		break;
	}
	return "to be let into this list with the address";
}

/* Ask whoever has asked whether it was really that one. */
static bool
confirm(struct talk const *t, enum listask_action action, char const *address,
	size_t len, enum member_mode mode)
{
	struct listask ask = {.action = action,
		.mode = mode,
		.address = address,
		.address_len = len,
		.asker = t->who,
		.asker_len = t->who_len};
	char const reason[] = {'c', (char)action, "-dn"[mode], '\0'};
	char word[LISTTOKEN_LEN + 1];
	stralloc text = STRALLOC_ZERO, once = STRALLOC_ZERO;
	bool ok = stralloc_cats(&once, reason) &&
		  stralloc_catb(&once, address, len) &&
		  stralloc_append(&once, '\0');

	if (ok && list_may_tell(t->l, t->who, t->who_len, once.s)) {
		ok = open_question(t->l, &ask, NULL, word) &&
		     stralloc_cats(
			     &text, "Somebody, we think you, has asked ") &&
		     stralloc_cats(&text, what_of(action)) &&
		     stralloc_cats(&text, "\n\n    ") &&
		     stralloc_catb(&text, address, len) &&
		     stralloc_cats(&text,
			     "\n\nIf that is right, just reply to this "
			     "message, within seven days.\n"
			     "If it is not, there is nothing to do.\n") &&
		     tell_once(t, t->who, t->who_len, once.s, "Please confirm",
			     word, &text);
	}
	stralloc_free(&text);
	stralloc_free(&once);
	return ok;
}

static bool
subscribe(struct talk const *t, enum member_mode mode)
{
	struct list *const l = t->l;

	if (members_find(&l->members, t->who, t->who_len) != NULL)
		return say_once(t, "member", "You are a member",
			"You are a member of this list already.\n");
	if (l->set.join == LISTSET_JOIN_CLOSED)
		return say_once(t, "closed", "This list is closed",
			"Nobody can join this list by mail. Its owners can "
			"make you a member.\n");
	return confirm(t, LISTASK_JOIN, t->who, t->who_len, mode);
}

static bool
not_member(struct talk const *t)
{
	return say_once(t, "stranger", "You are no member",
		"The address that you have written from is not a member of "
		"this list.\nPerhaps you joined it with another one: write "
		"from that, or to the owners.\n");
}

static bool
unsubscribe(struct talk const *t)
{
	return members_find(&t->l->members, t->who, t->who_len) == NULL
		       ? not_member(t)
		       : confirm(t, LISTASK_LEAVE, t->who, t->who_len,
				 MEMBER_MAIL);
}

/* The list of members, to an owner's own address: whoever writes in an owner's
 * name does not get it. */
static bool
who(struct talk const *t)
{
	struct members const *const m = &t->l->members;
	stralloc text = STRALLOC_ZERO;
	bool ok = true;

	for (size_t i = 0; ok && i < m->count; i++) {
		struct member const *const one = &m->list[i];
		char const *const mode =
			members_mode_name((enum member_mode)one->mode);

		ok = stralloc_catb(&text, members_address(m, one), one->len) &&
		     stralloc_cats(&text, *mode != '\0' ? " " : "") &&
		     stralloc_cats(&text, mode) && stralloc_append(&text, '\n');
	}
	ok = ok && (m->count > 0 || stralloc_cats(&text, "Nobody.\n")) &&
	     tell_once(
		     t, t->who, t->who_len, "who", "The members", NULL, &text);
	stralloc_free(&text);
	return ok;
}

static bool answer_word(struct talk const *t, char const *word, size_t len);

static bool
as_owner(struct talk const *t, struct listcmd const *c)
{
	if (!listset_has(t->l->set.owners, t->l->set.owner_count, t->who,
		    t->who_len))
		return say_once(t, "owner", "This is for owners",
			"Only the owners of this list can do that.\n");
	if (c->verb == LISTCMD_WHO)
		return who(t);
	if (!members_may_be(c->word, c->word_len))
		return help(t);
	return confirm(t, c->verb == LISTCMD_ADD ? LISTASK_ADD : LISTASK_REMOVE,
		c->word, c->word_len, c->mode);
}

static bool
obey(struct talk const *t, struct listcmd const *c)
{
	switch (c->verb) {
	case LISTCMD_SUBSCRIBE:
		return subscribe(t, c->mode);
	case LISTCMD_UNSUBSCRIBE:
		return unsubscribe(t);
	case LISTCMD_SET:
		return members_find(&t->l->members, t->who, t->who_len) == NULL
			       ? not_member(t)
			       : confirm(t, LISTASK_MODE, t->who, t->who_len,
					 c->mode);
	case LISTCMD_CONFIRM:
		return answer_word(t, c->word, c->word_len);
	case LISTCMD_WHO:
	case LISTCMD_ADD:
	case LISTCMD_REMOVE:
		return as_owner(t, c);
	case LISTCMD_HELP:
	case LISTCMD_NONE:
	case LISTCMD_END:
		break;
	}
	return help(t);
}

static bool
request(struct talk const *t)
{
	struct listcmd list[LISTCMD_MAX];
	stralloc subject = STRALLOC_ZERO, text = STRALLOC_ZERO;
	size_t count = 0;
	bool ok = listhead_text(&subject, t->mail->header.s,
			  t->mail->header.len, "subject") &&
		  list_mail_text(t->mail, &text);

	if (ok)
		count = listcmd_read(
			subject.s, subject.len, text.s, text.len, list);
	if (ok && count == 0)
		ok = help(t);
	for (size_t i = 0; ok && i < count; i++)
		/* One before it may have changed who is a member. */
		ok = list_load_members(t->l) && obey(t, &list[i]);
	stralloc_free(&subject);
	stralloc_free(&text);
	return ok;
}

static bool
welcome(struct talk const *t, char const *address, size_t len)
{
	stralloc text = STRALLOC_ZERO;
	bool ok = list_read(t->l, LIST_WELCOME, LIST_TEXT_MAX, &text);

	if (ok && text.len == 0)
		ok = stralloc_cats(&text, "You are a member of the list ") &&
		     put_address(&text, t, LISTROLE_POST) &&
		     stralloc_cats(&text, " now.\n\nTo leave it, write to ") &&
		     put_address(&text, t, LISTROLE_UNSUBSCRIBE) &&
		     stralloc_cats(&text, ".\nFor all else: ") &&
		     put_address(&text, t, LISTROLE_REQUEST) &&
		     stralloc_cats(&text, ", with the word help.\n");
	ok = ok && tell(t, address, len, "Welcome", NULL, &text);
	stralloc_free(&text);
	return ok;
}

static bool
goodbye(struct talk const *t, char const *address, size_t len)
{
	stralloc text = STRALLOC_ZERO;
	bool const ok =
		stralloc_cats(&text, "You are no member of this list any "
				     "more.\n") &&
		tell(t, address, len, "Goodbye", NULL, &text);

	stralloc_free(&text);
	return ok;
}

static bool
join(struct talk const *t, struct listask const *ask)
{
	return list_put_member(
		       t->l, ask->address, ask->address_len, ask->mode) &&
	       welcome(t, ask->address, ask->address_len);
}

/* The one who wants to join has said yes: now the owners are asked. */
static bool
ask_owners(struct talk const *t, struct listask const *from)
{
	struct listask ask = *from;
	char word[LISTTOKEN_LEN + 1], no[LISTTOKEN_LEN + 4] = "no-";
	stralloc text = STRALLOC_ZERO;
	bool ok;

	ask.action = LISTASK_APPROVE;
	ok = open_question(t->l, &ask, from, word);
	if (ok)
		memcpy(no + 3, word, sizeof word);
	ok = ok &&
	     stralloc_cats(&text, "Somebody wants to join the list with "
				  "the address\n\n    ") &&
	     stralloc_catb(&text, ask.address, ask.address_len) &&
	     stralloc_cats(&text, "\n\nTo allow it, reply to this message, "
				  "within seven days.\n"
				  "To refuse it, write to\n\n    ") &&
	     listrole_address(&text, &t->l->set, LISTROLE_CONFIRM, no) &&
	     stralloc_append(&text, '\n');
	for (size_t i = 0; ok && i < t->l->set.owner_count; i++)
		ok = tell(t, t->l->set.owners[i].s, t->l->set.owners[i].len,
			"Somebody wants to join", word, &text);
	stralloc_free(&text);
	return ok;
}

static bool
leave(struct talk const *t, char const *address, size_t len)
{
	return list_remove_member(t->l, address, len) &&
	       goodbye(t, address, len);
}

static bool
change_mode(struct talk const *t, struct listask const *ask)
{
	if (members_find(&t->l->members, ask->address, ask->address_len) ==
		NULL)
		return true;
	return list_put_member(t->l, ask->address, ask->address_len, ask->mode);
}

static bool
carry_out(struct talk const *t, struct listask const *ask, bool is_yes)
{
	if (!is_yes)
		return true;
	switch (ask->action) {
	case LISTASK_JOIN:
		return t->l->set.join == LISTSET_JOIN_OWNER ? ask_owners(t, ask)
							    : join(t, ask);
	case LISTASK_APPROVE:
	case LISTASK_ADD:
		return join(t, ask);
	case LISTASK_LEAVE:
	case LISTASK_REMOVE:
		return leave(t, ask->address, ask->address_len);
	case LISTASK_MODE:
		return change_mode(t, ask);
	}
	return true;
}

static bool
refuse_word(struct talk const *t)
{
	return say_once(t, "word", "This is over",
		"What you have confirmed is done already, or was asked too "
		"long ago.\n");
}

static bool
decide(struct talk const *t, char const *id, bool is_yes)
{
	int const r = list_decide(t->l, id, is_yes);

	if (r == -2)
		return say_once(t, "full", "The archive is full",
			"The posting stays where it is: the list's archive "
			"has no more room.\n");
	return r >= 0;
}

/* A word that was given out has come back, with `no-` in front or not. */
static bool
answer_word(struct talk const *t, char const *word, size_t len)
{
	bool const is_no = len > 3 && strncasecmp(word, "no-", 3) == 0;
	stralloc pending = STRALLOC_ZERO;
	char id[ID_LEN + 1];
	struct listask ask;
	bool ok;

	if (is_no) {
		word += 3;
		len -= 3;
	}
	if (list_held_by_word(t->l, word, len, id))
		return decide(t, id, !is_no);
	ok = list_read(t->l, LIST_PENDING, 2u * 1024 * 1024, &pending);
	if (ok && listask_find(pending.s, pending.len, t->l->key, t->l->now,
			  word, len, &ask))
		/* Closed last: what is cut off in between is done again. But
		 * who asks anew does so in the file. */
		ok = ask.action == LISTASK_JOIN && !is_no &&
				     t->l->set.join == LISTSET_JOIN_OWNER
			     ? carry_out(t, &ask, true)
			     : carry_out(t, &ask, !is_no) &&
				       close_question(t->l, &pending, &ask);
	else if (ok)
		ok = refuse_word(t);
	stralloc_free(&pending);
	return ok;
}

/* One click in a mail reader, by way of a web server, or the same by mail: the
 * word says who. */
static bool
leave_by_word(struct talk const *t, char const *word, size_t len)
{
	struct members const *const m = &t->l->members;

	for (size_t i = 0; i < m->count; i++) {
		struct member const *const one = &m->list[i];
		char const *const address = members_address(m, one);
		stralloc copy = STRALLOC_ZERO;
		bool ok;

		if (!listtoken_is(word, len, t->l->key, LISTTOKEN_LEAVE, 0,
			    address, one->len))
			continue;
		ok = stralloc_copyb(&copy, address, one->len) &&
		     leave(t, copy.s, copy.len);
		stralloc_free(&copy);
		return ok;
	}
	/* A second click finds nobody, and nobody is told. */
	return true;
}

static bool
talk(struct talk const *t, enum listrole role,
	struct listset_text const *detail)
{
	switch (role) {
	case LISTROLE_SUBSCRIBE:
		return subscribe(t,
			detail->len == 6 &&
					strncasecmp(detail->s, "digest", 6) == 0
				? MEMBER_DIGEST
				: MEMBER_MAIL);
	case LISTROLE_UNSUBSCRIBE:
		return unsubscribe(t);
	case LISTROLE_CONFIRM:
		return answer_word(t, detail->s, detail->len);
	case LISTROLE_POST:
	case LISTROLE_REQUEST:
	case LISTROLE_OWNER:
	case LISTROLE_BOUNCES:
		break;
	}
	return request(t);
}

static bool
is_message_id(stralloc const *s)
{
	for (size_t i = 0; i < s->len; i++)
		if (s->s[i] <= ' ' || s->s[i] > '~')
			return false;
	return s->len < 500;
}

bool
list_talk(struct list *l, struct list_mail *mail, enum listrole role,
	struct listset_text const *detail, char const **text_r)
{
	struct talk t = {.l = l,
		.mail = mail,
		.who = mail->author.s,
		.who_len = mail->author.len};
	bool ok;

	if (!list_load_members(l))
		return false;
	*text_r = "somebody leaves by a word";
	if (role == LISTROLE_UNSUBSCRIBE && detail->len > 0)
		return leave_by_word(&t, detail->s, detail->len);
	*text_r = listhead_automatic(mail->header.s, mail->header.len);
	if (*text_r == NULL && mail->sender_len == 0)
		*text_r = "it has no sender";
	if (*text_r == NULL && t.who_len == 0)
		*text_r = "it has no author in its From field";
	if (*text_r == NULL && (mail->flags & QUEUEFILE_JUNK))
		*text_r = "it looks like spam";
	if (*text_r != NULL)
		return true;
	*text_r = "a request";
	ok = listhead_text(
		&t.thread, mail->header.s, mail->header.len, "message-id");
	/* It goes into a field of ours. */
	if (ok && !is_message_id(&t.thread))
		t.thread.len = 0;
	ok = ok && stralloc_append(&t.thread, '\0') && talk(&t, role, detail);
	stralloc_free(&t.thread);
	return ok;
}
