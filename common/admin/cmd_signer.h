/*
 * cmd_signer.h - what `kereru dkim sign` and `kereru arc seal` have in common
 */
#ifndef CMD_SIGNER_H
#define CMD_SIGNER_H

#include <stdbool.h>
#include "mime/dkim/dkim_sign.h"

struct cmd_signer {
	struct dkim_private key;
	struct dkim_signer signer;
	struct source message;
	char *bytes;
	char const *status;  /* --status, "" */
	char const *results; /* --results, or NULL */
};

/* Read the options, the key and the message. Returns the exit code; what is
 * wrong is told. cmd_signer_close after COMMAND_OK. */
int cmd_signer_open(struct cmd_signer *s, char const *command, int argc,
	char const *const *argv) __attribute__((warn_unused_result));
void cmd_signer_close(struct cmd_signer *s);

/* Read a private key. False: told. */
bool cmd_signer_key(char const *path, struct dkim_private *key_r)
	__attribute__((warn_unused_result));

#endif
