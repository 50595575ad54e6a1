import { run } from '../index.js';
import { app } from './app.js';
import { front } from './front.js';

await run([app, front], { service: 'data-plane' });
