/* The second factor: beginning, confirming, taking away, and checking a code. */
#include "service/totp.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "crypto/base32.h"
#include "service/user_priv.h"

#define ISSUER "Stele"

/* ---- the secret ---- */

static int open_secret(struct service *s, const struct control_user *u, uint8_t ret[TOTP_SECRET_LEN], struct err *err)
{
	return key_ring_unseal(s->ring, KEY_LABEL_TOTP, span_str(u->id), span_of(u->totp, sizeof(u->totp)), ret, err);
}

int user__check_code(struct service *s, const struct control_user *u, struct span code, int64_t *ret_step,
		     struct err *err)
{
	const struct guess guess = {.kind = GUESS_CODE, .account = span_str(u->id)};
	uint8_t secret[TOTP_SECRET_LEN];
	bool is_it;
	int rc;

	if ((rc = guess_check(s->guesses, &guess, err)) < 0)
		return rc;
	if ((rc = open_secret(s, u, secret, err)) < 0)
		return rc;
	is_it = totp_check(span_of(secret, sizeof(secret)), code, clock_wall_us(), u->totp_step, ret_step);
	mem_wipe(secret, sizeof(secret));
	if (is_it) {
		guess_worked(s->guesses, &guess);
		return 0;
	}
	guess_failed(s->guesses, &guess);
	err_set_field(err, "code", strlen("code"));
	return err_set(err, E_FORBIDDEN, "the code is wrong, or was used already; wait for the next one");
}

/* ---- beginning ---- */

static void put_percent(struct buf *to, const char *text)
{
	for (; *text != '\0'; text++) {
		uint8_t c = (uint8_t)*text;
		bool is_plain =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c);

		buf_printf(to, is_plain ? "%c" : "%%%02X", c);
	}
}

static void make_offer(const uint8_t secret[TOTP_SECRET_LEN], const char *email, struct totp_offer *ret)
{
	struct buf uri = BUF_INIT;

	_Static_assert(BASE32_LEN(TOTP_SECRET_LEN) < sizeof(ret->secret), "the secret fits");
	_Static_assert(3 * USER_EMAIL_MAX + 200 < TOTP_URI_MAX, "the URI fits");
	base32_format(span_of(secret, TOTP_SECRET_LEN), ret->secret);
	ret->secret[BASE32_LEN(TOTP_SECRET_LEN)] = '\0';
	(void)buf_room(&uri, TOTP_URI_MAX); /* it does not grow, and is wiped where it is */
	buf_put_str(&uri, "otpauth://totp/" ISSUER ":");
	put_percent(&uri, email);
	buf_printf(&uri, "?secret=%s&issuer=" ISSUER, ret->secret);
	must(buf_ok(&uri) && uri.len < TOTP_URI_MAX);
	memcpy(ret->uri, uri.p, uri.len);
	ret->uri[uri.len] = '\0';
	mem_wipe(uri.p, uri.len);
	buf_release(&uri);
}

/* Nothing is in force yet, so there is no event: confirming is told of. */
static int store_pending(struct service *s, struct control_user *u, const uint8_t secret[TOTP_SECRET_LEN],
			 struct err *err)
{
	struct control_user now;
	int rc;

	rc = key_ring_seal(s->ring, KEY_LABEL_TOTP, span_str(u->id), span_of(secret, TOTP_SECRET_LEN), u->totp, err);
	if (rc < 0)
		return rc;
	if ((rc = control_begin(s->control, err)) < 0)
		return rc;
	rc = control_user_get(s->control, u->org, u->id, &now, err);
	if (rc == 0 && user__needs_code(&now))
		rc = err_set(err, E_EXISTS, "there is a second factor already; take it away first");
	if (rc == 0) {
		now.has_totp = true;
		now.totp_step = TOTP_PENDING;
		memcpy(now.totp, u->totp, sizeof(now.totp));
		rc = control_user_set_secrets(s->control, &now, err);
	}
	if (rc == 0)
		return control_commit(s->control, err);
	control_rollback(s->control);
	return rc;
}

int service_totp_begin(struct service *s, const struct principal *who, struct span password, struct totp_offer *ret,
		       struct err *err)
{
	uint8_t secret[TOTP_SECRET_LEN];
	struct control_user u;
	int rc;

	if ((rc = user__self(s, who, &u, err)) < 0)
		return rc;
	if ((rc = user__check_own_password(s, who, &u, password, err)) < 0) {
		err_set_field(err, "password", strlen("password"));
		return rc;
	}
	rand_bytes(secret, sizeof(secret));
	rc = store_pending(s, &u, secret, err);
	if (rc == 0)
		make_offer(secret, u.email, ret);
	mem_wipe(secret, sizeof(secret));
	return rc;
}

/* ---- putting it in force, and taking it away ---- */

struct factor {
	struct control_user user;
	bool is_on; /* what it is to be */
	int64_t step;
};

static int apply_factor(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct factor *x = user;
	struct control_user now;
	int rc;

	if ((rc = control_user_get(s->control, who->org->control.id, who->id, &now, err)) < 0)
		return rc;
	if (!now.has_totp || now.totp_step != x->user.totp_step ||
	    memcmp(now.totp, x->user.totp, sizeof(now.totp)) != 0)
		return err_set(err, E_CHANGED, "the second factor was changed meanwhile; try again");
	now.has_totp = x->is_on;
	now.totp_step = x->is_on ? x->step : TOTP_PENDING;
	if ((rc = control_user_set_secrets(s->control, &now, err)) < 0)
		return rc;
	return control_session_end_all(s->control, now.id, who->session, clock_wall_us(), err);
}

static void put_factor_event(const struct principal *who, const void *user, struct buf *to)
{
	const struct factor *x = user;

	user__event_begin(to, x->is_on ? "user.totp_enabled" : "user.totp_disabled", who, &x->user);
	buf_put_u8(to, '}');
}

/* Sets the factor of the user that `who` is, once a code has shown that they have it. */
static int set_factor(struct service *s, const struct principal *who, struct factor *x, struct span code,
		      struct err *err)
{
	const struct act a = {.apply = apply_factor, .put_event = put_factor_event, .user = x};
	int rc = user__check_code(s, &x->user, code, &x->step, err);

	return rc < 0 ? rc : service__act(s, who, &a, err);
}

int service_totp_confirm(struct service *s, const struct principal *who, struct span code, struct err *err)
{
	struct factor x = {.is_on = true};
	int rc;

	if ((rc = user__self(s, who, &x.user, err)) < 0)
		return rc;
	if (user__needs_code(&x.user))
		return err_set(err, E_EXISTS, "the second factor is in force already");
	if (!x.user.has_totp)
		return err_set(err, E_INVALID, "no second factor was begun; send the password first");
	return set_factor(s, who, &x, code, err);
}

int service_totp_remove(struct service *s, const struct principal *who, struct span code, struct err *err)
{
	struct factor x = {.is_on = false};
	int rc;

	if ((rc = user__self(s, who, &x.user, err)) < 0)
		return rc;
	if (!user__needs_code(&x.user))
		return err_set(err, E_NOT_FOUND, "there is no second factor");
	return set_factor(s, who, &x, code, err);
}
