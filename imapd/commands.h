/*
 * commands.h - the functions of the commands; each in a file cmd_*.c
 *
 * Called with s->command at what stands behind the verb, in the right state;
 * each leaves its answer by session_reply.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "imapd/session.h"

/* cmd_select.c */
void cmd_select(struct session *s);
void cmd_examine(struct session *s);
void cmd_close(struct session *s);
void cmd_unselect(struct session *s);
void cmd_expunge(struct session *s);
/* The FLAGS and PERMANENTFLAGS responses. */
void cmd_select_flags(struct session *s);

/* cmd_enable.c */
void cmd_enable(struct session *s);

/* cmd_list.c */
void cmd_list(struct session *s);
void cmd_lsub(struct session *s);
void cmd_namespace(struct session *s);

/* status.c */
void cmd_status(struct session *s);

/* cmd_metadata.c */
void cmd_getmetadata(struct session *s);
void cmd_setmetadata(struct session *s);

/* cmd_acl.c */
void cmd_setacl(struct session *s);
void cmd_deleteacl(struct session *s);
void cmd_getacl(struct session *s);
void cmd_listrights(struct session *s);
void cmd_myrights(struct session *s);
/* The MYRIGHTS response; none for who has none. False: memory is out. */
bool cmd_acl_tell(struct session *s, char const *name)
	__attribute__((warn_unused_result));

/* cmd_quota.c */
void cmd_getquota(struct session *s);
void cmd_getquotaroot(struct session *s);
void cmd_setquota(struct session *s);

/* cmd_folders.c */
void cmd_create(struct session *s);
void cmd_delete(struct session *s);
void cmd_rename(struct session *s);
void cmd_subscribe(struct session *s);
void cmd_unsubscribe(struct session *s);

/* cmd_append.c: APPEND and REPLACE. Reads the rest of the command itself. */
void cmd_append(struct session *s);
/* Is the command, as far as it has come, one of them, up to its messages? */
bool cmd_append_takes(struct session *s);

/* cmd_copy.c */
void cmd_copy(struct session *s);
void cmd_move(struct session *s);

void cmd_fetch(struct session *s);
/* Tell UID, FLAGS and MODSEQ of those in a set of UIDs (len 0: of all) that
 * have changed since modseq. False: answered. */
bool cmd_fetch_changed(struct session *s, struct lex_text const *uids,
	uint64_t modseq) __attribute__((warn_unused_result));
void cmd_store(struct session *s);
void cmd_search(struct session *s);
void cmd_cancelupdate(struct session *s);
void cmd_sort(struct session *s);
void cmd_thread(struct session *s);
/* FETCH responses with the items of text, "(UID FLAGS)", for the messages from
 * index `from` on. */
void cmd_fetch_new(
	struct session *s, char const *text, size_t len, size_t from);
void cmd_idle(struct session *s);

/* notify.c */
void cmd_notify(struct session *s);

#endif
