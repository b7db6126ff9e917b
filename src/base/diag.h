/*
 * The diagnostic log: one line an event on standard error, "time level area: message key=value …". Floors 0 to 3 log at
 * debug level only; service, api and main log once, with context. Never a secret, never event content.
 */
#ifndef STELE_BASE_DIAG_H
#define STELE_BASE_DIAG_H

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_INFO, DIAG_DEBUG };

void diag_set_level(enum diag_level level);
void diag(enum diag_level level, const char *area, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
