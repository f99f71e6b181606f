/*
 * act.h - the commands of a script that do something with the message
 *
 * Each adds an action to the result, or changes the one that is there already.
 * False: the run has failed, and the result says why.
 */
#ifndef SIEVE_ACT_H
#define SIEVE_ACT_H

#include "local/sieve/state.h"

/* n may be NULL: the implicit keep. */
bool sieve_act_keep(struct sieve_run *r, struct sieve_node const *n)
	__attribute__((warn_unused_result));
bool sieve_act_fileinto(struct sieve_run *r, struct sieve_node const *n)
	__attribute__((warn_unused_result));
bool sieve_act_redirect(struct sieve_run *r, struct sieve_node const *n)
	__attribute__((warn_unused_result));
bool sieve_act_reject(struct sieve_run *r, struct sieve_node const *n)
	__attribute__((warn_unused_result));
bool sieve_act_vacation(struct sieve_run *r, struct sieve_node const *n)
	__attribute__((warn_unused_result));

#endif
