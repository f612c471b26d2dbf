/*
 * vocab_json.h: what the two readers of tokenizer.json share: vocab_json.c reads tokens and what is
 * put around a text, vocab_steps.c the steps before and after the model.
 */
#ifndef RZ_VOCAB_JSON_H
#define RZ_VOCAB_JSON_H

#include "vocab.h"

/* The member of the object ahead of j with that key, as a cursor before its value; the last one of
 * several. False: no object, or no such member. */
bool rz_json_member(rz_json j, const char *key, rz_json *value);

/* Members of one type, or `otherwise`. */
bool rz_json_member_bool(rz_json j, const char *key, bool otherwise);
bool rz_json_member_text(rz_json j, const char *key, rz_json_text *text);

/* Whether the object ahead has "type": name. */
bool rz_json_type_is(rz_json j, const char *name);

/* A copy of the text in the arena (p NULL while measuring). */
rz_span rz_json_keep(rz_json_text text, rz_arena *arena);

/* The steps of v->source, into v->norm and v->pre. */
int rz_vocab_add_normalizers(rz_vocab *v, rz_arena *arena, rz_err *err);
int rz_vocab_add_pre_tokenizers(rz_vocab *v, rz_arena *arena, rz_err *err);
/* Flags for decoding. */
int rz_vocab_read_decoder(rz_vocab *v, rz_err *err);

#endif
