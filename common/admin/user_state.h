/*
 * user_state.h - mailboxes shut and opened again, and how much they may hold
 */
#ifndef USER_STATE_H
#define USER_STATE_H

#include <stdbool.h>

/*
 * `kereru user disable|enable ADDRESS`: a `!` in front of the hash in
 * passwords. Mail goes on to be delivered. Both return an exit code; what is
 * wrong was told.
 */
int user_disable(char const *folder, char const *address, bool is_disabled);

/* `kereru user quota ADDRESS [SIZE|none]`: the maildir's `maildirsize`
 * (common/quota.h), written as the mailbox's uid. size: NULL: show it. */
int user_quota(char const *folder, char const *address, char const *size);

#endif
