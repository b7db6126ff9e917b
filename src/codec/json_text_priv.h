/* What the record writer shares with json_text.c: copying into room that has been reserved already. */
#ifndef STELE_CODEC_JSON_TEXT_PRIV_H
#define STELE_CODEC_JSON_TEXT_PRIV_H

#include <stddef.h>
#include <stdint.h>

/* How far json_text__copy and json_text__escape read past their source and write past what they produce. */
#define JSON_TEXT_SLACK 16

/* The most bytes json_text__double writes. */
#define JSON_TEXT_DOUBLE_MAX 25

/*
 * Both return the end of what they wrote. `from` must be readable for JSON_TEXT_SLACK bytes past its end, and `to` must
 * have room for the result (at most 6 bytes for one) and JSON_TEXT_SLACK more. json_text__copy takes text that needs no
 * escaping.
 */
uint8_t *json_text__copy(uint8_t *to, const uint8_t *from, size_t len);
uint8_t *json_text__escape(uint8_t *to, const uint8_t *from, size_t len);

/* Writes a finite double as json_text_double does; returns the end. */
uint8_t *json_text__double(uint8_t *to, double value);

#endif
