import { parentPort } from 'node:worker_threads';
import { serveParquet } from '../src/sources/parquet-decoder.js';

if (parentPort !== null) serveParquet(parentPort);
