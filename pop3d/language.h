/*
 * language.h - what CAPA and LANG answer, before login and after it
 */
#ifndef POP3_LANGUAGE_H
#define POP3_LANGUAGE_H

#include "pop3d/command.h"

/* The lines of CAPA that are the same in both states, the first is +OK
 * (RFC 2449, 6; RFC 6856). */
#define POP3_CAPABILITIES                                                      \
	"+OK\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"               \
	"PIPELINING\r\nEXPIRE NEVER\r\nLOGIN-DELAY 0\r\nUTF8\r\nLANG\r\n"

/* The last of them, and the end. */
#define POP3_CAPABILITIES_END                                                  \
	"IMPLEMENTATION Kereru-" KERERU_VERSION "\r\n.\r\n"

/* The whole answer to a LANG command: we speak English (RFC 6856, 3). */
char const *pop3_language(struct pop3_command const *c);

#endif
