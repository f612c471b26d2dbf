/*
 * apr.c: predictors from .apr files of version 1 ("APRN"): a header of 32 bytes, metadata, a payload
 * in bincode, a CRC-32 of everything before it.
 *
 * Source: the format of aprender (src/format). Struct fields follow each other in bincode without
 * names or padding: lengths are u64, options a byte, enum tags u32. Several structs share a type
 * code; the one that uses up the payload exactly is meant. Input is hostile: a payload is walked once
 * to check and measure it, and once more to fill the predictor; trees are walked without recursion.
 */
#include "err.h"
#include "predict.h"
#include "read.h"

enum {
    header_bytes = 32,
    crc_bytes = 4,
    signature_bytes = 96,
    largest_class = (1 << 16) - 1,
    flag_encrypted = 1,
    flag_signed = 2
};

typedef struct {
    uint32_t major, type, compression, flags;
    uint64_t meta_bytes, payload_bytes;
} apr_header;

/* ---- container ----------------------------------------------------------------------------- */

static uint32_t crc32_of(const uint8_t *p, size_t n) {
    uint32_t table[16], crc = 0xffffffffu;
    for (uint32_t i = 0; i < 16; i++) {
        table[i] = i;
        for (int bit = 0; bit < 4; bit++) table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
    }
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static const char *type_name(uint32_t type) {
    static const struct {
        uint16_t type;
        const char *name;
    } names[] = {
        {0x01, "LinearRegression"}, {0x02, "LogisticRegression"}, {0x03, "DecisionTree"},
        {0x04, "RandomForest"},     {0x05, "GradientBoosting"},   {0x06, "KMeans"},
        {0x07, "PCA"},              {0x08, "NaiveBayes"},         {0x09, "KNN"},
        {0x0a, "SVM"},              {0x10, "NgramLM"},            {0x11, "TFIDF"},
        {0x12, "CountVectorizer"},  {0x20, "NeuralSequential"},   {0x21, "NeuralCustom"},
        {0x30, "ContentRecommender"}, {0x40, "MixtureOfExperts"}, {0x50, "TransformerLM"},
        {0xff, "Custom"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].type == type) return names[i].name;
    }
    return NULL;
}

/* realizar 0.3 wrote other files under the same magic: lengths at bytes 10 and 14. */
static bool is_realizar_03(const uint8_t *p, size_t n) {
    uint64_t whole = header_bytes + (uint64_t)rz_load_u32(p + 10) + rz_load_u32(p + 14);
    return whole == n || whole + crc_bytes == n;
}

static int read_header(apr_header *h, const uint8_t *p, size_t n, rz_err *err) {
    if (n < 4 || memcmp(p, "APRN", 4) != 0) {
        return rz_err_set(err, RZ_E_FORMAT, "not an .apr file of version 1: it does not start with APRN");
    }
    if (n < header_bytes + crc_bytes) {
        return rz_err_set(err, RZ_E_TRUNCATED, ".apr: %zu bytes are too few for a header", n);
    }
    *h = (apr_header){.major = p[4],
                      .type = rz_load_u16(p + 6),
                      .compression = p[20],
                      .flags = p[21],
                      .meta_bytes = rz_load_u32(p + 8),
                      .payload_bytes = rz_load_u32(p + 12)};
    uint64_t whole = header_bytes + h->meta_bytes + h->payload_bytes + crc_bytes +
                     (h->flags & flag_signed ? signature_bytes : 0);
    if (whole != n && is_realizar_03(p, n)) {
        return rz_err_set(err, RZ_E_UNSUPPORTED,
                          ".apr: this file has the layout of realizar 0.3, which only that version read");
    }
    if (whole > n) {
        return rz_err_set(err, RZ_E_TRUNCATED, ".apr: the header speaks of %llu bytes, the file has %zu",
                          (unsigned long long)whole, n);
    }
    uint32_t stored = rz_load_u32(p + n - crc_bytes), computed = crc32_of(p, n - crc_bytes);
    if (stored != computed) {
        return rz_err_set(err, RZ_E_FORMAT, ".apr: the checksum is %x but the bytes give %x: the file is damaged",
                          stored, computed);
    }
    if (whole != n) {
        return rz_err_set(err, RZ_E_FORMAT, ".apr: the header speaks of %llu bytes, the file has %zu",
                          (unsigned long long)whole, n);
    }
    if (h->major > 1) {
        return rz_err_set(err, RZ_E_UNSUPPORTED, ".apr: version %u is not supported, only 1", h->major);
    }
    if (h->flags & flag_encrypted) {
        return rz_err_set(err, RZ_E_UNSUPPORTED, ".apr: the file is encrypted");
    }
    if (h->compression) {
        return rz_err_set(err, RZ_E_UNSUPPORTED, ".apr: the payload is compressed with %s: decompress it first",
                          h->compression == 3 ? "lz4" : h->compression < 3 ? "zstd" : "an unknown method");
    }
    return RZ_OK;
}

/* ---- bincode ------------------------------------------------------------------------------- */

/* 0 or 1; any other byte is a mistake. */
static bool read_flag(rz_reader *r) {
    uint8_t flag = rz_read_u8(r);
    if (flag > 1) r->short_read = true;
    return flag == 1;
}

static float read_f32(rz_reader *r) {
    const uint8_t *p = rz_read_bytes(r, 4);
    return p ? rz_load_f32(p) : 0;
}

/* A vector of elements of a fixed size: its first byte and its length. */
static const uint8_t *read_vector(rz_reader *r, uint32_t size, uint64_t *n) {
    uint64_t bytes;
    *n = rz_read_u64(r);
    if (!rz_mul_u64(*n, size, &bytes)) r->short_read = true;
    const uint8_t *p = rz_read_bytes(r, bytes);
    if (!p) *n = 0;
    return p;
}

static void skip_option_u64(rz_reader *r) {
    if (read_flag(r)) rz_read_u64(r);
}

/* What a payload holds: counted in a first pass, filled in a second one. */
typedef struct {
    rz_predictor plan;     /* sizes */
    rz_predictor *fill;    /* NULL while counting */
    uint32_t n_nodes, n_trees;
    rz_dense_layer layer;  /* of the linear kinds */
    const uint8_t *floats; /* coefficients, or centroids */
    float intercept;
    bool trained, finite;
} content;

/* ---- linear kinds and KMeans --------------------------------------------------------------- */

static void read_coefficients(rz_reader *r, content *c) {
    uint64_t n = 0;
    c->trained = read_flag(r);
    c->floats = c->trained ? read_vector(r, 4, &n) : NULL;
    c->intercept = read_f32(r);
    if (n > UINT32_MAX) r->short_read = true;
    c->plan.n_in = (uint32_t)n;
    c->plan.n_params = n + 1;
}

static void read_linear(rz_reader *r, content *c) {
    read_coefficients(r, c);
    read_flag(r); /* fit_intercept */
}

static void read_ridge(rz_reader *r, content *c) {
    read_f32(r); /* alpha */
    read_linear(r, c);
}

static void read_lasso(rz_reader *r, content *c) {
    read_ridge(r, c);
    rz_read_u64(r); /* max_iter */
    read_f32(r);    /* tol */
}

static void read_elastic_net(rz_reader *r, content *c) {
    read_f32(r); /* alpha; then l1_ratio and the fields of Lasso */
    read_lasso(r, c);
}

static void read_logistic(rz_reader *r, content *c) {
    read_coefficients(r, c);
    read_f32(r);    /* learning_rate */
    rz_read_u64(r); /* max_iter */
    read_f32(r);    /* tol */
    c->layer.act = RZ_DENSE_SIGMOID;
}

static void read_kmeans(rz_reader *r, content *c) {
    uint64_t n = 0, rows = 0, cols = 0, product;
    rz_read_u64(r); /* n_clusters */
    rz_read_u64(r); /* max_iter */
    read_f32(r);    /* tol */
    skip_option_u64(r);
    c->trained = read_flag(r);
    if (c->trained) {
        c->floats = read_vector(r, 4, &n);
        rows = rz_read_u64(r);
        cols = rz_read_u64(r);
        if (!rz_mul_u64(rows, cols, &product) || product != n || n == 0 || n > UINT32_MAX) {
            r->short_read = true;
        }
    }
    if (read_flag(r)) read_vector(r, 8, &n); /* labels */
    read_f32(r);                             /* inertia */
    rz_read_u64(r);                          /* n_iter */
    if (r->short_read) return;
    c->plan.n_centroids = (uint32_t)rows;
    c->plan.n_in = (uint32_t)cols;
    c->plan.n_params = rows * cols;
}

/* ---- trees --------------------------------------------------------------------------------- */

static void count_leaf(content *c, rz_reader *r, float value, bool votes) {
    if (votes) {
        if (value > largest_class) r->short_read = true;
        c->plan.n_classes = rz_max_u32(c->plan.n_classes, r->short_read ? 0 : (uint32_t)value + 1);
    }
    c->finite &= value - value == 0;
}

/* One node; false if it is a leaf. */
static bool read_node(rz_reader *r, content *c, bool votes) {
    rz_tree_node node = {.feature = RZ_LEAF};
    uint32_t tag = rz_read_u32(r);
    if (tag > 1) r->short_read = true;
    if (tag == 0) {
        uint64_t feature = rz_read_u64(r);
        if (feature >= RZ_LEAF - 1) r->short_read = true;
        node.feature = (uint32_t)feature;
        node.value = read_f32(r);
        if (!r->short_read) c->plan.n_in = rz_max_u32(c->plan.n_in, node.feature + 1);
    } else {
        uint64_t class = votes ? rz_read_u64(r) : 0;
        node.value = votes ? (float)class : read_f32(r);
        rz_read_u64(r); /* samples */
        count_leaf(c, r, node.value, votes);
    }
    if (c->fill) c->fill->nodes[c->n_nodes] = node;
    c->n_nodes++;
    return tag == 0;
}

/* Preorder. `open` subtrees are still to come; while filling, nodes whose right child is among them
 * are chained through their `right`, the innermost one first. */
static void read_nodes(rz_reader *r, content *c, bool votes) {
    uint32_t chain = RZ_LEAF;
    for (uint64_t open = 1; open && !r->short_read;) {
        uint32_t at = c->n_nodes;
        bool inner = read_node(r, c, votes);
        open = inner ? open + 1 : open - 1;
        if (!c->fill) continue;
        rz_tree_node *nodes = c->fill->nodes;
        if (inner) {
            nodes[at].right = chain;
            chain = at;
        } else if (chain != RZ_LEAF) {
            uint32_t parent = chain;
            chain = nodes[parent].right;
            nodes[parent].right = at + 1;
        }
    }
}

static void read_tree(rz_reader *r, content *c, bool votes) {
    bool trained = read_flag(r);
    c->trained &= trained;
    if (c->fill) c->fill->roots[c->n_trees] = c->n_nodes;
    c->n_trees++;
    if (trained) read_nodes(r, c, votes);
    skip_option_u64(r); /* max_depth */
    if (!votes) {
        rz_read_u64(r); /* min_samples_split */
        rz_read_u64(r); /* min_samples_leaf */
    }
}

static void read_one_tree(rz_reader *r, content *c, bool votes) {
    c->trained = true;
    read_tree(r, c, votes);
    c->plan.vote = votes ? RZ_VOTE_MOST : RZ_VOTE_MEAN;
}

static void read_tree_classifier(rz_reader *r, content *c) { read_one_tree(r, c, true); }
static void read_tree_regressor(rz_reader *r, content *c) { read_one_tree(r, c, false); }

static void read_forest(rz_reader *r, content *c, bool votes) {
    uint64_t n = rz_read_u64(r), ignored;
    c->trained = n > 0;
    for (uint64_t i = 0; i < n && !r->short_read; i++) read_tree(r, c, votes);
    rz_read_u64(r); /* n_estimators */
    skip_option_u64(r);
    skip_option_u64(r);
    n = rz_read_u64(r); /* oob_indices */
    for (uint64_t i = 0; i < n && !r->short_read; i++) read_vector(r, 8, &ignored);
    if (read_flag(r)) { /* x_train */
        read_vector(r, 4, &ignored);
        rz_read_u64(r);
        rz_read_u64(r);
    }
    if (read_flag(r)) read_vector(r, votes ? 8 : 4, &ignored); /* y_train */
    c->plan.vote = votes ? RZ_VOTE_MOST : RZ_VOTE_MEAN;
}

static void read_forest_classifier(rz_reader *r, content *c) { read_forest(r, c, true); }
static void read_forest_regressor(rz_reader *r, content *c) { read_forest(r, c, false); }

/* ---- from payload to predictor ------------------------------------------------------------- */

typedef struct {
    uint32_t type;
    const char *kind;
    void (*read)(rz_reader *r, content *c);
} form;

static const form forms[] = {
    {0x01, "LinearRegression", read_linear},
    {0x01, "Ridge", read_ridge},
    {0x01, "Lasso", read_lasso},
    {0x01, "ElasticNet", read_elastic_net},
    {0x02, "LogisticRegression", read_logistic},
    {0x03, "DecisionTreeClassifier", read_tree_classifier},
    {0x03, "DecisionTreeRegressor", read_tree_regressor},
    {0x04, "RandomForestClassifier", read_forest_classifier},
    {0x04, "RandomForestRegressor", read_forest_regressor},
    {0x06, "KMeans", read_kmeans},
};

/* The form that uses up the payload, with *c as it counted; NULL: none does. */
static const form *find_form(uint32_t type, const uint8_t *payload, size_t n, content *c) {
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        rz_reader r = {.p = payload, .n = n};
        if (forms[i].type != type) continue;
        *c = (content){.finite = true};
        forms[i].read(&r, c);
        if (!r.short_read && rz_read_left(&r) == 0) return &forms[i];
    }
    return NULL;
}

static void fill(content *c, const form *f, const uint8_t *payload, size_t n, rz_predictor *p) {
    if (p->n_nodes) {
        rz_reader r = {.p = payload, .n = n};
        c->fill = p;
        c->n_nodes = c->n_trees = 0;
        f->read(&r, c);
    } else if (p->n_centroids) {
        c->finite = rz_take_floats(p->centroids, c->floats, (uint64_t)p->n_centroids * p->n_in);
    } else {
        c->finite = rz_take_floats(p->layers->w, c->floats, p->n_in) &
                    rz_take_floats(p->layers->b, &c->intercept, 1);
    }
}

static int make(const form *f, content *c, const uint8_t *payload, size_t n,
                const rz_allocator *allocator, rz_predictor **out, rz_err *err) {
    rz_predictor *plan = &c->plan;
    if (!c->trained || (plan->n_in == 0 && !c->n_nodes)) {
        return rz_err_set(err, RZ_E_VALUE, ".apr: this %s was never trained", f->kind);
    }
    plan->kind = f->kind;
    plan->n_out = 1;
    plan->allocator = allocator;
    plan->n_nodes = c->n_nodes;
    plan->n_trees = c->n_trees;
    if (c->n_nodes) {
        plan->n_params = c->n_nodes;
    } else {
        plan->exact = true;
    }
    if (!c->n_nodes && !plan->n_centroids) {
        c->layer.rows = 1;
        c->layer.cols = plan->n_in;
        c->layer.b = &c->intercept;
        plan->layers = &c->layer;
        plan->n_layers = 1;
    }
    int result = rz_predictor_create(out, plan, err);
    if (result) return result;
    fill(c, f, payload, n, *out);
    if (c->finite) return RZ_OK;
    rz_predictor_close(out);
    return rz_err_set(err, RZ_E_VALUE, ".apr: this %s holds NaN or infinity", f->kind);
}

int rz_predictor_apr(const void *file, size_t bytes, const rz_allocator *allocator,
                     rz_predictor **out, rz_err *err) {
    apr_header h = {0};
    content c;
    *out = NULL;
    int result = read_header(&h, file, bytes, err);
    if (result) return result;
    const uint8_t *payload = (const uint8_t *)file + header_bytes + h.meta_bytes;
    const form *f = find_form(h.type, payload, (size_t)h.payload_bytes, &c);
    if (f) return make(f, &c, payload, (size_t)h.payload_bytes, allocator, out, err);
    const char *name = type_name(h.type);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (forms[i].type != h.type) continue;
        return rz_err_set(err, RZ_E_FORMAT, ".apr: the payload is no %s", name);
    }
    return rz_err_set(err, RZ_E_UNSUPPORTED,
                      ".apr: a model of type %s (%x) cannot predict here; linear and logistic "
                      "regressions, decision trees, random forests and KMeans can",
                      name ? name : "unknown", h.type);
}
