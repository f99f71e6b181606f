/*
 * psl.h - registered domains by the public suffix list
 *
 * Over libpsl. The list is a file of Debian's package publicsuffix (text or
 * its compiled form), or the one that libpsl was built with. For what asks
 * "whose domain is it" where no protocol says it, such as lists of URLs; DMARC
 * walks the DNS instead.
 */
#ifndef PSL_H
#define PSL_H

#include <stdbool.h>
#include <stddef.h>

/* Where Debian has it. */
#define PSL_FILE "/usr/share/publicsuffix/public_suffix_list.dafsa"

struct psl {
	void *list;
	bool is_owned;
};

/*
 * Load file, or what libpsl was built with if file is NULL or cannot be read.
 * False: neither is there.
 */
bool psl_open(struct psl *psl, char const *file)
	__attribute__((warn_unused_result));
void psl_close(struct psl *psl);

/*
 * The registered (registrable) domain of a name in lower case and A-labels,
 * without a trailing dot: one label more than its public suffix. Returns a
 * pointer into name, or NULL if the name is a public suffix itself, empty, or
 * an address.
 */
char const *psl_registered(struct psl const *psl, char const *name);

#endif
