import { parentPort, workerData } from 'node:worker_threads';
import { serveCalls } from '../src/soma/client/transport/serve-calls.js';
import type { CallThreadData } from '../src/soma/client/transport/thread-messages.js';

if (parentPort !== null) serveCalls(parentPort, workerData as CallThreadData);
