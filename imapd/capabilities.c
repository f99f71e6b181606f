/* What we announce; see capabilities.h. */
#include "imapd/capabilities.h"

/* clang-format off: one a line, so that changes do not meet */
char const capabilities[] = "IMAP4rev1"
	" LITERAL+"
	" CATENATE"
	" CHILDREN"
	" ESEARCH"
	" ESORT"
	" ID"
	" IDLE"
	" MOVE"
	" MULTIAPPEND"
	" NAMESPACE"
	" REPLACE"
	" SEARCHRES"
	" SORT"
	" SORT=DISPLAY"
	" SPECIAL-USE"
	" THREAD=ORDEREDSUBJECT"
	" THREAD=REFERENCES"
	" THREAD=REFS"
	" UIDPLUS"
	" UNSELECT"
	" WITHIN";
/* clang-format on */
