import { run } from '../index.js';
import { app } from './app.js';

await run([app]);
