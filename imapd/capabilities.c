/* What we announce; see capabilities.h. */
#include "imapd/capabilities.h"

char const capabilities[] =
	"IMAP4rev1 LITERAL+ IDLE NAMESPACE UIDPLUS UNSELECT MOVE CHILDREN "
	"SPECIAL-USE ID";
