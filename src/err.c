/* err.c: see err.h. */
#include "err.h"

#include <stdarg.h>

#include "unicode.h"

typedef struct {
    char *at, *end; /* end points at the place of the terminator */
} out_text;

static void put_char(out_text *o, char c) {
    if (o->at < o->end) *o->at++ = c;
}

/* Names from files are shown, but never more than 80 bytes and never control characters. */
static void put_string(out_text *o, const char *s, size_t n) {
    const size_t most = 80;
    size_t shown = n > most ? most : n;
    while (shown > 0 && shown < n && ((unsigned char)s[shown] & 0xc0) == 0x80) shown--;
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)s[i];
        put_char(o, c < 0x20 || c == 0x7f ? '?' : (char)c);
    }
    if (n > most) {
        for (int i = 0; i < 3; i++) put_char(o, '.');
    }
}

static void put_number(out_text *o, uint64_t v, unsigned base) {
    char digits[20];
    int n = 0;
    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    while (n) put_char(o, digits[--n]);
}

static void put_signed(out_text *o, int64_t v) {
    if (v < 0) put_char(o, '-');
    put_number(o, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10);
}

/* One conversion; f points after the '%'. Returns the first character behind it. */
static const char *put_conversion(out_text *o, const char *f, va_list *args) {
    if (f[0] == '.' && f[1] == '*' && f[2] == 's') {
        int n = va_arg(*args, int);
        put_string(o, va_arg(*args, const char *), n < 0 ? 0 : (size_t)n);
        return f + 3;
    }
    if (f[0] == 'l' && f[1] == 'l' && f[2] == 'u') {
        put_number(o, va_arg(*args, unsigned long long), 10);
        return f + 3;
    }
    if (f[0] == 'z' && f[1] == 'u') {
        put_number(o, va_arg(*args, size_t), 10);
        return f + 2;
    }
    switch (f[0]) {
    case 's': {
        const char *s = va_arg(*args, const char *);
        put_string(o, s, strlen(s));
        break;
    }
    case 'd': put_signed(o, va_arg(*args, int)); break;
    case 'u': put_number(o, va_arg(*args, unsigned), 10); break;
    case 'x': put_number(o, va_arg(*args, unsigned), 16); break;
    default: put_char(o, f[0]); break;
    }
    return f + 1;
}

/* The text is UTF-8 whatever the strings were: other bytes become '?', and a character that the end
 * cut in two goes. */
static void finish_text(out_text *o, char *text) {
    uint32_t bytes;
    for (char *p = text; p < o->at; p += bytes) {
        size_t left = (size_t)(o->at - p);
        if (rz_utf8_decode((const uint8_t *)p, left, &bytes) != RZ_UC_INVALID) continue;
        if (o->at == o->end && left < 4) {
            o->at = p;
        } else {
            *p = '?';
        }
    }
    *o->at = 0;
}

int rz_err_set(rz_err *err, int code, const char *format, ...) {
    if (!err) return code;
    err->code = code;
    out_text o = {err->text, err->text + sizeof err->text - 1};
    va_list args;
    va_start(args, format);
    for (const char *f = format; *f;) {
        if (*f == '%' && f[1]) {
            f = put_conversion(&o, f + 1, &args);
        } else {
            put_char(&o, *f++);
        }
    }
    va_end(args);
    finish_text(&o, err->text);
    return code;
}
