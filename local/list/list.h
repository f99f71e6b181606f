/*
 * list.h - a mailing list: its folder, open and locked
 *
 * A list is a mailbox with a uid of its own in whose maildir lies the folder
 * LIST_FOLDER, the list's own: list(5) says what is in it. The list's archive
 * is the maildir's INBOX. What is here runs as the list's uid, in `local` or
 * under `kereru list`. One process at a time works on a list: it holds the lock
 * from list_open to list_close. Files are replaced by rename; a kill at any
 * moment leaves the old or the new.
 *
 * Functions that return bool give false with errno, unless they say otherwise.
 */
#ifndef LIST_H
#define LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include "common/id.h"
#include "local/list/listask.h"
#include "local/list/listbounce.h"
#include "local/list/listhead.h"
#include "local/list/listrole.h"
#include "local/list/listset.h"
#include "local/list/listtoken.h"
#include "local/list/members.h"
#include "local/mailbox.h"

#define LIST_FOLDER "kereru-list"
#define LIST_SETTINGS "settings"
#define LIST_MEMBERS "members"
#define LIST_PENDING "pending"
#define LIST_BOUNCES "bounces"
#define LIST_KEY "key"
#define LIST_LOCK "lock"
#define LIST_FOOTER "footer"
#define LIST_WELCOME "welcome"
#define LIST_HELD "held"
#define LIST_DIGEST "digest"

/* Octets of a header that a list takes; of a footer or a welcome. */
#define LIST_HEADER_MAX (256u * 1024)
#define LIST_TEXT_MAX 8192

#define LIST_DAY 86400

struct list {
	int root_fd, folder_fd, lock_fd;
	struct outgoing outgoing;
	char const *hostname;
	uint64_t now;
	struct listset set;
	struct members members; /* after list_load_members */
	bool has_members;
	unsigned char key[LISTTOKEN_KEY];
	stralloc set_text, members_text;
	char fault[200]; /* of the settings */
};

/* A message that came to a list, or is held. */
struct list_mail {
	int fd;
	uint64_t message_offset, message_len, added_offset, added_len;
	unsigned flags; /* JOB_FLAGS */
	char id[ID_LEN + 1];
	char const *sender;
	size_t sender_len;
	/* After list_read_mail: the header, its empty line included, of which
	 * the first added.len octets are the lines that were added. */
	stralloc header;
	size_t added_here, own_len;
	stralloc author; /* the address in From, or empty */
};

/* Whether this maildir is a list's: one system call. */
bool list_is_here(int root_fd);

/* Open and lock. root_fd, outgoing and hostname stay the caller's. False:
 * errno; EINVAL: l->fault says what is wrong with the settings. */
bool list_open(struct list *l, int root_fd, struct outgoing const *outgoing,
	char const *hostname) __attribute__((warn_unused_result));
void list_close(struct list *l);

/* Make the folder, with a new key, and these settings; what is there stays. */
bool list_create(int root_fd, char const *settings, size_t len)
	__attribute__((warn_unused_result));

bool list_load_members(struct list *l) __attribute__((warn_unused_result));
/* Write the file anew. */
bool list_put_member(struct list *l, char const *address, size_t len,
	enum member_mode mode) __attribute__((warn_unused_result));
bool list_remove_member(struct list *l, char const *address, size_t len)
	__attribute__((warn_unused_result));

/* Append a file of the folder; one that is not there is empty. */
bool list_read(struct list *l, char const *name, size_t max, stralloc *out)
	__attribute__((warn_unused_result));
bool list_replace(struct list *l, char const *name, char const *s, size_t len)
	__attribute__((warn_unused_result));

/* A job of local: whatever it is, all is durable when this returns. */
void list_deliver(
	struct mailbox *m, struct job const *job, int fd, struct delivery *d);

bool list_read_mail(struct list_mail *mail) __attribute__((warn_unused_result));
void list_free_mail(struct list_mail *mail);
/* The text of a message that a person reads first; nothing if there is none, or
 * the message is too long. */
bool list_mail_text(struct list_mail const *mail, stralloc *out)
	__attribute__((warn_unused_result));

/* Sending: listsend.c. */

struct drop;
typedef bool list_write(struct drop *d, void *data);

/*
 * Send to all members of that mode (none: true), each under a reverse-path of
 * its own, in as few queue files as hold them. write is called for each file.
 */
bool list_send(struct list *l, enum member_mode mode, unsigned flags,
	list_write *write, void *data, size_t *count_r)
	__attribute__((warn_unused_result));

/* A word of ours to one person, from the null sender or from `sender`. The
 * message is LF text, as listtext.h makes it. */
bool list_tell(struct list *l, char const *sender, char const *to,
	size_t to_len, stralloc const *message)
	__attribute__((warn_unused_result));

/* A posting, by whoever may: listpost.c. */

enum list_verdict { LIST_POST, LIST_HOLD, LIST_REFUSE, LIST_DROP };

/* What becomes of a posting; why_r: a reason, unless it is posted. */
enum list_verdict list_judge(
	struct list *l, struct list_mail *mail, char const **why_r);

/* Send it, and put it into the archive and the digest. full_r: the archive is,
 * and nothing was done. */
bool list_post(struct list *l, struct list_mail *mail, bool *full_r,
	size_t *count_r) __attribute__((warn_unused_result));

/* Whether a posting of its Message-ID has been here; and: it has. */
bool list_was_posted(struct list *l, struct list_mail const *mail);
void list_note_posted(struct list *l, struct list_mail const *mail);

/* Moderation: listhold.c. */

#define LIST_HELD_MAX 500
#define LIST_HELD_DAYS 30

/* Keep it, and ask the moderators. EDQUOT: too many are held. */
bool list_hold(struct list *l, struct list_mail *mail, char const *why)
	__attribute__((warn_unused_result));

/* Call each for the held ones, oldest first. */
bool list_each_held(struct list *l,
	bool (*each)(void *data, char const *id, struct list_mail *mail),
	void *data) __attribute__((warn_unused_result));

/* Post it, or throw it away. 1; 0 there is no such; -1 errno; -2 the archive is
 * full. */
int list_decide(struct list *l, char const *id, bool is_posted)
	__attribute__((warn_unused_result));

/* The id of the one that a word is for. */
bool list_held_by_word(
	struct list *l, char const *word, size_t len, char id_r[ID_LEN + 1]);

/* Digests: listdigest.c. */

bool list_digest_add(struct list *l, struct list_mail *mail)
	__attribute__((warn_unused_result));
/* Send what there is, if it is due or is_forced. count_r: postings in it. */
bool list_digest_send(struct list *l, bool is_forced, size_t *count_r)
	__attribute__((warn_unused_result));

/* What people ask by mail: listtalk.c. text_r: for the log. */
bool list_talk(struct list *l, struct list_mail *mail, enum listrole role,
	struct listset_text const *detail, char const **text_r)
	__attribute__((warn_unused_result));

/* What came back: listback.c. */
bool list_came_back(struct list *l, struct list_mail *mail,
	struct listset_text const *detail, char const **text_r)
	__attribute__((warn_unused_result));

/* Words of ours: listnotes.c. Whether this may be told to that one today. */
bool list_may_tell(
	struct list *l, char const *address, size_t len, char const *reason);
void list_note_told(
	struct list *l, char const *address, size_t len, char const *reason);
/* Tell all owners, once a day for one reason. */
bool list_tell_owners(struct list *l, char const *subject, char const *text,
	char const *reason) __attribute__((warn_unused_result));

#endif
