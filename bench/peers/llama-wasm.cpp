/*
 * llama-wasm.cpp: llama.cpp for bench/page/page.mjs: loads a model from the module's own file
 * system and measures greedy generations as llama-cpp.mjs does. What fails is thrown as an Error.
 */
#include <algorithm>
#include <string>
#include <vector>

#include <emscripten.h>
#include <emscripten/bind.h>

#include "llama.h"

/* clang-format off */
EM_JS(void, throw_error, (const char *sentence), { throw new Error(UTF8ToString(sentence)); });
/* clang-format on */

struct Generation {
    double prefill, decode; /* tokens per second */
    int promptTokens;
    std::string text; /* for whoever wants to see that it computes the right thing */
};

static llama_context *context;
static const llama_vocab *vocab;
static std::string errors;

static void keep_error(ggml_log_level level, const char *text, void *) {
    if (level == GGML_LOG_LEVEL_ERROR) errors += text;
}

static void fail(const std::string &what) {
    throw_error(("llama.cpp cannot " + what + (errors.empty() ? "" : ": " + errors)).c_str());
}

static void open_model(const std::string &path, int context_size) {
    llama_log_set(keep_error, nullptr);
    ggml_set_abort_callback(throw_error);
    llama_backend_init();
    llama_model_params model_params = llama_model_default_params();
    model_params.load_mode = LLAMA_LOAD_MODE_NONE; /* mapping would be one more copy of the file */
    llama_model *model = llama_model_load_from_file(path.c_str(), model_params);
    if (!model) fail("load the model");
    vocab = llama_model_get_vocab(model);

    llama_context_params params = llama_context_default_params();
    params.n_ctx = (uint32_t)context_size;
    params.n_batch = 512;
    params.n_threads = params.n_threads_batch = 1;
    context = llama_init_from_model(model, params);
    if (!context) fail("make a context");
}

static std::vector<llama_token> tokenize(const std::string &prompt) {
    std::vector<llama_token> tokens(prompt.size() + 8);
    const int n = llama_tokenize(vocab, prompt.data(), (int)prompt.size(), tokens.data() + 1,
                                 (int)tokens.size() - 1, false, false);
    if (n < 0) fail("tokenize the prompt");
    tokens[0] = llama_vocab_bos(vocab);
    tokens.resize(1 + (size_t)n);
    return tokens;
}

static std::string piece(llama_token token) {
    char text[256];
    const int bytes = llama_token_to_piece(vocab, token, text, sizeof text, 0, false);
    if (bytes < 0) fail("write a token as text");
    return std::string(text, (size_t)bytes);
}

/* Reads tokens and gives the likeliest next one. */
static llama_token decode(llama_token *tokens, size_t n) {
    const int status = llama_decode(context, llama_batch_get_one(tokens, (int)n));
    if (status) fail("decode (status " + std::to_string(status) + ")");
    const float *logits = llama_get_logits_ith(context, -1);
    if (!logits) fail("give logits");
    return (llama_token)(std::max_element(logits, logits + llama_vocab_n_tokens(vocab)) - logits);
}

static Generation generate(const std::string &prompt, int n_tokens) {
    std::vector<llama_token> ids = tokenize(prompt), written;
    llama_memory_clear(llama_get_memory(context), true);
    const double start = emscripten_get_now();
    written.push_back(decode(ids.data(), ids.size()));
    const double first = emscripten_get_now();
    while ((int)written.size() < n_tokens) {
        llama_token last = written.back();
        written.push_back(decode(&last, 1));
    }
    const double end = emscripten_get_now();

    Generation result = {1e3 * (double)ids.size() / (first - start), 0, (int)ids.size(), ""};
    if (n_tokens > 1) result.decode = 1e3 * (n_tokens - 1) / (end - first);
    for (llama_token token : written) result.text += piece(token);
    return result;
}

EMSCRIPTEN_BINDINGS(llama_wasm) {
    emscripten::value_object<Generation>("Generation")
        .field("prefill", &Generation::prefill)
        .field("decode", &Generation::decode)
        .field("promptTokens", &Generation::promptTokens)
        .field("text", &Generation::text);
    emscripten::function("openModel", &open_model);
    emscripten::function("generate", &generate);
}
