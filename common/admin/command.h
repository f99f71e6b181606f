/*
 * command.h - what each subcommand of kereru is called with
 *
 * A subcommand is a function in the file of its name. argv[0] is its own name,
 * the list ends in NULL. It returns the exit code: 0 done, 100 wrong usage or
 * files that are wrong, 111 something of the system failed.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>

/* Where the text files are unless -c says otherwise. */
#define COMMAND_FOLDER "/etc/kereru"

#define COMMAND_OK 0
#define COMMAND_PERMANENT 100
#define COMMAND_TEMPORARY 111

struct command_context {
	char const *folder; /* of the text files */
	bool folder_was_given;
};

typedef int command_function(
	struct command_context const *x, int argc, char const *const *argv);

command_function command_compile, command_check, command_user, command_domain,
	command_alias, command_setup, command_spam, command_spf, command_dkim,
	command_arc, command_import, command_dmarc, command_queue,
	command_tlsrpt, command_wkd, command_sieve, command_log, command_why,
	command_certificate, command_records, command_web, command_fsck,
	command_list, command_metrics;

#endif
