/** Worker script of a pool thread in Node.js. */
import { runPoolThread } from '../abi.js';
import { workerData } from './node.js';
import type { PoolThread } from './platform.js';

const { module, memory, pool, stackTop } = workerData as PoolThread;
await runPoolThread(module, memory, pool, stackTop);
