/* json.c: see json.h. */
#include "json.h"

#include "unicode.h"

static bool fail(rz_json *j) {
    j->bad = true;
    return false;
}

static uint8_t ahead(rz_json *j) {
    while (j->at < j->n && (j->p[j->at] == ' ' || j->p[j->at] == '\n' || j->p[j->at] == '\t' ||
                            j->p[j->at] == '\r')) {
        j->at++;
    }
    return j->at < j->n && !j->bad ? j->p[j->at] : 0;
}

enum rz_json_type rz_json_peek(rz_json *j) {
    uint8_t c = ahead(j);
    switch (c) {
    case '{': return RZ_JSON_OBJECT;
    case '[': return RZ_JSON_ARRAY;
    case '"': return RZ_JSON_STRING;
    case 't':
    case 'f': return RZ_JSON_BOOL;
    case 'n': return RZ_JSON_NULL;
    default: return c == '-' || (c >= '0' && c <= '9') ? RZ_JSON_NUMBER : RZ_JSON_BAD;
    }
}

bool rz_json_enter(rz_json *j, enum rz_json_type type) {
    if (rz_json_peek(j) != type || (type != RZ_JSON_ARRAY && type != RZ_JSON_OBJECT) ||
        j->depth == RZ_JSON_DEPTH) {
        return fail(j);
    }
    j->at++;
    j->depth++;
    j->fresh = true;
    return true;
}

/* Consumes the comma or the closing bracket; true if a member follows. */
static bool next_member(rz_json *j, uint8_t close) {
    uint8_t c = ahead(j);
    if (c == close && j->depth) {
        j->at++;
        j->depth--;
        j->fresh = false;
        return false;
    }
    if (!j->fresh) {
        if (c != ',') return fail(j);
        j->at++;
        if (ahead(j) == close) return fail(j);
    }
    j->fresh = false;
    return j->bad || j->at >= j->n ? fail(j) : true;
}

bool rz_json_next(rz_json *j) { return next_member(j, ']'); }

bool rz_json_next_key(rz_json *j, rz_json_text *key) {
    if (!next_member(j, '}') || !rz_json_string(j, key)) return false;
    if (ahead(j) != ':') return fail(j);
    j->at++;
    return true;
}

static int hex4(const uint8_t *p) {
    int value = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* Length of the escape at p[0] == '\\', or 0 if it is none. */
static size_t escape_length(const uint8_t *p, size_t n) {
    if (n < 2) return 0;
    if (p[1] == 'u') return n >= 6 && hex4(p + 2) >= 0 ? 6 : 0;
    return p[1] && strchr("\"\\/bfnrt", p[1]) ? 2 : 0;
}

bool rz_json_string(rz_json *j, rz_json_text *text) {
    if (ahead(j) != '"') return fail(j);
    size_t start = ++j->at;
    while (j->at < j->n && j->p[j->at] != '"') {
        uint8_t c = j->p[j->at];
        size_t length = c == '\\' ? escape_length(j->p + j->at, j->n - j->at) : 1;
        if (c < 0x20 || length == 0) return fail(j);
        j->at += length;
    }
    if (j->at >= j->n) return fail(j);
    *text = (rz_json_text){j->p + start, j->at - start};
    j->at++;
    return true;
}

static bool is_digit(const rz_json *j) {
    return j->at < j->n && j->p[j->at] >= '0' && j->p[j->at] <= '9';
}

/* 10^e; exact up to 22. */
static double power10(int e) {
    double result = 1, base = 10;
    for (; e > 0; e >>= 1, base *= base) {
        if (e & 1) result *= base;
    }
    return result;
}

/* Both factors in halves, so that their product can be taken apart exactly (Dekker). */
static double low_part(double a, double b, double product) {
    const double split = 134217729.0; /* 2^27 + 1 */
    double ah = a * split - (a * split - a), bh = b * split - (b * split - b);
    double al = a - ah, bl = b - bh;
    return ((ah * bh - product) + ah * bl + al * bh) + al * bl;
}

/* digits / power, rounded as if digits and quotient had all their bits; power is exact. */
static double divide(uint64_t digits, double power) {
    const double high = (double)digits;
    const double low = high < 0x1p63 ? (double)((int64_t)digits - (int64_t)high) : 0;
    const double quotient = high / power, product = quotient * power;
    return quotient + (((high - product) - low_part(quotient, power, product)) + low) / power;
}

double rz_json_number(rz_json *j) {
    uint64_t digits = 0; /* the first 19 */
    int exponent = 0, taken = 0;
    uint8_t c = ahead(j);
    bool negative = c == '-';
    if (negative) j->at++;
    if (j->bad || !is_digit(j)) return fail(j);
    bool zero_first = j->p[j->at] == '0';
    for (int whole = 0; is_digit(j); j->at++, whole++) {
        if (zero_first && whole) return fail(j);
        if (taken < 19) {
            digits = digits * 10 + (j->p[j->at] - '0');
            taken += digits != 0;
        } else {
            exponent++;
        }
    }
    if (j->at < j->n && j->p[j->at] == '.') {
        j->at++;
        if (!is_digit(j)) return fail(j);
        for (; is_digit(j); j->at++) {
            if (taken >= 19) continue;
            digits = digits * 10 + (j->p[j->at] - '0');
            taken += digits != 0;
            exponent--;
        }
    }
    if (j->at < j->n && (j->p[j->at] | 0x20) == 'e') {
        j->at++;
        bool down = j->at < j->n && j->p[j->at] == '-';
        if (j->at < j->n && (down || j->p[j->at] == '+')) j->at++;
        if (!is_digit(j)) return fail(j);
        int e = 0;
        for (; is_digit(j); j->at++) e = e < 10000 ? e * 10 + (j->p[j->at] - '0') : e;
        exponent += down ? -e : e;
    }
    double value = (double)digits;
    if (exponent < -308) { /* in two steps, so that the power itself does not vanish */
        value /= power10(308);
        exponent += 308;
    }
    if (exponent < -400) return 0;
    if (exponent > 400) exponent = 400;
    if (exponent < 0 && exponent >= -22) {
        value = divide(digits, power10(-exponent));
    } else {
        value = exponent < 0 ? value / power10(-exponent) : digits ? value * power10(exponent) : 0;
    }
    return negative ? -value : value;
}

/* One of the literals, at the cursor. */
static bool take_word(rz_json *j, const char *word) {
    size_t n = strlen(word);
    ahead(j);
    if (j->bad || j->n - j->at < n || memcmp(j->p + j->at, word, n) != 0) return false;
    j->at += n;
    return true;
}

bool rz_json_bool(rz_json *j) {
    if (take_word(j, "true")) return true;
    return take_word(j, "false") ? false : fail(j);
}

/* A value that is no array or object. */
static void skip_scalar(rz_json *j) {
    rz_json_text text;
    switch (rz_json_peek(j)) {
    case RZ_JSON_STRING: rz_json_string(j, &text); break;
    case RZ_JSON_NUMBER: rz_json_number(j); break;
    case RZ_JSON_BOOL: rz_json_bool(j); break;
    case RZ_JSON_NULL:
        if (!take_word(j, "null")) fail(j);
        break;
    default: fail(j); break;
    }
}

void rz_json_skip(rz_json *j) {
    bool object[RZ_JSON_DEPTH + 1]; /* what each level entered here is */
    const uint32_t start = j->depth;
    do {
        rz_json_text key;
        enum rz_json_type type = RZ_JSON_BAD;
        if (j->depth > start) { /* inside: to the next member, or out */
            bool more = object[j->depth] ? rz_json_next_key(j, &key) : rz_json_next(j);
            if (!more) continue;
        }
        type = rz_json_peek(j);
        if (type == RZ_JSON_ARRAY || type == RZ_JSON_OBJECT) {
            if (rz_json_enter(j, type)) object[j->depth] = type == RZ_JSON_OBJECT;
        } else {
            skip_scalar(j);
        }
    } while (j->depth > start && !j->bad);
}

bool rz_json_done(rz_json *j) {
    ahead(j);
    return !j->bad && j->depth == 0 && j->at == j->n;
}

bool rz_json_is(rz_json_text t, const char *text) {
    return strlen(text) == t.n && memcmp(t.p, text, t.n) == 0;
}

/* The code point of the escape at p; *used becomes its length. */
static uint32_t unescape_one(const uint8_t *p, size_t n, size_t *used) {
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    *used = 2;
    if (p[1] != 'u') {
        const char *found = strchr(from, p[1]);
        return found ? (uint8_t)to[found - from] : p[1];
    }
    uint32_t c = (uint32_t)hex4(p + 2);
    *used = 6;
    if (c < 0xd800 || c > 0xdfff) return c;
    if (c < 0xdc00 && n >= 12 && p[6] == '\\' && p[7] == 'u') {
        int low = hex4(p + 8);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *used = 12;
            return 0x10000 + ((c - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
        }
    }
    return 0xfffd;
}

size_t rz_json_unescape(rz_json_text t, uint8_t *out) {
    size_t written = 0;
    for (size_t i = 0, used; i < t.n; i += used) {
        uint8_t utf8[4] = {t.p[i]};
        uint32_t length = 1;
        used = 1;
        if (t.p[i] == '\\') length = rz_utf8_encode(unescape_one(t.p + i, t.n - i, &used), utf8);
        if (out) memcpy(out + written, utf8, length);
        written += length;
    }
    return written;
}
