// The front without a bus, as the sandbox runs: its HTTP is up, and using the bus is a fault of its own.
import { run } from '../index.js';
import { front } from './front.js';

await run([{ ...front, name: 'sandbox', bus: false }]);
