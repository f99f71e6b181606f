/* How the TLS of a session went: see tlsrpt.h. */
#include "remote/tlsrpt.h"

char const *
tlsrpt_name(unsigned result)
{
	static char const *const names[TLSRPT_RESULTS] = {
		[TLSRPT_SUCCESS] = "success",
		[TLSRPT_STARTTLS_NOT_SUPPORTED] = "starttls-not-supported",
		[TLSRPT_CERTIFICATE_HOST_MISMATCH] =
			"certificate-host-mismatch",
		[TLSRPT_CERTIFICATE_EXPIRED] = "certificate-expired",
		[TLSRPT_CERTIFICATE_NOT_TRUSTED] = "certificate-not-trusted",
		[TLSRPT_VALIDATION_FAILURE] = "validation-failure",
		[TLSRPT_TLSA_INVALID] = "tlsa-invalid",
		[TLSRPT_DNSSEC_INVALID] = "dnssec-invalid",
		[TLSRPT_DANE_REQUIRED] = "dane-required",
		[TLSRPT_STS_POLICY_FETCH_ERROR] = "sts-policy-fetch-error",
		[TLSRPT_STS_POLICY_INVALID] = "sts-policy-invalid",
		[TLSRPT_STS_WEBPKI_INVALID] = "sts-webpki-invalid",
	};

	return result < TLSRPT_RESULTS ? names[result] : NULL;
}

char const *
tlsrpt_policy_name(unsigned policy)
{
	switch (policy) {
	case TLSRPT_NO_POLICY:
		return "no-policy-found";
	case TLSRPT_TLSA:
		return "tlsa";
	case TLSRPT_STS:
		return "sts";
	}
	return NULL;
}
