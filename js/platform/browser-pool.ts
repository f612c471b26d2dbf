/** Worker script of a pool thread in a page. */
import { runPoolThread } from '../abi.js';
import type { PoolThread } from './platform.js';

globalThis.addEventListener('message', (event) => {
  const { module, memory, pool, stackTop } = (event as MessageEvent<PoolThread>).data;
  void runPoolThread(module, memory, pool, stackTop);
});
