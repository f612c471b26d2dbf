// A Worker for chat-hosts.test.mjs: answers {messages, options} with the model that came in the request.
import { load } from 'realizar';
import relaxed from 'realizar/wasm/realizar-relaxed.wasm';
import simd from 'realizar/wasm/realizar-simd.wasm';

export default {
  async fetch(request) {
    const form = await request.formData();
    const { messages, options } = JSON.parse(form.get('chat'));
    const model = await load(form.get('model'), { modules: { relaxed, simd } });
    const pieces = [];
    for await (const piece of model.chatStream(messages, options)) pieces.push(piece);
    const { tokens, timings, message } = await model.chat(messages, options);
    const prompt = await model.applyChatTemplate(messages);
    await model.close();
    return Response.json({ prompt, pieces, tokens, message, promptTokens: timings.promptTokens, cachedTokens: timings.cachedTokens });
  },
};
