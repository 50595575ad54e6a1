import { run } from '@waystation/runtime';
import { app } from './app.js';

await run([app]);
