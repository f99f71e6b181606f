/* What we announce; see capabilities.h. */
#include "imapd/capabilities.h"

/* clang-format off: one a line, so that changes do not meet */
char const capabilities[] = "IMAP4rev1"
	" LITERAL+"
	" CATENATE"
	" CHILDREN"
	" ID"
	" IDLE"
	" MOVE"
	" MULTIAPPEND"
	" NAMESPACE"
	" REPLACE"
	" SPECIAL-USE"
	" UIDPLUS"
	" UNSELECT";
/* clang-format on */
