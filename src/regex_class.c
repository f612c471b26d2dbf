/*
 * regex_class.c: which characters a class has, and the names of properties; see regex.h.
 */
#include "regex_parse.h"

#include "unicode.h"

uint32_t rz_regex_kind(uint32_t c) {
    uint32_t class = rz_uc_class(c), category = class & RZ_UC_CATEGORY;
    return category == RZ_UC_CC && rz_uc_space(class) ? RZ_RE_KIND_SPACE : category;
}

/* Alphabetic and no letter, mark or number: circled and squared letters. */
static bool odd_letter(uint32_t c) {
    return (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) ||
           (c >= 0x1f150 && c <= 0x1f169) || (c >= 0x1f170 && c <= 0x1f189);
}

static bool word_class(uint32_t c) {
    const uint32_t kinds = RZ_UC_LETTERS | RZ_UC_MARKS | 1u << RZ_UC_ND | 1u << RZ_UC_NL | 1u << RZ_UC_PC;
    return (kinds >> rz_regex_kind(c) & 1) || odd_letter(c);
}

/* Outside of brackets Oniguruma's \w has the numbers of Latin-1 as well. */
static bool latin_number(uint32_t c) {
    return c == 0xb2 || c == 0xb3 || c == 0xb9 || (c >= 0xbc && c <= 0xbe);
}

bool rz_regex_word(uint32_t c) { return word_class(c) || latin_number(c); }

static bool llama_han(uint32_t c) {
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) ||
           (c >= 0x20000 && c <= 0x2a6df) || (c >= 0x2a700 && c <= 0x2ebef) ||
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

static bool item_has(const rz_regex *re, const rz_regex_item *item, uint32_t c) {
    if (item->first < RZ_RE_ITEM_KINDS) return c >= item->first && c <= item->last;
    bool has = false;
    switch (item->first & ~(uint32_t)RZ_RE_ITEM_NEGATED) {
    case RZ_RE_ITEM_KINDS: has = item->last >> rz_regex_kind(c) & 1; break;
    case RZ_RE_ITEM_SCRIPT: has = rz_uc_script(c) == item->last; break;
    case RZ_RE_ITEM_WORD: has = item->last ? rz_regex_word(c) : word_class(c); break;
    case RZ_RE_ITEM_HEX: has = c - '0' < 10 || (c | 32) - 'a' < 6; break;
    case RZ_RE_ITEM_CLASS: has = rz_regex_class_has(re, &re->classes[item->last], c); break;
    default: has = llama_han(c); break;
    }
    return has != ((item->first & RZ_RE_ITEM_NEGATED) != 0);
}

/* Classes nest at most as deep as the parser lets them. */
static bool class_has(const rz_regex *re, const rz_regex_class *class, uint32_t c) {
    bool has = false;
    for (uint32_t i = class->items; i != RZ_REGEX_NONE && !has; i = re->items[i].next) {
        has = item_has(re, &re->items[i], c);
    }
    if (has && class->both != RZ_REGEX_NONE) {
        has = rz_regex_class_has(re, &re->classes[class->both], c);
    }
    return has;
}

bool rz_regex_class_has(const rz_regex *re, const rz_regex_class *class, uint32_t c) {
    bool has = class_has(re, class, c);
    if (class->fold && !has) {
        uint32_t lower = rz_uc_lower(c);
        has = class_has(re, class, lower) || (lower - 'a' < 26 && class_has(re, class, lower - 32));
        if (!has && c == 0x17f) has = class_has(re, class, 's') || class_has(re, class, 'S');
    }
    return has != class->negated;
}

/* ---- names --------------------------------------------------------------------------------- */

typedef struct {
    const char *name; /* lower case, without spaces, '_' and '-' */
    uint32_t first, last;
} property;

#define KINDS(name, mask)    {name, RZ_RE_ITEM_KINDS, mask}
#define KIND(name, category) {name, RZ_RE_ITEM_KINDS, 1u << (category)}
#define SCRIPT(name, script) {name, RZ_RE_ITEM_SCRIPT, script}

static const uint32_t cased = 7u << RZ_UC_LU;
static const uint32_t controls = 1u << RZ_UC_CC | 1u << RZ_RE_KIND_SPACE;

/* Properties whose masks are not constant expressions of one category. */
static bool common_property(const char *name, uint32_t *last) {
    const uint32_t letters = RZ_UC_LETTERS, numbers = RZ_UC_NUMBERS;
    if (!strcmp(name, "l&") || !strcmp(name, "lc")) return *last = cased, true;
    if (!strcmp(name, "cc") || !strcmp(name, "cntrl")) return *last = controls, true;
    if (!strcmp(name, "c") || !strcmp(name, "other")) {
        return *last = RZ_UC_OTHERS | 1u << RZ_RE_KIND_SPACE, true;
    }
    if (!strcmp(name, "alnum")) {
        return *last = letters | (numbers & ~(1u << RZ_UC_NO)), true;
    }
    return false;
}

static const property properties[] = {
    KINDS("l", RZ_UC_LETTERS),
    KINDS("letter", RZ_UC_LETTERS),
    KINDS("m", RZ_UC_MARKS),
    KINDS("mark", RZ_UC_MARKS),
    KINDS("n", RZ_UC_NUMBERS),
    KINDS("number", RZ_UC_NUMBERS),
    KINDS("p", RZ_UC_PUNCTUATION),
    KINDS("punctuation", RZ_UC_PUNCTUATION),
    KINDS("s", RZ_UC_SYMBOLS),
    KINDS("symbol", RZ_UC_SYMBOLS),
    KINDS("z", RZ_UC_SEPARATORS),
    KINDS("separator", RZ_UC_SEPARATORS),
    KINDS("space", RZ_RE_KINDS_SPACE),
    KINDS("whitespace", RZ_RE_KINDS_SPACE),
    KINDS("alpha", RZ_UC_LETTERS | 1u << RZ_UC_NL),
    KINDS("alphabetic", RZ_UC_LETTERS | 1u << RZ_UC_NL),
    KIND("upper", RZ_UC_LU),
    KIND("lower", RZ_UC_LL),
    KIND("digit", RZ_UC_ND),
    {"word", RZ_RE_ITEM_WORD, 0},
    {"xdigit", RZ_RE_ITEM_HEX, 0},
    {"any", 0, 0x10ffff},
    {"ascii", 0, 0x7f},
    SCRIPT("han", RZ_SCRIPT_HAN),
    SCRIPT("hiragana", RZ_SCRIPT_HIRAGANA),
    SCRIPT("katakana", RZ_SCRIPT_KATAKANA),
    SCRIPT("hangul", RZ_SCRIPT_HANGUL),
    SCRIPT("bopomofo", RZ_SCRIPT_BOPOMOFO),
    SCRIPT("latin", RZ_SCRIPT_LATIN),
    SCRIPT("greek", RZ_SCRIPT_GREEK),
    SCRIPT("cyrillic", RZ_SCRIPT_CYRILLIC),
    SCRIPT("arabic", RZ_SCRIPT_ARABIC),
    SCRIPT("hebrew", RZ_SCRIPT_HEBREW),
    SCRIPT("devanagari", RZ_SCRIPT_DEVANAGARI),
    SCRIPT("bengali", RZ_SCRIPT_BENGALI),
    SCRIPT("thai", RZ_SCRIPT_THAI),
    SCRIPT("lao", RZ_SCRIPT_LAO),
    SCRIPT("khmer", RZ_SCRIPT_KHMER),
    SCRIPT("myanmar", RZ_SCRIPT_MYANMAR),
    {"llamahan", RZ_RE_ITEM_LLAMA_HAN, 0}, /* for the patterns of GGUF files */
};

/* Two-letter categories, in the order of the enum. */
static const char category_names[] = "lullltlmlomnmcmendnlnopcpdpspepipfposmscsksozszlzpcccfcocscn";

static const char *const prefixes[] = {"is", "script=", "sc=", "generalcategory=", "gc=", ""};

bool rz_regex_named(const uint8_t *text, size_t n, uint32_t *first, uint32_t *last) {
    char whole[40];
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = text[i];
        if (c == ' ' || c == '_' || c == '-') continue;
        if (len + 1 == sizeof whole) return false;
        whole[len++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    whole[len] = 0;
    for (size_t k = 0; k < sizeof prefixes / sizeof prefixes[0]; k++) {
        size_t skip = strlen(prefixes[k]);
        if (strncmp(whole, prefixes[k], skip) != 0) continue;
        const char *name = whole + skip;
        *first = RZ_RE_ITEM_KINDS;
        if (common_property(name, last)) return true;
        for (uint32_t i = 0; strlen(name) == 2 && i < RZ_UC_CN + 1u; i++) {
            if (memcmp(category_names + 2 * i, name, 2) == 0) return *last = 1u << i, true;
        }
        for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++) {
            if (strcmp(properties[i].name, name) != 0) continue;
            *first = properties[i].first;
            *last = properties[i].last;
            return true;
        }
    }
    return false;
}

bool rz_regex_property(const uint8_t *p, size_t n, size_t *at, bool *negated, uint32_t *first,
                       uint32_t *last) {
    if (*at >= n) return false;
    if (p[*at] != '{') return false;
    size_t start = *at + 1, end = start;
    while (end < n && p[end] != '}') end++;
    if (end == n) return false;
    if (p[start] == '^') {
        *negated = !*negated;
        start++;
    }
    *at = end + 1;
    if (!rz_regex_named(p + start, end - start, first, last)) return false;
    /* ranges of code points cannot carry the mark of a complement */
    return !(*negated && *first < RZ_RE_ITEM_KINDS);
}
