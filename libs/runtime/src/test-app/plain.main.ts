// The test app without its HTTP, as most of ours are.
import { run } from '../index.js';
import { app } from './app.js';

const { name, config, module } = app;
await run([{ name, config, module }]);
