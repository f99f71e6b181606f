/*
 * logins.h - `kereru user logins`: who was let into a mailbox, and who was not
 */
#ifndef LOGINS_H
#define LOGINS_H

/* argv[0] is the address. The exit code. */
int user_logins(char const *folder, int argc, char const *const *argv)
	__attribute__((warn_unused_result));

#endif
