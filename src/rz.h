/*
 * rz.h: the whole public interface of the realizar engine.
 *
 * The engine reads no files, prints nothing, never exits and keeps no global state. The host feeds
 * it bytes (rz_load_*), asks for bounded pieces of work (rz_step) and owns every handle it was given.
 *
 * Conventions
 *   - Functions return an int: 0 is success, > 0 a state (RZ_NEED, RZ_AGAIN ...), < 0 an RZ_E code.
 *     The sentence that goes with an error is in the rz_err argument, or behind the object's _error().
 *   - Nothing that comes from a file or a caller is trusted: it is checked and refused in words.
 *   - A close function takes the address of the handle, frees everything behind it and clears it;
 *     closing NULL is allowed.
 *   - Shapes are written [rows][columns], row major. Sizes are bytes unless a name says otherwise.
 *   - One model may be used by several sessions, one call at a time: objects of one model share its
 *     thread pool and must not be used from two host threads at once.
 */
#ifndef RZ_H
#define RZ_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- results ------------------------------------------------------------------------------ */

enum {
    RZ_OK = 0,
    RZ_NEED = 1,  /* the loader wants bytes */
    RZ_AGAIN = 2, /* a part of the prompt was computed: call rz_step again */
    RZ_TOKEN = 3, /* a token was sampled: rz_session_token() */
    RZ_DONE = 4,  /* nothing left to do */

    RZ_E_ARG = -1,         /* the caller passed something that cannot be used */
    RZ_E_MEMORY = -2,      /* an allocation failed or a size does not fit the address space */
    RZ_E_FORMAT = -3,      /* the bytes are not what the format says they must be */
    RZ_E_TRUNCATED = -4,   /* the source ended before the file did */
    RZ_E_UNSUPPORTED = -5, /* a well-formed file that needs something this engine does not have */
    RZ_E_SHAPE = -6,       /* a tensor is missing, unknown or has the wrong shape */
    RZ_E_VALUE = -7,       /* not a number: in the weights of a file, or in computed logits */
    RZ_E_CONTEXT = -8,     /* more tokens than the context holds */
    RZ_E_STATE = -9        /* the call does not fit the state of the object */
};

typedef struct rz_err {
    int code;       /* RZ_OK or an RZ_E code */
    char text[320]; /* one sentence, UTF-8, always terminated */
} rz_err;

/* Memory comes from here; NULL in an options struct means rz_default_allocator. alloc returns 64-byte aligned
 * memory or NULL; free gets the size that was asked for. Both may be called from the thread that
 * calls the engine only. */
typedef struct rz_allocator {
    void *(*alloc)(void *ctx, size_t bytes);
    void (*free)(void *ctx, void *p, size_t bytes);
    void *ctx;
} rz_allocator;

/* The C library's. On Linux blocks of 16 MB and more are in big pages where the system grants them:
 * processors fetch memory ahead within a page. Its ctx is not used. */
extern const rz_allocator rz_default_allocator;

/* ---- kernels ------------------------------------------------------------------------------ */

/* Kernel tables. A build holds some of them; the best one that the processor and its operating
 * system support is taken, within the mask of rz_load_opts. */
enum {
    RZ_KERN_SCALAR = 1 << 0,  /* plain C: the reference */
    RZ_KERN_SIMD128 = 1 << 1, /* WebAssembly fixed-width SIMD; bit-equal with scalar */
    RZ_KERN_RELAXED = 1 << 2, /* WebAssembly relaxed SIMD: byte dot products, fused multiply-add */
    RZ_KERN_AVX2 = 1 << 3,    /* AVX2 + FMA + F16C */
    RZ_KERN_VNNI = 1 << 4,    /* the same + AVX-VNNI */
    RZ_KERN_AVX512 = 1 << 5,  /* AVX-512 F, BW, DQ, VL + VNNI */
    RZ_KERN_NEON = 1 << 6,    /* Advanced SIMD of AArch64 */
    RZ_KERN_NEON_DOT = 1 << 7, /* the same + sdot */
    RZ_KERN_AMX = 1 << 8,     /* AVX-512 as above + AMX (tiles, int8), of Linux */
    RZ_KERN_ALL = -1
};

/* The tables that this build holds and this machine can run, as a mask. */
uint32_t rz_kernels_usable(void);

/* ---- weight types ------------------------------------------------------------------------- */

/* Weight types have the ids of GGUF files (2 is Q4_0, 12 Q4_K ...). A type holds its weights in
 * blocks of `block` weights and `block_bytes` bytes; block is 0 for types that are known by name
 * only. Any of the pointers may be NULL. RZ_E_ARG: there is no such type. */
int rz_dtype_info(uint32_t id, const char **name, uint32_t *block, uint32_t *block_bytes);

/* n floats to n / block blocks at `out`, and back; n must be a whole number of blocks (RZ_E_ARG).
 * Quantisers exist for F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K and Q6_K
 * (RZ_E_UNSUPPORTED otherwise); they refuse NaN, infinity and what is too large for the type
 * (RZ_E_VALUE). Dequantisation equals ggml's bit for bit. */
int rz_quantize(uint32_t dtype, const float *x, size_t n, void *out, rz_err *err);
int rz_dequantize(uint32_t dtype, const void *blocks, size_t n, float *out, rz_err *err);

/* ---- loading ------------------------------------------------------------------------------ */

/*
 * A model is one of these, told by the first bytes of each file:
 *   - GGUF: one file, or all parts of a split one in order;
 *   - Hugging Face: safetensors files in any order with config.json, and, where they are there,
 *     generation_config.json, tokenizer.json, tokenizer_config.json, chat_template.json and
 *     1_Pooling/config.json. Text files are told apart by their keys; put them before the weights, so
 *     that streams need not wait for each other. Metadata have the keys of GGUF.
 */
typedef struct rz_loader rz_loader;
typedef struct rz_model rz_model;
typedef struct rz_session rz_session;

typedef struct rz_load_opts {
    uint32_t parts;      /* number of files the model consists of; 0 is read as 1 */
    uint32_t threads;    /* threads that compute, the caller's included; 0 is read as 1, at most 64 */
    uint32_t vocab_only; /* not 0: read the vocabulary and metadata, no weights */
    uint32_t kernels;    /* mask of RZ_KERN_*; 0 is read as all */
    uint32_t quantize;   /* not 0: matrices of F32, F16 and BF16 become this weight type while they
                            arrive: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K. Those of the
                            vocabulary become at least Q6_K; where a row is no whole number of
                            blocks a type with smaller blocks or the float type is taken */
    const rz_allocator *allocator; /* must outlive the model; NULL: rz_default_allocator */
} rz_load_opts;

/* What the loader wants next: `length` bytes of file `part` from `offset` on, written at `dst`.
 * Within a part, offsets never go backwards, so a stream can serve them. */
typedef struct rz_need {
    uint32_t part;
    uint64_t offset;
    size_t length; /* > 0 */
    void *dst;     /* valid until the next call on this loader */
} rz_need;

int rz_load_open(const rz_load_opts *opts, rz_loader **out, rz_err *err);

/* Optional: the size of a part, where the host knows it. Lets the loader refuse a file whose
 * tensors lie outside it before the first gigabyte has been fetched. */
int rz_load_size(rz_loader *l, uint32_t part, uint64_t bytes);

/* RZ_NEED with *need filled, RZ_DONE when all bytes have arrived, or an error. */
int rz_load_next(rz_loader *l, rz_need *need);

/* The host wrote the first `bytes` (<= need.length) bytes of the last need; 0 says that the part
 * has no more bytes. Whole row groups are packed into their final place at once. */
int rz_load_feed(rz_loader *l, size_t bytes);

/* Bytes of tensor data to be read in total, over all parts; 0 while the headers are being read. */
uint64_t rz_load_total(const rz_loader *l);

/* The sentence of the last failure, "" if there was none. */
const rz_err *rz_load_error(const rz_loader *l);

/* Turns a loader that is done into a model and closes the loader. On failure the loader stays. */
int rz_load_finish(rz_loader **l, rz_model **out);
void rz_load_close(rz_loader **l);

/* A vocabulary alone, from the texts of a Hugging Face tokenizer.json and tokenizer_config.json (NULL:
 * none), or from a SentencePiece model in place of the first. They may go afterwards. The result is what loading with vocab_only gives: it tokenizes.
 * `allocator` as in rz_load_opts. RZ_E_FORMAT, RZ_E_UNSUPPORTED, RZ_E_MEMORY. */
int rz_tokenizer_open(const char *tokenizer_json, size_t bytes, const char *tokenizer_config_json,
                      size_t config_bytes, const rz_allocator *allocator, rz_model **out, rz_err *err);

/* ---- models ------------------------------------------------------------------------------- */

#define RZ_NO_TOKEN UINT32_MAX

typedef struct rz_model_info {
    uint32_t n_vocab;     /* tokens */
    uint32_t n_ctx_train; /* context size the model was trained for, in tokens */
    uint32_t n_embd, n_layer, n_head, n_head_kv, head_dim, n_ff;
    uint32_t bos, eos; /* token ids or RZ_NO_TOKEN */
    uint32_t add_bos;  /* 1: rz_tokenize with RZ_TOK_SPECIAL puts the BOS in front */
    uint32_t vocab_only;
    uint32_t unknown_pre; /* 1: the pre-tokenizer has a name that is not known; the default one is used */
    uint32_t threads;      /* threads that compute */
    uint32_t n_meta;       /* metadata entries, see rz_model_meta() */
    uint64_t n_params;     /* weights, all tensors */
    uint64_t file_bytes;   /* tensor bytes in the file */
    uint64_t weight_bytes; /* the same weights packed in memory */
    uint64_t memory_bytes; /* everything the model holds */
} rz_model_info;

typedef struct rz_meta {
    const char *key; /* not terminated */
    size_t key_len;
    uint32_t type;      /* GGUF type id: 0 u8, 1 i8, 2 u16, 3 i16, 4 u32, 5 i32, 6 f32, 7 bool,
                           8 string, 9 array, 10 u64, 11 i64, 12 f64 */
    double number;      /* value of the numeric types and bool */
    const char *string; /* value of type 8, not terminated; NULL otherwise */
    size_t string_len;
    uint32_t array_type; /* element type of type 9 */
    uint64_t array_len;
} rz_meta;

void rz_model_info_get(const rz_model *m, rz_model_info *info);
/* The i-th metadata entry of the file, in file order; RZ_E_ARG past the end. The pointers live as
 * long as the model. */
int rz_model_meta(const rz_model *m, uint32_t i, rz_meta *meta);
const char *rz_model_kernels(const rz_model *m); /* name of the kernel table in use */
const char *rz_model_arch(const rz_model *m);    /* "llama"; "" of a vocabulary */
/* Name of the weight type that holds most of the file's weights: "Q4_0". */
const char *rz_model_type(const rz_model *m);
void rz_model_close(rz_model **m);

/* ---- text and tokens ---------------------------------------------------------------------- */

enum {
    RZ_TOK_SPECIAL = 1, /* encode: add BOS/EOS as the model asks; decode: write special tokens out */
    RZ_TOK_PARSE = 2,   /* encode: "<s>" in the text becomes the token instead of its characters */
    RZ_TOK_CLEAN = 4    /* decode a text: no spaces in front of . ? ! , and contractions */
};

/* Scratch memory rz_tokenize needs for a text of that length; SIZE_MAX if it cannot be addressed. */
size_t rz_tokenize_scratch(const rz_model *m, size_t text_bytes);

/* Text (UTF-8; bytes that are not UTF-8 are encoded as bytes) to token ids. Writes at most `cap`
 * ids and sets *n to the number the text has: call again with more room if *n > cap. More than
 * 3 * text_bytes + 8 ids come out only where a normaliser makes several characters of one. `scratch`
 * must be 16-byte aligned. */
int rz_tokenize(const rz_model *m, const char *text, size_t text_bytes, uint32_t flags,
                void *scratch, size_t scratch_bytes, uint32_t *ids, size_t cap, size_t *n,
                rz_err *err);

/* The bytes of one token as it stands inside a text; *len may be 0 (special tokens without
 * RZ_TOK_SPECIAL, all tokens of a model without tokenizer). Pieces may end inside a UTF-8 character. `buf` must hold rz_piece_max() bytes. */
int rz_piece(const rz_model *m, uint32_t id, uint32_t flags, char *buf, size_t *len, rz_err *err);
size_t rz_piece_max(const rz_model *m);

/* The inverse of rz_tokenize for a whole text: joins the pieces and takes off the space that the
 * tokenizer put in front. Writes at most `cap` bytes and sets *n to the length of the text. */
int rz_detokenize(const rz_model *m, const uint32_t *ids, size_t n_ids, uint32_t flags, char *text,
                  size_t cap, size_t *n, rz_err *err);

/* 1 if generation stops at this token (end of text, end of turn). */
int rz_is_end(const rz_model *m, uint32_t id);

/* ---- sessions ----------------------------------------------------------------------------- */

/* Element types of the KV cache. F16 takes 2 bytes a number: halves, and in wasm, which cannot convert
 * them, whole numbers of 14 bits with a scale for every key and value of a head (132 bytes instead of
 * 128 for one of 64). */
enum { RZ_KV_F32 = 0, RZ_KV_F16 = 1, RZ_KV_Q8_0 = 2 };

typedef struct rz_session_opts {
    uint32_t n_ctx;      /* tokens the KV cache holds; 0: what the model was trained for */
    uint32_t chunk;      /* tokens computed per rz_step of a prompt; 0: 32; at most 512 */
    uint32_t kv_type;    /* RZ_KV_* */
    uint32_t all_logits; /* not 0: keep the logits of every prompt token and sample nothing */
    uint32_t embed;      /* not 0: compute no logits but hidden states, all tokens in one step */
} rz_session_opts;

typedef struct rz_sampling {
    float temperature;    /* <= 0: greedy, the first of the largest logits */
    uint32_t top_k;       /* keep the k largest; 0: all */
    float top_p;          /* keep the smallest set with this probability mass; >= 1: all */
    float min_p;          /* drop tokens below min_p times the largest probability; <= 0: none */
    float repeat_penalty; /* divides (negative: multiplies) logits of recent tokens; 1: off */
    uint32_t repeat_last; /* how many tokens count as recent */
    uint64_t seed;
    uint32_t max_tokens; /* RZ_DONE after so many sampled tokens; 0: until the context is full */
    uint32_t ignore_end; /* not 0: go on after an end token */
} rz_sampling;

/* Bytes a session with these options would take; 0 if they are not usable. */
uint64_t rz_session_bytes(const rz_model *m, const rz_session_opts *opts);

int rz_session_open(rz_model *m, const rz_session_opts *opts, rz_session **out, rz_err *err);
void rz_session_close(rz_session **s);
const rz_err *rz_session_error(const rz_session *s);

/* Appends tokens that rz_step will compute. Refuses what does not fit (RZ_E_CONTEXT), ids outside
 * the vocabulary and an empty list (RZ_E_ARG); then nothing is appended. */
int rz_session_prompt(rz_session *s, const uint32_t *ids, size_t n);
/* Segments of all prompt tokens, for models that tell them apart (BERT's token types). Without this
 * call all tokens are of type 0. RZ_E_ARG for another number of types than of tokens, or a type that
 * the model does not have. */
int rz_session_token_types(rz_session *s, const uint32_t *types, size_t n);
int rz_session_sampling(rz_session *s, const rz_sampling *sampling);

/* Forgets all but the first n tokens; what is computed next equals a fresh start bit for bit. */
int rz_session_rewind(rz_session *s, uint32_t n);

/* One bounded piece of work, allocating nothing:
 *   RZ_AGAIN  `chunk` prompt tokens were computed and more wait
 *   RZ_TOKEN  the next token was sampled; it is computed by the call after
 *   RZ_DONE   end token, max_tokens, full context; or, with all_logits, no prompt token is left
 *   < 0       refused or failed; the session can be rewound and used again */
int rz_step(rz_session *s);

enum { RZ_END_NONE = 0, RZ_END_STOP = 1, RZ_END_LENGTH = 2, RZ_END_CONTEXT = 3 };

uint32_t rz_session_token(const rz_session *s);    /* sampled last */
uint32_t rz_session_end(const rz_session *s);      /* why RZ_DONE: RZ_END_* */
uint32_t rz_session_position(const rz_session *s); /* tokens in the KV cache */
uint64_t rz_session_memory(const rz_session *s);

/* Logits of the last rz_step, which no sampling option changes: rows of n_vocab floats, *stride floats
 * apart; row 0 belongs to the first position of that step with all_logits, to its last position
 * otherwise. *rows may be 0. */
const float *rz_session_logits(const rz_session *s, uint32_t *rows, size_t *stride);

enum { RZ_POOL_NONE = 0, RZ_POOL_MEAN = 1, RZ_POOL_CLS = 2, RZ_POOL_LAST = 3 };

/* Of a session with `embed`: the hidden states of all tokens after the last norm, rows of n_embd
 * floats *stride floats apart. */
const float *rz_session_hidden(const rz_session *s, uint32_t *rows, size_t *stride);

/* One vector of n_embd floats for all tokens: their mean, the first or the last one (RZ_POOL_*), with
 * Euclidean length 1. RZ_POOL_NONE: what the model's file asks for, else the mean. */
void rz_session_embedding(const rz_session *s, uint32_t pooling, float *out);

/* *nll = -log softmax(logits row)[target] of such a row, in double precision; RZ_E_ARG for a target
 * outside the vocabulary. */
int rz_nll(const float *logits, uint32_t n_vocab, uint32_t target, double *nll, rz_err *err);

/* ---- predictors --------------------------------------------------------------------------- */

/* A small model from a row of features to a few numbers. One call at a time per predictor. */
typedef struct rz_predictor rz_predictor;

enum { RZ_DENSE_LINEAR, RZ_DENSE_RELU, RZ_DENSE_SIGMOID, RZ_DENSE_TANH };

/* A layer: act(w x + b). */
typedef struct rz_dense {
    uint32_t rows, cols;
    uint32_t act;   /* RZ_DENSE_* */
    const float *w; /* [rows][cols] */
    const float *b; /* [rows]; NULL: none */
} rz_dense;

typedef struct rz_predictor_info {
    uint32_t n_in;  /* features */
    uint32_t n_out; /* numbers that come out */
    uint32_t exact; /* 0: files of trees do not say how many features there are: n_in or more */
    uint64_t n_params;
    uint64_t memory_bytes;
} rz_predictor_info;

/* Of a whole .apr file, version 1, whose payload is not compressed: linear, ridge, lasso, elastic net
 * and logistic regression, decision trees, random forests, KMeans. What comes out is one number: the
 * value; the probability of class 1 (logistic); the class (classifiers; of a forest the one most trees
 * vote for, the smallest of several); the cluster (KMeans). The bytes are not needed afterwards.
 * RZ_E_FORMAT (the checksum, too), RZ_E_TRUNCATED, RZ_E_UNSUPPORTED, RZ_E_VALUE, RZ_E_MEMORY. */
int rz_predictor_apr(const void *file, size_t bytes, const rz_allocator *allocator,
                     rz_predictor **out, rz_err *err);

/* Of 1 to 64 layers, whose weights are copied. RZ_E_ARG, RZ_E_SHAPE, RZ_E_VALUE, RZ_E_MEMORY. */
int rz_predictor_dense(const rz_dense *layers, uint32_t n, const rz_allocator *allocator,
                       rz_predictor **out, rz_err *err);

void rz_predictor_info_get(const rz_predictor *p, rz_predictor_info *info);
const char *rz_predictor_kind(const rz_predictor *p); /* "LogisticRegression", "MLP" ... */

/* x: n_in features (more are not read), out: n_out numbers. Same bits on every machine. */
void rz_predict(const rz_predictor *p, const float *x, float *out);
void rz_predictor_close(rz_predictor **p);

/* ---- threads ------------------------------------------------------------------------------ */

/* A native build starts its threads itself. In wasm the host starts `threads - 1` workers on the
 * same memory, each with its own stack, and each calls this once; it returns when the model is
 * closed. A model whose workers have not arrived computes with those that are there. */
void rz_pool_worker(void *pool);
void *rz_model_pool(rz_model *m); /* NULL where the model computes on the caller's thread alone */

#ifdef __cplusplus
}
#endif
#endif
