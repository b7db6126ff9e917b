/*
 * HTML of a few plain elements (b, i, em, strong, u, code, br, p, without attributes), as vendors' descriptions have
 * it, and text. Only that is ever written: whatever a producer sends, no other element reaches who reads it. Pure.
 */
#ifndef STELE_CODEC_HTML_TEXT_H
#define STELE_CODEC_HTML_TEXT_H

#include "base/buf.h"

/* Appends text as HTML. */
void html_escape(struct buf *to, struct span text);

/* Appends HTML with everything but the plain elements and character references escaped. What is plain already stays as
 * it is, byte for byte. */
void html_clean(struct buf *to, struct span html);

/* Appends the text of HTML: without the plain elements, and with the references &amp; &lt; &gt; &quot; &#39; resolved.
 */
void html_to_text(struct buf *to, struct span html);

#endif
