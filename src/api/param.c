/* Query parameters. */
#include "api/param.h"

#include <stdio.h>
#include <string.h>

#include "api/utf8.h"

static const char *const texts[PARAM_COUNT] = {
#define PARAM(name, text) [PARAM_##name] = text,
#include "api/param.tbl"
#undef PARAM
};

static int shown(struct span s)
{
	return (int)(s.len < PARAM_SHOWN_MAX ? s.len : PARAM_SHOWN_MAX);
}

/* Adds a word to a list for a message; what goes past the message's length is left out. */
static void list_word(char list[ERR_MESSAGE_MAX], const char *word)
{
	size_t len = strlen(list);

	snprintf(list + len, ERR_MESSAGE_MAX - len, "%s%s", len ? ", " : "", word);
}

static int refuse_unknown(uint64_t allowed, struct span name, struct err *err)
{
	char list[ERR_MESSAGE_MAX] = "";

	for (int i = 0; i < PARAM_COUNT; i++) {
		if (allowed >> i & 1)
			list_word(list, texts[i]);
	}
	err_set_field(err, (const char *)name.p, name.len);
	return err_set(err, E_INVALID, "unknown parameter '%.*s'; this resource takes %s", shown(name),
		       (const char *)name.p, allowed ? list : "none");
}

/* The parameter's number, or negative E_INVALID. */
static int find_param(uint64_t allowed, struct span name, struct err *err)
{
	for (int i = 0; i < PARAM_COUNT; i++) {
		if (span_eq_str(name, texts[i]) && (allowed >> i & 1))
			return i;
	}
	return refuse_unknown(allowed, name, err);
}

static int refuse(enum param p, struct err *err, int code)
{
	err_set_field(err, texts[p], strlen(texts[p]));
	return code;
}

int param_add(struct params *params, uint64_t allowed, struct span name, struct span value, struct err *err)
{
	int found = find_param(allowed, name, err);
	enum param p = (enum param)found;

	if (found < 0)
		return found;
	if (param_is_given(params, p))
		return refuse(p, err, err_set(err, E_INVALID, "parameter '%s' is given twice", texts[p]));
	if (utf8_valid_prefix(value) < value.len)
		return refuse(p, err, err_set(err, E_INVALID, "parameter '%s' is not UTF-8", texts[p]));
	params->value[p] = value;
	params->given |= UINT64_C(1) << p;
	return 0;
}

bool param_is_list(struct span name)
{
	for (int i = 0; i < PARAM_COUNT; i++) {
		if (span_eq_str(name, texts[i]))
			return (PARAMS_LIST >> i & 1) != 0;
	}
	return false;
}

int param_bool(const struct params *params, enum param p, bool fallback, bool *ret, struct err *err)
{
	static const char *const words[] = {"false", "true", NULL};
	int word;
	int rc;

	if ((rc = param_word(params, p, words, fallback, &word, err)) < 0)
		return rc;
	*ret = word != 0;
	return 0;
}

int param_number(const struct params *params, enum param p, uint32_t min, uint32_t max, uint32_t fallback,
		 uint32_t *ret, struct err *err)
{
	struct span text = params->value[p];
	uint64_t n = 0;
	bool ok = text.len > 0 && text.len <= 9;

	if (!param_is_given(params, p)) {
		*ret = fallback;
		return 0;
	}
	for (size_t i = 0; ok && i < text.len; i++) {
		ok = text.p[i] >= '0' && text.p[i] <= '9';
		n = n * 10 + (uint64_t)(text.p[i] - '0');
	}
	if (!ok || n < min || n > max)
		return refuse(p, err,
			      err_set(err, E_INVALID, "parameter '%s' is '%.*s'; it takes a number from %u to %u",
				      texts[p], shown(text), (const char *)text.p, min, max));
	*ret = (uint32_t)n;
	return 0;
}

#define SIZE_DIGITS_MAX 18 /* of a number that never overflows, and more records than there will be */

int param_size(const struct params *params, enum param p, uint64_t fallback, uint64_t *ret, struct err *err)
{
	struct span text = params->value[p];
	bool ok = text.len > 0 && text.len <= SIZE_DIGITS_MAX;
	uint64_t n = 0;

	if (!param_is_given(params, p)) {
		*ret = fallback;
		return 0;
	}
	for (size_t i = 0; ok && i < text.len; i++) {
		ok = text.p[i] >= '0' && text.p[i] <= '9';
		n = n * 10 + (uint64_t)(text.p[i] - '0');
	}
	if (!ok)
		return refuse(p, err,
			      err_set(err, E_INVALID, "parameter '%s' is '%.*s'; it takes a number of records",
				      texts[p], shown(text), (const char *)text.p));
	*ret = n;
	return 0;
}

static int refuse_word(enum param p, struct span text, const char *const *words, struct err *err)
{
	char list[ERR_MESSAGE_MAX] = "";

	for (int i = 0; words[i]; i++)
		list_word(list, words[i]);
	return refuse(p, err,
		      err_set(err, E_INVALID, "parameter '%s' is '%.*s'; it takes one of %s", texts[p], shown(text),
			      (const char *)text.p, list));
}

int param_word(const struct params *params, enum param p, const char *const *words, int fallback, int *ret,
	       struct err *err)
{
	if (!param_is_given(params, p)) {
		*ret = fallback;
		return 0;
	}
	for (int i = 0; words[i]; i++) {
		if (span_eq_str(params->value[p], words[i])) {
			*ret = i;
			return 0;
		}
	}
	return refuse_word(p, params->value[p], words, err);
}
