/* What the two directions of Unqork's event share: the names of its members, and how it is kept what they were. */
#ifndef STELE_CODEC_UNQORK_PRIV_H
#define STELE_CODEC_UNQORK_PRIV_H

#include <stdbool.h>

/* Members of the event's root, then those of its object. */
enum unqork_slot {
	UNQORK_DATE,
	UNQORK_MESSAGE_TYPE,
	UNQORK_SCHEMA_VERSION,
	UNQORK_TIMESTAMP,
	UNQORK_EVENT_TYPE,
	UNQORK_CATEGORY,
	UNQORK_ACTION,
	UNQORK_SOURCE,
	UNQORK_TAGS,
	UNQORK_OBJECT,
	UNQORK_OUTCOME,
	UNQORK_ACTOR,
	UNQORK_CONTEXT,
	UNQORK_ID,
	UNQORK_OBJECT_TYPE,
	UNQORK_OBJECT_IDENTIFIER,
	UNQORK_OBJECT_ATTRIBUTES,
	UNQORK_OBJECT_PRIOR,
	UNQORK_OBJECT_OUTCOME,
	UNQORK_OBJECT_ACTOR,
	UNQORK_OBJECT_CONTEXT,
	UNQORK_SLOT_COUNT,
};

#define UNQORK_ROOT_COUNT UNQORK_OBJECT_TYPE

extern const char *const unqork__names[UNQORK_SLOT_COUNT];

static inline bool unqork__is_in_object(enum unqork_slot s)
{
	return s >= UNQORK_ROOT_COUNT;
}

/*
 * attributes.unqork: {"absent":["object.actor",…],"root":{…},"object":{…}}. What is absent is not made up from the
 * record; what stands under "root" and "object" stands there in the event, instead of what the record would yield.
 */
#define UNQORK_KEPT    "unqork"
#define UNQORK_ABSENT  "absent"
#define UNQORK_ROOT    "root"
#define UNQORK_INNER   "object"
#define UNQORK_NO_USER "object.attributes.userId" /* among the absent: who acted was not said in the attributes */

/* What stands in an event where the record says nothing, and where every event says the same. */
#define UNQORK_TYPE_OF_MESSAGE "system-event"
#define UNQORK_VERSION         "1.0"
#define UNQORK_TYPE_OF_EVENT   "designer-action"
#define UNQORK_TYPE_OF_ACTOR   "user"

/* A member of an object of the event, and its name in a record's. */
struct unqork_pair {
	const char *theirs;
	const char *ours;
};

#define UNQORK_OUTCOME_COUNT 3
#define UNQORK_CONTEXT_COUNT 6
#define UNQORK_ACTOR_COUNT   3
#define UNQORK_ENTITY_COUNT  2

/* What is read of the record's objects: first what the counts above say, then what has another place in the event. */
enum { UNQORK_SERVICE = UNQORK_CONTEXT_COUNT, UNQORK_CONTEXT_MEMBERS };
enum { UNQORK_ACTOR_TYPE = UNQORK_ACTOR_COUNT, UNQORK_ACTOR_ATTRIBUTES, UNQORK_ACTOR_MEMBERS };
enum { UNQORK_ENTITY_TYPE = UNQORK_ENTITY_COUNT, UNQORK_ENTITY_ATTRIBUTES, UNQORK_ENTITY_MEMBERS };

extern const struct unqork_pair unqork__outcome[UNQORK_OUTCOME_COUNT];
extern const struct unqork_pair unqork__context[UNQORK_CONTEXT_MEMBERS];

/* Kinds of identifiers and the record's members that hold them; the first that is there identifies. */
extern const struct unqork_pair unqork__actor_ids[UNQORK_ACTOR_MEMBERS];
extern const struct unqork_pair unqork__entity_ids[UNQORK_ENTITY_MEMBERS];

#endif
