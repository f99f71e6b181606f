/*
 * capabilities.h - what we announce (RFC 3501, 7.2.1)
 */
#ifndef CAPABILITIES_H
#define CAPABILITIES_H

/* After login. */
extern char const capabilities[];

#endif
