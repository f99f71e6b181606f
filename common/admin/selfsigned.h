/*
 * selfsigned.h - a certificate authority of a host's own, and its certificates
 */
#ifndef SELFSIGNED_H
#define SELFSIGNED_H

#include <stdbool.h>

/*
 * Make, by openssl, folder/ca.pem with its key, and ec.pem and rsa.pem that it
 * signed for hostname and localhost, with their keys. Nothing is made if any of
 * them is there. False: told.
 */
bool selfsigned_make(char const *folder, char const *hostname)
	__attribute__((warn_unused_result));

#endif
