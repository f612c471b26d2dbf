// Loads a model for as long as a function uses it.
import { load } from '../../dist/index-node.js';

export async function withModel(source, options, use) {
  const model = await load(source, options);
  try {
    return await use(model);
  } finally {
    await model.close();
  }
}
