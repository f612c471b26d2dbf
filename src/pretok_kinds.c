/*
 * pretok_kinds.c: the values of tokenizer.ggml.pre and what they stand for; see pretok.h.
 *
 * A kind is up to six patterns, each of which splits the pieces of the one before it at its matches.
 * They are the patterns that the models' own tokenizers were made with.
 */
#include "pretok.h"

#include "err.h"

/* ---- parts of patterns --------------------------------------------------------------------- */

#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES      "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define GPT2        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define WORD        "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define OTHER       " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
#define CL100K(digits) CONTRACTION "|" WORD "|" digits "|" OTHER "|" SPACES

#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(tail)                                                                                \
    "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" tail "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER "*" tail
#define O200K(tail, digits) CASED(tail) "|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES

#define UPPER_NOT_HAN "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{LlamaHan}]]"
#define LOWER_NOT_HAN "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{LlamaHan}]]"

#define KANA_OR_HAN "[\\x{4e00}-\\x{9fa5}\\x{3040}-\\x{309f}\\x{30a0}-\\x{30ff}]+"
#define OLD_EAST    "[\\x{4e00}-\\x{9fa5}\\x{0800}-\\x{4e00}\\x{ac00}-\\x{d7ff}]+"
#define ASCII_PUNCT "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]"
#define DEEPSEEK3                                                                                  \
    ASCII_PUNCT "[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|" SPACES

/* The letters of DeepSeek LLM: the cased scripts that its makers listed. */
#define CASED_LETTERS                                                                              \
    "\\s?[A-Za-z\\x{b5}\\x{c0}-\\x{d6}\\x{d8}-\\x{f6}\\x{f8}-\\x{1ba}\\x{1bc}-\\x{1bf}"             \
    "\\x{1c4}-\\x{293}\\x{295}-\\x{2af}\\x{370}-\\x{373}\\x{376}\\x{377}\\x{37b}-\\x{37d}\\x{37f}"   \
    "\\x{386}\\x{388}-\\x{38a}\\x{38c}\\x{38e}-\\x{3a1}\\x{3a3}-\\x{3f5}\\x{3f7}-\\x{481}"           \
    "\\x{48a}-\\x{52f}\\x{531}-\\x{556}\\x{10a0}-\\x{10c5}\\x{13a0}-\\x{13f5}\\x{13f8}-\\x{13fd}"    \
    "\\x{1c90}-\\x{1cba}\\x{1cbd}-\\x{1cbf}\\x{1d00}-\\x{1d2b}\\x{1d6b}-\\x{1d77}\\x{1d79}-\\x{1d9a}"\
    "\\x{1e00}-\\x{1f15}\\x{1f18}-\\x{1f1d}\\x{1f20}-\\x{1f45}\\x{1f48}-\\x{1f4d}\\x{1f50}-\\x{1f57}"\
    "\\x{1f59}\\x{1f5b}\\x{1f5d}\\x{1f5f}-\\x{1f7d}\\x{1f80}-\\x{1fb4}\\x{1fb6}-\\x{1fbc}\\x{1fbe}"  \
    "\\x{1fc2}-\\x{1fc4}\\x{1fc6}-\\x{1fcc}\\x{1fd0}-\\x{1fd3}\\x{1fd6}-\\x{1fdb}\\x{1fe0}-\\x{1fec}"\
    "\\x{1ff2}-\\x{1ff4}\\x{1ff6}-\\x{1ffc}\\x{2102}\\x{2107}\\x{210a}-\\x{2113}\\x{2115}"           \
    "\\x{2119}-\\x{211d}\\x{2124}\\x{2126}\\x{2128}\\x{212a}-\\x{212d}\\x{212f}-\\x{2134}\\x{2139}"  \
    "\\x{213c}-\\x{213f}\\x{2145}-\\x{2149}\\x{214e}\\x{2183}\\x{2184}\\x{2c00}-\\x{2c7b}"           \
    "\\x{2c7e}-\\x{2ce4}\\x{2ceb}-\\x{2cee}\\x{2cf2}\\x{2cf3}\\x{a640}-\\x{a66d}\\x{a680}-\\x{a69b}" \
    "\\x{a722}-\\x{a76f}\\x{a771}-\\x{a787}\\x{a78b}-\\x{a78e}\\x{ab70}-\\x{abbf}\\x{fb00}-\\x{fb06}"\
    "\\x{fb13}-\\x{fb17}\\x{ff21}-\\x{ff3a}\\x{ff41}-\\x{ff5a}\\x{10400}-\\x{1044f}"                 \
    "\\x{104b0}-\\x{104d3}\\x{104d8}-\\x{104fb}\\x{10c80}-\\x{10cb2}\\x{10cc0}-\\x{10cf2}"           \
    "\\x{118a0}-\\x{118df}\\x{1e900}-\\x{1e943}]+"

#define BLOOM_WORDS " ?[^(\\s|.,!?\\x{2026}\\x{3002}\\x{ff0c}\\x{3001}\\x{964}\\x{6d4}\\x{60c})]+"

/* Scripts that AFMoE keeps together: Han, kana, Thai to Khmer, Myanmar, Hangul. */
#define AFMOE_SCRIPTS                                                                              \
    "[\\x{4e00}-\\x{9fff}\\x{3400}-\\x{4dbf}\\x{f900}-\\x{faff}\\x{3040}-\\x{309f}"                  \
    "\\x{30a0}-\\x{30ff}\\x{ff65}-\\x{ff9f}\\x{2f00}-\\x{2fdf}\\x{e40}-\\x{e7f}\\x{e80}-\\x{eff}"    \
    "\\x{1780}-\\x{17ff}\\x{1000}-\\x{109f}\\x{aa60}-\\x{aa7f}\\x{a9e0}-\\x{a9ff}"                   \
    "\\x{ac00}-\\x{d7af}\\x{1100}-\\x{11ff}]+"

/* ---- kinds --------------------------------------------------------------------------------- */

static const char digits[] = ""; /* stands for the step that groups digits */

typedef struct {
    const char *pattern[6];
} kind_row;

enum {
    DEFAULT, LLAMA3, JAIS2, GPT2_WORDS, FALCON, STARCODER, DEEPSEEK_LLM, DEEPSEEK_CODER,
    DEEPSEEK_V3, YOUTU, QWEN2, QWEN35, BLOOM, VIKING, TEKKEN, CHAMELEON, GPT4O, TINY_AYA, KIMI_K2,
    SUPERBPE, BAILINGMOE, SEED_CODER, AFMOE, EXAONE_MOE, LINES, MINICPM5, LAGUNA, SPARK, UFAKZEKA,
    NOT_SPACE, KINDS
};

static const kind_row kinds[KINDS] = {
    [DEFAULT] = {{"[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
    [LLAMA3] = {{CL100K("\\p{N}{1,3}")}},
    [JAIS2] = {{CONTRACTION "|" WORD "|\\p{N}{1,3}|" OTHER "|\\s*[\\r\\n]+|\\s{512}(?!\\S)|"
                "\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)|\\s{16}(?!\\S)|"
                "\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s{1}"}},
    [GPT2_WORDS] = {{GPT2}},
    [FALCON] = {{"[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"}},
    [STARCODER] = {{"\\p{N}", GPT2}},
    [DEEPSEEK_LLM] = {{"[\\r\\n]", CASED_LETTERS,
                       "\\s?[!-/:-~\\x{ff01}-\\x{ff0f}\\x{ff1a}-\\x{ff5e}\\x{2018}-\\x{201f}"
                       "\\x{3000}-\\x{3002}]+",
                       "\\s+$", OLD_EAST, "\\p{N}+"}},
    [DEEPSEEK_CODER] = {{"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", OLD_EAST, "\\p{N}"}},
    [DEEPSEEK_V3] = {{"\\p{N}{1,3}", KANA_OR_HAN, DEEPSEEK3}},
    [YOUTU] = {{"[\\x{ac00}-\\x{d7a3}\\x{3131}-\\x{318e}]+|"
                "[\\x{ff01}\\x{2026}\\x{201c}\\x{201d}\\x{2018}\\x{2019}\\x{2014}\\x{ff1a}\\x{ff1b}"
                "\\x{ff0c}\\x{3001}-\\x{303f}\\x{fe30}-\\x{fe4f}]+|[\\x{3105}-\\x{312f}]+|" KANA_OR_HAN,
                O200K(CONTRACTION "?", "\\p{N}")}},
    [QWEN2] = {{CL100K("\\p{N}")}},
    [QWEN35] = {{CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}|"
                 " ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" SPACES}},
    [BLOOM] = {{BLOOM_WORDS}},
    [VIKING] = {{BLOOM_WORDS, "\\p{N}"}},
    [TEKKEN] = {{O200K("", "\\p{N}")}},
    [CHAMELEON] = {{"<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z",
                    "([\\t\\n]|    |  )", "\\p{N}", "[\\p{P}!-/:-@\\[-`{-~]", GPT2}},
    [GPT4O] = {{O200K(CONTRACTION "?", "\\p{N}{1,3}")}},
    [TINY_AYA] = {{"\\d{1,3}(?=(?:\\d{3})*\\b)", O200K(CONTRACTION "?", "\\p{N}{1,3}")}},
    [KIMI_K2] = {{"[\\p{LlamaHan}]+|[^\\r\\n\\p{L}\\p{N}]?" UPPER_NOT_HAN "*" LOWER_NOT_HAN "+" CONTRACTION
                  "?|[^\\r\\n\\p{L}\\p{N}]?" UPPER_NOT_HAN "+" LOWER_NOT_HAN "*" CONTRACTION
                  "?|\\p{N}{1,3}|" OTHER "|" SPACES}},
    [SUPERBPE] = {{"\\p{N}+", "(?=(\\d{3})+(?!\\d))"}},
    [BAILINGMOE] = {{"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}|"
                     " ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}},
    [SEED_CODER] = {{CONTRACTION "|" WORD "|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" SPACES}},
    [AFMOE] = {{digits, AFMOE_SCRIPTS, DEEPSEEK3}},
    [EXAONE_MOE] = {{CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}|"
                     " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}},
    [LINES] = {{"[^\\n]+|[\\n]+"}},
    [MINICPM5] = {{"\\p{N}{1,3}", CL100K("\\p{N}+")}},
    [LAGUNA] = {{"[^\\n]+|[\\n]+", CL100K("\\p{N}")}},
    [SPARK] = {{"\\p{N}{1,3}", KANA_OR_HAN,
                ASCII_PUNCT "[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+|"
                            "[\\r\\n]|\\s+(?!\\S)|\\s+",
                "\\p{N}"}},
    [UFAKZEKA] = {{WORD "|\\p{N}|" OTHER "|" SPACES}},
    [NOT_SPACE] = {{"\\S+"}},
};

#define WHOLE   RZ_KIND_IGNORE_MERGES
#define BOS     RZ_KIND_ADD_BOS
#define SEP     RZ_KIND_ADD_SEP
#define NO_BOS  RZ_KIND_NO_BOS
#define RAW_SPM (RZ_KIND_RAW | RZ_KIND_ESCAPE)

/* Several names a row, separated by spaces. */
static const struct {
    const char *names;
    uint8_t kind, flags;
} names[] = {
    {"default", DEFAULT, 0},
    {"llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano", LLAMA3, WHOLE | BOS},
    {"dbrx smaug-bpe", LLAMA3, 0},
    {"glm4 chatglm-bpe", LLAMA3, NO_BOS},
    {"jais-2 jais2", JAIS2, 0},
    {"gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert exaone4 mpt "
     "olmo jais trillion granite-docling", GPT2_WORDS, 0},
    {"jina-v1-en jina-v2-code roberta-bpe", GPT2_WORDS, SEP},
    {"falcon", FALCON, 0},
    {"starcoder refact command-r smollm codeshell exaone minerva-7b minerva mellum2", STARCODER, 0},
    {"deepseek-llm", DEEPSEEK_LLM, 0},
    {"deepseek-coder", DEEPSEEK_CODER, 0},
    {"deepseek-v3 hunyuan-dense joyai-llm hy_v4", DEEPSEEK_V3, 0},
    {"youtu", YOUTU, WHOLE},
    {"qwen2 deepseek-r1-qwen kormo f2llmv2 stablelm2 hunyuan megrez solar-open grok-2", QWEN2, 0},
    {"qwen35", QWEN35, 0},
    {"bloom gpt3-finnish poro-chat", BLOOM, 0},
    {"viking", VIKING, 0},
    {"tekken", TEKKEN, WHOLE | BOS},
    {"chameleon", CHAMELEON, BOS},
    {"gpt-4o llama4 kanana2 talkie minimax-m2", GPT4O, 0},
    {"granite-embed-multi-97m", GPT4O, WHOLE},
    {"tiny_aya cohere2moe", TINY_AYA, 0},
    {"kimi-k2", KIMI_K2, 0},
    {"superbpe", SUPERBPE, 0},
    {"bailingmoe bailingmoe2 llada-moe", BAILINGMOE, 0},
    {"seed-coder", SEED_CODER, 0},
    {"afmoe", AFMOE, 0},
    {"exaone-moe", EXAONE_MOE, 0},
    {"gemma4 granite-embed-multi-311m", LINES, RAW_SPM | BOS | RZ_KIND_NEWLINES},
    {"sarvam-moe", LINES, RAW_SPM},
    {"minicpm5", MINICPM5, WHOLE},
    {"laguna", LAGUNA, 0},
    {"spark2_5", SPARK, 0},
    {"ufakzeka", UFAKZEKA, 0},
    {"whitespace", NOT_SPACE, RZ_KIND_RAW},
};

static bool in_row(const char *row, const char *name, size_t n) {
    for (const char *p = row;;) {
        size_t length = strcspn(p, " ");
        if (length == n && memcmp(p, name, n) == 0) return true;
        if (!p[length]) return false;
        p += length + 1;
    }
}

bool rz_pre_find_kind(const char *name, size_t n, uint32_t *kind, uint32_t *flags) {
    *kind = DEFAULT;
    *flags = 0;
    for (size_t i = 0; n && i < sizeof names / sizeof names[0]; i++) {
        if (!in_row(names[i].names, name, n)) continue;
        *kind = names[i].kind;
        *flags = names[i].flags;
        return true;
    }
    return false;
}

int rz_pre_add_kind(rz_pre_list *list, uint32_t kind, rz_arena *arena, rz_err *err) {
    for (size_t i = 0; i < 6 && kinds[kind].pattern[i]; i++) {
        const char *p = kinds[kind].pattern[i];
        if (p == digits) {
            if (!rz_pre_add(list, RZ_PRE_DIGITS)) return RZ_E_UNSUPPORTED;
            continue;
        }
        const rz_span pattern = {(const uint8_t *)p, strlen(p)};
        int result = rz_pre_add_split(list, pattern, 0, RZ_PRE_ISOLATED, arena, err);
        if (result) return result;
    }
    return RZ_OK;
}
