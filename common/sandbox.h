/*
 * sandbox.h - what a process keeps once it is set up
 *
 * Called by every program after its descriptors are open and its rights are
 * dropped, before the first octet of foreign input: no new privileges, not
 * dumpable, resource limits, Landlock, a system call filter. syscalls.h is the
 * table of who may call what; the filters are made from it at build time. A
 * refused call answers EPERM.
 *
 * Landlock is used as far as the kernel has it (ABI 1 and up). In a sanitized
 * build (KERERU_SANITIZE) the address space limit and the filter are left out,
 * and leaks are not looked for.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* Rows of the table in syscalls.h. */
enum sandbox_filter {
	SANDBOX_MONITOR,
	SANDBOX_AUTH,
	SANDBOX_FRONT, /* fronts, before and after login */
	SANDBOX_SMTPD, /* with the network on fd 0 and 1, or pipes */
	SANDBOX_STARTER,
	SANDBOX_MANAGER,
	SANDBOX_SPAWNER, /* the remote spawner, before it forks remote */
	SANDBOX_REMOTE,
	SANDBOX_LOCAL_SPAWNER, /* the same for local; root */
	SANDBOX_LOCAL,
	SANDBOX_POP3D,
	SANDBOX_IMAPD,
	SANDBOX_SIEVED,
	SANDBOX_MIME,
	SANDBOX_MIME_FILES,    /* mime, where it opens files by itself */
	SANDBOX_CHECK,	       /* check, which forks workers */
	SANDBOX_CHECK_MESSAGE, /* a worker, which looks at messages */
	SANDBOX_POLICY,
	SANDBOX_IMPORT, /* kereru import, once all is open */
	SANDBOX_FSCK,	/* kereru fsck, in one mailbox or the queue */
	SANDBOX_STS,
	/* The starter and the local spawner of a host that encrypts on
	 * delivery: what executes GnuPG inherits their filters. */
	SANDBOX_STARTER_GPG,
	SANDBOX_LOCAL_SPAWNER_GPG,
	SANDBOX_SIGNER,
	SANDBOX_FILTERS,
	/* No filter, for what starts a program of others' with needs that we
	 * can't know: it would inherit it. */
	SANDBOX_NONE = SANDBOX_FILTERS
};

#define SANDBOX_PATHS_MAX 4

struct sandbox {
	enum sandbox_filter filter;
	size_t memory;	/* octets of address space; 0: unlimited */
	unsigned files; /* highest number of descriptors; 0: as it is */
	bool may_fork;	/* else RLIMIT_NPROC 0 */
	bool may_write; /* else RLIMIT_FSIZE 0 and SIGXFSZ ignored */
	/* Landlock: folders (open descriptors, O_PATH will do) below which
	 * the process may read, or read and change files. None: no path at
	 * all can be opened. Descriptors that are open already go on. */
	int read_only[SANDBOX_PATHS_MAX];
	size_t read_only_count;
	int read_write[SANDBOX_PATHS_MAX];
	size_t read_write_count;
	bool may_link;	  /* symbolic links, in the latter */
	bool may_connect; /* TCP out; where Landlock can tell (ABI 4) */
	bool may_bind;	  /* the same for an address of its own */
};

/*
 * Close the sandbox. Returns NULL, or what failed ("seccomp", "landlock", ...)
 * with errno: fatal. What the kernel lacks is skipped and named in
 * *missing_r ("landlock"), else NULL: to be logged once.
 */
char const *sandbox_enter(struct sandbox const *s, char const **missing_r)
	__attribute__((warn_unused_result));

/* sandbox_enter, and one log line for what failed or is missing; exits 111 on
 * failure. For programs, which have nothing else to do about it. */
void sandbox_enter_or_exit(struct sandbox const *s);

/* The same for what stays root to start others: limits and filter only. What it
 * starts for a user fences itself; a fence, and no_new_privs, would be
 * inherited. */
void sandbox_enter_as_root(struct sandbox const *s);

#endif
