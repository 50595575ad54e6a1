// What an address answers that serves the other half of the routes: the same to everybody, before any key is looked at.
import { WaystationError } from '@waystation/contracts';
import type { Listener } from './routes.js';

const SERVES: Readonly<Record<Listener, string>> = {
  inference: 'this address serves inference; what manages the station is served at another one',
  management: 'this address serves what manages the station; inference is served at another one',
};

export const elsewhere = (here: Listener): WaystationError =>
  new WaystationError('not_found', `Not Found: ${SERVES[here]}`);
