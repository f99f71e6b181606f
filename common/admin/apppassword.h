/*
 * apppassword.h - `kereru user app-password`
 */
#ifndef APPPASSWORD_H
#define APPPASSWORD_H

/* argv[0] is what is to be done: add, list, remove. The exit code. */
int user_app_password(char const *folder, int argc, char const *const *argv)
	__attribute__((warn_unused_result));

#endif
