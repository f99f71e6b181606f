/*
 * user_state.h - mailboxes shut and opened again, and how much they may hold
 */
#ifndef USER_STATE_H
#define USER_STATE_H

/*
 * `kereru user disable|enable ADDRESS`: one or two `!` in front of the hash in
 * passwords. Both return an exit code; what is wrong was told.
 */
enum user_state {
	USER_ENABLED,
	USER_DISABLED, /* no password lets in; mail goes on to be delivered */
	USER_REFUSED   /* and its mail is refused */
};
int user_set_state(
	char const *folder, char const *address, enum user_state state);

/* `kereru user quota ADDRESS [SIZE|none]`: the maildir's `maildirsize`
 * (common/quota.h), written as the mailbox's uid. size: NULL: show it. */
int user_quota(char const *folder, char const *address, char const *size);

#endif
