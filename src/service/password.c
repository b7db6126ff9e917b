/* Passwords. */
#include "service/password.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/hmac.h"
#include "crypto/scrypt.h"
#include "service/user_priv.h"

/* Of nobody, with the parameters of everybody: to take as long over a user that does not exist. */
#define NOBODY "$scrypt$ln=16,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

#define UNIT_MAX 4u /* bytes that a password must not only be repetitions of */

/* ---- rules ---- */

static bool repeats(struct span password)
{
	for (size_t unit = 1; unit <= UNIT_MAX; unit++) {
		if (memcmp(password.p, password.p + unit, password.len - unit) == 0)
			return true;
	}
	return false;
}

/* Each byte the one before plus `step`: "abcdefghijkl", "987654321098" is none. */
static bool counts(struct span password, int step)
{
	for (size_t i = 1; i < password.len; i++) {
		if (password.p[i] - password.p[i - 1] != step)
			return false;
	}
	return true;
}

static bool is_named_by(struct span password, const char *email)
{
	size_t name_len = strcspn(email, "@");

	return (password.len == strlen(email) || password.len == name_len) &&
	       strncasecmp((const char *)password.p, email, password.len) == 0;
}

/* What is wrong with it; NULL: nothing. */
static const char *find_fault(struct span password, const char *email)
{
	if (password.len < PASSWORD_MIN || password.len > PASSWORD_MAX)
		return "its length is another";
	if (is_named_by(password, email))
		return "it is the e-mail address";
	if (repeats(password))
		return "it is a short piece again and again";
	if (counts(password, 1) || counts(password, -1))
		return "its characters stand in a row";
	return NULL;
}

int password_check(struct span password, const char *email, struct err *err)
{
	const char *fault = find_fault(password, email);

	if (!fault)
		return 0;
	err_set_field(err, "password", strlen("password"));
	return err_set(err, E_INVALID,
		       "a password has %u to %u bytes and is none of the first that are tried: %s; take "
		       "several words",
		       PASSWORD_MIN, PASSWORD_MAX, fault);
}

/* ---- checking ---- */

int user__check_password(const struct control_user *u, struct span password, struct err *err)
{
	bool is_there = u && u->password[0] != '\0' && u->disabled_us == 0 && password.len <= PASSWORD_MAX;
	bool is_it = false;
	int rc;

	rc = scrypt_verify(password, is_there ? u->password : NOBODY, &is_it, err);
	if (rc < 0 || (is_it && is_there))
		return rc;
	return err_set(err, E_UNAUTHORIZED, "the org, e-mail address or password is wrong");
}

/* ---- setting ---- */

struct setting {
	struct control_user user; /* as it was when it was checked */
	char hash[SCRYPT_TEXT_MAX];
	bool is_by_token;
};

/* Nothing of what was checked may have changed meanwhile. */
static int check_same(const struct setting *x, const struct control_user *now, struct err *err)
{
	bool is_same = now->disabled_us == 0 && strcmp(now->password, x->user.password) == 0;

	if (x->is_by_token)
		is_same = is_same && now->has_reset && sha256_eq_secret(&now->reset_hash, &x->user.reset_hash);
	return is_same ? 0 : err_set(err, E_CHANGED, "the user was changed meanwhile; try again");
}

static int apply_setting(struct service *s, const struct principal *who, void *user, struct err *err)
{
	struct setting *x = user;
	struct control_user now;
	int rc;

	if ((rc = control_user_get(s->control, who->org->control.id, who->id, &now, err)) < 0)
		return rc;
	if ((rc = check_same(x, &now, err)) < 0)
		return rc;
	memcpy(now.password, x->hash, sizeof(x->hash));
	now.has_reset = false;
	if ((rc = control_user_set_secrets(s->control, &now, err)) < 0)
		return rc;
	return control_session_end_all(s->control, now.id, who->session, clock_wall_us(), err);
}

static void put_setting_event(const struct principal *who, const void *user, struct buf *to)
{
	const struct setting *x = user;

	user__event_begin(to, "user.password_changed", who, &x->user);
	buf_printf(to, ",\"attributes\":{\"by\":\"%s\"}}", x->is_by_token ? "reset_token" : "old_password");
}

/* Sets the password of x->user, whose principal is `who`. */
static int set_password(struct service *s, const struct principal *who, struct setting *x, struct span password,
			struct err *err)
{
	const struct act a = {.apply = apply_setting, .put_event = put_setting_event, .user = x};
	int rc;

	if ((rc = password_check(password, x->user.email, err)) < 0)
		return rc;
	if ((rc = scrypt_hash(password, x->hash, err)) < 0)
		return rc;
	return service__act(s, who, &a, err);
}

/* ---- by token ---- */

static int refuse_token(struct service *s, const struct caller *from, struct err *err)
{
	const struct guess guess = {.kind = GUESS_TOKEN, .account = SPAN_LIT("reset"), .ip = from->ip};

	guess_failed(s->guesses, &guess);
	if (guess_check(s->guesses, &guess, err) < 0)
		return E_QUOTA;
	err_set_field(err, "token", strlen("token"));
	return err_set(err, E_UNAUTHORIZED,
		       "the token is not known, was used, or is older than a day; ask for another");
}

/* The user whose token it is. */
static int find_by_token(struct service *s, struct span token, struct control_user *ret, struct err *err)
{
	char id[USER_ID_LEN + 1];
	struct sha256 hash;
	int rc;

	if (token.len != RESET_TEXT_LEN || memchr(token.p, 0, token.len) || token.p[USER_ID_LEN] != '_')
		return E_NOT_FOUND;
	memcpy(id, token.p, USER_ID_LEN);
	id[USER_ID_LEN] = '\0';
	if ((rc = control_user_by_id(s->control, id, ret, err)) < 0)
		return rc;
	user__hash(s, span_from(token, USER_ID_LEN + 1), &hash);
	if (!ret->has_reset || !sha256_eq_secret(&hash, &ret->reset_hash) || ret->disabled_us != 0 ||
	    ret->reset_until_us <= clock_wall_us())
		return E_NOT_FOUND;
	return 0;
}

int service_password_reset(struct service *s, const struct caller *from, struct span token, struct span password,
			   struct err *err)
{
	struct principal who = {.caller = *from};
	struct setting x = {.is_by_token = true};
	struct err why = ERR_INIT;
	int rc = find_by_token(s, token, &x.user, &why);

	if (rc == 0)
		rc = user__principal(s, &x.user, &who, &why);
	if (rc == E_NOT_FOUND || rc == E_UNAUTHORIZED)
		return refuse_token(s, from, err);
	if (rc == 0)
		rc = set_password(s, &who, &x, password, &why);
	mem_wipe(&x, sizeof(x));
	if (rc < 0 && err)
		*err = why;
	return rc;
}

/* ---- by the old one ---- */

int user__check_own_password(struct service *s, const struct principal *who, const struct control_user *u,
			     struct span password, struct err *err)
{
	char memory[GUESS_NAME_MAX];
	const struct guess guess = user__guess(who->org->control.org_key, u->email, &who->caller, memory);
	int rc;

	if ((rc = guess_check(s->guesses, &guess, err)) < 0)
		return rc;
	rc = user__check_password(u, password, NULL);
	if (rc != E_UNAUTHORIZED)
		return rc < 0 ? err_set(err, rc, "the password cannot be checked now") : 0;
	guess_failed(s->guesses, &guess);
	return err_set(err, E_FORBIDDEN, "the password is wrong");
}

int service_password_change(struct service *s, const struct principal *who, struct span old, struct span password,
			    struct err *err)
{
	struct setting x = {.is_by_token = false};
	int rc;

	if ((rc = user__self(s, who, &x.user, err)) < 0)
		return rc;
	rc = user__check_own_password(s, who, &x.user, old, err);
	if (rc < 0)
		err_set_field(err, "old_password", strlen("old_password"));
	else
		rc = set_password(s, who, &x, password, err);
	mem_wipe(&x, sizeof(x));
	return rc;
}
