// Shared with the page, so nothing is imported.

/** What `use` makes of a model, which is closed then. */
export async function useModel(loading, use) {
  const model = await loading;
  try {
    return await use(model);
  } finally {
    await model.close();
  }
}
