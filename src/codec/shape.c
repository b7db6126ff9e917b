/*
 * The shapes a set knows are the paths from root to leaf of a tree. A node stands for "the text up to and including
 * hole k"; an edge is the literal that follows, the kind of the hole behind it, and the node after that hole; an end
 * edge is the literal that closes the record and carries the shape's number. Cutting a record of a known shape is one
 * comparison and one scan for the end of the value per hole. Edges are kept most recently used first, since records of
 * one kind come in runs.
 *
 * A literal that no edge has is read by the slow path, which knows from the node which objects are open.
 */
#include "codec/shape.h"

#include <emmintrin.h>

#include "base/hash.h"
#include "base/mem.h"

/* Bounds the memory that hostile records (new member names each time) can make a set take: about 100 bytes a node. */
#define NODES_MAX 262144u

struct edge {
	struct edge *next;
	struct node *to; /* NULL for an end edge */
	uint32_t shape;  /* of an end edge */
	uint32_t literal_len;
	bool is_string;
	uint8_t literal[];
};

struct node {
	struct edge *edges;
	struct node *parent;
	const struct edge *from; /* the edge that leads here; NULL for the root */
	uint32_t column;
	uint32_t depth;   /* holes up to here */
	struct span path; /* open objects: names joined, each followed by the separator; owned by the set */
	uint32_t open;    /* how many objects are open */
};

struct stored_shape {
	struct shape shape;
	uint64_t hash;
};

struct shape_set {
	struct node *root;
	uint32_t node_count;
	struct stored_shape *shapes;
	uint32_t shape_count, shape_cap;
	struct shape_column *columns;
	uint32_t column_count, column_cap;
	uint32_t *column_slots; /* hash table: column number + 1 */
	uint32_t column_slot_count;
	uint32_t *column_seen; /* [column_cap] the last shape + 1 that was looked at and has the column */
	uint32_t looked_at;
	size_t bytes; /* of names and literals, copies included */
	void **owned; /* what shape_set_free frees */
	size_t owned_count, owned_cap;
};

static void *own(struct shape_set *s, void *p)
{
	if (s->owned_count == s->owned_cap) {
		s->owned_cap = s->owned_cap ? s->owned_cap * 2 : 64;
		s->owned = xrealloc(s->owned, s->owned_cap * sizeof(*s->owned));
	}
	s->owned[s->owned_count++] = p;
	return p;
}

static struct span own_copy(struct shape_set *s, struct span from)
{
	uint8_t *p = own(s, xalloc(from.len + 1));

	if (from.len)
		memcpy(p, from.p, from.len);
	s->bytes += from.len;
	return span_of(p, from.len);
}

struct shape_set *shape_set_new(void)
{
	struct shape_set *s = xalloc(sizeof(*s));

	s->root = own(s, xalloc(sizeof(*s->root)));
	s->root->path = span_of(NULL, 0);
	s->column_slot_count = 64;
	s->column_slots = xarray(s->column_slot_count, sizeof(*s->column_slots));
	return s;
}

struct shape_set *shape_set_free(struct shape_set *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->owned_count; i++)
		free(s->owned[i]);
	free(s->owned);
	free(s->shapes);
	free(s->columns);
	free(s->column_slots);
	free(s->column_seen);
	free(s);
	return NULL;
}

uint32_t shape_set_count(const struct shape_set *s)
{
	return s->shape_count;
}

uint32_t shape_set_column_count(const struct shape_set *s)
{
	return s->column_count;
}

const struct shape *shape_set_get(const struct shape_set *s, uint32_t shape)
{
	must(shape < s->shape_count);
	return &s->shapes[shape].shape;
}

const struct shape_column *shape_set_column(const struct shape_set *s, uint32_t column)
{
	must(column < s->column_count);
	return &s->columns[column];
}

/* ---- columns ---- */

static void rehash_columns(struct shape_set *s)
{
	uint32_t mask;

	free(s->column_slots);
	s->column_slot_count *= 2;
	s->column_slots = xarray(s->column_slot_count, sizeof(*s->column_slots));
	mask = s->column_slot_count - 1;
	for (uint32_t c = 0; c < s->column_count; c++) {
		struct span path = s->columns[c].path;
		uint32_t at = (uint32_t)hash64(path.p, path.len, s->columns[c].is_string) & mask;

		while (s->column_slots[at])
			at = (at + 1) & mask;
		s->column_slots[at] = c + 1;
	}
}

int shape_set_add_column(struct shape_set *s, struct span path, bool is_string, uint32_t *ret_column)
{
	uint32_t mask = s->column_slot_count - 1;
	uint32_t at = (uint32_t)hash64(path.p, path.len, is_string) & mask;

	for (; s->column_slots[at]; at = (at + 1) & mask) {
		const struct shape_column *c = &s->columns[s->column_slots[at] - 1];

		if (c->is_string == is_string && span_eq(c->path, path)) {
			*ret_column = s->column_slots[at] - 1;
			return 0;
		}
	}
	if (s->column_count >= SHAPE_COLUMNS_MAX || s->bytes > SHAPE_BYTES_MAX)
		return E_QUOTA;
	if (s->column_count == s->column_cap) {
		s->column_cap = s->column_cap ? s->column_cap * 2 : 32;
		s->columns = xrealloc(s->columns, s->column_cap * sizeof(*s->columns));
		s->column_seen = xrealloc(s->column_seen, s->column_cap * sizeof(*s->column_seen));
	}
	*ret_column = s->column_count;
	s->column_seen[s->column_count] = 0;
	s->columns[s->column_count++] = (struct shape_column){own_copy(s, path), is_string};
	s->column_slots[at] = s->column_count;
	if (s->column_count * 2 > s->column_slot_count)
		rehash_columns(s);
	return 0;
}

/* ---- shapes ---- */

static uint64_t hash_shape(const uint32_t *column, const struct span *literal, uint32_t hole_count)
{
	uint64_t h = hash64(column, hole_count * sizeof(*column), hole_count);

	for (uint32_t i = 0; i <= hole_count; i++)
		h = hash64(literal[i].p, literal[i].len, h);
	return h;
}

static bool same_shape(const struct shape *a, const uint32_t *column, const struct span *literal, uint32_t hole_count)
{
	if (a->hole_count != hole_count || memcmp(a->column, column, hole_count * sizeof(*column)) != 0)
		return false;
	for (uint32_t i = 0; i <= hole_count; i++)
		if (!span_eq(a->literal[i], literal[i]))
			return false;
	return true;
}

static bool has_column_twice(struct shape_set *s, const uint32_t *column, uint32_t hole_count)
{
	bool is_twice = false;

	s->looked_at++;
	for (uint32_t i = 0; i < hole_count; i++) {
		is_twice |= s->column_seen[column[i]] == s->looked_at;
		s->column_seen[column[i]] = s->looked_at;
	}
	return is_twice;
}

int shape_set_add(struct shape_set *s, const uint32_t *column, const struct span *literal, uint32_t hole_count,
		  uint32_t *ret_shape)
{
	uint64_t hash = hash_shape(column, literal, hole_count);
	uint32_t *columns;
	struct span *literals;

	for (uint32_t i = 0; i < s->shape_count; i++) {
		if (s->shapes[i].hash == hash && same_shape(&s->shapes[i].shape, column, literal, hole_count)) {
			*ret_shape = i;
			return 0;
		}
	}
	if (has_column_twice(s, column, hole_count))
		return E_CORRUPT;
	if (s->shape_count >= SHAPE_MAX || hole_count > RECORD_VALUES_MAX || s->bytes > SHAPE_BYTES_MAX)
		return E_QUOTA;
	if (s->shape_count == s->shape_cap) {
		s->shape_cap = s->shape_cap ? s->shape_cap * 2 : 16;
		s->shapes = xrealloc(s->shapes, s->shape_cap * sizeof(*s->shapes));
	}
	columns = own(s, xarray(hole_count + 1, sizeof(*columns)));
	memcpy(columns, column, hole_count * sizeof(*columns));
	literals = own(s, xarray(hole_count + 1, sizeof(*literals)));
	for (uint32_t i = 0; i <= hole_count; i++)
		literals[i] = own_copy(s, literal[i]);
	*ret_shape = s->shape_count;
	s->shapes[s->shape_count++] = (struct stored_shape){{hole_count, columns, literals}, hash};
	return 0;
}

/* ---- scanning values ---- */

/* The end of a JSON string's inside that starts at p: where its closing quote is; NULL when there is none. */
static const uint8_t *scan_string(const uint8_t *p, const uint8_t *end)
{
	const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');

	for (;;) {
		while (end - p >= 16) {
			__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
			int hit = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));

			if (hit) {
				p += __builtin_ctz((unsigned)hit);
				break;
			}
			p += 16;
		}
		while (p < end && *p != '"' && *p != '\\')
			p++;
		if (p >= end)
			return NULL;
		if (*p == '"')
			return p;
		p += 2;
		if (p > end)
			return NULL;
	}
}

/* The end of an array that starts at p (at its '['). */
static const uint8_t *scan_array(const uint8_t *p, const uint8_t *end)
{
	size_t depth = 0;

	while (p < end) {
		uint8_t c = *p++;

		if (c == '"') {
			p = scan_string(p, end);
			if (!p)
				return NULL;
			p++;
		} else if (c == '[' || c == '{') {
			depth++;
		} else if (c == ']' || c == '}') {
			if (--depth == 0)
				return p;
		}
	}
	return NULL;
}

/* The end of a value that is no string and no object with members. */
static const uint8_t *scan_other(const uint8_t *p, const uint8_t *end)
{
	if (p < end && *p == '[')
		return scan_array(p, end);
	if (end - p >= 2 && p[0] == '{' && p[1] == '}')
		return p + 2;
	while (p < end && *p != ',' && *p != '}' && *p != ']')
		p++;
	return p < end ? p : NULL;
}

/* ---- the slow path: reading a literal nobody has seen here ---- */

/* What the slow path reads: where the literal ends, what hole follows, and which objects are then open. */
struct step {
	const uint8_t *literal_end;
	bool ends;
	bool is_string;
	uint8_t path[RECORD_DEPTH_MAX *
		     (RECORD_KEY_MAX * 6 + 1)]; /* open objects; an escaped name is at most 6 times longer */
	size_t path_len;
	uint32_t open;
	size_t column_len; /* path[0..column_len) is the hole's path */
};

static bool push_name(struct step *st, const uint8_t *name, size_t len)
{
	if (st->path_len + len + 1 > sizeof(st->path))
		return false;
	memcpy(st->path + st->path_len, name, len);
	st->path[st->path_len + len] = SHAPE_PATH_SEP;
	st->path_len += len + 1;
	return true;
}

static void pop_name(struct step *st)
{
	if (st->path_len)
		st->path_len--;
	while (st->path_len && st->path[st->path_len - 1] != SHAPE_PATH_SEP)
		st->path_len--;
}

/* Reads `"name":` at p and pushes the name; returns what is behind the colon. */
static const uint8_t *read_name(struct step *st, const uint8_t *p, const uint8_t *end)
{
	const uint8_t *close;

	if (p >= end || *p != '"')
		return NULL;
	close = scan_string(p + 1, end);
	if (!close || close + 1 >= end || close[1] != ':' || !push_name(st, p + 1, (size_t)(close - p - 1)))
		return NULL;
	return close + 2;
}

/* Reads from behind a hole (or from the start) up to the next hole or the end. */
static bool read_literal(struct step *st, const uint8_t *p, const uint8_t *end)
{
	bool first = st->open == 0;

	for (;;) {
		if (p >= end)
			return false;
		if (first) {
			if (*p != '{')
				return false;
			st->open++;
			first = false;
			p++;
		} else if (*p == '}') {
			p++;
			if (--st->open == 0) {
				st->ends = p == end;
				st->literal_end = p;
				return st->ends;
			}
			pop_name(st);
			continue;
		} else if (*p == ',') {
			p++;
		} else {
			return false;
		}
		p = read_name(st, p, end);
		if (!p || p >= end)
			return false;
		if (*p == '{' && p + 1 < end && p[1] != '}') {
			first = true; /* the name stays on the path: the object is open */
			continue;
		}
		st->is_string = *p == '"';
		st->literal_end = st->is_string ? p + 1 : p;
		st->column_len = st->path_len - 1;
		return true;
	}
}

static struct edge *add_edge(struct shape_set *s, struct node *n, const uint8_t *literal, size_t len)
{
	struct edge *e = own(s, xalloc(sizeof(*e) + len));

	e->literal_len = (uint32_t)len;
	memcpy(e->literal, literal, len);
	s->bytes += len;
	e->next = n->edges;
	n->edges = e;
	return e;
}

/* The shape that ends with `last` behind node n, gathered from the leaf up. */
static int gather_shape(struct shape_set *s, const struct node *n, struct span last, uint32_t *ret_shape)
{
	uint32_t column[RECORD_VALUES_MAX];
	struct span literal[RECORD_VALUES_MAX + 1];
	uint32_t holes = n->depth;

	literal[holes] = last;
	for (uint32_t i = holes; i > 0; i--, n = n->parent) {
		must(n->from); /* only the root has none, and its depth is 0 */
		column[i - 1] = n->column;
		literal[i - 1] = span_of(n->from->literal, n->from->literal_len);
	}
	return shape_set_add(s, column, literal, holes, ret_shape);
}

static int learn_hole(struct shape_set *s, struct node *n, const struct step *st, const uint8_t *p,
		      struct edge **ret_edge)
{
	struct node *to;
	struct edge *e;
	uint32_t column;
	int rc;

	if (s->node_count >= NODES_MAX || n->depth >= RECORD_VALUES_MAX || s->bytes > SHAPE_BYTES_MAX)
		return E_QUOTA;
	rc = shape_set_add_column(s, span_of(st->path, st->column_len), st->is_string, &column);
	if (rc < 0)
		return rc;
	e = add_edge(s, n, p, (size_t)(st->literal_end - p));
	to = own(s, xalloc(sizeof(*to)));
	s->node_count++;
	e->is_string = st->is_string;
	e->to = to;
	to->parent = n;
	to->from = e;
	to->column = column;
	to->depth = n->depth + 1;
	to->open = st->open;
	/* the hole's own name is not open any more */
	size_t open_len = st->column_len;
	while (open_len && st->path[open_len - 1] != SHAPE_PATH_SEP)
		open_len--;
	to->path = own_copy(s, span_of(st->path, open_len));
	*ret_edge = e;
	return 0;
}

/* Reads the literal at p behind node n the slow way and adds the edge for it. */
static int learn_edge(struct shape_set *s, struct node *n, const uint8_t *p, const uint8_t *end, struct edge **ret_edge)
{
	struct step st;
	const uint8_t *behind;
	uint32_t shape;
	int rc;

	st.ends = st.is_string = false;
	st.open = n->open;
	st.path_len = n->path.len;
	if (n->path.len)
		memcpy(st.path, n->path.p, n->path.len);
	behind = p + (n->from && n->from->is_string); /* a string's closing quote belongs to the literal */
	if (behind > end || !read_literal(&st, behind, end))
		return E_CORRUPT;
	if (!st.ends)
		return learn_hole(s, n, &st, p, ret_edge);
	rc = gather_shape(s, n, span_of(p, (size_t)(end - p)), &shape);
	if (rc < 0)
		return rc;
	*ret_edge = add_edge(s, n, p, (size_t)(end - p));
	(*ret_edge)->shape = shape;
	return 0;
}

/* ---- the fast path ---- */

/* A literal before a raw value is a prefix of the one before a string or an object: what follows must fit the kind. */
static inline bool edge_fits(const struct edge *e, const uint8_t *p, const uint8_t *end)
{
	size_t left = (size_t)(end - p), len = e->literal_len;

	if (left < len || !bytes_eq(p, e->literal, len))
		return false;
	if (!e->to)
		return left == len;
	if (e->is_string)
		return true;
	if (left == len || p[len] == '"')
		return false;
	return p[len] != '{' || (left > len + 1 && p[len + 1] == '}');
}

static struct edge *find_edge(struct node *n, const uint8_t *p, const uint8_t *end)
{
	struct edge **link = &n->edges;

	for (struct edge *e = *link; e; link = &e->next, e = *link) {
		if (!edge_fits(e, p, end))
			continue;
		if (e != n->edges) {
			*link = e->next;
			e->next = n->edges;
			n->edges = e;
		}
		return e;
	}
	return NULL;
}

int shape_cut(struct shape_set *s, struct span record, uint32_t *ret_shape, struct span *ret_holes)
{
	const uint8_t *p = record.p, *end = p + record.len;
	struct node *n = s->root;

	for (uint32_t k = 0;; k++) {
		struct edge *e = find_edge(n, p, end);
		const uint8_t *value_end;

		if (!e) {
			int rc = learn_edge(s, n, p, end, &e);

			if (rc < 0)
				return rc;
		}
		p += e->literal_len;
		if (!e->to) {
			*ret_shape = e->shape;
			return 0;
		}
		value_end = e->is_string ? scan_string(p, end) : scan_other(p, end);
		if (!value_end || k >= RECORD_VALUES_MAX)
			return E_CORRUPT;
		ret_holes[k] = span_of(p, (size_t)(value_end - p));
		p = value_end;
		n = e->to;
	}
}
